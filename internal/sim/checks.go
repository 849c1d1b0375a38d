package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// alone: a record without an open pair stands by itself for a reason that people gave.
func (o *oracle) alone() {
	standings, err := o.w.store.Standings(o.w.ctx, o.k.Sync, 1<<20)
	if err != nil {
		o.w.blamef("the reasons cannot be read: %v", err)
	}
	for side := range 2 {
		for id, row := range o.rows[side] {
			if l, ok := o.linkOf(spot{o.kind, side, id}); ok && l.Closed == "" {
				continue
			}
			i := slices.IndexFunc(standings, func(s store.Standing) bool { return int(s.Side) == side && s.ID == id })
			if i < 0 {
				o.w.blamef("%s is neither paired nor excluded", o.name(side, id))
				continue
			}
			if why := o.excused(side, row, standings[i]); why != "" {
				o.w.blamef("%s stands alone (%s: %s) but %s", o.name(side, id), standings[i].Reason, standings[i].Detail, why)
			}
		}
	}
}

// excused says why a reason does not hold; "" = it does.
func (o *oracle) excused(side int, row twin.Row, s store.Standing) string {
	f := o.keyField()
	key := f.same(row.Fields[f.Wire[side]])
	switch s.Reason {
	case "closed":
		if o.deletedIn(o.of(spot{o.kind, side, row.ID})) {
			return ""
		}
		for _, id := range o.holders(1-side, key, f) { // the record that has its key lost its own partner
			if o.deletedIn(o.of(spot{o.kind, 1 - side, id})) {
				return ""
			}
		}
		return "nobody deleted anything"
	case "review":
		if o.shared(o.of(spot{o.kind, side, row.ID}), key, f) {
			return ""
		}
		for _, fld := range o.k.Fields {
			if fld.Sole && row.Fields[fld.Wire[side]] != "" {
				return ""
			}
		}
		return "no other record ever had its key"
	default:
		return "that should have passed"
	}
}

// shared reports whether a value of a key was ever held by a record that is another thing.
func (o *oracle) shared(whole spot, key string, f Field) bool {
	for side := range 2 {
		for _, id := range o.holders(side, key, f) {
			if key != "" && o.of(spot{o.kind, side, id}) != whole {
				return true
			}
		}
	}
	return false
}

func (o *oracle) deletedIn(whole spot) bool {
	return slices.ContainsFunc(o.members[whole], func(m spot) bool { _, ok := o.gone[m]; return ok })
}

// creates is invariant 8: whatever the hub made was made once, for a record of a person.
func (o *oracle) creates() {
	for side := range 2 {
		for _, act := range o.acts(side, "create") {
			at := spot{o.kind, side, act.ID}
			var links []store.Link
			for _, l := range o.links {
				if l.IDs[side] == act.ID {
					links = append(links, l)
				}
			}
			if _, deleted := o.gone[at]; deleted && len(links) == 0 {
				continue // by a person, before the hub knew that it had made it
			}
			if len(links) == 0 {
				o.w.blamef("%s was created at %s and is linked with nothing: %q", o.name(side, act.ID), act.At.UTC().Format("02 15:04:05"), act.Fields)
				continue
			}
			made := 0
			for _, m := range o.members[o.of(at)] {
				if m.side == side && o.madeByProgram(m) {
					made++
				}
			}
			if made > 1 {
				o.w.blamef("%d records of %s were created for one: %v", made, o.k.Objects[side], o.members[o.of(at)])
			}
			if len(o.edits[o.of(at)]) == 0 {
				o.w.blamef("%s was created although no person made its partner", o.name(side, act.ID))
			}
		}
	}
}

func (o *oracle) madeByProgram(at spot) bool {
	return slices.ContainsFunc(o.acts(at.side, "create"), func(a twin.Act) bool { return a.ID == at.id })
}

// acts returns what programs did to one side's records with one verb.
func (o *oracle) acts(side int, verb string) []twin.Act {
	var acts []twin.Act
	for _, a := range o.w.set.Sides[side].Twin.Kit().Ledger().Acts() {
		if a.By != person && a.Object == o.k.Objects[side] && o.w.set.Sides[side].verb(a) == verb {
			acts = append(acts, a)
		}
	}
	return acts
}

// verb is what an act comes to: some vendors archive by an update.
func (a Account) verb(act twin.Act) string {
	if field := a.Archives[0]; field != "" && act.Verb == "update" && act.Fields[field] == a.Archives[1] {
		return "archive"
	}
	return act.Verb
}

