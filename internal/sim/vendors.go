package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// What vendors do by themselves, as it is counted.
const (
	touchedOne = "a record touched without a change"
	touchedAll = "all records touched a thousand times without a change"
	relabelled = "an option's label renamed"
	automated  = "an automation changed a second field"
	rewound    = "a vendor restored from a backup"
)

// A toucher is a twin that moves a record's stamp although nothing has changed.
type toucher interface{ Touch(object, id string) error }

// touchOne moves the stamp of one record.
func (w *world) touchOne(kind, side int) {
	row, ok := w.some(kind, side)
	t, can := w.set.Sides[side].Twin.(toucher)
	if ok && can && t.Touch(w.set.Kinds[kind].Objects[side], row.ID) == nil {
		w.count(touchedOne)
	}
}

// touchAll moves the stamps of all that a side has, over and over. It reports whether it did.
func (w *world) touchAll(side int) bool {
	t, can := w.set.Sides[side].Twin.(toucher)
	all := w.shown(side)
	if !can || len(all) == 0 {
		return false
	}
	for i := range 1000 {
		at := all[i%len(all)]
		if err := t.Touch(w.set.Kinds[at.kind].Objects[side], at.id); err != nil {
			w.blamef("%s cannot be touched: %v", w.name(at), err)
		}
	}
	return true
}

// A relabeler is a twin that gives an option another label.
type relabeler interface {
	Relabel(object, field, option, label string) error
}

// relabel lets an administrator of a vendor rename the label of an option: what is synced is not
// known by that.
func (w *world) relabel(side int) {
	r, can := w.set.Sides[side].Twin.(relabeler)
	if !can {
		return
	}
	for _, k := range w.set.Kinds {
		for _, f := range k.Fields {
			if f.Options == nil || k.Objects[side] == "" {
				continue
			}
			w.serial++
			option := f.Options[w.rnd.IntN(len(f.Options))]
			if err := r.Relabel(k.Objects[side], f.Wire[side], option, fmt.Sprint("Label ", w.serial)); err != nil {
				w.blamef("%s cannot be relabelled: %v", f.Key, err)
			}
			w.count(relabelled)
		}
	}
}

// noteFlows notes what a side's automation has changed since this was last asked.
func (w *world) noteFlows(side int) {
	acts := w.set.Sides[side].Twin.Kit().Ledger().Acts()
	for i := w.flowed[side]; i < len(acts); i++ {
		if acts[i].By != workflow {
			continue
		}
		for kind, k := range w.set.Kinds {
			for n, f := range k.Fields {
				if value, set := acts[i].Fields[f.Wire[side]]; set && k.Objects[side] == acts[i].Object {
					w.serial++
					w.counts[automated]++
					w.edits = append(w.edits, edit{spot: spot{kind, side, acts[i].ID}, n: w.serial, at: time.Now(), field: n,
						was: w.heldBefore(acts[:i], acts[i], spot{kind, side, acts[i].ID}, n), now: value, flowed: true, acts: i + 1})
				}
			}
		}
	}
	w.flowed[side] = len(acts)
}

// heldBefore is what a field of the record of an act held before it: what the ledger last told of it,
// or what a merge by people has made of it since, of which the ledger tells no values. Of a record that
// a merge has made anew, it tells nothing at all.
func (w *world) heldBefore(acts []twin.Act, of twin.Act, at spot, field int) string {
	wire := w.set.Kinds[at.kind].Fields[field].Wire[at.side]
	silent := func(since int) bool {
		return since <= len(acts) && !slices.ContainsFunc(acts[since:], func(a twin.Act) bool {
			_, told := a.Fields[wire]
			return told && a.Object == of.Object && a.ID == of.ID
		})
	}
	for _, e := range slices.Backward(w.edits) {
		if e.spot != at || e.field != field || e.acts > len(acts) {
			continue
		}
		if silent(e.acts) {
			return e.now
		}
		break
	}
	for _, m := range slices.Backward(w.fused) {
		if m.kind == at.kind && m.side == at.side && m.into == at.id && silent(m.acts) {
			return m.shows[wire]
		}
	}
	return lastOf(acts, of, wire)
}

// lastOf is what a field of the record of an act was last set to before it.
func lastOf(acts []twin.Act, of twin.Act, wire string) string {
	for _, act := range slices.Backward(acts) {
		if v, told := act.Fields[wire]; told && act.Object == of.Object && act.ID == of.ID {
			return v
		}
	}
	return ""
}

// automated reports whether a record shows what the vendor's automation made of a field that our
// own write had just set: to us that is what the vendor makes of the value (R2). People may have
// merged that record into another one since.
func (o *oracle) automated(at spot, f Field) bool {
	if o.setByFlow(at, f, o.raw(at, f)) || o.setAgain(at, f) {
		return true
	}
	for lost, into := range o.merged {
		if into == at && o.setByFlow(lost, f, o.raw(at, f)) {
			return true
		}
	}
	return false
}

