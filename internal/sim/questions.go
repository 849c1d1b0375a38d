package sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

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
		if f, ok := o.field(e.Field); ok && !f.Sorts && !o.unsaid(f, e.Old.Text()) && !o.decidedForConsent(e, f) && !o.bothTouched(o.of(e.spot), f) && !o.comparedAnew(e, f) && !o.emptiedThere(e, f) {
			o.w.blamef("%q of %s of %s was overruled (%s) although only one side's people touched it", e.Old, e.Field, o.name(e.spot), e.Why)
		}
	}
}

func (o *oracle) bothTouched(whole spot, f Field) bool {
	touched := map[spot]bool{} // of one side, too: a record may be deleted and made again while its partner stays
	for _, m := range o.members[whole] {
		if _, merged := o.merged[m]; merged { // whoever merges records chooses among the values of each field
			touched[m] = true
		}
		if o.redirected(m, f) || o.passes(m, f) {
			touched[m] = true
		}
	}
	for _, e := range o.edits[whole] {
		if e.kind == o.kind && o.k.Fields[e.field].Key == f.Key {
			touched[e.spot] = true
		}
	}
	_, anew := o.w.mapped[f.Key] // then what one side has missed is compared as at a first match
	return len(touched) > 1 || anew || o.w.past != nil && len(touched) > 0
}

// redirected reports whether people merged, at its side, what a record referred to: the vendor has
// it refer to what remains.
func (o *oracle) redirected(at spot, f Field) bool {
	return f.Ref > 0 && slices.ContainsFunc(o.w.fused, func(m fusion) bool {
		return m.kind == f.Ref-1 && m.side == at.side && slices.ContainsFunc(o.w.set.Sides[at.side].Twin.Kit().Ledger().Acts(), func(act twin.Act) bool {
			return act.Object == o.k.Objects[at.side] && act.ID == at.id && slices.Contains(m.lost, act.Fields[f.Wire[at.side]])
		})
	})
}

// needless says why a question should not have been asked; "" = it was needed.
func (o *oracle) needless(r asked) string {
	key := o.keyField()
	at := r.spot
	switch r.Kind {
	case store.ReviewConflict:
		f, ok := o.field(r.Field)
		if ok && r.Link == 0 {
			return "" // about first matches as such: the pairs are looked at by themselves
		}
		if ok && (o.bothTouched(o.of(at), f) || o.aboutConsent(at, f)) {
			return ""
		}
		return "only one side's people touched it"
	case store.ReviewAmbiguous, store.ReviewDuplicate:
		if strings.Contains(r.Text, "must be unique") && o.hasSole() {
			return ""
		}
		for _, e := range o.edits[o.of(at)] {
			v := o.same(key, e.side, e.now)
			if o.k.Fields[e.field].Key == o.k.Key && o.shared(o.of(at), v, key) {
				return ""
			}
		}
		if o.shared(o.of(at), o.value(at, key), key) { // the hub gave it that key, and no answer told so
			return ""
		}
		if o.mergedIn(o.of(at)) || strings.HasSuffix(r.Text, resembles) && o.untraceable(at) {
			return ""
		}
		return "no two records of a side ever had its key"
	case store.ReviewDelete:
		if o.deletedIn(o.of(at)) && (o.edited(at) || o.w.past != nil) { // R34: a delete since a backup is held
			return ""
		}
		if o.mergedIn(o.of(at)) && o.edited(at) || o.takesAlong(r) || o.deletedIn(o.of(at)) && o.repointed(at) || o.goneUnmapped(r) {
			return ""
		}
		return "no person's delete met an edit"
	case store.ReviewMerge: // R24: a record is gone and another one of its side has its key
		for _, e := range o.edits[o.of(at)] {
			if o.k.Fields[e.field].Key == o.k.Key && o.shared(o.of(at), o.same(key, e.side, e.now), key) && o.deletedIn(o.of(at)) {
				return ""
			}
		}
		if o.mergedIn(o.of(at)) || o.madeAgain(o.of(at)) {
			return ""
		}
		return "nobody merged anything, nor deleted a record whose key another one had"
	case store.ReviewIdentity: // R21: a sweep is cancelled by what exists and cannot be seen
		if o.w.counts[hidden] > 0 || o.w.rewound || o.emptied(r) {
			return ""
		}
		return "nobody hid anything"
	case store.ReviewParked:
		if o.w.counts[hidden] > 0 && r.Field == "" {
			return "" // it could not be written while it was out of sight
		}
		for _, f := range o.k.Fields {
			if f.Sole && (strings.HasPrefix(r.Field, f.Key) || strings.Contains(r.Text, "another row has it")) {
				return ""
			}
		}
		if f, ok := o.field(r.Field); ok && f.Means != nil && o.w.remapped {
			return "" // the value map that was tried says it for no value, or for several
		}
		return "nothing that people entered was invalid"
	case store.ReviewUnknown:
		if o.untraceable(at) {
			return ""
		}
		return "what was created can be looked up there"
	case store.ReviewConfiguration:
		if len(o.w.set.Others) > 0 {
			return ""
		}
		return "nobody changed the configuration"
	case store.ReviewRestored:
		if o.w.past != nil {
			return ""
		}
		return "nobody restored a backup"
	default:
		return "nothing of the kind happened"
	}
}

