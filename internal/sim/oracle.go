package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// An oracle is what is known of one kind when all is quiet: what people did, what both
// sides show, and what the hub says of itself.
type oracle struct {
	w       *world
	kind    int
	k       Kind
	rows    [2]map[string]twin.Row
	links   []store.Link
	journal []store.Entry // of the sync
	reviews []store.Review
	whole   map[spot]spot   // a record → the one that stands for all it was ever linked with
	members map[spot][]spot // the reverse
	linked  map[int64]time.Time
	edits   map[spot][]edit // by whole
	gone    map[spot]removal
}

// judge holds everything against what people did.
func (w *world) judge() {
	for kind := range w.set.Kinds {
		o, err := w.consult(kind)
		if err != nil {
			w.blamef("the hub cannot be asked: %v", err)
			return
		}
		o.pairs()
		o.kept()
		o.alone()
		o.creates()
		o.deletes()
		o.writes()
		o.questions()
		o.values()
	}
	w.settled()
	w.rest()
}

func (w *world) consult(kind int) (*oracle, error) {
	k := w.set.Kinds[kind]
	o := &oracle{w: w, kind: kind, k: k, whole: map[spot]spot{}, members: map[spot][]spot{}, linked: map[int64]time.Time{}, edits: map[spot][]edit{}, gone: map[spot]removal{}}
	for side := range o.rows {
		o.rows[side] = map[string]twin.Row{}
		for _, r := range w.set.Sides[side].Twin.Rows(k.Objects[side]) {
			o.rows[side][r.ID] = r
		}
	}
	var err error
	if o.links, err = w.store.Links(w.ctx, k.Sync, 0, 1<<20); err != nil {
		return nil, err
	}
	if o.reviews, err = w.store.Reviews(w.ctx, store.ReviewQuery{Sync: k.Sync, Limit: 1 << 20}); err != nil {
		return nil, err
	}
	if o.journal, err = w.store.History(w.ctx, store.HistoryQuery{Sync: k.Sync, Limit: 1 << 20}); err != nil {
		return nil, err
	}
	for _, e := range o.journal {
		if _, ok := o.linked[e.Link]; !ok {
			o.linked[e.Link] = e.At
		}
	}
	o.join()
	return o, nil
}

// join finds the records that were ever linked with each other.
func (o *oracle) join() {
	for _, l := range o.links {
		a, b := o.of(spot{o.kind, 0, l.IDs[0]}), o.of(spot{o.kind, 1, l.IDs[1]})
		for at, whole := range o.whole {
			if whole == b {
				o.whole[at] = a
			}
		}
		o.whole[b] = a
	}
	for _, e := range o.w.edits {
		if e.kind == o.kind {
			o.edits[o.of(e.spot)] = append(o.edits[o.of(e.spot)], e)
		}
	}
	for at, whole := range o.whole {
		o.members[whole] = append(o.members[whole], at)
	}
	for _, g := range o.w.gone {
		o.gone[g.spot] = g
	}
}

func (o *oracle) of(at spot) spot {
	if whole, ok := o.whole[at]; ok {
		return whole
	}
	o.whole[at] = at
	return at
}

func (o *oracle) name(side int, id string) string { return o.w.set.Sides[side].Connection + "/" + id }

func (o *oracle) value(side int, id string, f Field) string {
	return f.same(o.rows[side][id].Fields[f.Wire[side]])
}

// pairs: both sides of every pair hold the same, and no record is in two pairs.
func (o *oracle) pairs() {
	held := map[spot]int64{}
	for _, l := range o.links {
		if l.Closed != "" {
			continue
		}
		for side := range 2 {
			at := spot{o.kind, side, l.IDs[side]}
			if other, twice := held[at]; twice {
				o.w.blamef("%s is in two open pairs, %d and %d", o.name(side, l.IDs[side]), other, l.ID)
			}
			held[at] = l.ID
		}
		_, left := o.rows[0][l.IDs[0]]
		_, right := o.rows[1][l.IDs[1]]
		if !left || !right {
			if l.Diverged["*"] == "" || !o.someoneDeleted(l) {
				o.w.blamef("link %d (%s, %s) is open and a side is not there (left %t, right %t): %q", l.ID, o.name(0, l.IDs[0]), o.name(1, l.IDs[1]), left, right, l.Diverged)
			}
			continue
		}
		o.equal(l)
	}
}

