package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Expressions may look into other records: into the one that a reference leads to, as in
// "socid.name", and into those that refer to this one, as in "count(deals, .status == 'won')".
// Then those objects have to be in the mirror with their fields, and when one of their records
// changes, those that it is seen from are planned again, and no others.

// maxReferring is how many records that refer to one changed record are taken up.
const maxReferring = 1 << 20

// parents are the objects into which the expressions of one side look by a reference.
func (p *pair) parents(side record.Side) []store.Object {
	var out []store.Object
	for _, name := range p.Mapping.Lookups(side) {
		out = append(out, store.Object{Connection: p.ends[side].of.Connection, Name: name})
	}
	return out
}

// looked are all objects into which the expressions of one side look.
func (p *pair) looked(side record.Side) []store.Object {
	out := p.parents(side)
	for _, c := range p.Mapping.Children(side) {
		of := store.Object{Connection: p.ends[side].of.Connection, Name: c.Object}
		if !slices.Contains(out, of) {
			out = append(out, of)
		}
	}
	return out
}

// unread names the objects that an expression looks into and nobody can read.
func (e *Engine) unread() plan.Problems {
	var problems plan.Problems
	for _, p := range e.syncs {
		if p.Mapping == nil {
			continue
		}
		for _, side := range record.Sides() {
			happens, looked := p.eventObjects(side)
			for _, of := range slices.Concat(p.looked(side), happens, looked) {
				if _, known := p.ends[side].conn.objects[of.Name]; !known {
					problems = append(problems, plan.Problem{File: e.plan.File, Line: p.Line,
						Text: fmt.Sprintf("sync %s: an expression looks into %s, which %s does not have; it has %s", p.Name, of,
							p.ends[side].conn.spec.Title, strings.Join(names(p.ends[side].conn.objects), ", "))})
				}
			}
		}
	}
	return problems
}

// widenLooked asks for what expressions read of other objects: the plain fields of what a
// reference leads to, and that reference; of what refers here, the fields that are named.
func (e *Engine) widenLooked(wanted map[store.Object][]string, p *pair, side record.Side) {
	end := p.ends[side]
	for _, of := range p.parents(side) {
		for _, f := range end.conn.objects[of.Name].Fields {
			if f.Kind != record.KindList && !f.Key {
				wanted[of] = append(wanted[of], f.Name)
			}
		}
	}
	wanted[end.of] = append(wanted[end.of], leading(end, p.parents(side))...)
	for _, c := range p.Mapping.Children(side) {
		of := store.Object{Connection: end.of.Connection, Name: c.Object}
		wanted[of] = append(append(wanted[of], c.Field), c.Names...)
	}
}

// leading are the reference fields of an object that point to one of those objects.
func leading(end end, parents []store.Object) []string {
	var out []string
	for _, f := range end.object.Fields {
		to := store.Object{Connection: end.of.Connection, Name: f.To}
		if f.To != "" && slices.Contains(parents, to) {
			out = append(out, f.Name)
		}
	}
	return out
}

// indexedRefs are the reference fields of an object by which its records are found: children
// that a delete would take along, those that look into what they refer to, and those that are
// looked into from there.
func (e *Engine) indexedRefs(of end) []string {
	refs := of.conn.cascadeFields(of.of.Name)
	for _, p := range e.syncs {
		for s, end := range p.ends {
			if p.Mapping == nil {
				continue
			}
			if end.of == of.of {
				refs = append(refs, leading(end, p.parents(record.Side(s)))...)
			}
			for _, c := range p.Mapping.Children(record.Side(s)) {
				if end.of.Connection == of.of.Connection && c.Object == of.of.Name {
					refs = append(refs, c.Field)
				}
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// takeUpParents has records planned again that look into records which have changed since.
func (r *run) takeUpParents(ctx context.Context) error {
	var done []store.Object
	for _, side := range record.Sides() {
		for _, of := range r.p.looked(side) {
			if slices.Contains(done, of) {
				continue
			}
			done = append(done, of)
			if err := r.takeUpParent(ctx, of); err != nil {
				return fmt.Errorf("take up changes of %s: %w", of, err)
			}
		}
	}
	return nil
}

func (r *run) takeUpParent(ctx context.Context, of store.Object) error {
	mark, err := r.e.store.LookMark(ctx, r.p.Name, of)
	if err != nil {
		return err
	}
	for {
		rows, err := r.e.store.Changed(ctx, of, mark, planBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		last := rows[len(rows)-1].Seq
		strays, err := r.e.store.Strays(ctx, of, mark, last)
		if err != nil {
			return err
		}
		seen := map[store.Spot]bool{}
		for _, side := range record.Sides() {
			if r.p.ends[side].of.Connection != of.Connection {
				continue
			}
			if err := r.referring(ctx, side, of, rows, seen); err != nil {
				return err
			}
			r.referred(side, of, rows, strays, seen)
		}
		dirty, err := r.planned(ctx, seen)
		if err != nil {
			return err
		}
		mark = last
		if err := r.e.store.TakeUp(ctx, r.p.Name, of, mark, dirty); err != nil {
			return err
		}
	}
}

// referring finds the records of a side that refer to changed records and look into them.
func (r *run) referring(ctx context.Context, side record.Side, of store.Object, rows []store.Row, into map[store.Spot]bool) error {
	if !slices.Contains(r.p.parents(side), of) {
		return nil
	}
	for _, row := range rows {
		for _, field := range leading(r.p.ends[side], []store.Object{of}) {
			ids, err := r.e.store.Children(ctx, r.p.ends[side].of, childKey(field, row.ID), maxReferring)
			if err != nil {
				return err
			}
			for _, id := range ids {
				into[store.Spot{Side: side, ID: id}] = true
			}
		}
	}
	return nil
}

// referred finds the records of a side to which changed records refer, or did before.
func (r *run) referred(side record.Side, of store.Object, rows []store.Row, strays []store.Key, into map[store.Spot]bool) {
	for _, c := range r.p.Mapping.Children(side) {
		if c.Object != of.Name {
			continue
		}
		for _, row := range rows {
			for _, id := range idsOf(row.Fields[c.Field]) {
				into[store.Spot{Side: side, ID: id}] = true
			}
		}
		for _, k := range strays {
			if k.Name == childKey(c.Field, "").Name {
				into[store.Spot{Side: side, ID: k.Value}] = true
			}
		}
	}
}

// planned leaves out the records that the run plans anyway: those that have changed themselves,
// and those that nobody has read yet.
func (r *run) planned(ctx context.Context, spots map[store.Spot]bool) ([]store.Spot, error) {
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return nil, err
	}
	var out []store.Spot
	for _, side := range record.Sides() {
		var ids []string
		for spot := range spots {
			if spot.Side == side {
				ids = append(ids, spot.ID)
			}
		}
		rows, err := r.e.store.Heads(ctx, r.p.ends[side].of, ids)
		if err != nil {
			return nil, err
		}
		slices.Sort(ids) // in order (invariant 12)
		for _, id := range ids {
			if row, known := rows[id]; known && row.Seq <= marks[side] {
				out = append(out, store.Spot{Side: side, ID: id})
			}
		}
	}
	return out, nil
}
