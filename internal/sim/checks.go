package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// alone: a record without an open pair stands by itself for a reason that people gave.
func (o *oracle) alone() {
	for _, s := range o.k.Syncs {
		standings, err := o.w.store.Standings(o.w.ctx, s.Name, 1<<20)
		if err != nil {
			o.w.blamef("the reasons cannot be read: %v", err)
		}
		for end, side := range s.Ends {
			for id, row := range o.rows[side] {
				at := spot{o.kind, side, id}
				if slices.ContainsFunc(o.links, func(l bond) bool { return l.Closed == "" && l.sync.Name == s.Name && l.end(at) >= 0 }) {
					continue
				}
				i := slices.IndexFunc(standings, func(s store.Standing) bool { return int(s.Side) == end && s.ID == id })
				if i < 0 {
					o.w.blamef("%s is neither paired nor excluded in %s", o.name(at), s.Name)
					continue
				}
				if why := o.excused(at, row, standings[i], s); why != "" {
					o.w.blamef("%s stands alone in %s (%s: %s) but %s", o.name(at), s.Name, standings[i].Reason, standings[i].Detail, why)
				}
			}
		}
	}
}

// excused says why a reason does not hold; "" = it does.
func (o *oracle) excused(at spot, row twin.Row, st store.Standing, s Sync) string {
	f := o.keyField()
	key := o.same(f, at.side, row.Fields[f.Wire[at.side]])
	switch st.Reason {
	case "filtered", "partner filtered", "not wanted":
		if o.outside(at, row, s) {
			return ""
		}
		return "it passes the filter, and so does all that it could be paired with"
	case "no create":
		if !s.Makes[1-slices.Index(s.Ends[:], at.side)] {
			return ""
		}
		return "the sync makes records on the other side"
	case "closed", "partner parted":
		if whole := o.of(at); o.deletedIn(whole) || o.mergedIn(whole) || o.sorted(whole) {
			return ""
		}
		for _, end := range s.Ends { // the record that has its key lost its own partner, or people merged it
			for _, other := range o.holders(end, key, f) {
				if end != at.side && (o.deletedIn(o.of(other)) || o.mergedIn(o.of(other))) {
					return ""
				}
			}
		}
		return "nobody deleted anything"
	case "review":
		if o.w.past != nil && strings.HasPrefix(st.Detail, "since a restore") {
			return "" // R34: nobody has said yet whether it has a partner
		}
		if cutOff := strings.HasPrefix(st.Detail, "nobody can tell whether it has been created") || strings.HasSuffix(st.Detail, "it is not repeated"); cutOff && o.untraceable(at) {
			return "" // R16: as needless has it of the question
		}
		if o.shared(o.of(at), key, f) || o.mergedIn(o.of(at)) {
			return ""
		}
		for _, fld := range o.k.Fields {
			if fld.Sole && row.Fields[fld.Wire[at.side]] != "" {
				return ""
			}
		}
		return "no other record ever had its key"
	default:
		return "that should have passed"
	}
}

// outside reports whether a record, or one that could be its partner, does not pass the filter.
func (o *oracle) outside(at spot, row twin.Row, s Sync) bool {
	end := slices.Index(s.Ends[:], at.side)
	if !s.in(end, row.Fields) {
		return true
	}
	f, other := o.keyField(), s.Ends[1-end]
	for id, theirs := range o.rows[other] {
		v := o.same(f, other, theirs.Fields[f.Wire[other]])
		near := v != "" && v == o.same(f, at.side, row.Fields[f.Wire[at.side]]) || o.of(spot{o.kind, other, id}) == o.of(at)
		if near && !s.in(1-end, theirs.Fields) {
			return true
		}
	}
	made := map[string]string{} // what would be made there
	for _, f := range o.k.Fields {
		made[f.Wire[other]] = row.Fields[f.Wire[at.side]]
	}
	return !s.in(1-end, made)
}

// sorted reports whether a thing has changed in what the filters look at.
func (o *oracle) sorted(whole spot) bool {
	return slices.ContainsFunc(o.edits[whole], func(e edit) bool { return o.k.Fields[e.field].Sorts })
}

