package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Of some things one side has several records: of a meeting, a copy in the mailbox of each
// participant (R26). One copy stands for the meeting and is half of an ordinary pair, the main
// link. The others are members: links of their own, which share the record of the main link.
// This file tells which copy is what; members.go merges what is a member's own.

// closedHanded is why a link was closed whose copy has changed its role.
const closedHanded = "handed over"

// closedParted is why a member was closed whose main link a person has closed: nobody has parted
// the copy from its meeting, and it becomes a member again with it.
const closedParted = "parted with its meeting"

// copies is what a sync knows of the side on which one thing has several records.
type copies struct {
	record.Copies
	side record.Side
	list int // the mapping's field that has an element for each participant; -1 = it is not mapped
	key  [2]string
	own  [2][]string // by side: fields of an element that are its owner's own
	who  [2]func(record.Value) string
}

// copiesOf returns what a sync has to know of copies; nil if neither side keeps any.
func copiesOf(p *pair) *copies {
	for _, side := range record.Sides() {
		facts := p.ends[side].object.Copies
		if facts == nil {
			continue
		}
		c := &copies{Copies: *facts, side: side, list: -1}
		for i, f := range p.Mapping.Fields() {
			if fieldOn(f, side).Name != c.List || f.Natural[side] == "" {
				continue
			}
			c.list, c.key = i, f.Natural
			for s, k := range p.keyed[i] {
				c.who[s] = k.Key
			}
			for _, name := range c.Own {
				if across := f.Across(side, name); across != "" {
					c.own[side], c.own[side.Other()] = append(c.own[side], name), append(c.own[side.Other()], across)
				}
			}
		}
		return c
	}
	return nil
}

// fields are what has to be read of each copy, whatever is mapped.
func (c *copies) fields() []string { return append([]string{c.Key, c.Main, c.Owner}, c.Own...) }

// copyKey is the index entry by which the copies of one thing are found.
func copyKey(object record.Object, f record.Fields) (store.Key, bool) {
	if object.Copies == nil || f[object.Copies.Key].IsEmpty() {
		return store.Key{}, false
	}
	return store.Key{Name: "copy:", Value: f[object.Copies.Key].Text()}, true
}

// organisers reports whether a row is the organiser's copy, and there.
func (c *copies) organisers(row store.Row) bool {
	return row.ID != "" && row.Fate == connector.Present && row.Fields[c.Main].Bool()
}

// loadMembers loads the main and the other links of the things that the batch is about, with
// all their records.
func (b *batch) loadMembers(ctx context.Context) error {
	c := b.r.p.copies
	if c == nil {
		return nil
	}
	b.mains, b.members = map[string]store.Link{}, map[string][]store.Link{}
	var records []string
	for _, l := range b.links[b.side] {
		records = append(records, l.IDs[c.side.Other()])
	}
	return b.loadThings(ctx, records)
}

func (b *batch) loadThings(ctx context.Context, records []string) error {
	if len(records) == 0 {
		return nil
	}
	c, st := b.r.p.copies, b.r.e.store
	thing := c.side.Other()
	mains, err := st.LinksOf(ctx, b.r.p.Name, thing, records)
	if err != nil {
		return fmt.Errorf("load main links: %w", err)
	}
	members, err := st.Members(ctx, b.r.p.Name, thing, records)
	if err != nil {
		return fmt.Errorf("load members: %w", err)
	}
	maps.Copy(b.mains, mains)
	maps.Copy(b.members, members)
	ids := [2][]string{}
	spots := make([]store.Spot, 0, len(records))
	for _, id := range records {
		ids[thing] = append(ids[thing], id)
		spots = append(spots, store.Spot{Side: thing, ID: id})
		for _, l := range append([]store.Link{mains[id]}, members[id]...) {
			ids[c.side] = append(ids[c.side], l.IDs[c.side])
		}
	}
	var rows [2]map[string]store.Row
	for _, side := range record.Sides() {
		if rows[side], err = st.Rows(ctx, b.r.p.ends[side].of, ids[side]); err != nil {
			return fmt.Errorf("load copies: %w", err)
		}
		maps.Copy(b.rows[side], rows[side])
	}
	// Whatever is under way to any copy comes from the record, or goes to it.
	busy, err := st.Busy(ctx, b.r.p.Name, spots)
	if err != nil {
		return fmt.Errorf("load unfinished operations: %w", err)
	}
	maps.Copy(b.busy, busy)
	return b.refs.add(ctx, rows)
}

// A gathering is all copies of one thing that the mirror has.
type gathering struct {
	rows  []store.Row // the first one first
	links map[string]store.Link
}

// gather finds the copies of the things that the unlinked copies of the batch are of.
func (b *batch) gather(ctx context.Context, ids []string) (map[string]gathering, error) {
	var keys []store.Key
	for _, id := range ids {
		row := b.rows[b.side][id]
		if l, linked := b.links[b.side][id]; row.Fate != connector.Present || linked && l.Closed == "" {
			continue
		}
		if k, ok := copyKey(b.r.p.ends[b.side].object, row.Fields); ok && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return b.gatherBy(ctx, keys)
}

func (b *batch) gatherBy(ctx context.Context, keys []store.Key) (map[string]gathering, error) {
	c, st := b.r.p.copies, b.r.e.store
	of := b.r.p.ends[c.side].of
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := st.FindByKey(ctx, of, keys)
	if err != nil {
		return nil, fmt.Errorf("look for copies: %w", err)
	}
	all := slices.Concat(slices.Collect(maps.Values(found))...)
	rows, err := st.Rows(ctx, of, all)
	if err != nil {
		return nil, fmt.Errorf("load copies: %w", err)
	}
	links, err := st.LinksOf(ctx, b.r.p.Name, c.side, all)
	if err != nil {
		return nil, fmt.Errorf("load links of copies: %w", err)
	}
	things := make(map[string]gathering, len(found))
	var records []string
	for k, ids := range found {
		g := gathering{links: map[string]store.Link{}}
		for _, id := range ids {
			g.rows = append(g.rows, rows[id])
			if l, ok := links[id]; ok {
				g.links[id] = l
				records = append(records, l.IDs[c.side.Other()])
			}
		}
		slices.SortFunc(g.rows, func(x, y store.Row) int {
			return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(len(x.ID), len(y.ID)), cmp.Compare(x.ID, y.ID))
		})
		things[k.Value] = g
	}
	return things, b.loadThings(ctx, records)
}

