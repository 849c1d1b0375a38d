package pipedrive

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// A shape is an object as an account has it.
type shape struct {
	kind   kind
	list   []record.Field
	fields map[string]record.Field
}

func newShape(k kind, fields []record.Field) *shape {
	s := &shape{kind: k, list: fields, fields: make(map[string]record.Field, len(fields))}
	for _, f := range fields {
		s.fields[f.Name] = f
	}
	return s
}

// object describes it to the hub. Nothing but users' settings is read-only.
func (s *shape) object() record.Object {
	k := s.kind
	o := record.Object{
		Name: k.name, Title: k.title, Common: k.common, Fields: s.list,
		Batch: 1, ReadBatch: maxIDs, Settle: settle, Overlap: overlap,
		Deletes: record.EvidenceListing, Rising: k.name != leads, Files: fileField(k.name) != "",
	}
	if k.log { // only those of our own user are shown, so nothing proves that one is gone
		o.Create, o.Deletes, o.Rising = true, record.EvidenceNone, false
		return o
	}
	if k.write > 0 {
		o.Create, o.Update, o.OwnStamps = true, true, true
		o.Archive, o.Delete = !k.old, k.old // what version 2 deletes can be brought back for 30 days
	}
	if k.text != "" {
		o.ReadLag = readLag
	}
	return o
}

// key is the field that holds our operation keys, "" if there is none.
func (s *shape) key() string {
	i := slices.IndexFunc(s.list, func(f record.Field) bool { return f.Key })
	if i < 0 {
		return ""
	}
	return s.list[i].Name
}

// Schema reads the fields of all objects that the credential may see.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	s, _, err := c.SchemaOf(ctx, names)
	return s, err
}

// SchemaOf reads the fields of the named objects: one call each, and a few for stages,
// types and labels. What is common to deals and leads is read once.
func (c *conn) SchemaOf(ctx context.Context, objects []string) (record.Schema, []connector.Lack, error) {
	var out record.Schema
	var lacks []connector.Lack
	read := map[string][]fieldDef{}
	for _, name := range objects {
		k, err := wanted(name)
		var s *shape
		if err == nil {
			s, err = c.define(ctx, k, read)
		}
		switch connector.KindOf(err) {
		case "":
			if err != nil { // cancelled
				return record.Schema{}, nil, err
			}
			c.keep(s)
			out.Objects = append(out.Objects, s.object())
		case connector.Forbidden, connector.Unsupported, connector.NotFound:
			lacks = append(lacks, lackOf(name, "read", err))
		default:
			return record.Schema{}, nil, fmt.Errorf("read fields of %s: %w", name, err)
		}
	}
	return out, lacks, nil
}

func lackOf(object, what string, err error) connector.Lack {
	e := connector.ErrorOf(err)
	lack := connector.Lack{Object: object, What: what, Why: err.Error(), Remedy: e.Fix}
	if e.Err != nil {
		lack.Why = e.Err.Error()
	}
	return lack
}

// define reads what an object is in this account.
func (c *conn) define(ctx context.Context, k kind, read map[string][]fieldDef) (*shape, error) {
	defs, known := read[k.fields]
	if k.fields != "" && !known {
		var err error
		if defs, err = list[fieldDef](ctx, c, 10, c.v2(k.fields)); err != nil {
			return nil, err
		}
		read[k.fields] = defs
	}
	code := func(name string) int { return slices.IndexFunc(defs, func(d fieldDef) bool { return d.Code == name }) }
	fields := k.standardFields(func(name string) bool { return code(name) >= 0 })
	for i := range fields {
		f := &fields[i]
		if at := code(f.Name); at >= 0 && f.Choices == nil && (f.Kind == record.KindChoice || f.Kind == record.KindChoices) {
			f.Choices = choices(defs[at].Options)
		}
	}
	if err := c.choices(ctx, k, fields); err != nil {
		return nil, err
	}
	for _, d := range defs {
		if !d.Custom || !isHash(d.Code) {
			continue
		}
		for _, f := range d.custom() {
			k.meaning(&f)
			fields = append(fields, f)
		}
	}
	return newShape(k, fields), nil
}

