package engine

import (
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a member's link sees of its records, for those who look at links from outside a run: to
// verify them, to explain them, to take something back (R26).

// seenBy views a record of a link; for a main link that is all of it. copied is what the copy
// of a member's link holds. It reports false if a member has nothing in common with the record.
func (p *pair) seenBy(l store.Link, side record.Side, f, copied record.Fields) (record.Fields, bool) {
	c := p.copies
	if l.Role == store.Main || c == nil {
		return f, true
	}
	if c.list < 0 {
		return record.Fields{}, false
	}
	list := fieldOn(p.Mapping.Fields()[c.list], side).Name
	seen := c.view(side, list, copied[c.Owner], f)
	return seen, !seen[list].IsEmpty()
}

// mappedFor are the indexes of the mapped fields that a link keeps in step.
func (p *pair) mappedFor(l store.Link) []int {
	if l.Role != store.Main && p.copies != nil {
		if p.copies.list < 0 {
			return nil
		}
		return []int{p.copies.list}
	}
	return p.every
}

// memberChanged names the list if a participant's copy differs from what was agreed (R23).
func (p *pair) memberChanged(l store.Link, row store.Row) string {
	seen, common := p.seenBy(l, p.copies.side, row.Fields, row.Fields)
	if !common {
		return ""
	}
	f := p.Mapping.Fields()[p.copies.list]
	name := fieldOn(f, p.copies.side).Name
	if base, agreed := baseOf(l, p.copies.side, f.Key); agreed && !seen[name].Equal(base) {
		return name
	}
	return ""
}

// seenBy leaves in a sight what a link sees of its records. It reports false if there is
// nothing to compare.
func (v *verifier) seenBy(s *sight, l store.Link) (*sight, bool) {
	p := v.r.p
	if l.Role == store.Main || p.copies == nil {
		return s, true
	}
	own := *s
	copied := s.fresh[p.copies.side][l.IDs[p.copies.side]].Fields
	common := true
	for _, side := range record.Sides() {
		id := l.IDs[side]
		row, fresh := s.rows[side][id], s.fresh[side][id]
		_, shown := s.fresh[side][id]
		row.Fields, _ = p.seenBy(l, side, row.Fields, s.rows[p.copies.side][l.IDs[p.copies.side]].Fields)
		var some bool
		fresh.Fields, some = p.seenBy(l, side, fresh.Fields, copied)
		common = common && some
		own.rows[side] = map[string]store.Row{id: row}
		own.fresh[side] = map[string]seen{}
		if shown {
			own.fresh[side][id] = fresh
		}
	}
	return &own, common
}

// row is what a link sees of one of its records.
func (b *revertBatch) row(l store.Link, side record.Side) store.Row {
	row := b.rows[side][l.IDs[side]]
	if l.Role != store.Main && b.v.r.p.copies != nil {
		row.Fields, _ = b.v.r.p.seenBy(l, side, row.Fields, b.copied(l))
	}
	return row
}

func (b *revertBatch) copied(l store.Link) record.Fields {
	side := b.v.r.p.copies.side
	return b.rows[side][l.IDs[side]].Fields
}

// spread turns what a member's link would set into fields of the record that is written.
func (b *revertBatch) spread(l store.Link, op *store.Op) {
	c := b.v.r.p.copies
	if l.Role == store.Main || c == nil || c.list < 0 {
		return
	}
	list := fieldOn(b.v.r.p.Mapping.Fields()[c.list], op.Side).Name
	seen, held := op.Set[list], b.rows[op.Side][l.IDs[op.Side]].Fields
	if op.Side != c.side {
		op.Set = record.Fields{list: c.put(op.Side, held[list], b.copied(l)[c.Owner], seen)}
		op.Was = record.Fields{list: held[list]}
		return
	}
	op.Set, op.Was = record.Fields{}, record.Fields{}
	if seen.IsEmpty() {
		return
	}
	elem := seen.Items()[0].Fields()
	for _, name := range c.own[c.side] {
		f, _ := b.v.r.p.ends[c.side].object.Field(name)
		if v, told := elem[name]; told && f.Writable() && !f.Same(v, held[name]) {
			op.Set[name], op.Was[name] = v, held[name]
		}
	}
}
