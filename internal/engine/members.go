package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A member's own fields are merged as the one element of the participants' list that stands for
// the owner of the copy: both records of the link are viewed as a list of this element, and
// base, conflict, journal and review are those of that list (R12). All members of a thing are
// planned together with its main pair, so that the record gets one write for all of them (R27).

// view shows what a member's link sees of one of its records. owner is whose copy it is.
func (c *copies) view(side record.Side, list string, owner record.Value, f record.Fields) record.Fields {
	if side == c.side {
		elem := record.Fields{c.key[side]: owner}
		for _, name := range c.own[side] {
			if v, known := f[name]; known {
				elem[name] = v
			}
		}
		return record.Fields{list: record.List(record.Struct(elem))}
	}
	held, known := f[list]
	if !known {
		return record.Fields{}
	}
	elem, there := c.element(side, held, owner)
	if !there {
		return record.Fields{list: record.Value{}}
	}
	return record.Fields{list: record.List(record.Struct(c.ownOf(side, elem)))}
}

// element finds the element of a list that stands for an owner.
func (c *copies) element(side record.Side, list, owner record.Value) (record.Fields, bool) {
	for _, item := range list.Items() {
		if c.is(side, item, owner) {
			return item.Fields(), true
		}
	}
	return nil, false
}

func (c *copies) is(side record.Side, item, owner record.Value) bool {
	return c.who[side](item.Fields()[c.key[side]]) == c.who[c.side](owner)
}

// ownOf leaves of an element what is its owner's own, and whose it is. What an element does not
// name is empty there.
func (c *copies) ownOf(side record.Side, elem record.Fields) record.Fields {
	own := record.Fields{c.key[side]: elem[c.key[side]]}
	for _, name := range c.own[side] {
		own[name] = elem[name]
	}
	return own
}

// put lays what a member's link sees over the whole list; with nothing to see the owner is
// taken off it.
func (c *copies) put(side record.Side, list, owner, seen record.Value) record.Value {
	items := make([]record.Value, 0, len(list.Items()))
	for _, item := range list.Items() {
		if c.is(side, item, owner) {
			if seen.IsEmpty() {
				continue
			}
			elem := item.Fields().Clone()
			for _, name := range c.own[side] {
				if v, told := seen.Items()[0].Fields()[name]; told {
					elem[name] = v
				}
			}
			item = record.Struct(elem)
		}
		items = append(items, item)
	}
	return record.List(items...)
}

// listOn is the wire name of the participants' list on a side.
func (b *batch) listOn(side record.Side) record.Field {
	return fieldOn(b.r.p.Mapping.Fields()[b.r.p.copies.list], side)
}

// startMember gives a new member its base: what the main link has agreed of the owner's
// element. What the copy itself leaves empty it has not told yet, so it has not changed.
func (b *batch) startMember(link *store.Link, row store.Row, main store.Link) {
	c := b.r.p.copies
	if c.list < 0 {
		return
	}
	key := b.r.p.Mapping.Fields()[c.list].Key
	var base [2]record.Fields
	for _, side := range record.Sides() {
		agreed, ok := baseOf(main, side, key)
		elem, there := c.element(side, agreed, row.Fields[c.Owner])
		if !ok || !there {
			return
		}
		base[side] = c.ownOf(side, elem)
	}
	for i, name := range c.own[c.side] {
		if row.Fields[name].IsEmpty() {
			base[c.side][name], base[c.side.Other()][c.own[c.side.Other()][i]] = record.Value{}, record.Value{}
		}
	}
	for _, side := range record.Sides() {
		link.Base[side] = record.Fields{key: record.List(record.Struct(base[side]))}
	}
}

// mergeMembers merges what belongs to the participants and adds what the record gets of it to
// the update of the main pair.
func (b *batch) mergeMembers(ctx context.Context, d *draft) error {
	c := b.r.p.copies
	if c == nil || d.link.Role != store.Main || d.fresh {
		return nil
	}
	for _, m := range b.members[d.link.IDs[c.side.Other()]] {
		if b.joined(m) {
			continue
		}
		if err := b.mergeMember(ctx, d, m); err != nil {
			return fmt.Errorf("copy %s: %w", m.IDs[c.side], err)
		}
	}
	return nil
}

func (b *batch) mergeMember(ctx context.Context, d *draft, m store.Link) error {
	c := b.r.p.copies
	row := b.rows[c.side][m.IDs[c.side]]
	gone := row.Fate != connector.Present
	switch {
	case row.ID == "" || row.Fate == connector.Left: // R21: out of sight, and at rest
		return nil
	case gone && c.list < 0:
		b.closeLink(m, closedGone, "its owner has deleted the copy")
		return nil
	case c.list < 0:
		return nil
	}
	if in, err := b.inScope(c.side, row.ID); !gone && (err != nil || !in) {
		b.closeLink(m, closedFilter, "does not pass where."+c.side.String())
		return err
	}
	v, on := b.draftMember(d, m, row)
	if !on { // the organiser's list has no place for it
		if gone {
			b.closeLink(m, closedGone, "its owner has deleted the copy, and is not on the list")
		}
		return nil
	}
	b.forgetWaiting(v)
	b.meetExpected(v)
	if err := b.mergeField(ctx, v, c.list); err != nil {
		return err
	}
	thing := c.side.Other()
	if gone && len(v.sets[thing]) == 0 && v.link.Diverged[b.r.p.Mapping.Fields()[c.list].Key] != waitsForDecision {
		b.closeLink(v.link, closedGone, "its owner has deleted the copy")
		b.facts.Journal = append(b.facts.Journal, v.journal...)
		return nil
	}
	b.writeRecord(d, v, row.Fields[c.Owner])
	if !gone {
		b.writeCopy(v, row, d.rows[thing])
	}
	b.store(v)
	return nil
}