// setAgain reports whether the vendor's automation has put back what it had made of our own write, over
// what people entered since, before anybody looked: to us nothing has changed.
func (o *oracle) setAgain(at spot, f Field) bool {
	var last line
	for _, x := range o.journal {
		if x.spot == at && x.Field == f.Wire[at.side] && !x.At.Before(last.At) {
			last = x
		}
	}
	acts := o.w.set.Sides[at.side].Twin.Kit().Ledger().Acts()
	i := lastIndex(acts, func(a twin.Act) bool {
		_, told := a.Fields[f.Wire[at.side]]
		return told && a.Object == o.k.Objects[at.side] && a.ID == at.id
	})
	return last.Kind == store.Rewritten && o.same(f, at.side, last.New.Text()) == o.value(at, f) && i >= 0 && acts[i].By == workflow
}

func lastIndex(acts []twin.Act, is func(twin.Act) bool) int {
	for i, act := range slices.Backward(acts) {
		if is(act) {
			return i
		}
	}
	return -1
}

// setByFlow reports whether a record was last given a value by the vendor's automation, over our
// own write.
func (o *oracle) setByFlow(at spot, f Field, shown string) bool {
	acts := o.w.set.Sides[at.side].Twin.Kit().Ledger().Acts()
	for i := len(acts) - 1; i > 0; i-- {
		act, before := acts[i], acts[i-1]
		value, set := act.Fields[f.Wire[at.side]]
		if !set || act.Object != o.k.Objects[at.side] || act.ID != at.id || act.By == person && lastOf(acts[:i], act, f.Wire[at.side]) == value {
			continue // whoever saves what is there leaves it as it came about
		}
		_, named := before.Fields[f.Wire[at.side]]
		return act.By == workflow && value == shown && named && ours(before) && before.ID == at.id && before.Object == act.Object
	}
	return false
}

// A rewinder is a twin that can be taken back to how it was.
type rewinder interface{ Remember() func() }

// imported is how many records are made at once after a vendor's backup: with fewer, nobody
// could tell a restore from people who clear up (R33).
const imported = 16

// rememberVendor lets a vendor make its backup, and people import records after it.
func (w *world) rememberVendor() {
	side := w.set.Acts.Rewind - 1
	r, can := w.set.Sides[side].Twin.(rewinder)
	if !can {
		return
	}
	w.former = r.Remember()
	w.notef("%s is backed up by its vendor", w.set.Sides[side].Connection)
	for kind, k := range w.set.Kinds {
		if k.Rising {
			for range imported {
				w.create(kind, side, fmt.Sprint("I", w.serial))
			}
		}
	}
}

// rewind restores a vendor to what it was, while all is quiet or the hub has work to do, and
// vendors, disks and processes fail as ever. The hub has to find that out before it has done any harm
// (R33), and to stand still until a person has answered. They have the vendor bring back what was
// lost; meanwhile others go on with their work elsewhere.
func (w *world) rewind() {
	if w.former == nil {
		return
	}
	side := w.set.Acts.Rewind - 1
	r, can := w.set.Sides[side].Twin.(rewinder)
	if !can {
		return
	}
	if w.set.Acts.AtWork { // the hub has seen at least what is there; what waits, waits
		w.clear()
		w.showAll()
		w.run(true)
		w.quiet = true // nobody works at the vendor while it is restored
	}
	w.pass(25 * time.Minute)
	forth := r.Remember()
	w.former()
	w.rewound = true
	w.count(rewound)
	for n := range 4 { // however often it runs
		if w.clear(); n < 3 {
			w.weather()
		}
		before := w.written()
		w.run(n%2 == 1)
		if n := w.written() - before; n > 0 {
			w.blamef("%d writes after %s was restored from a backup", n, w.set.Sides[side].Connection)
		}
		for kind := range w.set.Kinds {
			w.edit(kind, w.across(kind, side))
		}
		w.pass(25 * time.Minute)
	}
	forth()
	if !w.answerRestored() {
		w.blamef("%s was restored from a backup, and nobody was asked: %s", w.set.Sides[side].Connection, w.last)
	}
	w.calm()
}

// answerRestored says that what the vendor does not show is gone: all of it has been brought back.
func (w *world) answerRestored() bool {
	items, err := w.store.Reviews(w.ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewIdentity}, Open: true, Limit: 1 << 20})
	if err != nil {
		w.blamef("the questions cannot be read: %v", err)
	}
	asked := false
	for _, item := range items {
		if !slices.Contains(item.Choices, "deleted") {
			continue
		}
		asked = true
		w.notef("decide %q: deleted", item.Subject)
		if err := w.store.DecideReview(w.ctx, item.ID, "deleted", "ann", time.Now()); err != nil {
			w.blamef("%s cannot be decided: %v", item.Subject, err)
		}
	}
	return asked
}