// shared reports whether a value of a key was ever held by a record that is another thing.
func (o *oracle) shared(whole spot, key string, f Field) bool {
	for side := range o.rows {
		holders := o.holders(side, key, f)
		if key != "" && o.w.past != nil && len(holders) > 1 {
			return true // R34: which of them had the partner that they have in common now, nobody knows any more
		}
		if key != "" && len(holders) > 1 && slices.ContainsFunc(holders, func(at spot) bool { return slices.Contains(o.w.back, at) }) {
			return true // R20: while it was gone, another one took its partner
		}
		for _, at := range holders {
			if key != "" && o.of(at) != whole {
				return true
			}
		}
	}
	return false
}

func (f *family) deletedIn(whole spot) bool {
	return slices.ContainsFunc(f.members[whole], func(m spot) bool { _, ok := f.gone[m]; return ok })
}

func (f *family) mergedIn(whole spot) bool { return f.mergesIn(whole) > 0 }

func (f *family) mergesIn(whole spot) int {
	n := 0
	for _, m := range f.members[whole] {
		if _, ok := f.merged[m]; ok {
			n++
		}
	}
	return n
}

// creates is invariant 8: whatever the hub made was made once, for a record of a person.
func (o *oracle) creates() {
	for side := range o.rows {
		for _, act := range o.acts(side, "create") {
			at := spot{o.kind, side, act.ID}
			linked := slices.ContainsFunc(o.links, func(l bond) bool { return l.end(at) >= 0 })
			if _, deleted := o.gone[at]; deleted && !linked {
				continue // by a person, before the hub knew that it had made it
			}
			if _, merged := o.merged[at]; (merged || o.w.past != nil) && !linked {
				continue // R34: after a restore it is asked about
			}
			if !linked && o.recognized(at) && o.deletedIn(o.of(at)) {
				continue // what it was made for was deleted before anybody could say so
			}
			if !linked && o.waitsAsOwn(at) {
				continue // R16: until a person says whether the partner that it was to get was made
			}
			if !linked {
				o.w.blamef("%s was created at %s and is linked with nothing: %q", o.name(at), act.At.UTC().Format("02 15:04:05"), act.Fields)
				continue
			}
			made := 0
			for _, m := range o.members[o.of(at)] {
				if m.side == side && o.madeByProgram(m) && !o.tookKeyOf(m) {
					made++
				}
			}
			most := 1 + o.mergesIn(o.of(at))
			if whole := o.of(at); o.sorted(whole) && o.deletedIn(whole) {
				most++ // what was deleted in the one sync is made for the other
			}
			if o.unpaired(o.of(at)) {
				most++
			}
			if made > most {
				o.w.blamef("%d records of %s were created for one: %v", made, o.k.Objects[side], o.members[o.of(at)])
			}
			if len(o.edits[o.of(at)]) == 0 && !o.soughtInVain(at) {
				o.w.blamef("%s was created although no person made its partner", o.name(at))
			}
			o.doubled(at, act)
		}
	}
}

// unpaired reports whether a restore has lost that two records of a thing were a pair, and a person
// deleted one of them before they could find each other by their key, and brought it, or the other one
// that went with it, back, or the other one was out of sight: nobody knows any more that it had a partner
// (R34). See cameLate.
func (o *oracle) unpaired(whole spot) bool {
	return slices.ContainsFunc(o.past, func(lost bond) bool {
		_, left := o.gone[lost.at(0)]
		_, right := o.gone[lost.at(1)]
		back := slices.Contains(o.w.back, lost.at(0)) || slices.Contains(o.w.back, lost.at(1))
		return ((left || right) && back || o.cameLate(lost)) && o.of(lost.at(0)) == whole && !slices.ContainsFunc(o.links, func(l bond) bool { return l.IDs == lost.IDs && l.kind == lost.kind })
	})
}

// doubled: what people merged is not made again. A record that was created for one whose
// things are on that side already is a double, however it came about.
func (o *oracle) doubled(at spot, act twin.Act) {
	for _, l := range o.links {
		end := l.end(at)
		if end < 0 || o.madeForAnother(at, l) {
			continue
		}
		source := l.at(1 - end)
		for _, m := range o.w.fused {
			into := spot{m.kind, m.side, m.into}
			if m.kind != o.kind || o.of(into) != o.of(at) {
				continue
			}
			for _, id := range m.lost {
				was := spot{m.kind, m.side, id}
				if o.createdAfter(act, m) && (source == into && len(m.lost) > 1 && o.hadPartner(was, at) || m.side == at.side && o.bonded(was, source) && !o.partedUnseen(was, source)) {
					o.w.blamef("%s was created at %s for %s, which people had merged with what is there", o.name(at), act.At.UTC().Format("02 15:04:05"), o.name(source))
				}
			}
		}
	}
}

