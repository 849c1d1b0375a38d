package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// kept is invariant 7: what a person entered is on both sides at the end, or somebody
// replaced it knowingly, or the journal has it as overruled.
func (o *oracle) kept() {
	for _, e := range o.w.edits {
		if e.kind != o.kind || e.dropped || e.flowed {
			continue
		}
		f := o.k.Fields[e.field]
		if f.Consent && e.now != "out" {
			continue // R32: a yes is carried on only if it was firsthand; see consents
		}
		if f.Set || f.Loose || f.Sole || f.Sorts {
			continue
		}
		for _, l := range o.linksOf(e.spot) {
			if why := o.lost(e, l, f, o.same(f, e.side, e.now)); why != "" {
				o.w.blamef("%s of %s was set to %q at %s (#%d) and %s", f.Key, o.name(e.spot), e.now, e.at.UTC().Format("02 15:04:05.000"), e.n, why)
			}
		}
	}
}

// lost says why an edit is accounted for nowhere; "" = all is well. An edit of a record that
// stands alone is where it was: see alone.
func (o *oracle) lost(e edit, link bond, f Field, v string) string {
	partner := link.at(1 - link.end(e.spot))
	here, there := o.shows(e.spot), o.shows(partner)
	_, deleted := o.gone[e.spot]
	_, merged := o.merged[e.spot] // whoever did that saw the value
	_, away := o.w.mapped[f.Key]  // R22: what is edited while it is not mapped holds no delete
	switch {
	case f.Wire[partner.side] == "", !here && (deleted || merged || away):
		return ""
	case o.rests(link), !here && o.sorted(o.of(e.spot)): // it left the filter, and with it the sync
		return ""
	case here && link.Closed != "", here && !there:
		return "" // the other side was deleted; here it stays as it is
	case here && o.value(e.spot, f) == v && o.value(partner, f) == v:
		return ""
	case !here && (o.reached(e.spot, f, v) || o.folded(e.spot, f, v) || o.toldTranslated(e, f) || o.goneUntold(e, f, v)):
		return ""
	case v == "" && (!e.at.After(o.firstMet(link, f)) || o.metLate(e, f)):
		return "" // R5: an empty field is filled at the first match
	case o.replaced(e, f, v), o.overruled(e, f, v), o.takenBack(e, f, v), o.forgotten(e, f, v):
		return ""
	case v == "" && o.filled(e.spot), o.crossed(e, f, v):
		return ""
	case o.automated(e.spot, f), o.automated(partner, f), o.remappedAway(e, f), o.heldByHand(link, f):
		return ""
	case f.Consent && o.grantedAfter(o.of(e.spot), e.n, o.w.serial+1):
		return ""
	case strings.HasPrefix(o.diverged(link, f), "refused") && o.same(f, e.side, e.was) != v && o.bothTouched(o.of(e.spot), f):
		return "" // R2: put back to what we had just replaced, which looks like a refusal: shown, left alone
	case !o.told(f, e.side, e.now), there && !o.told(f, partner.side, o.raw(partner, f)):
		return "" // R11: it refers to what has no partner
	case here && o.cutBack(e, f):
		return ""
	}
	if o.mistaken(e.spot, f, v) {
		return "" // see equal
	}
	if o.undid(e, f, v) {
		o.w.counts["an edit back to what a write of unknown outcome had replaced"]++
		return ""
	}
	if (o.w.set.Sides[e.side].Blind || o.foldedUnseen(e)) && o.overwritten(e, f) {
		o.w.counts["an edit lost in the window"]++
		return ""
	}
	now, then := "is gone", "is gone"
	if here {
		now = fmt.Sprintf("has %q", o.value(e.spot, f))
	}
	if there {
		then = fmt.Sprintf("has %q", o.value(partner, f))
	}
	return fmt.Sprintf("was neither kept nor overruled: it %s, %s %s (link %d %s%q)", now, o.name(partner), then, link.ID, link.Closed, link.Diverged)
}

