package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// remapped is how it is counted that a value map was changed in the middle of a life.
const remapped = "a value map changed"

// keptByHand reports whether a person said of a field, of which the value map was another one for
// a time, that what is there stays (R19).
func (o *oracle) keptByHand(f Field) bool {
	return f.Means != nil && slices.ContainsFunc(o.reviews, func(r asked) bool { return r.Kind == store.ReviewConfiguration && r.Decision == "keep" })
}

// seenTranslated reports whether a person who entered another value at the other side saw what a
// value map that was tried then had made of this one: by the map that holds now that is not the same.
// It was written between the two edits, of which the ledger there tells the order within an instant, too.
func (o *oracle) seenTranslated(e, later edit, f Field) bool {
	if f.Means == nil || later.side == e.side || e.told == nil || e.told[later.side] > later.acts {
		return false
	}
	wire, acts := f.Wire[later.side], o.w.set.Sides[later.side].Twin.Kit().Ledger().Acts()
	wrote := slices.ContainsFunc(acts[e.told[later.side]:later.acts], func(act twin.Act) bool {
		v, told := act.Fields[wire]
		return told && v == later.was && ours(act) && act.Object == o.k.Objects[later.side] && act.ID == later.id
	})
	return wrote && slices.ContainsFunc(o.journal, func(x line) bool {
		carried := x.Kind == store.Written && x.Field == wire && x.New.Text() == later.was || x.Kind == store.Created && x.Set[wire].Text() == later.was
		return carried && x.spot == later.spot && !x.At.Before(e.at) && !x.At.After(later.at) && o.w.tries(x.At)
	})
}

// toldTranslated reports whether an edit was told to another side by a value map that was tried
// then: by the map that holds now that is another value. Within an instant the ledger there tells the
// order, since a person may enter a record while the hub is reading its page.
func (o *oracle) toldTranslated(e edit, f Field) bool {
	return f.Means != nil && slices.ContainsFunc(o.journal, func(x line) bool {
		wire := f.Wire[x.side]
		v := x.New
		if x.Kind == store.Created {
			v = x.Set[wire]
		}
		carried := (x.Kind == store.Written && x.Field == wire || x.Kind == store.Created) && !v.IsEmpty() && x.side != e.side && o.of(x.spot) == o.of(e.spot)
		return carried && (x.At.After(e.at) || x.At.Equal(e.at) && o.toldSince(e, x.spot, wire, v.Text())) && o.w.tries(x.At)
	})
}

// toldSince reports whether the hub gave a record a value after a person had done something.
func (o *oracle) toldSince(e edit, to spot, wire, v string) bool {
	return e.told != nil && slices.ContainsFunc(o.w.set.Sides[to.side].Twin.Kit().Ledger().Acts()[e.told[to.side]:], func(act twin.Act) bool {
		sent, told := act.Fields[wire]
		return told && sent == v && ours(act) && act.Object == o.k.Objects[to.side] && act.ID == to.id
	})
}

// goneUntold reports whether a record went with its partner while a value map was tried by which nothing
// can be told of a value: its partner was made without it, and the value that went is in the journal. By
// the rules of that time it would not have been carried over, and so holds no delete (R22).
func (o *oracle) goneUntold(e edit, f Field, v string) bool {
	return f.Means != nil && slices.ContainsFunc(o.journal, func(made line) bool {
		n := o.w.trial(made.At)
		without := made.Kind == store.Created && made.side != e.side && o.of(made.spot) == o.of(e.spot) && made.Set[f.Wire[made.side]].IsEmpty()
		return without && n >= 0 && made.At.After(e.at) && slices.ContainsFunc(o.journal, func(x line) bool {
			went := (x.Kind == store.Deleted || x.Kind == store.Archived) && x.spot == e.spot && o.same(f, e.side, x.Set[f.Wire[e.side]].Text()) == v
			return went && x.At.After(made.At) && o.w.trial(x.At) == n
		})
	})
}

// tries reports whether another value map was tried at a moment.
func (w *world) tries(at time.Time) bool { return w.trial(at) >= 0 }

// trial tells the attempts apart at which another value map was tried; -1 = at none.
func (w *world) trial(at time.Time) int {
	return slices.IndexFunc(w.remaps, func(span [2]time.Time) bool {
		return !at.Before(span[0]) && (span[1].IsZero() || at.Before(span[1]))
	})
}

// remappedAway reports whether an edit was replaced because a person approved of what another
// value map makes of the other side, or said that what is there stays (R19).
func (o *oracle) remappedAway(e edit, f Field) bool {
	if f.Means == nil || !o.w.remapped {
		return false
	}
	whole := o.of(e.spot)
	return o.keptByHand(f) || slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Written && strings.HasPrefix(x.Why, store.ByConfiguration) && o.of(x.spot) == whole && x.Field == f.Wire[x.side] && !x.At.Before(e.at)
	})
}

// approvedOf counts how often a field was written because a person approved of what another value map
// makes of it, there and back (R19).
func (o *oracle) approvedOf(whole spot, key string) int {
	n := 0
	for _, x := range o.journal {
		f, ok := o.field(x.Field)
		if ok && f.Key == key && x.Kind == store.Written && strings.HasPrefix(x.Why, store.ByConfiguration) && o.of(x.spot) == whole {
			n++
		}
	}
	return n
}

// translated reports whether a value may be what a value map that was tried made of what a
// person entered.
func (o *oracle) translated(whole spot, f Field) bool {
	return f.Means != nil && o.w.remapped && slices.ContainsFunc(o.edits[whole], func(e edit) bool {
		return e.kind == o.kind && o.k.Fields[e.field].Key == f.Key
	})
}

// comparedAnew reports whether a value lost a match made anew, since only a value map that was tried had
// said that it is what the other side holds: which of them was meant then nobody knows (R5, R19).
func (o *oracle) comparedAnew(e line, f Field) bool {
	return f.Means != nil && strings.HasPrefix(e.Why, "first match: ") && slices.ContainsFunc(o.journal, func(x line) bool {
		about, ok := o.field(x.Field)
		return x.Kind == store.Unmapped && x.spot == e.spot && ok && about.Key == f.Key && !x.At.After(e.At) &&
			x.Why == "only a value map that nobody approved of said that both are the same"
	})
}
