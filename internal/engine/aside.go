package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What an expression looks into is read by the run that has the expression, before anything is
// planned: an object that no sync reads would not be in the mirror at all, and of what refers to
// a record one that was read half would make a wrong sum.

// maxChildrenOf is how many records that refer to one are brought before an expression.
const maxChildrenOf = 20_000

// around are all objects of the accounts at either side of a sync, and whether they take events.
func (e *Engine) around(s plan.Sync) plan.Around {
	var a plan.Around
	for _, side := range record.Sides() {
		c := e.conns[s.Ends[side].Connection]
		for _, name := range names(c.objects) {
			a.Kin[side] = append(a.Kin[side], c.objects[name])
		}
		a.Takes[side] = c.able.Events != nil
	}
	return a
}

// strange reports whether an entry or an expression over a connection's objects names what is not
// in the schema at hand: then all of it has to be read, and not only what syncs name.
func (e *Engine) strange(c *conn, schema record.Schema) bool {
	for _, s := range e.plan.Syncs {
		for _, side := range record.Sides() {
			if s.Ends[side].Connection != c.plan.Name {
				continue
			}
			o, known := schema.Object(s.Ends[side].Object)
			if known && slices.ContainsFunc(append(expressionsOf(s, side, o), e.strangeEvents(s, side)...), func(source string) bool { return mapping.Strange(source, o, schema.Objects) }) {
				return true
			}
			if known && slices.ContainsFunc(s.Fields, func(f plan.Field) bool { return isNew(f, side, o) }) {
				return true
			}
		}
	}
	return false
}

// isNew reports whether an entry names a field, or lists, that were not there when the schema was
// read.
func isNew(f plan.Field, side record.Side, o record.Object) bool {
	if len(f.Lists) > 0 {
		_, lists := mapping.MissingLists(f.Entry, o)
		return len(lists) > 0
	}
	name := f.Left
	if side == record.Right {
		name = f.Right
	}
	return name != "" && !f.All && !has(o, name)
}

// expressionsOf are the expressions over the fields of one side.
func expressionsOf(s plan.Sync, side record.Side, o record.Object) []string {
	sources := []string{s.Where[side]}
	for _, f := range s.Fields {
		if f.From != "" && (f.Left == "") == (side == record.Left) {
			sources = append(sources, f.From)
		}
		if mapping.HoldsLists(f.Entry, o) {
			continue // the rules look at the other side
		}
		for _, rule := range f.Lists {
			sources = append(sources, rule.When)
			if rule.Of != "" {
				sources = append(sources, fmt.Sprintf("f[%q]", rule.Of))
			}
		}
	}
	return slices.DeleteFunc(sources, func(source string) bool { return source == "" })
}

// readBefore reports whether an object has been read when the run of a sync begins: by one that
// comes before it, and as often.
func (e *Engine) readBefore(sync int, of store.Object) bool {
	mine := e.syncs[sync].Schedule
	return slices.ContainsFunc(e.syncs[:sync], func(p *pair) bool {
		often := p.Schedule == mine || p.Schedule.Every > 0 && p.Schedule.Every <= mine.Every
		return often && (p.ends[0].of == of || p.ends[1].of == of)
	})
}

// findAside finds for each side of each sync the objects that its run reads besides: those that
// refer to a record that it computes something of, and those that nothing else has read by then.
func (e *Engine) findAside(wanted map[store.Object][]string) {
	for i, p := range e.syncs {
		p.aside = nil
		for _, side := range record.Sides() {
			if p.Mapping == nil {
				continue
			}
			happens, looked := p.eventObjects(side)
			for _, of := range slices.Concat(p.looked(side), happens, looked) {
				own := of == p.ends[0].of || of == p.ends[1].of
				done := slices.ContainsFunc(p.aside, func(a aside) bool { return a.end.of == of })
				refers := slices.Contains(happens, of) || slices.ContainsFunc(p.Mapping.Children(side), func(c mapping.Child) bool { return c.Object == of.Name })
				if own || done || e.readBefore(i, of) && !refers {
					continue
				}
				fields := slices.Clone(wanted[of])
				slices.Sort(fields)
				conn := p.ends[side].conn
				p.aside = append(p.aside, aside{side: side, end: end{conn: conn, of: of, object: conn.objects[of.Name]}, wire: slices.Compact(fields)})
			}
		}
	}
}

