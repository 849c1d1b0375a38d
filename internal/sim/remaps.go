package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// remapped is how it is counted that a value map was changed in the middle of a life.
const remapped = "a value map changed"

// keptByHand reports whether a person said of a field, of which the value map was another one for
// a time, that what is there stays (R19).
func (o *oracle) keptByHand(f Field) bool {
	return f.Means != nil && slices.ContainsFunc(o.reviews, func(r asked) bool { return r.Kind == store.ReviewConfiguration && r.Decision == "keep" })
}

// carriedByOther reports whether a field of a pair was last carried over by a value map that was
// tried and set back, before anybody had approved of it: nothing looks at such a field again until
// somebody edits it (R19).
func (o *oracle) carriedByOther(whole spot, f Field) bool {
	var last time.Time
	for _, x := range o.journal {
		told := x.Kind == store.Created || x.Field == f.Wire[x.side] && (x.Kind == store.Written || x.Kind == store.Agreed)
		if told && o.of(x.spot) == whole && x.At.After(last) {
			last = x.At
		}
	}
	return f.Means != nil && slices.ContainsFunc(o.w.remaps, func(span [2]time.Time) bool {
		return !last.Before(span[0]) && last.Before(span[1])
	})
}

// remappedAway reports whether an edit was replaced because a person approved of what another
// value map makes of the other side, or said that what is there stays (R19).
func (o *oracle) remappedAway(e edit, f Field) bool {
	if f.Means == nil || !o.w.remapped {
		return false
	}
	whole := o.of(e.spot)
	return o.keptByHand(f) || o.carriedByOther(whole, f) || slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Written && strings.HasPrefix(x.Why, store.ByConfiguration) && o.of(x.spot) == whole && x.Field == f.Wire[x.side] && !x.At.Before(e.at)
	})
}

// translated reports whether a value may be what a value map that was tried made of what a
// person entered.
func (o *oracle) translated(whole spot, f Field) bool {
	return f.Means != nil && o.w.remapped && slices.ContainsFunc(o.edits[whole], func(e edit) bool {
		return e.kind == o.kind && o.k.Fields[e.field].Key == f.Key
	})
}