// emptied reports whether a question is about an object of which people took records away, maybe all,
// at a vendor that may show none of what is there.
func (o *oracle) emptied(r asked) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(o.gone)), func(at spot) bool {
		side := o.w.set.Sides[at.side]
		return side.Shy && at.kind == r.kind && strings.Contains(r.Text, " shows no record of "+side.Connection+".")
	})
}

// repointed reports whether a record refers to one into which people merged another: the vendor
// may have had it refer to that one.
func (o *oracle) repointed(at spot) bool {
	return slices.ContainsFunc(o.k.Fields, func(f Field) bool {
		return f.Ref > 0 && slices.ContainsFunc(o.w.fused, func(m fusion) bool { return m.kind == f.Ref-1 && m.side == at.side && m.into == o.raw(at, f) })
	})
}

// goneUnmapped reports whether the partner of a record was deleted before the field was mapped again
// of which the question is, or while nobody had said yet which side is right at the first matches that this
// brought about: nothing tells any more whether its value was entered meanwhile (R22).
func (o *oracle) goneUnmapped(r asked) bool {
	f, ok := o.field(r.Field)
	again, anew := o.w.mapped[f.Key]
	return ok && anew && o.raw(r.spot, f) != "" && slices.ContainsFunc(o.members[o.of(r.spot)], func(m spot) bool {
		g, gone := o.gone[m]
		return gone && m.side != r.side && (!g.at.After(again) || o.firstAsked(r.kind, f, g.at) && !o.agreedAgain(r, m, f))
	})
}

// firstAsked reports whether a question about the first matches of a field was open at a moment, or one
// that has settled itself since had been opened by then.
func (o *oracle) firstAsked(kind int, f Field, at time.Time) bool {
	about := func(r asked) bool {
		of, ok := o.field(r.Field)
		return ok && r.kind == kind && r.Kind == store.ReviewConflict && r.Link == 0 && of.Key == f.Key && !r.Opened.After(at)
	}
	stays := func(m asked) bool {
		return slices.ContainsFunc(o.reviews, func(r asked) bool { return r.Sync == m.Sync && r.Field == m.Field && r.Opened.Equal(m.Opened) })
	}
	return slices.ContainsFunc(o.reviews, func(r asked) bool { return about(r) && (r.Decision == "" || r.Decided.After(at)) }) ||
		slices.ContainsFunc(o.w.met, func(m asked) bool { return about(m) && !stays(m) })
}

// agreedAgain reports whether, when a question about a record was asked, it and its partner had agreed on
// a field since that was last taken out of the configuration.
func (o *oracle) agreedAgain(r asked, partner spot, f Field) bool {
	agreed := false
	for _, x := range o.journal {
		wire := f.Wire[x.side]
		about, ok := o.field(x.Field)
		switch {
		case x.spot != r.spot && x.spot != partner || x.At.After(r.Opened):
		case x.Kind == store.Unmapped && ok && about.Key == f.Key:
			agreed = false
		case (x.Kind == store.Written || x.Kind == store.Agreed) && x.Field == wire, x.Kind == store.Created && !x.Set[wire].IsEmpty():
			agreed = true
		}
	}
	return agreed
}

// madeAgain reports whether a thing has lost a record and has another one at the same side.
func (o *oracle) madeAgain(whole spot) bool {
	for _, m := range o.members[whole] {
		if _, gone := o.gone[m]; gone && slices.ContainsFunc(o.members[whole], func(x spot) bool { return x != m && x.side == m.side }) {
			return true
		}
	}
	return false
}

// takesAlong reports whether the delete that is asked about would take records of another kind
// along, which a person has something to do with.
func (o *oracle) takesAlong(r asked) bool {
	if !o.deletedIn(o.of(r.spot)) {
		return false
	}
	for kind, k := range o.w.set.Kinds {
		if !slices.ContainsFunc(k.Fields, func(f Field) bool { return f.Ref == o.kind+1 }) {
			continue
		}
		for _, id := range r.Candidates {
			if len(o.edits[o.of(spot{kind, r.side, id})]) > 0 {
				return true
			}
		}
	}
	return false
}

func (o *oracle) hasSole() bool {
	return slices.ContainsFunc(o.k.Fields, func(f Field) bool { return f.Sole })
}

func (o *oracle) edited(at spot) bool {
	return slices.ContainsFunc(o.edits[o.of(at)], func(e edit) bool { return e.spot == at })
}