// choices fills in what is described apart from the fields.
func (c *conn) choices(ctx context.Context, k kind, fields []record.Field) error {
	set := func(name string, list []record.Choice) {
		if i := slices.IndexFunc(fields, func(f record.Field) bool { return f.Name == name }); i >= 0 {
			fields[i].Choices, fields[i].Open = list, len(list) == 0
		}
	}
	switch k.name {
	case deals:
		pipelines, stages, err := c.pipelines(ctx)
		if err != nil {
			return err
		}
		set(fieldPipeline, pipelines)
		set(fieldStage, stages)
	case leads:
		labels, err := old[[]label](ctx, c, 10, c.v1("leadLabels"))
		if err != nil {
			return fmt.Errorf("read labels: %w", err)
		}
		var list []record.Choice
		for _, l := range labels {
			list = append(list, record.Choice{Value: l.ID, Label: l.Name})
		}
		set(fieldLabels, list)
	case activities:
		types, err := old[[]activityType](ctx, c, 20, c.v1("activityTypes"))
		if err != nil {
			return fmt.Errorf("read activity types: %w", err)
		}
		var list []record.Choice
		for _, t := range types {
			list = append(list, record.Choice{Value: t.Key, Label: t.Name, Hidden: !t.Active})
		}
		set(fieldType, list)
	}
	return nil
}

// pipelines reads pipelines and their stages. Every stage is open: whether a deal is won
// or lost is told by its status, in whatever stage it is.
func (c *conn) pipelines(ctx context.Context) (pipelines, stages []record.Choice, err error) {
	all, err := list[pipeline](ctx, c, 5, c.v2("pipelines"))
	if err != nil {
		return nil, nil, fmt.Errorf("read pipelines: %w", err)
	}
	steps, err := list[stage](ctx, c, 5, c.v2("stages"))
	if err != nil {
		return nil, nil, fmt.Errorf("read stages: %w", err)
	}
	for _, p := range all {
		id := strconv.FormatInt(p.ID, 10)
		pipelines = append(pipelines, record.Choice{Value: id, Label: p.Name, Hidden: p.Deleted})
		for _, s := range steps {
			if s.Pipeline == p.ID {
				stages = append(stages, record.Choice{
					Value: strconv.FormatInt(s.ID, 10), Label: s.Name, Parent: id, Kind: record.ChoiceOpen, Hidden: p.Deleted || s.Deleted,
				})
			}
		}
	}
	return pipelines, stages, nil
}

// list reads all rows of a short list of version 2.
func list[T any](ctx context.Context, c *conn, tokens int, path string) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		q := url.Values{"limit": {strconv.Itoa(maxPage)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var answer envelope[[]T]
		if _, err := c.do(ctx, tokens, rest.Call{Path: path, Query: q, Into: &answer}); err != nil {
			return nil, err
		}
		all = append(all, answer.Data...)
		if cursor = answer.Additional.Next; cursor == "" {
			return all, nil
		}
	}
}

// old reads the data of one call of version 1.
func old[T any](ctx context.Context, c *conn, tokens int, path string) (T, error) {
	var answer envelope[T]
	_, err := c.do(ctx, tokens, rest.Call{Path: path, Into: &answer})
	return answer.Data, err
}

// Recall takes the fields from the schema that was read before.
func (c *conn) Recall(s record.Schema) {
	for _, o := range s.Objects {
		if k, ok := kindOf(o.Name); ok {
			c.keep(newShape(k, o.Fields))
		}
	}
}

func (c *conn) keep(s *shape) {
	c.mu.Lock()
	c.known[s.kind.name] = s
	c.mu.Unlock()
}

// shaped returns an object's fields, reading them if that was not done yet.
func (c *conn) shaped(ctx context.Context, object string) (*shape, error) {
	k, err := wanted(object)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	s := c.known[object]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if s, err = c.define(ctx, k, map[string][]fieldDef{}); err != nil {
		return nil, fmt.Errorf("read fields of %s: %w", object, err)
	}
	c.keep(s)
	return s, nil
}
