package engine

import (
	"context"
	"fmt"
	"maps"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// refs answers a mapping's questions about other records from what was loaded for a batch.
type refs struct {
	r       *run
	ids     [2]map[record.Ref]string        // by side and referenced record: its partner
	parents [2]map[record.Ref]record.Fields // by side: referenced records that an expression looks into
}

// loadRefs translates all references of the rows at once.
func (r *run) loadRefs(ctx context.Context, rows [2]map[string]store.Row) (*refs, error) {
	f := &refs{r: r}
	for _, side := range record.Sides() {
		f.ids[side] = map[record.Ref]string{}
		f.parents[side] = map[record.Ref]record.Fields{}
	}
	return f, f.add(ctx, rows)
}

func (f *refs) add(ctx context.Context, rows [2]map[string]store.Row) error {
	for _, side := range record.Sides() {
		wanted := map[string][]string{} // ids by referenced object
		for _, field := range f.r.p.references(side) {
			for _, row := range rows[side] {
				wanted[field.To] = append(wanted[field.To], idsOf(row.Fields[field.Name])...)
			}
		}
		for object, ids := range wanted {
			if err := f.load(ctx, side, object, ids); err != nil {
				return err
			}
		}
	}
	return f.addChildren(ctx, rows)
}

func idsOf(v record.Value) []string {
	if v.IsEmpty() {
		return nil
	}
	if !v.IsList() {
		return []string{v.Text()}
	}
	var ids []string
	for _, item := range v.Items() {
		ids = append(ids, item.Text())
	}
	return ids
}

func (f *refs) load(ctx context.Context, side record.Side, object string, ids []string) error {
	here := store.Object{Connection: f.r.p.ends[side].of.Connection, Name: object}
	for _, p := range f.r.e.syncs {
		for s, end := range p.ends {
			if end.of != here || p.ends[1-s].of.Connection != f.r.p.ends[side.Other()].of.Connection {
				continue
			}
			partners, err := f.partners(ctx, p, record.Side(s), ids)
			if err != nil {
				return fmt.Errorf("translate references to %s: %w", here, err)
			}
			for id, partner := range partners {
				f.ids[side][record.Ref{Object: object, ID: id}] = partner
			}
		}
	}
	if !f.r.p.looksInto(side) {
		return nil
	}
	parents, err := f.r.e.store.Rows(ctx, here, ids)
	if err != nil {
		return fmt.Errorf("load %s: %w", here, err)
	}
	for id, row := range parents {
		f.parents[side][record.Ref{Object: object, ID: id}] = row.Fields
	}
	return nil
}

// partners returns the partners of records. One that is gone is none, be it that the pair is not parted
// yet, because a person is asked: nothing can refer to it (R11), and that a vendor has cut off what did
// is nobody's wish.
func (f *refs) partners(ctx context.Context, p *pair, side record.Side, ids []string) (map[string]string, error) {
	links, err := f.r.e.store.LinksOf(ctx, p.Name, side, ids)
	if err != nil {
		return nil, err
	}
	out, theirs := map[string]string{}, make([]string, 0, len(links))
	for id, l := range links {
		if l.Closed == "" {
			out[id] = l.IDs[side.Other()]
			theirs = append(theirs, out[id])
		}
	}
	heads, err := f.r.e.store.Heads(ctx, p.ends[side.Other()].of, theirs)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(out, func(_, partner string) bool {
		head, known := heads[partner]
		return known && head.Fate != connector.Present && head.Fate != connector.Left
	})
	return out, nil
}

// Translate implements mapping.Refs.
func (f *refs) Translate(from record.Side, object, id string) (string, bool) {
	to, ok := f.ids[from][record.Ref{Object: object, ID: id}]
	return to, ok
}

// Lookup implements mapping.Refs.
func (f *refs) Lookup(side record.Side, object, id string) (record.Fields, bool) {
	fields, ok := f.parents[side][record.Ref{Object: object, ID: id}]
	return fields, ok
}

// references are the reference fields that are read of one side.
func (p *pair) references(side record.Side) []record.Field {
	var out []record.Field
	for _, name := range p.wire[side] {
		if f, ok := p.ends[side].object.Field(name); ok && f.To != "" {
			out = append(out, f)
		}
	}
	return out
}

// looksInto reports whether the sync has expressions that may follow a reference.
func (p *pair) looksInto(side record.Side) bool {
	if p.Where[side] != "" {
		return true
	}
	for _, f := range p.Fields {
		if f.From != "" || len(f.Lists) > 0 {
			return true
		}
	}
	return false
}
