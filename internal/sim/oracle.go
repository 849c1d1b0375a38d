package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A bond is a link, and the sync that made it.
type bond struct {
	store.Link
	kind int
	sync Sync
}

func (b bond) at(end int) spot { return spot{b.kind, b.sync.Ends[end], b.IDs[end]} }

// A seat is a record in one sync.
type seat struct {
	spot
	sync string
}

// end is where a side stands in the bond; -1 = nowhere.
func (b bond) end(at spot) int {
	for end := range 2 {
		if b.at(end) == at {
			return end
		}
	}
	return -1
}

// A line is one of the journal, and the record that it is about.
type line struct {
	store.Entry
	spot

	lost bool // by a restore, after which the numbers of links were given again
}

// An asked is a question, and the record that it is about.
type asked struct {
	store.Review
	spot

	other int // the account of its candidates
}

// A family is what is known of all kinds when all is quiet: who was ever linked with whom,
// and what people did to each.
type family struct {
	w       *world
	links   [][]bond // by kind
	past    []bond   // that a restore has lost
	whole   map[spot]spot
	members map[spot][]spot // the reverse
	linked  map[int64]time.Time
	edits   map[spot][]edit // by whole
	gone    map[spot]removal
	merged  map[spot]spot // a record that people merged → the one that it went into
	journal []line
	reviews []asked
}

// An oracle is what is known of one kind when all is quiet: what people did, what the sides
// show, and what the hub says of itself.
type oracle struct {
	*family
	kind    int
	k       Kind
	rows    []map[string]twin.Row // by account
	links   []bond
	journal []line
	reviews []asked
}

// judge holds everything against what people did.
func (w *world) judge() {
	f, err := w.remember()
	if err != nil {
		w.blamef("the hub cannot be asked: %v", err)
		return
	}
	for kind := range w.set.Kinds {
		o := f.consult(kind)
		o.pairs()
		o.kept()
		o.alone()
		o.creates()
		o.deletes()
		o.writes()
		o.questions()
		o.values()
		o.consents()
	}
	w.settled()
	w.rest()
}

