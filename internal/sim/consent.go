package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// What people say about mail, as it is counted.
const (
	denied  = "a person said no to mail"
	granted = "a person said yes to mail by their own form"
)

// no is how a vendor keeps a person's no.
const no = "out"

// A lift is a no that the hub replaced by anything else (R32).
type lift struct {
	spot
	n     int // of all that people did until then
	began time.Time
	to    string
}

// consent finds the field that is a person's yes or no.
func (k Kind) consent() (int, bool) {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Consent })
	return i, i >= 0
}

// watchConsent follows what records say about mail, and notes when the hub takes a no away.
func (w *world) watchConsent(side int, act twin.Act) {
	for kind, k := range w.set.Kinds {
		i, is := k.consent()
		if !is || k.Objects[side] != act.Object {
			continue
		}
		at := spot{kind, side, act.ID}
		says, told := act.Fields[k.Fields[i].Wire[side]]
		if !told {
			continue
		}
		if ours(act) && w.says[at] == no && says != no {
			w.lifts = append(w.lifts, lift{at, w.serial, w.began, says})
		}
		switch w.says[at] = says; {
		case ours(act):
		case says == no:
			w.counts[denied]++
		case says != "" && w.set.Sides[side].Forms:
			w.counts[granted]++
		}
	}
}

// consents is R32: a no is taken away only after the person has said yes themselves, later than
// every no that was there when the run began.
func (o *oracle) consents() {
	for _, l := range o.w.lifts {
		if l.kind != o.kind {
			continue
		}
		last := 0
		for _, e := range o.edits[o.of(l.spot)] {
			if o.isConsent(e) && !e.dropped && e.now == no && e.n < l.n && e.at.Before(l.began) {
				last = max(last, e.n)
			}
		}
		if !o.grantedAfter(o.of(l.spot), last, l.n+1) {
			o.w.blamef("the hub took a no to mail from %s (%q), and the person had not said yes again", o.name(l.spot), l.to)
		}
	}
}

func (o *oracle) isConsent(e edit) bool { return e.kind == o.kind && o.k.Fields[e.field].Consent }

// grantedAfter reports whether a person said yes by their own form between two acts.
func (o *oracle) grantedAfter(whole spot, after, before int) bool {
	return slices.ContainsFunc(o.edits[whole], func(e edit) bool {
		return o.isConsent(e) && e.now != no && e.now != "" && o.w.set.Sides[e.side].Forms && e.n > after && e.n < before
	})
}

// unsaid reports whether a value is a consent that the hub may overrule by itself.
func (o *oracle) unsaid(f Field, v string) bool { return f.Consent && v != record.Denied }

// aboutConsent reports whether a question about a field is one that a no raises: about the no
// itself, or about another address for somebody who has said it.
func (o *oracle) aboutConsent(at spot, f Field) bool {
	if !f.Consent && f.Key != o.k.Key {
		return false
	}
	return slices.ContainsFunc(o.edits[o.of(at)], func(e edit) bool { return o.isConsent(e) && e.now == no })
}

// heldByHand reports whether a person, who was asked because of a no, decided for the side that
// only follows: the other one is not written to.
func (o *oracle) heldByHand(l bond, f Field) bool {
	return strings.Contains(o.diverged(l, f), ": decided for ") && o.aboutConsent(l.at(0), f)
}

// decidedForConsent reports whether a value was overruled by a person who had been asked because
// of a no.
func (o *oracle) decidedForConsent(e line, f Field) bool {
	return strings.Contains(e.Why, ": decided for ") && o.aboutConsent(e.spot, f)
}

// saysNo finds the side that a careful operator chooses where a no is in question: the one that
// says it, since nobody has proven to them that the person has agreed again.
func (w *world) saysNo(s Sync, item store.Review) (string, bool) {
	if item.Kind != store.ReviewConflict || item.Link == 0 {
		return "", false
	}
	kind := slices.IndexFunc(w.set.Kinds, func(k Kind) bool { return slices.ContainsFunc(k.Syncs, func(x Sync) bool { return x.Name == s.Name }) })
	i, is := w.set.Kinds[kind].consent()
	if !is {
		return "", false
	}
	f := w.set.Kinds[kind].Fields[i]
	if key, _, _ := strings.Cut(item.Field, "="); key != f.Key {
		return "", false
	}
	links, err := w.store.Links(w.ctx, s.Name, 0, 1<<20)
	n := slices.IndexFunc(links, func(l store.Link) bool { return l.ID == item.Link })
	if err != nil || n < 0 {
		return "", false
	}
	for end, choice := range []string{"left", "right"} {
		row, ok := w.row(spot{kind, s.Ends[end], links[n].IDs[end]})
		if ok && row.Fields[f.Wire[s.Ends[end]]] == no && slices.Contains(item.Choices, choice) {
			return choice, true
		}
	}
	return "", false
}
