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

// resolve binds the syncs to the objects and puts parents first (R28). Syncs of an object
// that is not known, because its connection never answered, are kept for their error.
func (e *Engine) resolve() error {
	e.syncs = nil
	var problems plan.Problems
	var resolved []*plan.Resolved
	for _, s := range e.plan.Syncs {
		objects, known, bad := e.objectsOf(s)
		problems = append(problems, bad...)
		if !known {
			e.syncs = append(e.syncs, e.broken(s))
			continue
		}
		if objects[0].Copies != nil && objects[1].Copies != nil {
			problems = append(problems, plan.Problem{File: e.plan.File, Line: s.Line, Text: fmt.Sprintf("sync %s: both %s and %s keep a copy for each participant (R26); "+
				"sync each of them with an object that has one record for a meeting", s.Name, objects[0].Name, objects[1].Name)})
			continue
		}
		r, more := e.plan.ResolveAmong(s, objects[0], objects[1], e.around(s))
		problems = append(problems, more...)
		if r != nil && !more.HasErrors() {
			resolved = append(resolved, r)
		}
	}
	ordered, more := e.plan.CheckAll(resolved)
	problems = append(problems, more...)
	if problems.HasErrors() {
		return problems
	}
	for _, r := range ordered {
		e.syncs = append(e.syncs, e.bind(r))
	}
	if unread := e.unread(); unread.HasErrors() {
		return unread
	}
	e.warnings = problems
	e.store.TrackStages(e.stageFields())
	e.widen()
	e.watchEvents()
	e.narrow()
	e.findPaths()
	return nil
}

// register tells the store the two objects of every sync: waits and the index need them.
func (e *Engine) register(ctx context.Context) error {
	for _, p := range e.syncs {
		if err := e.store.SetSync(ctx, p.Name, p.ends[0].of, p.ends[1].of); err != nil {
			return fmt.Errorf("register sync %s: %w", p.Name, err)
		}
	}
	return nil
}

func (e *Engine) objectsOf(s plan.Sync) ([2]record.Object, bool, plan.Problems) {
	var objects [2]record.Object
	var problems plan.Problems
	known := true
	for _, side := range record.Sides() {
		c := e.conns[s.Ends[side].Connection]
		if len(c.objects) == 0 {
			known = false
			continue
		}
		o, ok := c.objects[s.Ends[side].Object]
		if !ok {
			known = false
			problems = append(problems, plan.Problem{File: e.plan.File, Line: s.Line,
				Text: fmt.Sprintf("sync %s: %s has no object %q; it has %s", s.Name, c.plan.Name,
					s.Ends[side].Object, strings.Join(names(c.objects), ", "))})
		}
		objects[side] = o
	}
	return objects, known, problems
}

func names(objects map[string]record.Object) []string {
	var out []string
	for n := range objects {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (e *Engine) broken(s plan.Sync) *pair {
	p := &pair{Resolved: &plan.Resolved{Sync: s}}
	for _, side := range record.Sides() {
		p.ends[side] = end{conn: e.conns[s.Ends[side].Connection],
			of: store.Object{Connection: s.Ends[side].Connection, Name: s.Ends[side].Object}}
	}
	return p
}

func (e *Engine) bind(r *plan.Resolved) *pair {
	p := e.broken(r.Sync)
	p.Resolved = r
	for _, side := range record.Sides() {
		p.ends[side].object = p.ends[side].conn.objects[r.Ends[side].Object]
		p.wire[side] = r.Mapping.Wire(side)
	}
	p.index, p.matched = map[string]int{}, map[string]bool{}
	for i, f := range r.Mapping.Fields() {
		p.index[f.Key] = i
		p.every = append(p.every, i)
		p.matched[f.Key] = r.Mapping.Matched(i)
		p.keyed = append(p.keyed, keyedBy(f, e.plan.Country))
	}
	if p.copies = copiesOf(p); p.copies != nil {
		p.wire[p.copies.side] = append(slices.Clone(p.wire[p.copies.side]), p.copies.fields()...)
	}
	return p
}

// stageFields are the fields of deals of which the store notes every change, for the pipeline report.
func (e *Engine) stageFields() map[store.Object][]string {
	fields := map[store.Object][]string{}
	for _, p := range e.syncs {
		for _, end := range p.ends {
			if end.object.Common == "deal" && fields[end.of] == nil {
				fields[end.of] = dealFields(end.object, "stage", "status")
			}
		}
	}
	return fields
}

// dealFields are the wire names of common fields of an object, as far as it has them.
func dealFields(o record.Object, common ...string) []string {
	names := []string{}
	for _, c := range common {
		if f, ok := o.ByCommon(c); ok {
			names = append(names, f.Name)
		}
	}
	return names
}

// widen makes syncs that share an object ask for the same fields, so that one listing
// serves them all and none takes a field away from another.
func (e *Engine) widen() {
	wanted := make(map[store.Object][]string)
	for _, p := range e.syncs {
		for side, end := range p.ends {
			wanted[end.of] = append(wanted[end.of], p.wire[side]...)
			wanted[end.of] = append(wanted[end.of], end.conn.cascadeFields(end.of.Name)...)
			wanted[end.of] = append(wanted[end.of], noFields(end.object)...)
			if end.object.Common == "deal" { // for the pipeline report, whatever is mapped
				wanted[end.of] = append(wanted[end.of], dealFields(end.object, "stage", "status", "pipeline", "amount", "currency", "source", "close_date")...)
			}
			if p.Mapping != nil {
				e.widenLooked(wanted, p, record.Side(side))
				e.widenEvents(wanted, p, record.Side(side))
			}
		}
	}
	e.findAside(wanted)
	for _, p := range e.syncs {
		for side, end := range p.ends {
			fields := slices.Clone(wanted[end.of])
			slices.Sort(fields)
			p.wire[side] = slices.Compact(fields)
		}
	}
}

// cascadeFields are the reference fields of an object by which the vendor deletes its
// records together with their parents (R23).
func (c *conn) cascadeFields(object string) []string {
	var fields []string
	for _, o := range c.objects {
		for _, cascade := range o.Cascades {
			if cascade.Object == object {
				fields = append(fields, cascade.Field)
			}
		}
	}
	return fields
}
