package sim

import (
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// What people do seldom, at vendors that let them.

// A folder is a twin on which people merge records.
type folder interface {
	MergeInto(object, keep string, lose ...string) (string, error)
}

// A binner is a twin on which people put records aside and bring them back.
type binner interface {
	Archive(object, id string) error
	Restore(object, id string) error
}

// A fusion is two records of one side of which a person made one.
type fusion struct {
	kind, side int
	lost       []string
	into       string
	n          int
	at         time.Time         // by the vendor's clock
	shows      map[string]string // what remains, right after
	acts       int               // how many acts the side's ledger had
}

// rare lets a person do one of the rarer things, if this life has any.
func (w *world) rare(kind, side int) {
	acts := w.set.Acts
	if acts.Touch && w.rnd.IntN(3) == 0 {
		w.touchOne(kind, side)
		return
	}
	switch n := w.rnd.IntN(4); {
	case n == 0 && acts.Restore:
		w.archive(kind, side)
	case n == 1 && acts.Restore:
		w.comeBack()
	case acts.Hide && w.rnd.IntN(2) == 0:
		w.hide(kind, side)
	case n == 2 && acts.Merge && w.rnd.IntN(2) == 0 && !w.busy:
		w.mergeBoth(kind, side)
	case n >= 2 && acts.Merge:
		w.merge(kind, side)
	default:
		w.edit(kind, side)
	}
}

// merge makes one record of two.
func (w *world) merge(kind, side int) {
	keep, ok := w.some(kind, side)
	lose, also := w.row(spot{kind, side, w.pick(kind, side)})
	if ok && also && keep.ID != lose.ID {
		w.fold(kind, side, keep, lose)
	}
}

func (w *world) fold(kind, side int, keep, lose twin.Row) bool {
	k, a := w.set.Kinds[kind], w.set.Sides[side]
	f, can := a.Twin.(folder)
	if !can {
		return false
	}
	id, err := f.MergeInto(k.Objects[side], keep.ID, lose.ID)
	if err != nil {
		w.counts["the vendor refused a person"]++
		return false
	}
	at := spot{kind, side, id}
	w.notef("  %s/%s merged into %s, which is %s now", w.name(at), lose.ID, keep.ID, id)
	w.serial++
	after, _ := w.row(at)
	fused := fusion{kind, side, []string{lose.ID}, id, w.serial, a.Twin.Kit().Now(), after.Fields, len(a.Twin.Kit().Ledger().Acts())}
	switch {
	case id != keep.ID:
		fused.lost = append(fused.lost, keep.ID)
		w.counts["a merge into a third record"]++
	case a.Untold:
		w.counts["a merge without a pointer"]++
	default:
		w.counts["a merge with a pointer"]++
	}
	w.fused = append(w.fused, fused)
	names := map[string]string{}
	for _, f := range k.Fields {
		names[f.Wire[side]] = ""
	}
	before := len(w.edits)
	w.noteEdits(at, names, keep.Fields, after.Fields, false)
	for i := range w.edits[before:] {
		w.edits[before+i].from = spot{kind, side, lose.ID}
	}
	for name := range names { // an empty field is not what the merge threw away
		if lose.Fields[name] == "" {
			delete(names, name)
		}
	}
	w.noteEdits(at, names, lose.Fields, after.Fields, true)
	return true
}

// mergeBoth merges the same two things on both sides, each into the other.
func (w *world) mergeBoth(kind, side int) {
	for _, s := range w.set.Kinds[kind].Syncs {
		if s.Ends[0] != side && s.Ends[1] != side {
			continue
		}
		links, err := w.store.Links(w.ctx, s.Name, 0, 1<<20)
		if err != nil {
			w.blamef("the links cannot be read: %v", err)
			return
		}
		links = slices.DeleteFunc(links, func(l store.Link) bool {
			_, left := w.row(spot{kind, s.Ends[0], l.IDs[0]})
			_, right := w.row(spot{kind, s.Ends[1], l.IDs[1]})
			return l.Closed != "" || !left || !right
		})
		if len(links) < 2 {
			return
		}
		i := w.rnd.IntN(len(links) - 1)
		one, two := links[i], links[i+1]
		var rows [2][2]twin.Row
		for end := range 2 {
			rows[end][0], _ = w.row(spot{kind, s.Ends[end], one.IDs[end]})
			rows[end][1], _ = w.row(spot{kind, s.Ends[end], two.IDs[end]})
		}
		if w.fold(kind, s.Ends[0], rows[0][0], rows[0][1]) && w.fold(kind, s.Ends[1], rows[1][1], rows[1][0]) {
			w.counts["merges in opposite directions"]++
		}
		return
	}
}

// archive puts a record aside.
func (w *world) archive(kind, side int) {
	row, ok := w.some(kind, side)
	b, can := w.set.Sides[side].Twin.(binner)
	if !ok || !can {
		return
	}
	at := spot{kind, side, row.ID}
	before := w.shown(side)
	if b.Archive(w.set.Kinds[kind].Objects[side], row.ID) != nil {
		w.counts["the vendor refused a person"]++
		return
	}
	w.counts["a record archived"]++
	w.noteGone(before, at)
}

// hidden is how it is counted that a record is taken out of the credential's sight.
const hidden = "a record hidden from us"

// A hider is a twin of which a person can take records out of the credential's sight.
type hider interface {
	Hide(object, id string, hidden bool) error
}

// hide takes a record out of sight until another day.
func (w *world) hide(kind, side int) {
	if row, ok := w.some(kind, side); ok {
		w.conceal(spot{kind, side, row.ID})
	}
}

func (w *world) conceal(at spot) {
	h, can := w.set.Sides[at.side].Twin.(hider)
	if can && h.Hide(w.set.Kinds[at.kind].Objects[at.side], at.id, true) == nil {
		w.hidden, w.veiled = append(w.hidden, at), append(w.veiled, at)
		w.count(hidden)
		w.notef("  %s/%s hidden", w.name(at), at.id)
	}
}

// showAll brings all records into sight again. What is gone meanwhile waits until people have brought
// it back.
func (w *world) showAll() {
	w.hidden = slices.DeleteFunc(w.hidden, func(at spot) bool {
		h, can := w.set.Sides[at.side].Twin.(hider)
		shown := !can || h.Hide(w.set.Kinds[at.kind].Objects[at.side], at.id, false) == nil
		if shown && slices.Contains(w.missed, at) {
			w.noteLate(at)
		}
		return shown
	})
}

// noteLate notes that a record which was out of sight when the hub was restored came into sight again
// only when that was over: when both sides had been listed, and what stood alone there was asked about.
func (w *world) noteLate(at spot) {
	w.missed = slices.DeleteFunc(w.missed, func(m spot) bool { return m == at })
	for _, s := range w.set.Kinds[at.kind].Syncs {
		_, caring, err := w.store.Restored(w.ctx, s.Name)
		if err != nil {
			w.blamef("nobody knows whether %s was restored: %v", s.Name, err)
		}
		if !caring {
			w.late[seat{at, s.Name}] = time.Now()
		}
	}
}

// comeBack brings back one of the records that people have taken away.
func (w *world) comeBack() {
	if len(w.gone) == 0 {
		return
	}
	at := w.gone[w.rnd.IntN(len(w.gone))].spot
	b, can := w.set.Sides[at.side].Twin.(binner)
	if !can || b.Restore(w.set.Kinds[at.kind].Objects[at.side], at.id) != nil {
		return // it is there again, or cannot be brought back
	}
	w.serial++
	w.counts["a record restored with its id"]++
	w.back = append(w.back, at)
	w.notef("  %s/%s restored", w.name(at), at.id)
}
