package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// What the hub could not see.

// returned finds the records that the hub had made, and of which it never learned that: the create was
// cut off, and a person deleted what it had made, as they did what it was made for, before it was looked
// for. Brought back by a person, it passes for a record of their own, and gets a partner like any (R16).
// With each is told what it was made for, which has the same name.
func (f *family) returned() [][2]spot {
	var found [][2]spot
	for _, at := range f.w.back {
		k, a := f.w.set.Kinds[at.kind], f.w.set.Sides[at.side]
		if f.knownMade(at) {
			continue
		}
		name := k.Fields[0]
		for _, act := range a.Twin.Kit().Ledger().Acts() {
			if !ours(act) || a.verb(act) != "create" || act.Object != k.Objects[at.side] || act.ID != at.id {
				continue
			}
			i := slices.IndexFunc(f.w.edits, func(e edit) bool {
				gone := slices.ContainsFunc(f.w.gone, func(g removal) bool { return g.spot == e.spot })
				return gone && e.kind == at.kind && e.side != at.side && e.field == 0 && name.same(e.now) == name.same(act.Fields[name.Wire[at.side]])
			})
			if i >= 0 {
				found = append(found, [2]spot{f.w.edits[i].spot, at})
			}
		}
	}
	return found
}

// knownMade reports whether the hub ever learned that it had made a record.
func (f *family) knownMade(at spot) bool {
	return slices.ContainsFunc(f.journal, func(x line) bool { return x.spot == at && x.Kind == store.Created })
}

// soughtInVain reports whether a thing began as a record that the hub had made, never learned that, and
// could not find when it looked for it, so that it made another one for what that was made for: people
// had deleted it, and brought it back later, or, at a vendor without keys, it was hidden. In sight again,
// it is nobody's partner and like one that a person made (R16); if the other one has its key, it gets no
// partner either, and stands alone, of which a person is asked (R20). If what it was made for is gone as
// well, it is no thing of its own: see returned.
func (o *oracle) soughtInVain(at spot) bool {
	things := append(slices.Clone(o.members[o.of(at)]), at) // it has no members if it never had a partner and nobody edited it
	return slices.ContainsFunc(things, func(m spot) bool {
		away := slices.Contains(o.w.back, m) && !slices.ContainsFunc(o.returned(), func(same [2]spot) bool { return same[1] == m }) && !o.madeBeside(m)
		away = away || (o.w.set.Sides[m.side].Keyless || o.k.Keyless) && slices.Contains(o.w.veiled, m)
		return away && o.madeByProgram(m) && !o.knownMade(m) && !slices.ContainsFunc(o.journal, func(x line) bool { return x.spot == m && x.Kind == store.Linked })
	})
}

// madeBeside reports whether the hub made another record for what it had made one for, before people took
// that one away: then nothing was sought in vain, and it is a double (Invariant 8). What a record was made
// for has the name that it was made with.
func (o *oracle) madeBeside(at spot) bool {
	a, object, name := o.w.set.Sides[at.side], o.k.Objects[at.side], o.k.Fields[0]
	made, called := false, ""
	for _, act := range a.Twin.Kit().Ledger().Acts() {
		verb := a.verb(act)
		switch {
		case act.Object != object:
		case act.ID == at.id && !ours(act) && (verb == "delete" || verb == "archive"):
			return false
		case act.ID == at.id && ours(act) && verb == "create":
			made, called = true, name.same(act.Fields[name.Wire[at.side]])
		case made && ours(act) && verb == "create" && slices.ContainsFunc(o.w.edits, func(e edit) bool {
			return e.kind == o.kind && e.side != at.side && e.field == 0 && name.same(e.now) == called && o.of(e.spot) == o.of(spot{o.kind, at.side, act.ID})
		}):
			return true
		}
	}
	return false
}