// cutBack reports whether a vendor brought back a record without a reference, since people had deleted
// what it referred to.
func (o *oracle) cutBack(e edit, f Field) bool {
	if f.Ref == 0 || o.raw(e.spot, f) != "" || !slices.Contains(o.w.back, e.spot) {
		return false
	}
	_, gone := o.gone[spot{f.Ref - 1, e.side, e.now}]
	return gone
}

// firstMet is when a field of a pair was first compared, or compared anew.
func (o *oracle) firstMet(l bond, f Field) time.Time {
	at := o.linked[l.ID]
	if again := o.w.mapped[f.Key]; again.After(at) {
		return again
	}
	return at
}

// metLate reports whether a field was agreed on for the first time only after an edit, because nobody
// had said yet which side is right, or because it was mapped again while a record of the pair was out
// of sight.
func (o *oracle) metLate(e edit, f Field) bool {
	_, anew := o.w.mapped[f.Key]
	waited := slices.ContainsFunc(slices.Concat(o.reviews, o.w.met), func(r asked) bool {
		about, _ := o.field(r.Field)
		return r.kind == o.kind && r.Kind == store.ReviewConflict && r.Link == 0 && about.Key == f.Key && !r.Opened.After(e.at)
	})
	return (anew && o.w.counts[hidden] > 0 || waited) && slices.ContainsFunc(o.journal, func(x line) bool {
		after := x.At.After(e.at) || x.At.Equal(e.at) && o.same(f, e.side, x.New.Text()) != o.same(f, e.side, e.was)
		return x.Kind == store.Written && x.spot == e.spot && x.Field == f.Wire[e.side] && after && strings.HasPrefix(x.Why, "first match: ")
	})
}

// linksOf returns the open links of a record, else its last closed one.
func (o *oracle) linksOf(at spot) []bond {
	var open, last []bond
	for _, l := range o.links {
		switch {
		case l.end(at) < 0:
		case l.Closed == "":
			open = append(open, l)
		default:
			last = []bond{l}
		}
	}
	if open != nil {
		return open
	}
	return last
}

// replaced reports whether a person saw the value, at whichever side, when entering another.
func (o *oracle) replaced(e edit, f Field, v string) bool {
	return slices.ContainsFunc(o.edits[o.of(e.spot)], func(x edit) bool {
		return x.n > e.n && x.kind == e.kind && o.k.Fields[x.field].Key == f.Key && (o.same(f, x.side, x.was) == v || o.seenTranslated(e, x, f))
	}) || o.replacedBefore(e, f, v)
}

// replacedBefore reports whether a merge carried a value over from a record that was lost, and a person
// had replaced it there, or at a partner that the record had, after it was entered: what is agreed on goes
// along with a merge, and so does what was edited since (R24).
func (o *oracle) replacedBefore(e edit, f Field, v string) bool {
	if e.from.id == "" {
		return false
	}
	var of []edit // of the field, in the records that the value comes from and their partners
	from := []spot{e.from}
	for i := 0; i < len(from); i++ {
		for _, x := range o.edits[o.of(e.spot)] {
			if x.kind != e.kind || o.k.Fields[x.field].Key != f.Key || x.n >= e.n || x.spot != from[i] && !o.partnered(x.spot, from[i]) {
				continue
			}
			if of = append(of, x); x.from.id != "" && !slices.Contains(from, x.from) {
				from = append(from, x.from)
			}
		}
	}
	since := -1
	for _, x := range of {
		if x.from.id == "" && !x.dropped && o.same(f, x.side, x.now) == v {
			since = max(since, x.n)
		}
	}
	return since >= 0 && slices.ContainsFunc(of, func(x edit) bool { return x.n > since && o.same(f, x.side, x.was) == v })
}

// partnered reports whether two records were ever linked, as far as a restore has left it known or not.
func (o *oracle) partnered(one, two spot) bool {
	return slices.ContainsFunc(slices.Concat(o.links, o.past), func(l bond) bool { return l.end(one) >= 0 && l.end(two) >= 0 })
}

