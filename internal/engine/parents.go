package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Expressions may look into a referenced record: "socid.name". Then the referenced objects
// have to be in the mirror with their fields, and when one of their records changes, those
// that refer to it are planned again.

// maxReferring is how many records that refer to one changed record are taken up.
const maxReferring = 1 << 20

// parents are the objects into which the expressions of one side look.
func (p *pair) parents(side record.Side) []store.Object {
	var out []store.Object
	for _, name := range p.Mapping.Lookups(side) {
		out = append(out, store.Object{Connection: p.ends[side].of.Connection, Name: name})
	}
	return out
}

// unread names the objects that an expression looks into and no sync reads.
func (e *Engine) unread() plan.Problems {
	read := map[store.Object]bool{}
	for _, p := range e.syncs {
		for _, end := range p.ends {
			read[end.of] = true
		}
	}
	var problems plan.Problems
	for _, p := range e.syncs {
		if p.Mapping == nil {
			continue
		}
		for _, side := range record.Sides() {
			for _, of := range p.parents(side) {
				if !read[of] {
					problems = append(problems, plan.Problem{File: e.plan.File, Line: p.Line,
						Text: fmt.Sprintf("sync %s: an expression looks into %s, which no sync reads; add a sync of it, with direction: none if nothing shall be written", p.Name, of)})
				}
			}
		}
	}
	return problems
}

// widenParents asks for the plain fields of the objects that expressions look into, and for
// the references that lead there.
func (e *Engine) widenParents(wanted map[store.Object][]string, p *pair, side record.Side) {
	end := p.ends[side]
	for _, of := range p.parents(side) {
		for _, f := range end.conn.objects[of.Name].Fields {
			if f.Kind != record.KindList && !f.Key {
				wanted[of] = append(wanted[of], f.Name)
			}
		}
	}
	wanted[end.of] = append(wanted[end.of], leading(end, p.parents(side))...)
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
// that a delete would take along, and those that look into what they refer to.
func (e *Engine) indexedRefs(of end) []string {
	refs := of.conn.cascadeFields(of.of.Name)
	for _, p := range e.syncs {
		for s, end := range p.ends {
			if end.of == of.of && p.Mapping != nil {
				refs = append(refs, leading(end, p.parents(record.Side(s)))...)
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// takeUpParents has records planned again that look into records which have changed since.
func (r *run) takeUpParents(ctx context.Context) error {
	for _, side := range record.Sides() {
		for _, of := range r.p.parents(side) {
			if err := r.takeUpParent(ctx, side, of); err != nil {
				return fmt.Errorf("take up changes of %s: %w", of, err)
			}
		}
	}
	return nil
}

func (r *run) takeUpParent(ctx context.Context, side record.Side, of store.Object) error {
	mark, err := r.e.store.LookMark(ctx, r.p.Name, of)
	if err != nil {
		return err
	}
	fields := leading(r.p.ends[side], []store.Object{of})
	for {
		rows, err := r.e.store.Changed(ctx, of, mark, planBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		var dirty []store.Spot
		for _, row := range rows {
			mark = row.Seq
			for _, field := range fields {
				ids, err := r.e.store.Children(ctx, r.p.ends[side].of, childKey(field, row.ID), maxReferring)
				if err != nil {
					return err
				}
				for _, id := range ids {
					dirty = append(dirty, store.Spot{Side: side, ID: id})
				}
			}
		}
		if err := r.e.store.TakeUp(ctx, r.p.Name, of, mark, dirty); err != nil {
			return err
		}
	}
}
