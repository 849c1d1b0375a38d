package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/record"
)

type fieldsCmd struct {
	Of string `arg:"" name:"connection[.object]" help:"A connection, or one of its objects."`
}

// objectLine is one object in tandem fields -o json.
type objectLine struct {
	Connection string `json:"connection"`
	Object     string `json:"object"`
	Title      string `json:"title,omitempty"`
	Common     string `json:"common,omitempty"`
	Fields     int    `json:"fields"`
	Create     bool   `json:"create"`
	Update     bool   `json:"update"`
	Delete     bool   `json:"delete"`
	Archive    bool   `json:"archive"`
}

// fieldLine is one field in tandem fields -o json.
type fieldLine struct {
	Connection string `json:"connection"`
	Object     string `json:"object"`
	record.Field
}

// Run lists what a sync can name.
func (c *fieldsCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, touch)
	if err != nil {
		return err
	}
	defer s.close(&err)
	connection, object, one := strings.Cut(c.Of, ".")
	if err := checkConnections(s.plan, []string{connection}); err != nil {
		return err
	}
	schema, err := s.engine.Schema(ctx, connection)
	if err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if !one {
		return a.objects(connection, schema)
	}
	o, ok := schema.Object(object)
	if !ok {
		var names []string
		for _, o := range schema.Objects {
			names = append(names, o.Name)
		}
		return unknown("object", object, names)
	}
	return a.fields(connection, o)
}

func (a *app) objects(connection string, schema record.Schema) error {
	t := table{right: map[int]bool{3: true}}
	t.add("OBJECT", "COMMON", "CAN", "FIELDS", "")
	for _, o := range schema.Objects {
		if a.json {
			if err := a.line(objectLine{
				Connection: connection, Object: o.Name, Title: o.Title, Common: o.Common, Fields: len(o.Fields),
				Create: o.Create, Update: o.Update, Delete: o.Delete, Archive: o.Archive,
			}); err != nil {
				return err
			}
			continue
		}
		t.add(connection+"."+o.Name, o.Common, objectCan(o), count(len(o.Fields)), oneLine(o.Title))
	}
	if a.json {
		return nil
	}
	return a.print(t.text(""))
}

func objectCan(o record.Object) string {
	can := []string{"read"}
	for _, x := range []struct {
		can  bool
		word string
	}{{o.Create, "create"}, {o.Update, "update"}, {o.Archive, "archive"}, {o.Delete, "delete"}} {
		if x.can {
			can = append(can, x.word)
		}
	}
	return strings.Join(can, " ")
}

func (a *app) fields(connection string, o record.Object) error {
	var t table
	t.add("FIELD", "COMMON", "KIND", "", "LABEL")
	for _, f := range o.Fields {
		if a.json {
			if err := a.line(fieldLine{Connection: connection, Object: o.Name, Field: f}); err != nil {
				return err
			}
			continue
		}
		t.add(f.Name, f.Common, fieldKind(f), fieldMarks(f), oneLine(f.Label))
	}
	if a.json {
		return nil
	}
	return a.print(t.text(""))
}

func fieldKind(f record.Field) string {
	switch {
	case f.To != "":
		return string(f.Kind) + " → " + f.To
	case f.Format != "":
		return string(f.Kind) + " " + string(f.Format)
	case len(f.Choices) > 0:
		return fmt.Sprintf("%s of %d", f.Kind, len(f.Choices))
	default:
		return string(f.Kind)
	}
}

// fieldMarks says in words what is special about a field.
func fieldMarks(f record.Field) string {
	var marks []string
	for _, x := range []struct {
		is   bool
		word string
	}{
		{f.ReadOnly, "read-only"}, {f.CreateOnly, "create only"}, {f.Required, "required"}, {f.Unique, "unique"},
		{f.Custom, "custom"}, {f.Key, "for Tandem"}, {f.Silent, "silent"}, {f.NoClear, "cannot be emptied"},
	} {
		if x.is {
			marks = append(marks, x.word)
		}
	}
	return strings.Join(marks, ", ")
}