func (o *oracle) someoneDeleted(l store.Link) bool {
	_, left := o.gone[spot{o.kind, 0, l.IDs[0]}]
	_, right := o.gone[spot{o.kind, 1, l.IDs[1]}]
	return left || right
}

func (o *oracle) equal(l store.Link) {
	for _, f := range o.k.Fields {
		if f.Loose || f.Wire[0] == "" || f.Wire[1] == "" || f.Sole && o.diverged(l, f) != "" {
			continue
		}
		if strings.HasPrefix(o.diverged(l, f), "refused") && o.bothTouched(o.of(spot{o.kind, 0, l.IDs[0]}), f) {
			continue // R2; see lost
		}
		if o.mistaken(0, l.IDs[0], f, o.value(0, l.IDs[0], f)) || o.mistaken(1, l.IDs[1], f, o.value(1, l.IDs[1], f)) {
			o.w.counts["an edit taken for the vendor's own"]++
			continue
		}
		if a, b := o.value(0, l.IDs[0], f), o.value(1, l.IDs[1], f); a != b {
			o.w.blamef("%s of link %d differs: %s has %q, %s has %q (diverged: %q)", f.Key, l.ID, o.name(0, l.IDs[0]), a, o.name(1, l.IDs[1]), b, o.diverged(l, f))
		}
	}
}

func (o *oracle) diverged(l store.Link, f Field) string {
	for key, why := range l.Diverged {
		if d, ok := o.field(key); ok && d.Key == f.Key {
			return why
		}
	}
	return ""
}

// kept is invariant 7: what a person entered is on both sides at the end, or somebody
// replaced it knowingly, or the journal has it as overruled.
func (o *oracle) kept() {
	for _, e := range o.w.edits {
		f := o.k.Fields[e.field%len(o.k.Fields)]
		if e.kind != o.kind || f.Set || f.Loose || f.Wire[1-e.side] == "" || f.Sole {
			continue
		}
		v := f.same(e.now)
		if why := o.lost(e, f, v); why != "" {
			o.w.blamef("%s of %s was set to %q at %s (#%d) and %s", f.Key, o.name(e.side, e.id), e.now, e.at.UTC().Format("02 15:04:05.000"), e.n, why)
		}
	}
}

// lost says why an edit is accounted for nowhere; "" = all is well.
func (o *oracle) lost(e edit, f Field, v string) string {
	link, ok := o.linkOf(e.spot)
	if !ok {
		return "" // it stands alone: see alone
	}
	partner := link.IDs[1-e.side]
	if _, deleted := o.gone[e.spot]; deleted {
		return ""
	}
	_, here := o.rows[e.side][e.id]
	_, there := o.rows[1-e.side][partner]
	switch {
	case here && link.Closed != "", here && !there:
		return "" // the other side was deleted; here it stays as it is
	case here && o.value(e.side, e.id, f) == v && o.value(1-e.side, partner, f) == v:
		return ""
	case !here && o.reached(spot{o.kind, 1 - e.side, partner}, f, v):
		return ""
	case v == "" && !e.at.After(o.linked[link.ID]):
		return "" // R5: an empty field is filled at the first match
	case o.replaced(e, f, v), o.overruled(e, f, v), o.takenBack(e, f, v):
		return ""
	case strings.HasPrefix(o.diverged(link, f), "refused") && f.same(e.was) != v && o.bothTouched(o.of(e.spot), f):
		return "" // R2: put back to what we had just replaced, which looks like a refusal: shown, left alone
	}
	if o.mistaken(e.side, e.id, f, v) {
		return "" // see equal
	}
	if o.w.set.Sides[e.side].Blind && o.overwritten(e, f) {
		o.w.counts["an edit lost in the window"]++
		return ""
	}
	now, then := "is gone", "is gone"
	if here {
		now = fmt.Sprintf("has %q", o.value(e.side, e.id, f))
	}
	if there {
		then = fmt.Sprintf("has %q", o.value(1-e.side, partner, f))
	}
	return fmt.Sprintf("was neither kept nor overruled: it %s, %s %s (link %d %s%q)", now, o.name(1-e.side, partner), then, link.ID, link.Closed, link.Diverged)
}

