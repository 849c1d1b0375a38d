package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A filter is always applied here, to every record that comes. Where it is safe the vendor is
// asked as well, so that the first listing of an object brings only what can pass. Nothing
// else is ever narrowed: what changes later comes whatever it holds, and every further
// listing is a full one, so the mirror never holds a record that nobody looks after.

// narrow finds out by which conditions the first listing of each object may be narrowed:
// those that all syncs of the object share. None, if anything needs the other records too.
func (e *Engine) narrow() {
	e.narrowed = map[store.Object][]connector.Cond{}
	for _, p := range e.syncs {
		for _, end := range p.ends {
			if _, done := e.narrowed[end.of]; !done {
				e.narrowed[end.of] = e.sharedConds(end)
			}
		}
	}
}

func (e *Engine) sharedConds(of end) []connector.Cond {
	if of.hosted() || e.neededWhole(of) {
		return nil
	}
	var shared []mapping.Cond
	first := true
	for _, p := range e.syncs {
		for _, side := range record.Sides() {
			if p.ends[side].of != of.of {
				continue
			}
			conds := p.conds(side)
			if first {
				shared, first = conds, false
				continue
			}
			shared = slices.DeleteFunc(slices.Clone(shared), func(c mapping.Cond) bool {
				return !slices.ContainsFunc(conds, c.Equal)
			})
		}
	}
	out := make([]connector.Cond, 0, len(shared))
	for _, c := range shared {
		out = append(out, connector.Cond{Field: c.Field, Op: connector.CondOp(c.Op), Values: c.Values})
	}
	return out
}

// conds are the conditions by which one sync could do with part of an object.
func (p *pair) conds(side record.Side) []mapping.Cond {
	if p.Mapping == nil || p.creates(side) {
		return nil // R15: what a create could double must be known, whether it passes or not
	}
	return slices.DeleteFunc(slices.Clone(p.Mapping.Conds(side)), func(c mapping.Cond) bool {
		f, ok := p.ends[side].object.Field(c.Field)
		return !ok || f.Silent // R35: nothing would tell that the record has entered the filter
	})
}

// creates reports whether the sync may make records on a side.
func (p *pair) creates(side record.Side) bool {
	return p.Create[side] && p.Direction.Allows(side) && p.ends[side].object.Create
}

// neededWhole reports whether records of an object are needed that no sync of it wants: those
// that expressions of another one look into, and children that a delete would take along (R23).
func (e *Engine) neededWhole(of end) bool {
	for _, p := range e.syncs {
		for _, side := range record.Sides() {
			end := p.ends[side]
			if end.of.Connection != of.of.Connection || p.Mapping == nil {
				continue
			}
			if slices.Contains(p.looked(side), of.of) {
				return true
			}
			if p.Delete[side] == plan.DeleteDelete && slices.ContainsFunc(end.object.Cascades, func(c record.Cascade) bool { return c.Object == of.of.Name }) {
				return true
			}
		}
	}
	return false
}

// whereMark sets the conditions apart from the fields in the fingerprint of a listing.
const whereMark = " where "

// narrowedBy is the part of a listing's fingerprint that tells its conditions; "" = it was full.
func narrowedBy(fingerprint string) string {
	_, where, _ := strings.Cut(fingerprint, whereMark)
	return where
}

func condsPrint(conds []connector.Cond) string {
	parts := make([]string, 0, len(conds))
	for _, c := range conds {
		parts = append(parts, fmt.Sprintf("%q %s %q", c.Field, c.Op, c.Values))
	}
	slices.Sort(parts)
	return strings.Join(parts, " and ")
}

// narrow has a listing ask for part of an object, if it is the very first one of the object:
// then the mirror has no row that it could fail to bring up to date.
func (rd *reading) narrow(conds []connector.Cond) {
	if len(conds) == 0 || !rd.state.ListedAt.IsZero() {
		return
	}
	where := condsPrint(conds)
	goesOn := !rd.state.Began.IsZero() && narrowedBy(rd.state.Fields) == where && covers(rd.state.Fields, rd.fields)
	if rd.state.Fields == "" || goesOn {
		rd.where, rd.print = conds, rd.print+whereMark+where
	}
}

// whole has everything listed after all.
func (rd *reading) whole() {
	rd.where = nil
	rd.print, _, _ = strings.Cut(rd.print, whereMark)
}

// known returns those of the ids that the mirror has, if it was filled by a narrowed listing:
// then a sweep shows many records that nobody has asked for.
func (r *run) known(ctx context.Context, rd *reading, ids []string) ([]string, error) {
	if !rd.partial || len(ids) == 0 {
		return ids, nil
	}
	rows, err := r.e.store.Heads(ctx, rd.end.of, ids)
	if err != nil {
		return nil, fmt.Errorf("look up records: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, ok := rows[id]; return !ok }), nil
}

// inScope reports whether a record that was loaded passes its side's filter. One that does
// not is no candidate: whether the mirror has it at all is a matter of how it was filled.
func (b *batch) inScope(side record.Side, id string) (bool, error) {
	in, err := b.r.p.Mapping.InScope(side, b.rows[side][id].Fields, b.refs)
	if err != nil {
		return false, fmt.Errorf("where.%s: %w", side, err)
	}
	return in, nil
}