// deletes is invariant 5: nothing is deleted whose partner no person deleted.
func (o *oracle) deletes() {
	for side := range 2 {
		for _, act := range append(o.acts(side, "delete"), o.acts(side, "archive")...) {
			proven := slices.ContainsFunc(o.links, func(l store.Link) bool {
				_, gone := o.gone[spot{o.kind, 1 - side, l.IDs[1-side]}]
				return l.IDs[side] == act.ID && gone
			})
			if !proven {
				o.w.blamef("%s was %sd although nobody deleted its partner", o.name(side, act.ID), o.w.set.Sides[side].verb(act))
			}
		}
	}
}

// writes: a field of a pair is written no more often than people edited it, and once for
// the link; and nothing is written that is not in the sync.
func (o *oracle) writes() {
	type cell struct {
		whole spot
		key   string
	}
	written, edited := map[cell]int{}, map[cell]int{}
	for whole, edits := range o.edits {
		for _, e := range edits {
			edited[cell{whole, o.k.Fields[e.field].Key}]++
		}
	}
	for side := range 2 {
		for _, act := range o.acts(side, "update") {
			for wire := range act.Fields {
				f, ok := o.field(wire)
				if ok && f.Loose {
					o.w.blamef("%s of %s was written although it is not in the sync", wire, o.name(side, act.ID))
				}
				written[cell{o.of(spot{o.kind, side, act.ID}), f.Key}]++
			}
		}
	}
	for c, n := range written {
		if most := edited[c] + max(1, len(o.members[c.whole])/2); n > most {
			o.w.blamef("%s of %v was written %d times for %d edits", c.key, o.members[c.whole], n, edited[c])
		}
	}
}

// questions: a person is asked only about what people did.
func (o *oracle) questions() {
	for _, r := range o.reviews {
		if why := o.needless(r); why != "" {
			o.w.blamef("a person was asked %q (%s), but %s", r.Text, r.Kind, why)
		}
	}
	for _, e := range o.journal {
		if e.Kind != store.Overruled {
			continue
		}
		f, ok := o.field(e.Field)
		if whole := o.of(spot{o.kind, int(e.Side), e.Record}); ok && !o.bothTouched(whole, f) {
			o.w.blamef("%q of %s of %s was overruled (%s) although only one side's people touched it", e.Old, e.Field, o.name(int(e.Side), e.Record), e.Why)
		}
	}
}

func (o *oracle) bothTouched(whole spot, f Field) bool {
	var sides [2]bool
	for _, e := range o.edits[whole] {
		if o.k.Fields[e.field].Key == f.Key {
			sides[e.side] = true
		}
	}
	return sides[0] && sides[1]
}

// needless says why a question should not have been asked; "" = it was needed.
func (o *oracle) needless(r store.Review) string {
	key := o.keyField()
	at := spot{o.kind, int(r.Side), r.Record}
	switch r.Kind {
	case store.ReviewConflict:
		f, ok := o.field(r.Field)
		if ok && r.Link == 0 {
			return "" // about first matches as such: the pairs are looked at by themselves
		}
		if ok && o.bothTouched(o.of(at), f) {
			return ""
		}
		return "only one side's people touched it"
	case store.ReviewAmbiguous, store.ReviewDuplicate:
		if strings.Contains(r.Text, "must be unique") && o.hasSole() {
			return ""
		}
		for _, e := range o.edits[o.of(at)] {
			v := key.same(e.now)
			if o.k.Fields[e.field].Key == o.k.Key && o.shared(o.of(at), v, key) {
				return ""
			}
		}
		return "no two records of a side ever had its key"
	case store.ReviewDelete:
		if o.deletedIn(o.of(at)) && o.edited(at) {
			return ""
		}
		return "no person's delete met an edit"
	case store.ReviewMerge: // R24: a record is gone and another one of its side has its key
		for _, e := range o.edits[o.of(at)] {
			if o.k.Fields[e.field].Key == o.k.Key && o.shared(o.of(at), key.same(e.now), key) && o.deletedIn(o.of(at)) {
				return ""
			}
		}
		return "nobody deleted a record whose key another one had"
	case store.ReviewParked:
		for _, f := range o.k.Fields {
			if f.Sole && (strings.HasPrefix(r.Field, f.Key) || strings.Contains(r.Text, "another row has it")) {
				return ""
			}
		}
		return "nothing that people entered was invalid"
	default:
		return "nothing of the kind happened"
	}
}

