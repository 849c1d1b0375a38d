package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A revertBatch is everything that is needed to say how what was done to some links goes back.
type revertBatch struct {
	v     *reverting
	links map[int64]store.Link
	lines map[int64][]store.Entry // all of each link, oldest first
	rows  [2]map[string]store.Row
	now   [2]map[string]store.Link // the present links of their records, which may be others
	busy  map[store.Spot]int64
	refs  *refs
	tried map[string]int
	facts store.Facts
}

// look loads a batch in few queries.
func (v *reverting) look(ctx context.Context, ids []int64) (*revertBatch, error) {
	b := &revertBatch{v: v, lines: map[int64][]store.Entry{}}
	var err error
	if b.links, err = v.r.e.store.LinksByID(ctx, ids); err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	lines, err := v.r.e.store.LinesOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load changes: %w", err)
	}
	for _, e := range lines {
		b.lines[e.Link] = append(b.lines[e.Link], e)
	}
	var spots []store.Spot
	var of [2][]string
	for _, id := range ids {
		for _, side := range record.Sides() {
			of[side] = append(of[side], b.links[id].IDs[side])
			spots = append(spots, store.Spot{Side: side, ID: b.links[id].IDs[side]})
		}
	}
	for _, side := range record.Sides() {
		if b.rows[side], err = v.r.e.store.Rows(ctx, v.r.p.ends[side].of, of[side]); err != nil {
			return nil, fmt.Errorf("load records: %w", err)
		}
	}
	if err := b.partners(ctx, lines); err != nil {
		return nil, err
	}
	if b.busy, err = v.r.e.store.Busy(ctx, v.r.p.Name, spots); err != nil {
		return nil, fmt.Errorf("load unfinished operations: %w", err)
	}
	b.refs, err = v.r.loadRefs(ctx, b.rows)
	return b, err
}

// partners loads the present links of records that are to go, or to be linked again.
func (b *revertBatch) partners(ctx context.Context, lines []store.Entry) error {
	var ids [2][]string
	for _, e := range lines {
		l := b.links[e.Link]
		switch life, before := lives(e.Kind); {
		case !b.v.selects(e):
		case life && !before:
			ids[e.Side] = append(ids[e.Side], l.IDs[e.Side])
		case e.Kind == store.Closed:
			ids[0], ids[1] = append(ids[0], l.IDs[0]), append(ids[1], l.IDs[1])
		}
	}
	for _, side := range record.Sides() {
		var err error
		if b.now[side], err = b.v.r.e.store.LinksOf(ctx, b.v.r.p.Name, side, ids[side]); err != nil {
			return fmt.Errorf("load links: %w", err)
		}
	}
	return nil
}

// A unit is one thing that goes back, with what it takes to do so.
type unit struct {
	RevertItem
	link   int64
	field  mappingField
	source record.Value // what the other side holds: its base from then on
	lost   *store.Lost  // what a person put there, if it is overruled by force
	unsent bool         // source is an edit that was not carried over, and by force will not be
	later  bool         // its record has to come back first
}

// key names a unit through the rounds of its batch.
func (u *unit) key() string {
	kind := string(u.Kind)
	if u.Kind != RevertField && u.Kind != RevertNothing {
		kind = "whole" // what is to be done to a record or a pair may change with its state
	}
	return fmt.Sprintf("%d %s %d %s %d", u.link, kind, u.Side, u.Field, u.Change)
}

// item begins the item that answers a line.
func (v *reverting) item(e store.Entry, kind RevertKind) RevertItem {
	return RevertItem{Change: e.ID, Sync: v.r.p.Name, Kind: kind, Side: e.Side, Of: e.Of, ID: e.Record, Field: e.Field}
}

func (v *reverting) nothing(e store.Entry, why string) RevertItem {
	it := v.item(e, RevertNothing)
	it.State, it.Why = RevertSilent, why
	if v.q.Change != 0 {
		it.State = RevertCannot // it was asked for by its number
	}
	return it
}

