package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A pair that moves from one sync to another one of the same two objects takes along what it has
// agreed on (R25). Without that, what people edit as they move a record would be held against the
// partner's value as at a first match, where a preference decides and not who has changed it.

// agreedIn says, behind the reason for a link, where its records had agreed before.
const agreedIn = ", with what they agreed on in "

// An elsewhere is a link that another sync has between the two records of a pair.
type elsewhere struct {
	link    store.Link
	sync    *pair
	flipped bool // its left is our right
}

// bringAlong gives a pair that is made or opened again what its records have agreed on in
// another sync, if that is younger than what the link remembers itself. It returns the name of
// that sync, "" if there is nothing to bring along.
func (b *batch) bringAlong(ctx context.Context, link *store.Link) (string, error) {
	others, err := b.elsewhere(ctx, *link)
	if err != nil || len(others) == 0 {
		return "", err
	}
	from, err := b.youngest(ctx, *link, others)
	if err != nil || from == nil {
		return "", err
	}
	brought := false
	for i, f := range b.r.p.Mapping.Fields() {
		key := from.keyOf(f)
		if key == "" {
			continue
		}
		base, known := from.base(key)
		if !known {
			continue
		}
		alike, err := b.alike(ctx, i, base)
		if err != nil {
			return "", err
		}
		if why := from.link.Diverged[key]; alike || staysApart(why) {
			from.carry(key, link, f.Key, base)
			if !alike {
				link.Diverged[f.Key] = why
			}
			brought = true
		}
	}
	if !brought {
		return "", nil
	}
	return from.sync.Name, nil
}

// elsewhere finds the links that other syncs of the same two objects have between two records:
// open ones, and those that were closed because a record left the filter.
func (b *batch) elsewhere(ctx context.Context, link store.Link) ([]elsewhere, error) {
	var found []elsewhere
	p := b.r.p
	if p.copies != nil {
		return nil, nil // R26: what copies agree on is the organiser's
	}
	for _, q := range b.r.e.syncs {
		for _, side := range record.Sides() {
			if q == p || q.Mapping == nil || q.copies != nil || q.ends[side].of != p.ends[record.Left].of || q.ends[side.Other()].of != p.ends[record.Right].of {
				continue
			}
			id := link.IDs[record.Left]
			links, err := b.r.e.store.LinksOf(ctx, q.Name, side, []string{id})
			if err != nil {
				return nil, fmt.Errorf("load what was agreed in %s: %w", q.Name, err)
			}
			l, ok := links[id]
			if ok && l.IDs[side.Other()] == link.IDs[record.Right] && (l.Closed == "" || reenters(l)) {
				found = append(found, elsewhere{link: l, sync: q, flipped: side == record.Right})
			}
		}
	}
	return found, nil
}

// agreements are the lines of the journal that tell of a base that moved.
func agreements() []store.EntryKind {
	return []store.EntryKind{store.Linked, store.Created, store.Reopened, store.Written, store.Agreed, store.Rewritten, store.Refused}
}

// youngest returns the link by which the two records have agreed last; nil if that is the
// link itself. That another one is still open tells nothing: its sync may not have come to close it.
func (b *batch) youngest(ctx context.Context, own store.Link, others []elsewhere) (*elsewhere, error) {
	if b.made[own.ID] && len(others) == 1 {
		return &others[0], nil
	}
	of := b.r.p.ends[record.Left].of
	lines, err := b.r.e.store.History(ctx, store.HistoryQuery{Connection: of.Connection, Object: of.Name, Record: own.IDs[record.Left], Kinds: agreements()})
	if err != nil {
		return nil, fmt.Errorf("look for what was agreed last: %w", err)
	}
	for _, e := range slices.Backward(lines) {
		if e.Link == own.ID {
			return nil, nil //nolint:nilnil // its own
		}
		for i := range others {
			if others[i].link.ID == e.Link {
				return &others[i], nil
			}
		}
	}
	if !b.made[own.ID] {
		return nil, nil //nolint:nilnil // the journal no longer tells
	}
	newest := slices.MaxFunc(others, func(x, y elsewhere) int { return cmp.Compare(x.link.ID, y.link.ID) })
	return &newest, nil
}

// keyOf is what the other sync calls a field that both keep in step; "" if it does not. What is
// computed may be computed otherwise there.
func (e *elsewhere) keyOf(f mappingField) string {
	left, right := f.Left.Name, f.Right.Name
	if e.flipped {
		left, right = right, left
	}
	if left == "" || right == "" {
		return ""
	}
	for i, g := range e.sync.Mapping.Fields() {
		if g.Left.Name == left && g.Right.Name == right && e.sync.Rules[i].Direction != merge.None {
			return g.Key
		}
	}
	return ""
}

// there is the other sync's name for one of our sides.
func (e *elsewhere) there(side record.Side) record.Side {
	if e.flipped {
		return side.Other()
	}
	return side
}

// base is what our sides held when they agreed there, or were to hold by a write that was not read
// back yet.
func (e *elsewhere) base(key string) (base [2]record.Value, known bool) {
	for _, side := range record.Sides() {
		if base[side], known = baseOf(e.link, e.there(side), key); known {
			continue
		}
		if base[side], known = e.link.Expected[e.there(side)][key]; !known {
			return base, false
		}
	}
	return base, true
}

// carry gives our link what was agreed there, and what was written there and not read back yet.
func (e *elsewhere) carry(from string, link *store.Link, key string, base [2]record.Value) {
	for _, side := range record.Sides() {
		link.Base[side][key] = base[side]
		if sent, expected := e.link.Expected[e.there(side)][from]; expected {
			expect(link, side, key, sent)
		}
	}
}

// staysApart reports whether a field differs because of what a vendor or a person has said, which
// holds whichever sync a pair is in (R2, R7, R11).
func staysApart(why string) bool {
	return why == divergedByRevert || why == cannotEmpty || why == cannotChange || strings.HasPrefix(why, refusedBecause)
}

// alike reports whether the values that a field had at an agreement of another sync are equal by
// our own rules. If only that sync let them differ, the field starts without a base (R5).
func (b *batch) alike(ctx context.Context, i int, base [2]record.Value) (bool, error) {
	m := b.r.p.Mapping
	f := m.Fields()[i]
	in := merge.Field{Direction: merge.Both, Prefer: merge.Ask, Set: f.Set, Keyed: b.r.p.keyed[i]}
	in.Same = func(l, r record.Value) bool { return m.Same(i, l, r) }
	for _, side := range record.Sides() {
		own := fieldOn(f, side)
		if own.To != "" {
			if err := b.refs.load(ctx, side, own.To, idsOf(base[side])); err != nil {
				return false, err
			}
		}
		c := &in.Cells[side]
		c.Value, c.Known = base[side], true
		if own.Kind == record.KindList {
			c.Value = own.Plain(c.Value)
		}
		sent, told, err := m.Convert(i, side, c.Value, b.refs)
		c.Sent, c.Translated = sent, told && err == nil
	}
	return merge.One(in, merge.Times{}).State == merge.StateAgreed, nil
}