// waitsAsOwn reports whether what the hub made passes for somebody's own (see passes), because a person
// took its key away before it was looked for, and waits for an answer like one that somebody made: the
// create of the partner that it was to get was cut off as well, and without a key nobody can look up
// whether that was made (R16).
func (o *oracle) waitsAsOwn(at spot) bool {
	key := o.keyField()
	return o.passes(at, key) && slices.ContainsFunc(o.reviews, func(r asked) bool {
		return r.spot == at && r.Kind == store.ReviewUnknown && r.Decision == "" && strings.HasSuffix(r.Text, notRepeated) &&
			slices.ContainsFunc(o.w.edits, func(e edit) bool {
				return e.spot == at && o.k.Fields[e.field].Key == key.Key && e.now == "" && !e.at.After(r.Opened)
			})
	})
}

// notRepeated ends the question whether a create without a key, which was cut off, has made something.
const notRepeated = "there is no key by which it could be looked up: it is not repeated"

// tookKeyOf reports whether a restore has lost what the hub had made a record for, and a person has given
// it the key of the one that it was matched with since: by that, and by nothing else that is known, it
// belongs to that one, and is none that was made for it (R34).
func (o *oracle) tookKeyOf(at spot) bool {
	f := o.keyField()
	return o.w.past != nil && slices.ContainsFunc(o.links, func(l bond) bool {
		end := l.end(at)
		met := end >= 0 && slices.ContainsFunc(o.journal, func(x line) bool {
			return x.Link == l.ID && !x.lost && x.Kind == store.Linked && strings.HasPrefix(x.Why, "same ")
		})
		return met && slices.ContainsFunc(o.w.edits, func(e edit) bool {
			given := e.spot == at && o.k.Fields[e.field].Key == f.Key && !e.at.After(o.linked[l.ID])
			return given && e.now != "" && slices.Contains(o.holders(l.at(1-end).side, o.same(f, at.side, e.now), f), l.at(1-end))
		})
	})
}

// cameLate reports whether of a pair that a restore has lost the one record was out of sight from before
// that until the care after it was over, and a person had deleted the other one by then: the hub goes on
// from a time when it had never read it, nothing on the other side was left to be asked about, and it is
// like one that a person has just made (R34).
func (o *oracle) cameLate(lost bond) bool {
	for end := range 2 {
		seen, late := o.w.late[seat{lost.at(end), lost.sync.Name}]
		if g, gone := o.gone[lost.at(1-end)]; late && gone && g.at.Before(seen) {
			return true
		}
	}
	return false
}

// tookAlongUnseen reports whether a vendor took a record along with its parent, which a person had put
// it under within the time that a request may take: the hub looks right before, but no vendor deletes
// only if nothing has come under it since (R4, R23).
func (o *oracle) tookAlongUnseen(at spot) bool {
	acts := o.w.set.Sides[at.side].Twin.Kit().Ledger().Acts()
	return slices.ContainsFunc(o.w.edits, func(e edit) bool {
		f := o.w.set.Kinds[e.kind].Fields[e.field]
		if e.spot != at || f.Ref == 0 || e.now == "" {
			return false
		}
		deleted := func(kind int, id string) bool {
			return slices.ContainsFunc(acts[e.acts:], func(act twin.Act) bool {
				return ours(act) && act.Verb == "delete" && act.Object == o.w.set.Kinds[kind].Objects[at.side] && act.ID == id && act.At.Sub(acts[e.acts-1].At) < 2*time.Minute
			})
		}
		return deleted(e.kind, at.id) && deleted(f.Ref-1, e.now)
	})
}

// emptiedThere reports whether what was overruled is a reference that the vendor had emptied, when people
// brought back a record after they had deleted what it led to: it yields to what people chose on the other
// side, and is in the journal because the hub cannot tell it from one that a person had emptied before (R8, R23).
func (o *oracle) emptiedThere(x line, f Field) bool {
	if f.Ref == 0 || !x.Old.IsEmpty() || !slices.Contains(o.w.back, x.spot) {
		return false
	}
	acts, wire := o.w.set.Sides[x.side].Twin.Kit().Ledger().Acts(), f.Wire[x.side]
	for i, act := range acts {
		wrote := ours(act) && act.Object == o.k.Objects[x.side] && act.ID == x.id && act.Fields[wire] == x.New.Text()
		led := spot{f.Ref - 1, x.side, lastOf(acts[:i], act, wire)}
		if wrote && slices.ContainsFunc(o.w.gone, func(g removal) bool { return g.spot == led && !g.at.After(x.At) }) {
			return true
		}
	}
	return false
}