// units says for each link of the batch what goes back, in the order of the lines.
func (b *revertBatch) units(ctx context.Context, ids []int64) ([]unit, error) {
	var all []unit
	for _, id := range ids {
		link, ok := b.links[id]
		if !ok {
			continue
		}
		var picked []store.Entry
		for _, e := range b.lines[id] {
			if b.v.selects(e) {
				picked = append(picked, e)
			}
		}
		some, err := b.ofLink(ctx, link, picked)
		if err != nil {
			return nil, fmt.Errorf("revert link %d: %w", id, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// A span is several lines about one thing: what it was before the first of them counts, and
// what it has been since the last.
type span struct{ first, last store.Entry }

// A history is what the selected lines of one link come to.
type history struct {
	fields map[string]int // by side and wire name: place in order
	life   [2]int         // place + 1 in order; 0 = none
	joint  int
	order  []span
	rest   []store.Entry // lines that tell of no act of ours
}

func (h *history) add(at *int, e store.Entry) {
	if *at == 0 {
		h.order = append(h.order, span{first: e})
		*at = len(h.order)
	}
	h.order[*at-1].last = e
}

func gather(l store.Link, lines []store.Entry) history {
	h := history{fields: map[string]int{}}
	for _, e := range lines {
		life, _ := lives(e.Kind)
		switch {
		case e.Kind == store.Written:
			name := e.Side.String() + " " + e.Field
			at := h.fields[name]
			h.add(&at, e)
			h.fields[name] = at
		case life && e.Record == l.IDs[e.Side]:
			h.add(&h.life[e.Side], e)
		case joins(e.Kind):
			h.add(&h.joint, e)
		default:
			h.rest = append(h.rest, e)
		}
	}
	return h
}

func (b *revertBatch) ofLink(ctx context.Context, l store.Link, lines []store.Entry) ([]unit, error) {
	if closedBecause(l, closedErased) {
		return b.erased(l, lines), nil
	}
	if b.v.q.Change != 0 && !slices.ContainsFunc(lines, func(e store.Entry) bool { return e.Kind != store.Overruled }) {
		return b.allOverruled(l, lines)
	}
	h := gather(l, lines)
	var goes, comes [2]bool // records that are to go, or to come back
	for _, side := range record.Sides() {
		if h.life[side] > 0 {
			_, before := lives(h.order[h.life[side]-1].first.Kind)
			goes[side] = !before
			comes[side] = before && b.rows[side][l.IDs[side]].Fate != connector.Present
		}
	}
	var units []unit
	for i, s := range h.order {
		u := unit{link: l.ID}
		var err error
		switch {
		case i+1 == h.joint && (goes[0] || goes[1]):
			u.RevertItem = b.v.nothing(s.first, "it goes with the record")
		case i+1 == h.joint:
			u = b.joint(l, s.first)
		case i+1 == h.life[0] || i+1 == h.life[1]:
			u, err = b.life(ctx, l, s.first)
		case goes[s.first.Side]:
			u.RevertItem = b.v.nothing(s.first, "it goes with the record")
		default:
			u, err = b.field(l, s.first.Side, s.first, s.first.Old, s.last, comes[s.first.Side])
		}
		if err != nil {
			return nil, err
		}
		u.link = l.ID
		units = append(units, u)
	}
	for _, e := range h.rest {
		why := whyNot(e.Kind)
		if e.Kind == store.Overruled {
			why = "it goes with the change of the same field; by its own number it comes back on both sides"
		} else if TakesBack(e.Kind) {
			why = "it was created anew under another id; revert it at the system itself"
		}
		units = append(units, unit{RevertItem: b.v.nothing(e, why), link: l.ID})
	}
	return units, nil
}

// erased says of the lines of an erased person why they cannot go back (invariant 10).
func (b *revertBatch) erased(l store.Link, lines []store.Entry) []unit {
	units := make([]unit, len(lines))
	for i, e := range lines {
		units[i] = unit{RevertItem: b.v.nothing(e, "its person was erased: no value is left that could come back"), link: l.ID}
	}
	return units
}

// allOverruled brings back several values that lost; of one field the oldest.
func (b *revertBatch) allOverruled(l store.Link, lines []store.Entry) ([]unit, error) {
	var all []unit
	done := map[int]bool{}
	for _, e := range lines {
		i, mapped := b.v.byWire[e.Side][e.Field]
		if mapped {
			if done[i] {
				continue
			}
			done[i] = true
		}
		units, err := b.overruled(l, e)
		if err != nil {
			return nil, err
		}
		all = append(all, units...)
	}
	return all, nil
}

// overruled brings the losing value of a conflict back, on both sides.
func (b *revertBatch) overruled(l store.Link, e store.Entry) ([]unit, error) {
	here, err := b.field(l, e.Side, e, e.Old, e, false)
	if err != nil {
		return nil, err
	}
	i, mapped := b.v.byWire[e.Side][e.Field]
	if !mapped {
		return []unit{here}, nil
	}
	other := e.Side.Other()
	f := b.v.r.p.Mapping.Fields()[i]
	if !allowed(b.v.r.p.Rules[i].Direction, f).Allows(other) {
		return []unit{here}, nil // that side is not written to: the values differ as before
	}
	sent, told, err := b.v.r.p.Mapping.Convert(i, e.Side, e.Old, b.refs)
	if err != nil || !told {
		return []unit{here}, nil //nolint:nilerr // it cannot be told there, as it could not before the conflict
	}
	base, _ := baseOf(l, other, f.Key)
	line := e
	line.Side, line.Of, line.Record, line.Field = other, b.v.r.p.ends[other].of, l.IDs[other], fieldOn(f, other).Name
	line.New = base
	there, err := b.field(l, other, line, sent, line, false)
	return []unit{here, there}, err
}

// field says whether a field can go back to a value: if it holds what the last of our lines
// left there, on both sides, or by force.
func (b *revertBatch) field(l store.Link, side record.Side, e store.Entry, to record.Value, last store.Entry, later bool) (unit, error) {
	u := unit{RevertItem: b.v.item(e, RevertField), link: l.ID, later: later}
	u.To, u.State = to, RevertDo
	row := b.row(l, side)
	u.Title = title(row.Fields)
	now, known := row.Fields[e.Field]
	u.Now = now
	i, mapped := b.v.byWire[side][e.Field]
	end := b.v.r.p.ends[side]
	of, _ := end.object.Field(e.Field)
	cannot := ""
	switch {
	case !mapped:
		cannot = e.Field + " is no longer mapped; map it again first"
	case later:
		return u, nil
	case row.ID == "" || row.Fate != connector.Present:
		cannot = "the record is gone"
	case !known:
		cannot = e.Field + " has not been read"
	case !end.object.Update || !of.Writable():
		cannot = e.Field + " cannot be written with this credential"
	case record.Echoes(now, to, of.Rewrites):
		u.State = RevertAlready
		return u, nil
	case of.CreateOnly:
		cannot = e.Field + " " + cannotChange
	case of.NoClear && to.IsEmpty():
		cannot = e.Field + " " + cannotEmpty
	}
	if cannot != "" {
		u.State, u.Why = RevertCannot, cannot
		return u, nil
	}
	u.field = b.v.r.p.Mapping.Fields()[i]
	if b.v.r.p.lifts(i, side, now, to) {
		u.State, u.Why = RevertCannot, "R32: a no to mail is not taken back; if the person agrees again, record it where they said so"
		return u, nil
	}
	if why := l.Diverged[u.field.Key]; b.tried[u.key()] > 0 && strings.HasPrefix(why, "refused") {
		u.State, u.Why = RevertCannot, why
		return u, nil
	}
	if !b.v.q.Force && of.Kind == record.KindEmail && !now.IsEmpty() && saysNo(end.object, row) {
		u.State, u.Why = RevertEdited, "R32: the person said no to mail, and might get it again at another address"
		return u, nil
	}
	return u, b.since(l, &u, i, last)
}

// since finds out whether somebody has edited a field since our last line about it.
func (b *revertBatch) since(l store.Link, u *unit, i int, last store.Entry) error {
	other := u.Side.Other()
	key := u.field.Key
	base, _ := baseOf(l, other, key)
	own, known, err := b.v.r.p.Mapping.Own(i, other, b.row(l, other).Fields, b.refs)
	if err != nil {
		return fmt.Errorf("field %s: %w", key, err)
	}
	u.source = base
	if known {
		u.source = own
	}
	of, _ := b.v.r.p.ends[u.Side].object.Field(u.Field)
	edited := ""
	switch {
	case !record.Echoes(u.Now, last.New, of.Rewrites):
		edited = b.whoSince(l, u)
		u.lost = &store.Lost{Side: u.Side, Value: u.Now}
	case known && !fieldOn(u.field, other).Same(own, base) && l.Diverged[key] == "" && l.Closed == "":
		edited = fmt.Sprintf("edited in %s since, and not carried over yet", b.v.r.p.ends[other].of)
		u.unsent = true
	}
	if edited == "" {
		return nil
	}
	u.Why = edited
	if !b.v.q.Force {
		u.State = RevertEdited
	}
	return nil
}

// another reports whether a record has another partner by now than that of a link.
func (b *revertBatch) another(l store.Link, side record.Side) bool {
	n, ok := b.now[side][l.IDs[side]]
	return ok && n.Closed == "" && n.ID != l.ID
}

// whoSince says whether a later change of ours or an edit at the system is what a field
// holds now.
func (b *revertBatch) whoSince(l store.Link, u *unit) string {
	for _, e := range slices.Backward(b.lines[l.ID]) {
		if e.Kind != store.Written || e.Side != u.Side || e.Field != u.Field {
			continue
		}
		if e.ID > u.Change && e.New.Equal(u.Now) {
			return fmt.Sprintf("changed again by %s (change %d: %s)", RunName(e.Run), e.ID, e.Why)
		}
		break
	}
	return "edited in " + b.v.r.p.ends[u.Side].of.String() + " since"
}