// mistaken reports whether a value was entered between our write and the look at
// what came of it, at a vendor that tells no versions: it cannot be told from what the vendor
// makes of a value, and the journal says so (R2).
func (o *oracle) mistaken(at spot, f Field, v string) bool {
	return o.w.set.Sides[at.side].Blind && slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Rewritten && x.spot == at && x.Field == f.Wire[at.side] && o.same(f, at.side, x.New.Text()) == v
	})
}

// window is how long ago the hub may have looked at a record that it overwrites (R4), and how
// long a request may take.
const window = 30*time.Second + 2*time.Minute

// overwritten reports whether the hub wrote over an edit so soon that it need not have seen
// it, at a vendor that cannot refuse such a write.
func (o *oracle) overwritten(e edit, f Field) bool {
	acts := o.w.set.Sides[e.side].Twin.Kit().Ledger().Acts()
	for _, act := range acts[e.acts:] {
		_, wrote := act.Fields[f.Wire[e.side]]
		verb := o.w.set.Sides[e.side].verb(act)
		if wrote = wrote || verb == "delete" || verb == "archive" || verb == "merge"; wrote && ours(act) && act.Object == o.k.Objects[e.side] && act.ID == e.id {
			return act.At.Sub(acts[e.acts-1].At) < window
		}
	}
	return false
}

// foldedUnseen reports whether the hub merged the edited record into another one within the time
// that a request may take: it looks right before, but no vendor merges only if nothing has changed (R4).
func (o *oracle) foldedUnseen(e edit) bool {
	acts := o.w.set.Sides[e.side].Twin.Kit().Ledger().Acts()
	return slices.ContainsFunc(acts[e.acts:], func(act twin.Act) bool {
		return ours(act) && act.Verb == "merge" && act.Object == o.k.Objects[e.side] && act.ID == e.id && act.At.Sub(acts[e.acts-1].At) < 2*time.Minute
	})
}

// takenBack reports whether the edit brought back a value that an earlier one had replaced: if
// nobody had looked in between, nothing has changed.
func (o *oracle) takenBack(e edit, f Field, v string) bool {
	return slices.ContainsFunc(o.edits[o.of(e.spot)], func(x edit) bool {
		return x.spot == e.spot && x.n < e.n && o.k.Fields[x.field].Key == f.Key && o.same(f, x.side, x.was) == v
	})
}

// undid reports whether an edit brought back what a write of ours had just replaced of which the
// hub never learned that it was carried out: to it the write has not happened yet.
func (o *oracle) undid(e edit, f Field, v string) bool {
	acts, wire := o.w.set.Sides[e.side].Twin.Kit().Ledger().Acts(), f.Wire[e.side]
	for i := e.acts - 1; i >= 0; i-- {
		sent, told := acts[i].Fields[wire]
		if !told || !ours(acts[i]) || acts[i].Object != o.k.Objects[e.side] || acts[i].ID != e.id {
			continue
		}
		learned := slices.ContainsFunc(o.journal, func(x line) bool {
			return x.Kind == store.Written && x.spot == e.spot && x.Field == wire && x.At.Before(e.at) && o.same(f, e.side, x.New.Text()) == o.same(f, e.side, sent)
		})
		return !learned && acts[i].Verb == "update" && o.same(f, e.side, lastOf(acts[:i], acts[i], wire)) == v
	}
	return false
}

// forgotten reports whether the edit brought back a value that the record had held before, in a
// life in which the hub was restored (R34): to the hub that may be what it has always had.
func (o *oracle) forgotten(e edit, f Field, v string) bool {
	if o.w.past == nil {
		return false
	}
	acts := o.w.set.Sides[e.side].Twin.Kit().Ledger().Acts()
	return slices.ContainsFunc(acts[:max(0, e.acts-1)], func(act twin.Act) bool {
		held, told := act.Fields[f.Wire[e.side]]
		empty := act.Verb == "create" && !told // what is not told of a new record is empty
		return (told || empty) && act.Object == o.k.Objects[e.side] && act.ID == e.id && o.same(f, e.side, held) == v
	})
}