// values: every value comes from a person's edit of the same thing.
func (o *oracle) values() {
	for side := range o.rows {
		for id, row := range o.rows[side] {
			whole := o.of(spot{o.kind, side, id})
			for _, f := range o.k.Fields {
				v := o.same(f, side, row.Fields[f.Wire[side]])
				if v == "" || f.Wire[side] == "" || f.Set {
					continue
				}
				known := slices.ContainsFunc(o.edits[whole], func(e edit) bool {
					return e.kind == o.kind && o.k.Fields[e.field].Key == f.Key && o.same(f, e.side, e.now) == v && (!f.Loose || e.side == side)
				})
				if !known && o.translated(whole, f) {
					continue
				}
				if !known && o.strayed(spot{o.kind, side, id}, f, v) {
					o.w.counts["a record that only what a restore has lost could explain"]++
					continue
				}
				if !known && (o.unknowable(whole) || o.soughtInVain(spot{o.kind, side, id})) {
					o.w.counts["a created record that could not be found again"]++
					continue
				}
				if !known {
					o.w.blamef("%s of %s holds %q, which no person entered there", f.Key, o.name(spot{o.kind, side, id}), v)
				}
			}
		}
	}
}

// strayed reports whether a value came to a thing with a record that was made for another one by
// what a restore has lost: if that one has another key by now, what was made for it stands alone,
// or belongs to whoever has its key (R34). See creates, too.
func (o *oracle) strayed(at spot, f Field, v string) bool {
	return o.w.past != nil && slices.ContainsFunc(append(slices.Clone(o.members[o.of(at)]), at), func(m spot) bool {
		return o.madeByProgram(m) && !slices.ContainsFunc(o.past, func(l bond) bool { return l.end(m) >= 0 }) &&
			slices.ContainsFunc(o.w.edits, func(e edit) bool {
				return e.kind == o.kind && e.side != m.side && o.k.Fields[e.field].Key == f.Key && o.same(f, e.side, e.now) == v
			})
	})
}

// untraceable reports whether what is made for a record cannot always be found again (R16):
// nothing of ours stands in it, and either this one was without a match key, or a person gave
// another key to what had been made, which passed for somebody's own then.
func (o *oracle) untraceable(at spot) bool {
	for side, a := range o.w.set.Sides {
		if side == at.side || !a.Keyless && !o.k.Keyless {
			continue
		}
		if o.lacked(at) || slices.ContainsFunc(o.w.edits, func(e edit) bool {
			return e.kind == o.kind && e.side == side && o.k.Fields[e.field].Key == o.k.Key && o.madeByProgram(e.spot)
		}) {
			return true
		}
	}
	return false
}

// passes reports whether what the hub made passes for somebody's own: the create was cut off, nothing
// of ours stands in the record, and a person gave it another key before it was looked for, and got a
// partner (R16). All that it was made with was entered there, as far as anybody knows.
func (o *oracle) passes(at spot, f Field) bool {
	if !o.w.set.Sides[at.side].Keyless && !o.k.Keyless {
		return false
	}
	sent := slices.ContainsFunc(o.acts(at.side, "create"), func(a twin.Act) bool { return a.ID == at.id && a.Fields[f.Wire[at.side]] != "" })
	met := time.Time{}
	for _, l := range o.links {
		if t, known := o.linked[l.ID]; l.end(at) >= 0 && known && (met.IsZero() || t.Before(met)) {
			met = t
		}
	}
	rekeyed := slices.ContainsFunc(o.w.edits, func(e edit) bool {
		return e.spot == at && o.k.Fields[e.field].Key == o.k.Key && (met.IsZero() || !e.at.After(met))
	})
	return sent && rekeyed && !slices.ContainsFunc(o.journal, func(x line) bool { return x.spot == at && x.Kind == store.Created })
}

// lacked reports whether a record was ever without a match key.
func (o *oracle) lacked(at spot) bool {
	made := 0
	for _, e := range o.w.edits {
		if e.spot != at {
			continue
		}
		if made == 0 {
			made = e.n
		}
		if o.k.Fields[e.field].Key == o.k.Key && (e.now == "" || e.was == "" && e.n != made) {
			return true
		}
	}
	return o.raw(at, o.keyField()) == ""
}

// unknowable reports whether a thing began as a record that the hub had made at a vendor
// without keys and of which a person then changed the match key.
func (o *oracle) unknowable(whole spot) bool {
	for _, m := range o.members[whole] {
		if !o.w.set.Sides[m.side].Keyless && !o.k.Keyless || !o.madeByProgram(m) {
			continue
		}
		if slices.ContainsFunc(o.edits[whole], func(e edit) bool { return e.spot == m && o.k.Fields[e.field].Key == o.k.Key }) {
			return true
		}
	}
	return false
}