// linkOf returns the open link of a record, else its last closed one.
func (o *oracle) linkOf(at spot) (store.Link, bool) {
	var found store.Link
	for _, l := range o.links {
		if l.IDs[at.side] == at.id && (found.ID == 0 || found.Closed != "") {
			found = l
		}
	}
	return found, found.ID != 0
}

// replaced reports whether a person saw the value, at either side, when entering another.
func (o *oracle) replaced(e edit, f Field, v string) bool {
	return slices.ContainsFunc(o.edits[o.of(e.spot)], func(x edit) bool {
		return x.n > e.n && o.k.Fields[x.field].Key == f.Key && f.same(x.was) == v
	})
}

// mistaken reports whether a value was entered between our write and the look at
// what came of it, at a vendor that tells no versions: it cannot be told from what the vendor
// makes of a value, and the journal says so (R2).
func (o *oracle) mistaken(side int, id string, f Field, v string) bool {
	return o.w.set.Sides[side].Blind && slices.ContainsFunc(o.journal, func(x store.Entry) bool {
		return x.Kind == store.Rewritten && int(x.Side) == side && x.Record == id && x.Field == f.Wire[side] && f.same(x.New.Text()) == v
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
		if wrote = wrote || verb == "delete" || verb == "archive"; wrote && act.By != person && act.Object == o.k.Objects[e.side] && act.ID == e.id {
			return act.At.Sub(acts[e.acts-1].At) < window
		}
	}
	return false
}

// takenBack reports whether the edit brought back a value that an earlier one had replaced: if
// nobody had looked in between, nothing has changed.
func (o *oracle) takenBack(e edit, f Field, v string) bool {
	return slices.ContainsFunc(o.edits[o.of(e.spot)], func(x edit) bool {
		return x.spot == e.spot && x.n < e.n && o.k.Fields[x.field].Key == f.Key && f.same(x.was) == v
	})
}

func (o *oracle) overruled(e edit, f Field, v string) bool {
	whole := o.of(e.spot)
	return slices.ContainsFunc(o.journal, func(x store.Entry) bool {
		return x.Kind == store.Overruled && x.Why != "" && o.of(spot{o.kind, int(x.Side), x.Record}) == whole &&
			x.Field == f.Wire[x.Side] && f.same(x.Old.Text()) == v
	})
}

// reached reports whether a record has ever held a value.
func (o *oracle) reached(at spot, f Field, v string) bool {
	if v == "" {
		return true // nothing was there to be told
	}
	for _, act := range o.w.set.Sides[at.side].Twin.Kit().Ledger().Acts() {
		if act.Object == o.k.Objects[at.side] && act.ID == at.id && f.same(act.Fields[f.Wire[at.side]]) == v {
			return true
		}
	}
	return false
}

// holders returns the records of one side that people ever gave a value of a key, or that
// hold it now.
func (o *oracle) holders(side int, v string, f Field) []string {
	ids := map[string]bool{}
	for _, act := range o.w.set.Sides[side].Twin.Kit().Ledger().Acts() {
		if act.Object == o.k.Objects[side] && f.same(act.Fields[f.Wire[side]]) == v {
			ids[act.ID] = true
		}
	}
	var out []string
	for id := range ids {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (o *oracle) keyField() Field {
	i := slices.IndexFunc(o.k.Fields, func(f Field) bool { return f.Key == o.k.Key })
	return o.k.Fields[i]
}

// field finds a field by the name that the hub gives it: one side's, or both joined.
func (o *oracle) field(name string) (Field, bool) {
	key, _, _ := strings.Cut(name, "=")
	i := slices.IndexFunc(o.k.Fields, func(f Field) bool { return f.Key == key || f.Wire[0] == key || f.Wire[1] == key })
	if i < 0 {
		return Field{}, false
	}
	return o.k.Fields[i], true
}

func shorten(lines []string) string { return strings.Join(lines[:min(len(lines), 5)], "; ") }
