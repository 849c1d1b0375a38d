package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// KeyField is the custom field that Tandem likes to have where a vendor has no place for
// its operation keys: with it a create of unknown outcome can be looked up (R16).
const KeyField = "tandem_key"

// Check calls the vendors of the named connections (none named = all), reads their
// schemas afresh and ends a pause that is over. What is wrong with one connection is in
// its Checked; the error is the store's or the context's.
func (e *Engine) Check(ctx context.Context, connections []string) ([]Checked, error) {
	picked, err := e.pickConns(connections)
	if err != nil {
		return nil, err
	}
	all := make([]Checked, len(picked))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(e.workers)
	for i, c := range picked {
		g.Go(func() (err error) {
			all[i], err = e.checkOne(gctx, c)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Missing = e.missing(all[i].Connection)
	}
	return all, nil
}

func (e *Engine) pickConns(connections []string) ([]*conn, error) {
	var picked []*conn
	for _, pc := range e.plan.Connections {
		if len(connections) == 0 || slices.Contains(connections, pc.Name) {
			picked = append(picked, e.conns[pc.Name])
		}
	}
	for _, n := range connections {
		if e.conns[n] == nil {
			return nil, fmt.Errorf("there is no connection named %q", n)
		}
	}
	return picked, nil
}

func (e *Engine) checkOne(ctx context.Context, c *conn) (Checked, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := Checked{Connection: c.plan.Name, System: c.plan.System, Title: c.spec.Title}
	if c.able.Check == nil {
		out.Err = c.problem
		return out, nil
	}
	if err := e.load(ctx, c); err != nil {
		return out, err
	}
	ctx = rest.WithBrief(ctx)
	c.problem = nil
	if err := e.identify(ctx, c); err != nil {
		return out, err
	}
	if c.problem == nil {
		if err := e.describe(ctx, c, true); err != nil {
			return out, err
		}
	}
	if c.problem == nil && c.able.Describe != nil { // once more, for the rights to all that there is
		if err := e.identify(ctx, c); err != nil {
			return out, err
		}
	}
	c.objects = masked(c.known.Schema, c.able, c.known.Identity.Lacks)
	out.Identity, out.Schema, out.Err = c.known.Identity, c.known.Schema, c.problem
	return out, nil
}

// Schema returns what a connection has, from memory or from the vendor.
func (e *Engine) Schema(ctx context.Context, connection string) (record.Schema, error) {
	c := e.conns[connection]
	if c == nil {
		return record.Schema{}, fmt.Errorf("there is no connection named %q", connection)
	}
	if err := e.prepareConn(ctx, c, false); err != nil {
		return record.Schema{}, err
	}
	if err := e.wholeSchema(ctx, c); err != nil {
		return record.Schema{}, err
	}
	return c.known.Schema, c.usable()
}

// wholeSchema has the objects described too that no sync names, where that was spared.
func (e *Engine) wholeSchema(ctx context.Context, c *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.able.Describe == nil || c.problem != nil {
		return nil
	}
	return e.describe(ctx, c, true)
}

// missing returns the fields of one connection that a sync names in its fields and that
// the object lacks, and the key field where one could be made.
func (e *Engine) missing(connection string) []MissingField {
	c := e.conns[connection]
	var out []MissingField
	for _, s := range e.plan.Syncs {
		for _, side := range record.Sides() {
			if s.Ends[side].Connection != connection {
				continue
			}
			o, ok := c.objects[s.Ends[side].Object]
			if !ok {
				continue
			}
			partner := e.conns[s.Ends[side.Other()].Connection].objects[s.Ends[side.Other()].Object]
			for _, f := range missingFields(s, side, o, partner) {
				out = appendMissing(out, MissingField{Object: o.Name, Sync: s.Name, Field: f, Can: c.able.AddField != nil})
			}
			for _, f := range missingNames(s, o) {
				out = append(out, MissingField{Object: o.Name, Sync: s.Name, Field: f, Can: c.able.AddField != nil})
			}
			if _, has := o.Key(); !has && o.Create && c.able.AddField != nil {
				out = appendMissing(out, MissingField{Object: o.Name, Can: true, Field: keyField()})
			}
		}
	}
	return out
}

func keyField() record.Field {
	return record.Field{Name: KeyField, Label: "Tandem key", Kind: record.KindText, Unique: true, Findable: true, Key: true, Custom: true}
}

func appendMissing(all []MissingField, m MissingField) []MissingField {
	if slices.ContainsFunc(all, func(x MissingField) bool { return x.Object == m.Object && x.Field.Name == m.Field.Name }) {
		return all
	}
	return append(all, m)
}

// missingFields makes, for every entry that names a field which this side's object does
// not have, the field that would hold what the other side has.
func missingFields(s plan.Sync, side record.Side, o, partner record.Object) []record.Field {
	var out []record.Field
	for _, entry := range s.Fields {
		here, there := entry.Left, entry.Right
		if side == record.Right {
			here, there = there, here
		}
		if here == "" || entry.All || len(entry.Lists) > 0 || has(o, here) {
			continue
		}
		f := record.Field{Name: here, Label: here, Kind: record.KindText, Custom: true}
		if like, ok := partner.Field(there); ok {
			f.Kind, f.Format, f.Choices = like.Kind, like.Format, like.Choices
		} else if like, ok := partner.ByCommon(there); ok {
			f.Kind, f.Format, f.Choices = like.Kind, like.Format, like.Choices
		} else if entry.From != "" {
			f.Kind = mapping.ResultKind(entry.From)
		}
		out = append(out, mappedField(f, entry, side))
	}
	return out
}

// missingNames makes, for every list that rules name and that is not there, the field of lists
// with that list as its choice. One that is called by its id cannot be made.
func missingNames(s plan.Sync, o record.Object) []record.Field {
	var out []record.Field
	for _, entry := range s.Fields {
		if len(entry.Lists) == 0 {
			continue
		}
		field, lists := mapping.MissingLists(entry.Entry, o)
		for _, name := range lists {
			if _, err := strconv.ParseInt(name, 10, 64); err != nil && field.Kind == record.KindReferences {
				field.Choices = []record.Choice{{Label: name}}
				out = append(out, field)
			}
		}
	}
	return out
}

// mappedField fits a new field to its value map: a choice has the values it maps to.
func mappedField(f record.Field, entry plan.Field, side record.Side) record.Field {
	if f.Kind == record.KindReference || f.Kind == record.KindReferences {
		f.Kind, f.Choices = record.KindText, nil
	}
	if len(entry.Values) == 0 {
		return f
	}
	f.Kind, f.Choices = record.KindChoice, nil
	var values []string
	for l, r := range entry.Values {
		if side == record.Left {
			values = append(values, l)
		} else {
			values = append(values, r)
		}
	}
	slices.Sort(values)
	for _, v := range slices.Compact(values) {
		f.Choices = append(f.Choices, record.Choice{Value: v, Label: v})
	}
	return f
}

func has(o record.Object, name string) bool {
	if _, ok := o.Field(name); ok {
		return true
	}
	_, ok := o.ByCommon(name)
	return ok
}

// AddFields makes the missing fields of the named connections where the vendor allows,
// and reads the schemas again.
func (e *Engine) AddFields(ctx context.Context, connections []string) ([]Added, error) {
	checked, err := e.Check(ctx, connections)
	if err != nil {
		return nil, err
	}
	var out []Added
	for _, ch := range checked {
		c := e.conns[ch.Connection]
		for _, m := range ch.Missing {
			a := Added{Connection: ch.Connection, Object: m.Object, Field: m.Field}
			if m.Can {
				a.Field, a.Err = c.able.AddField.AddField(ctx, m.Object, m.Field)
				if m.Field.Kind == record.KindReferences {
					a.Field = m.Field // of all lists, the one that was made
				}
			} else {
				a.Err = &connector.Error{Kind: connector.Unsupported, Fix: "make the field " + m.Field.Name + " in " + c.spec.Title + " by hand",
					Err: fmt.Errorf("%s cannot be given fields through its API", c.spec.Title)}
			}
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		_, err = e.Check(ctx, connections)
	}
	return out, err
}
