package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Sample is a record as it is remembered, with the partner that it is linked to, and what a
// mapping makes of both.
type Sample struct {
	Rows   [2]store.Row // by side; without an id where there is none
	Passes [2]bool      // the filter of its side
	Fields []SampleField
}

// A SampleField is what a mapping makes of one of its fields.
type SampleField struct {
	Own   [2]SampleValue // what a side holds, or what its expression comes to
	Given [2]SampleValue // what a side would be given by the other one
}

// A SampleValue is a value if it is known.
type SampleValue struct {
	record.Value

	Known bool
	Why   string // there is none; "" = nothing is wrong
	Same  bool   // it means what the side holds
}

// Samples shows what a resolved sync makes of records of one side. What is merged and written is
// for a plan to say: here each side's value is carried over as far as directions let it. No vendor
// is called.
func Samples(ctx context.Context, s *store.Store, p *plan.Plan, r *plan.Resolved, side record.Side, ids []string) ([]Sample, error) {
	here, err := rememberedRun(ctx, s, p, r)
	if err != nil {
		return nil, err
	}
	links, err := s.LinksOf(ctx, r.Name, side, ids)
	if err != nil {
		return nil, fmt.Errorf("find partners: %w", err)
	}
	wanted := [2][]string{}
	for _, id := range ids {
		wanted[side] = append(wanted[side], id)
		if l, linked := links[id]; linked && l.Closed == "" {
			wanted[side.Other()] = append(wanted[side.Other()], l.IDs[side.Other()])
		}
	}
	var rows [2]map[string]store.Row
	for _, side := range record.Sides() {
		if rows[side], err = s.Rows(ctx, here.p.ends[side].of, wanted[side]); err != nil {
			return nil, fmt.Errorf("load records: %w", err)
		}
	}
	refs, err := here.loadRefs(ctx, rows)
	if err != nil {
		return nil, err
	}
	var all []Sample
	for _, id := range ids {
		one := Sample{}
		one.Rows[side] = rows[side][id]
		if l, linked := links[id]; linked && l.Closed == "" {
			one.Rows[side.Other()] = rows[side.Other()][l.IDs[side.Other()]]
		}
		if one.Rows[side].ID != "" {
			one.fill(r, refs)
			all = append(all, one)
		}
	}
	return all, nil
}

// rememberedRun is as much of a run as references need to be translated and looked into.
func rememberedRun(ctx context.Context, s *store.Store, p *plan.Plan, r *plan.Resolved) (*run, error) {
	e := &Engine{store: s, plan: p}
	var own *pair
	for _, sync := range p.Syncs {
		x := &pair{Resolved: &plan.Resolved{Sync: sync}}
		if sync.Name == r.Name {
			x.Resolved, own = r, x
		}
		for side, of := range sync.Ends {
			x.ends[side].of = store.Object{Connection: of.Connection, Name: of.Object}
		}
		e.syncs = append(e.syncs, x)
	}
	if own == nil {
		return nil, fmt.Errorf("the plan has no sync %s", r.Name)
	}
	for side := range own.ends {
		objects, err := RememberedObjects(ctx, s, own.ends[side].of.Connection)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(objects, func(o record.Object) bool { return o.Name == own.ends[side].of.Name }); i >= 0 {
			own.ends[side].object = objects[i]
		}
		own.wire[side] = r.Mapping.Wire(record.Side(side))
	}
	return &run{e: e, p: own}, nil
}

func (s *Sample) fill(r *plan.Resolved, refs mapping.Refs) {
	m := r.Mapping
	for _, side := range record.Sides() {
		if s.Rows[side].ID != "" {
			in, err := m.InScope(side, s.Rows[side].Fields, refs)
			s.Passes[side] = in && err == nil
		}
	}
	s.Fields = make([]SampleField, len(m.Fields()))
	for i := range s.Fields {
		for _, from := range record.Sides() {
			if s.Rows[from].ID != "" {
				s.carry(r, refs, i, from)
			}
		}
		f := &s.Fields[i]
		for _, side := range record.Sides() {
			other := side.Other()
			given, own := f.Given[side], f.Own[side]
			pair := [2]record.Value{}
			pair[other], pair[side] = f.Own[other].Value, own.Value
			f.Given[side].Same = given.Known && own.Known && (given.Equal(own.Value) || m.Same(i, pair[0], pair[1]))
		}
	}
}

// carry works out what a side holds in a field, and what the other one would be given of it.
func (s *Sample) carry(r *plan.Resolved, refs mapping.Refs, i int, from record.Side) {
	m, fields := r.Mapping, s.Rows[from].Fields
	own, given := &s.Fields[i].Own[from], &s.Fields[i].Given[from.Other()]
	v, known, err := m.Own(i, from, fields, refs)
	if fault := m.Fault(i, from, fields, refs); err == nil {
		err = fault
	}
	own.Value, own.Known, own.Why = v, known && err == nil, said(err)
	if !r.Rules[i].Direction.Allows(from.Other()) {
		return
	}
	if !own.Known {
		given.Why = own.Why
		return
	}
	v, known, err = m.Convert(i, from, v, refs)
	if err == nil && known && v.IsEmpty() && s.Rows[from.Other()].ID == "" {
		if first := m.First(i, from.Other(), fields, refs); !first.IsEmpty() {
			v = first
		}
	}
	given.Value, given.Known, given.Why = v, known && err == nil, said(err)
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