// partedUnseen reports whether two records were parted because one left a filter, at a vendor that
// does not say that a record was merged: to the hub it was deleted while it was nobody's partner, and
// whoever enters a sync without a partner gets one (R18, R25).
func (o *oracle) partedUnseen(was, source spot) bool {
	return o.w.set.Sides[was.side].Unseen && o.sorted(o.of(source)) && !slices.ContainsFunc(o.links, func(l bond) bool {
		return l.end(was) >= 0 && l.end(source) >= 0 && !strings.HasPrefix(l.Closed, "left the filter")
	})
}

func (o *oracle) createdAfter(act twin.Act, m fusion) bool { return act.At.After(m.at.Add(time.Hour)) }

// madeForAnother reports whether a record was created for another one than it has in this pair: one that
// was merged into that since, which brought the record along (R24).
func (o *oracle) madeForAnother(at spot, l bond) bool {
	return slices.ContainsFunc(o.links, func(first bond) bool {
		end := first.end(at)
		return end >= 0 && first.ID != l.ID && first.sync.Name == l.sync.Name && o.merged[first.at(1-end)] == l.at(1-end) && slices.ContainsFunc(o.journal, func(x line) bool {
			return x.spot == at && x.Kind == store.Created && x.Link == first.ID && !x.lost
		})
	})
}

// hadPartner reports whether a record is, or was, linked with one of a side that still shows.
func (o *oracle) hadPartner(at, beside spot) bool {
	return slices.ContainsFunc(o.links, func(l bond) bool {
		end := l.end(at)
		return end >= 0 && l.at(1-end).side == beside.side && l.at(1-end) != beside && o.shows(l.at(1-end))
	})
}

// bonded reports whether two records were ever linked.
func (o *oracle) bonded(one, two spot) bool {
	return slices.ContainsFunc(o.links, func(l bond) bool { return l.end(one) >= 0 && l.end(two) >= 0 })
}

func (o *oracle) madeByProgram(at spot) bool {
	return slices.ContainsFunc(o.acts(at.side, "create"), func(a twin.Act) bool { return a.ID == at.id })
}