// overruled reports whether the journal has a value as overruled, or had it when the hub was
// restored: that was to be told by an operation of which the hub had no answer yet (R34).
func (o *oracle) overruled(e edit, f Field, v string) bool {
	whole := o.of(e.spot)
	for _, x := range o.w.pastLosses {
		at := spot{o.kind, x.side, x.id}
		if o.of(at) == whole && x.object == o.k.Objects[x.side] && x.field == f.Wire[x.side] && o.same(f, x.side, x.value) == v {
			return true
		}
	}
	return slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Overruled && x.Why != "" && o.of(x.spot) == whole &&
			x.Field == f.Wire[x.side] && o.same(f, x.side, x.Old.Text()) == v
	})
}

// crossed reports whether both sides had come to a value by themselves while, unseen yet, a person
// was replacing it at one of them: that is the younger edit for all that anybody can know.
func (o *oracle) crossed(e edit, f Field, v string) bool {
	whole := o.of(e.spot)
	agreed := slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Agreed && x.Why == "both changed to the same" && o.of(x.spot) == whole && x.Field == f.Wire[x.side] && o.same(f, x.side, x.New.Text()) == v
	})
	return agreed && slices.ContainsFunc(o.edits[whole], func(x edit) bool {
		return x.kind == e.kind && x.side != e.side && o.k.Fields[x.field].Key == f.Key && o.same(f, x.side, x.was) == v
	})
}

// filled reports whether the hub merged another record into one that stands for the same:
// vendors fill what is empty from the one that is lost.
func (o *oracle) filled(at spot) bool {
	return slices.ContainsFunc(o.journal, func(x line) bool { return x.Kind == store.Folded && o.of(x.spot) == o.of(at) })
}

// folded reports whether the journal tells that a record was merged into another one by us
// while it held a value.
func (o *oracle) folded(at spot, f Field, v string) bool {
	return slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Folded && x.spot == at && o.same(f, at.side, x.Set[f.Wire[at.side]].Text()) == v
	})
}

// foldedInto reports whether the journal tells that we merged a record into that one.
func (o *oracle) foldedInto(at, into spot) bool {
	return slices.ContainsFunc(o.journal, func(x line) bool { return x.Kind == store.Folded && x.spot == at && x.New.Text() == into.id })
}

// reached reports whether a value of a record has ever been told to another side.
func (o *oracle) reached(at spot, f Field, v string) bool {
	if v == "" {
		return true // nothing was there to be told
	}
	return slices.ContainsFunc(o.members[o.of(at)], func(m spot) bool {
		return m.side != at.side && slices.ContainsFunc(o.w.set.Sides[m.side].Twin.Kit().Ledger().Acts(), func(act twin.Act) bool {
			return act.Object == o.k.Objects[m.side] && act.ID == m.id && o.same(f, m.side, act.Fields[f.Wire[m.side]]) == v
		})
	})
}

// holders returns the records of one side that people ever gave a value of a key, or that
// hold it now.
func (o *oracle) holders(side int, v string, f Field) []spot {
	ids := map[string]bool{}
	for _, act := range o.w.set.Sides[side].Twin.Kit().Ledger().Acts() {
		if act.Object == o.k.Objects[side] && o.same(f, side, act.Fields[f.Wire[side]]) == v {
			ids[act.ID] = true
		}
	}
	for id, row := range o.rows[side] {
		if o.same(f, side, row.Fields[f.Wire[side]]) == v {
			ids[id] = true
		}
	}
	var out []spot
	for id := range ids {
		out = append(out, spot{o.kind, side, id})
	}
	slices.SortFunc(out, func(a, b spot) int { return strings.Compare(a.id, b.id) })
	return out
}