// remember asks the hub for all that it says, and finds the records that were ever linked
// with each other.
func (w *world) remember() (*family, error) {
	f := &family{w: w, links: make([][]bond, len(w.set.Kinds)), whole: map[spot]spot{}, members: map[spot][]spot{}, linked: map[int64]time.Time{},
		edits: map[spot][]edit{}, gone: map[spot]removal{}, merged: map[spot]spot{}}
	for kind, k := range w.set.Kinds {
		for _, s := range k.Syncs {
			if err := f.ask(kind, s); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range f.journal {
		if _, ok := f.linked[l.Link]; !ok && !l.lost {
			f.linked[l.Link] = l.At
		}
	}
	f.join()
	return f, nil
}

func (f *family) ask(kind int, s Sync) error {
	links, err := f.w.store.Links(f.w.ctx, s.Name, 0, 1<<20)
	if err != nil {
		return err
	}
	for _, l := range links {
		f.links[kind] = append(f.links[kind], bond{l, kind, s})
	}
	reviews, err := f.w.store.Reviews(f.w.ctx, store.ReviewQuery{Sync: s.Name, Limit: 1 << 20})
	if err != nil {
		return err
	}
	for _, r := range reviews {
		f.reviews = append(f.reviews, asked{r, spot{kind, s.Ends[r.Side], r.Record}, s.Ends[1-r.Side]})
	}
	journal, err := f.w.store.History(f.w.ctx, store.HistoryQuery{Sync: s.Name, Limit: 1 << 20})
	if err != nil {
		return err
	}
	for _, e := range f.w.past {
		if e.Sync == s.Name && !slices.ContainsFunc(journal, func(x store.Entry) bool { return x.ID == e.ID && x.At.Equal(e.At) }) {
			f.journal = append(f.journal, line{e, spot{kind, s.Ends[e.Side], e.Record}, true})
		}
	}
	for _, e := range journal {
		f.journal = append(f.journal, line{e, spot{kind, s.Ends[e.Side], e.Record}, false})
	}
	return nil
}

func (f *family) join() {
	for _, links := range f.links {
		for _, l := range links {
			f.unite(l.at(0), l.at(1))
		}
	}
	for kind, k := range f.w.set.Kinds { // what the hub knew before it was restored
		for _, s := range k.Syncs {
			for _, l := range f.w.pastLinks[s.Name] {
				b := bond{l, kind, s}
				f.unite(b.at(0), b.at(1))
				f.past = append(f.past, b)
			}
		}
	}
	for _, r := range f.reviews { // what a person has recognized as made for another one
		if at := (spot{r.kind, r.other, r.Decision}); f.recognized(at) {
			f.unite(r.spot, at)
		}
	}
	for _, m := range f.w.fused {
		for _, id := range m.lost {
			f.unite(spot{m.kind, m.side, m.into}, spot{m.kind, m.side, id})
			f.merged[spot{m.kind, m.side, id}] = spot{m.kind, m.side, m.into}
		}
	}
	for _, same := range f.returned() {
		f.unite(same[0], same[1])
	}
	for _, e := range f.w.edits {
		f.edits[f.of(e.spot)] = append(f.edits[f.of(e.spot)], e)
	}
	for at, whole := range f.whole {
		f.members[whole] = append(f.members[whole], at)
	}
	for _, g := range f.w.gone {
		f.gone[g.spot] = g
	}
}

func (f *family) unite(one, two spot) {
	a, b := f.of(one), f.of(two)
	for at, whole := range f.whole {
		if whole == b {
			f.whole[at] = a
		}
	}
	f.whole[b] = a
}

func (f *family) of(at spot) spot {
	if whole, ok := f.whole[at]; ok {
		return whole
	}
	f.whole[at] = at
	return at
}

func (f *family) consult(kind int) *oracle {
	k := f.w.set.Kinds[kind]
	o := &oracle{family: f, kind: kind, k: k, links: f.links[kind], rows: make([]map[string]twin.Row, len(f.w.set.Sides))}
	for side := range o.rows {
		o.rows[side] = map[string]twin.Row{}
		if k.Objects[side] == "" {
			continue
		}
		for _, r := range f.w.rows(kind, side) {
			o.rows[side][r.ID] = r
		}
	}
	for _, l := range f.journal {
		if l.kind == kind && l.Of.Name == k.Objects[l.side] {
			o.journal = append(o.journal, l)
		}
	}
	for _, r := range f.reviews {
		if r.kind == kind {
			o.reviews = append(o.reviews, r)
		}
	}
	return o
}

// same brings the values of a field at one side that mean the same to the same text.
func (f *family) same(fld Field, side int, v string) string {
	if fld.Means != nil {
		return fld.Means(side, v)
	}
	if fld.Ref == 0 || v == "" {
		return fld.same(v)
	}
	whole := f.of(spot{fld.Ref - 1, side, v})
	return fmt.Sprintf("%d.%d.%s", whole.kind, whole.side, whole.id)
}

func (f *family) name(at spot) string { return f.w.name(at) + "/" + at.id }

func (o *oracle) value(at spot, f Field) string {
	return o.same(f, at.side, o.raw(at, f))
}

func (o *oracle) raw(at spot, f Field) string { return o.rows[at.side][at.id].Fields[f.Wire[at.side]] }

func (o *oracle) shows(at spot) bool {
	_, ok := o.rows[at.side][at.id]
	return ok
}

// told reports whether a value of a field can be told to other sides: a reference to what has no
// partner cannot, nor one to what has a partner that is gone, about which nobody has decided yet (R11).
func (o *oracle) told(f Field, side int, v string) bool {
	if f.Ref == 0 || v == "" {
		return true
	}
	return slices.ContainsFunc(o.family.links[f.Ref-1], func(l bond) bool {
		end := l.end(spot{f.Ref - 1, side, v})
		if end < 0 || l.Closed != "" {
			return false
		}
		_, there := o.w.row(l.at(1 - end))
		return there
	})
}

// pairs: both sides of every pair hold the same, and no record is in two pairs.
func (o *oracle) pairs() {
	held := map[seat]int64{}
	for _, l := range o.links {
		if l.Closed != "" {
			continue
		}
		for end := range 2 {
			at := seat{l.at(end), l.sync.Name}
			if other, twice := held[at]; twice {
				o.w.blamef("%s is in two open pairs, %d and %d", o.name(l.at(end)), other, l.ID)
			}
			held[at] = l.ID
		}
		left, right := o.shows(l.at(0)), o.shows(l.at(1))
		if !left && o.emptyAndShy(l.at(0)) || !right && o.emptyAndShy(l.at(1)) {
			o.w.counts["a record of an object that a vendor shows nothing of"]++
			continue
		}
		if !left || !right {
			if l.Diverged["*"] == "" || !o.someoneDeleted(l) {
				o.w.blamef("link %d (%s, %s) is open and a side is not there (left %t, right %t): %q", l.ID, o.name(l.at(0)), o.name(l.at(1)), left, right, l.Diverged)
			}
			continue
		}
		o.equal(l)
	}
}

// recognized reports whether a person has said of a record that it is what a create has made that
// was cut off (R16).
func (f *family) recognized(at spot) bool {
	return slices.ContainsFunc(f.reviews, func(r asked) bool {
		return strings.HasSuffix(r.Text, resembles) && r.kind == at.kind && r.other == at.side && r.Decision == at.id && slices.Contains(r.Candidates, at.id)
	})
}

// emptyAndShy reports whether a side shows no record at all of which that proves anything.
func (o *oracle) emptyAndShy(at spot) bool {
	return o.w.set.Sides[at.side].Shy && len(o.rows[at.side]) == 0
}

func (o *oracle) someoneDeleted(l bond) bool {
	for end := range 2 {
		if _, gone := o.gone[l.at(end)]; gone {
			return true
		}
		if _, merged := o.merged[l.at(end)]; merged {
			return true
		}
	}
	return false
}

func (o *oracle) equal(l bond) {
	left, right := l.at(0), l.at(1)
	if o.rests(l) {
		return
	}
	for _, f := range o.k.Fields {
		if f.Loose || f.Sorts || f.Wire[left.side] == "" || f.Wire[right.side] == "" || f.Sole && o.diverged(l, f) != "" {
			continue
		}
		if strings.HasPrefix(o.diverged(l, f), "refused") && o.bothTouched(o.of(left), f) {
			continue // R2; see lost
		}
		if o.heldByHand(l, f) {
			continue
		}
		if !o.told(f, left.side, o.raw(left, f)) || !o.told(f, right.side, o.raw(right, f)) {
			o.w.counts["a reference to what has no partner"]++
			continue
		}
		if o.mistaken(left, f, o.value(left, f)) || o.mistaken(right, f, o.value(right, f)) {
			o.w.counts["an edit taken for the vendor's own"]++
			continue
		}
		if o.automated(left, f) || o.automated(right, f) {
			o.w.counts["a write that the vendor's automation overwrote"]++
			continue
		}
		if o.inherited(l, f) || o.refilled(l, f) {
			continue
		}
		if a, b := o.value(left, f), o.value(right, f); a != b && !o.keptByHand(f) {
			o.w.blamef("%s of link %d differs: %s has %q, %s has %q (diverged: %q)", f.Key, l.ID, o.name(left), a, o.name(right), b, o.diverged(l, f))
		}
	}
}

// inherited reports whether a follower, from which nothing is carried back, has what it got from a
// record that people merged into its source, or the hub as people had done with their partners: of a set all elements of the source and further ones, of
// another field a value where the source was empty at the first match. At that nothing says that they
// were removed (R5, R12).
func (o *oracle) inherited(l bond, f Field) bool {
	from, to := l.at(0), l.at(1)
	if !o.w.set.Sides[to.side].Still || !slices.ContainsFunc(o.members[o.of(from)], func(m spot) bool { return m.side == from.side && (o.merged[m] == from || o.foldedInto(m, from)) }) {
		return false
	}
	if !f.Set {
		return o.value(from, f) == "" && slices.ContainsFunc(o.journal, func(x line) bool {
			return x.Kind == store.Agreed && x.Link == l.ID && x.spot == to && x.Field == f.Wire[to.side] && x.Why == "first match: left is empty and is not written to"
		})
	}
	has := strings.Split(o.value(to, f), ";")
	return o.value(from, f) == "" || !slices.ContainsFunc(strings.Split(o.value(from, f), ";"), func(e string) bool { return !slices.Contains(has, e) })
}

// refilled reports whether a follower, from which nothing is carried back, shows what its vendor filled
// it with, where it was empty, from the record that the hub merged into it, as people had done with both
// sources (R24). That is the follower's own change, and stays until the source changes again (R10):
// nobody has edited the source's field since, and nothing was written there.
func (o *oracle) refilled(l bond, f Field) bool {
	from, to := l.at(0), l.at(1)
	if !o.w.set.Sides[to.side].Still || o.value(from, f) != "" {
		return false
	}
	wire, acts := f.Wire[to.side], o.w.set.Sides[to.side].Twin.Kit().Ledger().Acts()
	return slices.ContainsFunc(o.journal, func(x line) bool {
		if x.Kind != store.Folded || x.side != to.side || x.New.Text() != to.id || o.same(f, to.side, x.Set[wire].Text()) != o.value(to, f) {
			return false
		}
		i := slices.IndexFunc(acts, func(a twin.Act) bool {
			return ours(a) && a.Verb == "merge" && a.Object == o.k.Objects[to.side] && a.ID == x.id
		})
		if i < 0 || lastOf(acts[:i], twin.Act{Object: o.k.Objects[to.side], ID: to.id}, wire) != "" {
			return false
		}
		written := slices.ContainsFunc(acts[i:], func(a twin.Act) bool {
			_, told := a.Fields[wire]
			return told && a.Object == o.k.Objects[to.side] && a.ID == to.id
		})
		return !written && !slices.ContainsFunc(o.edits[o.of(from)], func(e edit) bool {
			return e.spot == from && o.k.Fields[e.field].Key == f.Key && e.told != nil && e.told[to.side] > i
		})
	})
}

// rests reports whether a pair is left as it is because a side has left the filter.
func (o *oracle) rests(l bond) bool {
	return strings.HasSuffix(l.Diverged["*"], "no longer passes the filter") &&
		(!l.sync.in(0, o.rows[l.at(0).side][l.IDs[0]].Fields) || !l.sync.in(1, o.rows[l.at(1).side][l.IDs[1]].Fields))
}

func (o *oracle) diverged(l bond, f Field) string {
	for key, why := range l.Diverged {
		if d, ok := o.field(key); ok && d.Key == f.Key {
			return why
		}
	}
	return ""
}

func (o *oracle) keyField() Field { return o.k.keyField() }

// field finds a field by the name that the hub gives it: one side's, or both joined.
func (o *oracle) field(name string) (Field, bool) {
	key, _, _ := strings.Cut(name, "=")
	i := slices.IndexFunc(o.k.Fields, func(f Field) bool { return f.Key == key || slices.Contains(f.Wire, key) && key != "" })
	if i < 0 {
		return Field{}, false
	}
	return o.k.Fields[i], true
}

func shorten(lines []string) string { return strings.Join(lines[:min(len(lines), 5)], "; ") }