// acts returns what programs did to one side's records with one verb.
func (o *oracle) acts(side int, verb string) []twin.Act {
	var acts []twin.Act
	for _, a := range o.w.set.Sides[side].Twin.Kit().Ledger().Acts() {
		if ours(a) && a.Object == o.k.Objects[side] && o.w.set.Sides[side].verb(a) == verb {
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

// deletes is invariant 5: nothing is deleted whose partner no person deleted, nor one in
// turn on whose account such a delete was carried on.
func (o *oracle) deletes() {
	dead := map[spot]bool{}
	for at := range o.gone {
		dead[at] = true
	}
	for at := range o.merged {
		end := at
		for range len(o.merged) {
			if into, ok := o.merged[end]; ok {
				end = into
			}
		}
		_, gone := o.gone[end]
		dead[at] = dead[at] || gone || o.w.set.Sides[at.side].Untold && o.w.set.Sides[at.side].Unseen
	}
	for range o.rows { // from one side to the next
		for side := range o.rows {
			for _, at := range o.deletedBy(side) {
				dead[at] = dead[at] || o.partnerIn(at, dead)
			}
		}
	}
	for side := range o.rows {
		for _, at := range o.deletedBy(side) {
			if !dead[at] && o.tookAlongUnseen(at) {
				o.w.counts["a record that went with its parent in the window"]++
				continue
			}
			if !dead[at] && !o.sorted(o.of(at)) {
				o.w.blamef("%s was deleted or archived although nobody deleted its partner", o.name(at))
			}
		}
		for _, act := range o.acts(side, "merge") {
			if at := (spot{o.kind, side, act.ID}); !o.partnerMerged(at) {
				o.w.blamef("%s was merged although nobody merged its partner", o.name(at))
			}
		}
	}
}

func (o *oracle) deletedBy(side int) []spot {
	var out []spot
	for _, act := range append(o.acts(side, "delete"), o.acts(side, "archive")...) {
		out = append(out, spot{o.kind, side, act.ID})
	}
	return out
}

func (o *oracle) partnerIn(at spot, dead map[spot]bool) bool {
	return slices.ContainsFunc(slices.Concat(o.links, o.past), func(l bond) bool {
		end := l.end(at)
		return end >= 0 && dead[l.at(1-end)]
	})
}

// partnerMerged reports whether a record of another side, which stands for the same, was merged.
func (o *oracle) partnerMerged(at spot) bool {
	return slices.ContainsFunc(o.members[o.of(at)], func(m spot) bool {
		_, merged := o.merged[m]
		return merged && m.side != at.side
	})
}

// echoed is invariant 6 where a vendor keeps less of a value than was written: what it makes of
// what people entered elsewhere is not written there over what they did enter.
func (o *oracle) echoed(side int, act twin.Act, f Field) {
	if f.Worn == nil || f.Worn[side] {
		return
	}
	acts := o.w.set.Sides[side].Twin.Kit().Ledger().Acts()
	i := slices.IndexFunc(acts, func(a twin.Act) bool {
		return a.At.Equal(act.At) && a.Object == act.Object && a.ID == act.ID && ours(a)
	})
	was, is := lastOf(acts[:i], act, f.Wire[side]), act.Fields[f.Wire[side]]
	if strings.TrimSpace(was) != is && o.same(f, side, was) == o.same(f, side, is) && !o.chosenAnew(side, act, f) && !o.metAgain(spot{o.kind, side, act.ID}, f, was) {
		o.w.blamef("%s of %s was %q and became %q, which nobody entered", f.Key, o.name(spot{o.kind, side, act.ID}), was, is)
	}
}

// chosenAnew reports whether what was written was told to be overruled at a match made anew, since the hub
// was restored (R34), or since the field was not mapped for a while (R5): that the one value was made of the
// other nobody knew any more.
func (o *oracle) chosenAnew(side int, act twin.Act, f Field) bool {
	at, wire := spot{o.kind, side, act.ID}, f.Wire[side]
	return slices.ContainsFunc(o.journal, func(x line) bool {
		chosen := x.Kind == store.Overruled && !x.lost && x.spot == at && x.Field == wire && x.New.Text() == act.Fields[wire] &&
			x.At.Sub(act.At).Abs() < window && strings.HasPrefix(x.Why, "first match: ")
		return chosen && (o.w.past != nil || slices.ContainsFunc(o.journal, func(y line) bool {
			named, ok := o.field(y.Field)
			return y.Kind == store.Unmapped && y.spot == at && ok && named.Key == f.Key && !y.At.After(x.At)
		}))
	})
}

// metAgain reports whether a value was overruled when a pair that a restore has lost met again (R34):
// with the pair the hub has forgotten what the vendor had made of the value, which is another one
// since for all that anybody can know, and the journal tells of the one that lost (R5).
func (o *oracle) metAgain(at spot, f Field, was string) bool {
	return slices.ContainsFunc(o.past, func(l bond) bool { return l.end(at) >= 0 }) && slices.ContainsFunc(o.journal, func(x line) bool {
		return x.Kind == store.Overruled && x.spot == at && x.Field == f.Wire[at.side] && x.Old.Text() == strings.TrimSpace(was) && strings.HasPrefix(x.Why, "first match: ")
	})
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
			if e.kind == o.kind {
				edited[cell{whole, o.k.Fields[e.field].Key}]++
			}
		}
	}
	for side := range o.rows {
		for _, act := range o.acts(side, "update") {
			for wire := range act.Fields {
				f, ok := o.field(wire)
				if ok && f.Loose {
					o.w.blamef("%s of %s was written although it is not in the sync", wire, o.name(spot{o.kind, side, act.ID}))
				}
				written[cell{o.of(spot{o.kind, side, act.ID}), f.Key}]++
				o.echoed(side, act, f)
			}
		}
	}
	for c, n := range written {
		reach := len(o.w.set.Sides) - 1
		if _, anew := o.w.mapped[c.key]; anew || o.w.past != nil {
			n -= len(o.members[c.whole]) // once more for each pair, as at a first match
		}
		n -= o.approvedOf(c.whole, c.key)
		if most := edited[c]*reach + max(1, len(o.members[c.whole])/2); n > most {
			o.w.blamef("%s of %v was written %d times for %d edits", c.key, o.members[c.whole], n, edited[c])
		}
	}
}