// An aside is an object that a run reads beside its two.
type aside struct {
	side record.Side
	end  end
	wire []string
}

// readAside brings what expressions look into up to date, before anything is planned.
func (r *run) readAside(ctx context.Context) error {
	for _, a := range r.p.aside {
		if err := r.e.store.Reindex(ctx, a.end.of, r.e.indexPrint(a.end), r.e.keysOf(a.end)); err != nil {
			return fmt.Errorf("index %s: %w", a.end.of, err)
		}
		if r.rec.Hinted {
			continue
		}
		err := r.beside(ctx, a, func(q *run) error {
			if err := q.pull(ctx, record.Left); err != nil {
				return err
			}
			if err := q.sweep(ctx, record.Left, r.sweeping); err != nil {
				return err
			}
			return q.refresh(ctx, record.Left)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readHintedAside brings the records of due hints into the mirror into which expressions look.
func (r *run) readHintedAside(ctx context.Context, h *hinted) error {
	for _, a := range r.p.aside {
		if err := r.beside(ctx, a, func(q *run) error { return q.readHintedOf(ctx, record.Left, h) }); err != nil {
			return err
		}
	}
	return r.takeUpParents(ctx)
}

// beside does something with another object as if it were an end of the sync: reading knows
// nothing else of one.
func (r *run) beside(ctx context.Context, a aside, do func(q *run) error) error {
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	p := &pair{Resolved: &plan.Resolved{Sync: r.p.Sync}, ends: [2]end{a.end, a.end}, wire: [2][]string{a.wire, a.wire}}
	q := r.e.runOf(p, r.id)
	q.dry, q.restored, q.complete, q.first, q.marks, q.began = r.dry, r.restored, r.complete, r.first, marks, r.began
	for _, spent := range q.calls { // what the connection was asked on the way here
		r.calls[a.side].n.Add(spent.n.Load())
	}
	q.calls = [2]*counter{r.calls[a.side], r.calls[a.side]}
	q.asking.Store(r.asking.Load())
	err = do(q)
	r.mu.Lock()
	defer r.mu.Unlock()
	mine, its := &r.rec.Sides[a.side], q.rec.Sides[record.Left]
	mine.Read, mine.Swept, mine.Refreshed = mine.Read+its.Read, mine.Swept+its.Swept, mine.Refreshed+its.Refreshed
	return err
}

// Asides returns the objects that the runs of each sync read beside its two, by its name, as far
// as that is known without asking a vendor.
func (e *Engine) Asides(ctx context.Context) (map[string][]store.Object, error) {
	var unusable plan.Problems // of a connection that cannot be opened now
	if err := e.recall(ctx); err != nil && !errors.As(err, &unusable) {
		return nil, err
	}
	all := map[string][]store.Object{}
	for _, p := range e.syncs {
		for _, a := range p.aside {
			all[p.Name] = append(all[p.Name], a.end.of)
		}
	}
	return all, nil
}

// sights are the objects that a run of the sync reads.
func (p *pair) sights() []end {
	ends := p.ends[:]
	for _, a := range p.aside {
		ends = append(slices.Clip(ends), a.end)
	}
	return ends
}

// addChildren brings the records that refer to loaded ones before their expressions.
func (f *refs) addChildren(ctx context.Context, rows [2]map[string]store.Row) error {
	for _, side := range record.Sides() {
		if len(rows[side]) == 0 {
			continue
		}
		for _, c := range f.r.e.childrenOf(f.r.p.ends[side]) {
			if err := f.addChild(ctx, side, c, rows[side]); err != nil {
				return err
			}
		}
	}
	return nil
}

// childrenOf merges what all syncs of an object read of those that refer to it: filters of other
// syncs are asked about the same rows (R25).
func (e *Engine) childrenOf(of end) []mapping.Child {
	var all []mapping.Child
	for _, p := range e.syncs {
		for s, end := range p.ends {
			if p.Mapping == nil || end.of != of.of {
				continue
			}
			for _, c := range p.Mapping.Children(record.Side(s)) {
				i := slices.IndexFunc(all, func(d mapping.Child) bool { return d.Key() == c.Key() })
				if i < 0 {
					all = append(all, mapping.Child{Object: c.Object, Field: c.Field, Names: slices.Clone(c.Names), Linked: c.Linked})
					continue
				}
				all[i].Names, all[i].Linked = append(all[i].Names, c.Names...), all[i].Linked || c.Linked
			}
		}
	}
	return all
}

func (f *refs) addChild(ctx context.Context, side record.Side, c mapping.Child, rows map[string]store.Row) error {
	of := store.Object{Connection: f.r.p.ends[side].of.Connection, Name: c.Object}
	keys := make([]store.Key, 0, len(rows))
	for id := range rows {
		keys = append(keys, childKey(c.Field, id))
	}
	found, err := f.r.e.store.FindByKey(ctx, of, keys)
	if err != nil {
		return fmt.Errorf("find children: %w", err)
	}
	var ids []string
	for _, some := range found {
		if len(some) <= maxChildrenOf {
			ids = append(ids, some...)
		}
	}
	children, err := f.r.e.store.Rows(ctx, of, ids)
	if err != nil {
		return fmt.Errorf("load children: %w", err)
	}
	if c.Linked {
		if err := f.load(ctx, side, c.Object, ids); err != nil {
			return err
		}
	}
	for id, row := range rows {
		some := found[childKey(c.Field, id)]
		if len(some) > maxChildrenOf {
			continue // then the expression has no value, rather than a wrong one
		}
		items := make([]record.Value, 0, len(some))
		for _, child := range some {
			fields := part(children[child].Fields, c.Names)
			if c.Linked {
				fields[mapping.ChildID] = record.Text(child)
			}
			items = append(items, record.Struct(fields))
		}
		if row.Fields == nil {
			row.Fields = record.Fields{}
		}
		row.Fields[c.Key()] = record.List(items...)
		rows[id] = row
	}
	return nil
}

// waitForPartners asks to be planned again when one of those that refer to a record, and whose
// partners an expression takes, gets its partner.
func (b *batch) waitForPartners(side record.Side, row store.Row) {
	for _, c := range b.r.p.Mapping.Children(side) {
		for _, item := range row.Fields[c.Key()].Items() {
			id, linked := item.Fields()[mapping.ChildID]
			if _, ok := b.refs.Translate(side, c.Object, id.Text()); c.Linked && linked && !ok {
				b.facts.Waits = append(b.facts.Waits, store.Wait{Spot: store.Spot{Side: side, ID: row.ID},
					On: store.Object{Connection: b.r.p.ends[side].of.Connection, Name: c.Object}, OnID: id.Text()})
			}
		}
	}
}

func part(fields record.Fields, names []string) record.Fields {
	out := make(record.Fields, len(names))
	for _, name := range names {
		if v, ok := fields[name]; ok {
			out[name] = v
		}
	}
	return out
}

// vendors are the fields of a record without what was brought to it for its expressions.
func vendors(fields record.Fields) record.Fields {
	out := fields.Clone()
	for name := range out {
		if mapping.IsChildKey(name) {
			delete(out, name)
		}
	}
	return out
}

// uncomputable is why a field diverges that has no value for this record.
const uncomputable = "cannot be computed: "

// notComputed notes that an expression has no value for a record, and that it has one again.
func (b *batch) notComputed(d *draft, i int, side record.Side, known bool) {
	m := b.r.p.Mapping
	key := m.Fields()[i].Key
	var fault error
	if !known {
		fault = m.Fault(i, side, d.rows[side].Fields, b.refs)
	}
	switch was := d.link.Diverged[key]; {
	case fault != nil:
		d.diverge(key, uncomputable+fault.Error())
	case strings.HasPrefix(was, uncomputable):
		d.converge(key)
	}
}