// assemble says of each unlinked copy of the batch whether it becomes a member, waits for the
// main one, or is the main one and goes the way of any record.
func (b *batch) assemble(ctx context.Context, ids []string) error {
	c := b.r.p.copies
	if c == nil || b.side != c.side {
		return nil
	}
	things, err := b.gather(ctx, ids)
	if err != nil {
		return err
	}
	b.waits = map[string]string{}
	for _, id := range ids {
		row, link := b.rows[b.side][id], b.links[b.side][id]
		if row.ID == "" || row.Fate != connector.Present || link.ID != 0 && link.Closed == "" {
			continue
		}
		g, ok := things[row.Fields[c.Key].Text()]
		in, err := b.inScope(b.side, id)
		if err != nil {
			return err
		}
		if _, busy := b.busy[store.Spot{Side: b.side, ID: id}]; !ok || !in || busy {
			continue
		}
		if main, open := b.mainOf(g); open {
			b.joinMember(row, link, main)
		} else if why := b.mustWait(g, row); why != "" {
			b.waits[id] = why
		}
	}
	return nil
}

// mainOf returns the open main link of a thing: one of its copies has it, or shares its record.
func (b *batch) mainOf(g gathering) (store.Link, bool) {
	for _, row := range g.rows {
		l, ok := g.links[row.ID]
		if !ok || l.Closed != "" && l.Role == store.Main && !closedBecause(l, closedHanded) {
			continue
		}
		if main, ok := b.mains[l.IDs[b.r.p.copies.side.Other()]]; ok && main.Closed == "" {
			return main, true
		}
	}
	return store.Link{}, false
}

// mustWait says why a copy of a thing without a main link is not the one to get it: the
// organiser's is. Where that is not in sight the first copy is, once all have been read.
func (b *batch) mustWait(g gathering, row store.Row) string {
	c := b.r.p.copies
	first := slices.IndexFunc(g.rows, c.organisers)
	switch {
	case first >= 0 && g.rows[first].ID == row.ID:
		return ""
	case first >= 0:
		return "the organiser's copy, " + g.rows[first].ID + ", has no partner yet"
	case g.rows[0].ID != row.ID:
		return "the first copy, " + g.rows[0].ID + ", has no partner yet"
	case b.r.rec.Hinted, !b.r.listed[c.side].Load(), b.r.younger(c.side, row):
		return "the organiser's copy may not have been read yet"
	}
	return ""
}

// younger reports whether a record may have been made when parts of its side had been read
// already: then others that were made with it may not be in the mirror yet.
func (r *run) younger(side record.Side, row store.Row) bool {
	end := r.p.ends[side]
	return !row.Created.Add(-end.conn.known.Identity.Clock).Before(r.began.Add(-end.object.ReadLag))
}

// byRule reports whether a copy stands for its thing though it is not the organiser's.
func (c *copies) byRule(side record.Side, f record.Fields) bool {
	return c != nil && side == c.side && !f[c.Key].IsEmpty() && !f[c.Main].Bool()
}

// firstCopy is what the journal adds to why such a copy was linked.
const firstCopy = "; the first copy stands for all, as the organiser's is not in sight (R26)"

// dropMembers takes copies that do not stand for their thing out of the candidates for a match.
func (b *batch) dropMembers(ctx context.Context, rows map[string]store.Row) error {
	c := b.r.p.copies
	if c == nil || b.side == c.side {
		return nil
	}
	var keys []store.Key
	for _, row := range rows {
		if k, ok := copyKey(b.r.p.ends[c.side].object, row.Fields); ok && !c.organisers(row) {
			keys = append(keys, k)
		}
	}
	things, err := b.gatherBy(ctx, keys)
	if err != nil {
		return err
	}
	for k, ids := range b.found {
		b.found[k] = slices.DeleteFunc(ids, func(id string) bool {
			g, shared := things[rows[id].Fields[c.Key].Text()]
			if !shared || c.organisers(rows[id]) {
				return false
			}
			_, taken := b.mainOf(g)
			return taken || slices.ContainsFunc(g.rows, c.organisers) || g.rows[0].ID != id
		})
	}
	return nil
}

func noted(m map[int64]bool, id int64) map[int64]bool {
	if m == nil {
		m = map[int64]bool{}
	}
	m[id] = true
	return m
}

// dropMembers takes participants' copies out of what a create may have made: the vendor made
// them from that.
func (s *settling) dropMembers(hits map[int64][]record.Record) {
	c := s.r.p.copies
	if c == nil || s.side != c.side {
		return
	}
	for op, found := range hits {
		hits[op] = slices.DeleteFunc(found, func(rec record.Record) bool { return c.byRule(s.side, rec.Fields) })
	}
}