// draftMember views both records of a member's link. It reports false if the record's list has
// no element for the owner, or will have none.
func (b *batch) draftMember(d *draft, m store.Link, row store.Row) (*draft, bool) {
	c := b.r.p.copies
	thing, owner := c.side.Other(), row.Fields[c.Owner]
	rows := [2]store.Row{}
	rows[c.side], rows[thing] = row, d.rows[thing]
	if row.Fate != connector.Present {
		rows[c.side].Fields = row.Fields.Clone()
		for name, text := range c.Gone {
			rows[c.side].Fields[name] = record.Text(text)
		}
	}
	list := b.listOn(thing).Name
	_, on := c.element(thing, d.rows[thing].Fields[list], owner)
	if planned, changed := d.values[thing][list]; changed && on {
		_, on = c.element(thing, planned, owner)
	}
	for _, side := range record.Sides() {
		rows[side].Fields = c.view(side, b.listOn(side).Name, owner, rows[side].Fields)
	}
	if row.Fate != connector.Present && len(c.Gone) == 0 {
		rows[c.side].Fields[b.listOn(c.side).Name] = record.Value{}
	}
	return b.draft(m, rows), on
}

// writeRecord adds what a member says to the one update of the record.
func (b *batch) writeRecord(d, v *draft, owner record.Value) {
	c := b.r.p.copies
	thing := c.side.Other()
	list := b.listOn(thing)
	seen, some := v.values[thing][list.Name]
	if !some {
		return
	}
	whole, planned := d.values[thing][list.Name]
	if !planned {
		whole = d.rows[thing].Fields[list.Name]
	}
	if d.values[thing] == nil {
		d.values[thing] = record.Fields{}
	}
	d.values[thing][list.Name] = c.put(thing, whole, owner, seen)
	for _, f := range v.sets[thing] {
		f.Link = v.link.ID
		d.sets[thing] = append(d.sets[thing], f)
	}
}

// writeCopy plans what a member's copy gets of its own fields, and of no others.
func (b *batch) writeCopy(v *draft, row, partner store.Row) {
	c := b.r.p.copies
	seen := v.values[c.side][b.listOn(c.side).Name]
	if seen.IsEmpty() {
		return
	}
	set, was := record.Fields{}, record.Fields{}
	for _, name := range c.own[c.side] {
		value, told := seen.Items()[0].Fields()[name]
		f, _ := b.r.p.ends[c.side].object.Field(name)
		if told && f.Writable() && !f.Same(value, row.Fields[name]) {
			set[name], was[name] = value, row.Fields[name]
		}
	}
	if len(set) == 0 {
		return
	}
	op := b.newOp(c.side, connector.Update)
	op.Link, op.TargetID, op.SourceID = v.link.ID, row.ID, partner.ID
	op.Set, op.Was, op.Fields = set, was, v.sets[c.side]
	op.Seen[c.side], op.Seen[c.side.Other()] = row.Seq, partner.Seq
	op.IfVersion = row.Version
	b.facts.Ops = append(b.facts.Ops, op)
}

// leaveToMembers keeps the main pair out of what members merge: what an element of the list
// says for its owner counts as agreed, whatever it is, as long as the owner has a copy.
func (b *batch) leaveToMembers(d *draft, i int, side record.Side, c *merge.Cell) {
	k := b.r.p.copies
	if k == nil || k.list != i || d.link.Role != store.Main || !c.HasBase || !c.Known {
		return
	}
	base := c.Base
	for _, m := range b.members[d.link.IDs[k.side.Other()]] {
		owner := b.rows[k.side][m.IDs[k.side]].Fields[k.Owner]
		if elem, there := k.element(side, c.Value, owner); there {
			base = k.follow(side, base, owner, elem)
		}
	}
	if base.Equal(c.Base) {
		return
	}
	f := b.r.p.Mapping.Fields()[i]
	d.link.Base[side][f.Key], d.changed = base, true
	d.journal = append(d.journal, b.entry(d.link, side, store.Agreed, fieldOn(f, side).Name, c.Base, base, "it is the participants' own (R26)"))
	c.Base = base
}

// follow gives an owner's element in a base the own fields that it has now.
func (c *copies) follow(side record.Side, base, owner record.Value, now record.Fields) record.Value {
	items := slices.Clone(base.Items())
	for i, item := range items {
		if !c.is(side, item, owner) {
			continue
		}
		elem := item.Fields().Clone()
		for _, name := range c.own[side] {
			if v, known := now[name]; known {
				elem[name] = v
			} else {
				delete(elem, name)
			}
		}
		items[i] = record.Struct(elem)
	}
	return record.List(items...)
}

// memberEdited finds a member whose copy says something that the record does not have: a
// delete of the record would lose it (R22).
func (b *batch) memberEdited(d *draft, side record.Side) (key string, was, is record.Value) {
	c := b.r.p.copies
	if c == nil || c.side != side || c.list < 0 {
		return "", was, is
	}
	f := b.r.p.Mapping.Fields()[c.list]
	for _, m := range b.members[d.link.IDs[c.side.Other()]] {
		row := b.rows[c.side][m.IDs[c.side]]
		base, agreed := baseOf(m, c.side, f.Key)
		now := c.view(c.side, fieldOn(f, c.side).Name, row.Fields[c.Owner], row.Fields)[fieldOn(f, c.side).Name]
		if agreed && row.Fate == connector.Present && !now.Equal(base) {
			return f.Key, base, now
		}
	}
	return "", was, is
}
