package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// AddField makes a custom field; one of leads is one of deals, too. Pipedrive gives it a key, by which it is called from then
// on; before that it is known by its name, which is what the field asked for is called.
func (c *conn) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	k, err := wanted(object)
	if err == nil && (k.fields == "") {
		err = &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: f.Name,
			Err: fmt.Errorf("add field: %s have no custom fields of their own", object),
		}
	}
	if err != nil {
		return record.Field{}, err
	}
	body, err := newField(f)
	if err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	if have, ok, err := c.named(ctx, k, body.Name); ok || err != nil {
		return have, err
	}
	if _, err := c.do(ctx, 5, rest.Call{Method: http.MethodPost, Path: c.v2(k.fields), Body: body}); err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	have, ok, err := c.named(ctx, k, body.Name)
	if err == nil && !ok {
		err = &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeObject, Field: f.Name,
			Err: fmt.Errorf("add field %s: Pipedrive does not show it yet", f.Name),
		}
	}
	return have, err
}

// named reads an object's fields anew and returns the custom one of that name.
func (c *conn) named(ctx context.Context, k kind, name string) (record.Field, bool, error) {
	s, err := c.define(ctx, k, map[string][]fieldDef{})
	if err != nil {
		return record.Field{}, false, fmt.Errorf("read fields of %s: %w", k.name, err)
	}
	c.keep(s)
	i := slices.IndexFunc(s.list, func(f record.Field) bool { return f.Custom && strings.EqualFold(f.Label, name) })
	if i < 0 {
		return record.Field{}, false, nil
	}
	return s.list[i], true, nil
}

// newDef is a field to make; see https://developers.pipedrive.com/docs/api/v1/PersonFields
type newDef struct {
	Name    string      `json:"field_name"`
	Type    string      `json:"field_type"`
	Options []newOption `json:"options,omitempty"`
}

type newOption struct {
	Label string `json:"label"`
}

// newField is the definition of a field. It is called by its name rather than its label, so
// that it is found again.
func newField(f record.Field) (newDef, error) {
	d := newDef{Name: f.Name}
	switch f.Kind {
	case record.KindText, record.KindEmail:
		d.Type = "varchar"
		if f.Common == "notes" || f.Name == "notes" || f.Format == record.FormatHTML || f.MaxLen > maxVarchar {
			d.Type = "text"
		}
	case record.KindPhone:
		d.Type = "phone"
	case record.KindNumber, record.KindMoney:
		d.Type = "double" // money would bring a currency that nobody sets
	case record.KindDate:
		d.Type = "date"
	case record.KindChoice:
		d.Type = "enum"
	case record.KindChoices:
		d.Type = "set"
	default:
		return d, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: f.Name,
			Err: fmt.Errorf("a field of kind %s cannot be made in Pipedrive", f.Kind),
		}
	}
	if d.Name == "" {
		return d, &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeObject, Err: errors.New("a field needs a name")}
	}
	for _, choice := range f.Choices {
		label := choice.Label
		if label == "" {
			label = choice.Value
		}
		d.Options = append(d.Options, newOption{label})
	}
	return d, nil
}