func (o *oracle) hasSole() bool {
	return slices.ContainsFunc(o.k.Fields, func(f Field) bool { return f.Sole })
}

func (o *oracle) edited(at spot) bool {
	return slices.ContainsFunc(o.edits[o.of(at)], func(e edit) bool { return e.spot == at })
}

// values: every value comes from a person's edit of the same thing.
func (o *oracle) values() {
	for side := range 2 {
		for id, row := range o.rows[side] {
			whole := o.of(spot{o.kind, side, id})
			for _, f := range o.k.Fields {
				v := f.same(row.Fields[f.Wire[side]])
				if v == "" || f.Wire[side] == "" || f.Set {
					continue
				}
				known := slices.ContainsFunc(o.edits[whole], func(e edit) bool {
					return o.k.Fields[e.field].Key == f.Key && f.same(e.now) == v && (!f.Loose || e.side == side)
				})
				if !known && o.unknowable(whole) {
					o.w.counts["a created record that could not be found again"]++
					continue
				}
				if !known {
					o.w.blamef("%s of %s holds %q, which no person entered there", f.Key, o.name(side, id), v)
				}
			}
		}
	}
}

// unknowable reports whether a thing began as a record that the hub had made at a vendor
// without keys and of which a person then changed the match key.
func (o *oracle) unknowable(whole spot) bool {
	for _, m := range o.members[whole] {
		if !o.w.set.Sides[m.side].Keyless || !o.madeByProgram(m) {
			continue
		}
		if slices.ContainsFunc(o.edits[whole], func(e edit) bool { return e.spot == m && o.k.Fields[e.field].Key == o.k.Key }) {
			return true
		}
	}
	return false
}

// settled: the outbox is empty, every record planned, and the twins were asked for nothing
// that they do not know.
func (w *world) settled() {
	for _, k := range w.set.Kinds {
		ops, err := w.store.Ops(w.ctx, k.Sync)
		if err != nil {
			w.blamef("the outbox cannot be read: %v", err)
		}
		for _, op := range ops {
			w.blamef("an operation is left in the outbox: %s %s/%s from %s, %s: %s", op.Verb, op.Target, op.TargetID, op.SourceID, op.State, op.Error)
		}
		tally, err := w.store.Tally(w.ctx, k.Sync)
		if err != nil || tally.Dirty > 0 {
			w.blamef("%d records are left to be planned: %v", tally.Dirty, err)
		}
	}
	for _, a := range w.set.Sides {
		if u := a.Twin.Kit().Unknowns(); len(u) > 0 {
			w.blamef("%s was asked for what it does not know: %s", a.Connection, shorten(u))
		}
	}
}

// rest is invariant 6: a further run writes nothing and makes few calls, and a new process
// has nothing to do either.
func (w *world) rest() {
	w.restart()
	for range 2 {
		time.Sleep(10 * time.Minute)
		before, lines := w.written(), len(w.history())
		w.counts["calls"] = 0
		if !w.run(false) {
			w.blamef("a further run is not in order: %s", w.last)
		}
		if n := w.written() - before; n > 0 {
			w.blamef("a further run wrote %d times", n)
		}
		if n := len(w.history()) - lines; n > 0 {
			w.blamef("a further run added %d lines to the journal: %s", n, shorten(w.journal()[lines:]))
		}
	}
	if most := 2 * w.set.IdleCalls; w.counts["calls"] > most {
		w.blamef("an idle run made %d calls, of at most %d", w.counts["calls"], most)
	}
	delete(w.counts, "calls")
}

// Report tells a life that went wrong: what does not hold, how to live it again, and with
// all what happened.
func (r Result) Report(command string, all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d things do not hold; live it again with: %s\n", r.Seed, len(r.Wrong), command)
	for i, line := range r.Wrong {
		if i == 12 {
			fmt.Fprintf(&b, "  and %d more\n", len(r.Wrong)-i)
			break
		}
		fmt.Fprintln(&b, " -", line)
	}
	if all {
		fmt.Fprintln(&b, "what happened:")
		for _, line := range r.Trace {
			fmt.Fprintln(&b, "  ", line)
		}
		fmt.Fprintln(&b, "the journal:")
		for _, line := range r.Journal {
			fmt.Fprintln(&b, "  ", line)
		}
	}
	return b.String()
}
