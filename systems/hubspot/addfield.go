package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// AddField makes a property, or returns the one that is there.
func (c *conn) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	d, err := c.defined(ctx, object)
	if err != nil {
		return record.Field{}, err
	}
	p, err := newProperty(f)
	if err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	if have, ok := d.fields[p.Name]; ok {
		return have, nil
	}
	if d.group == "" { // recalled, not read
		if d, err = c.redefine(ctx, object); err != nil {
			return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
		}
	}
	p.GroupName = d.group
	var made property
	r, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.path(areaProperties, object), Body: p, Into: &made})
	if err != nil && r.Status != http.StatusConflict {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	if d, err = c.redefine(ctx, object); err != nil { // what was made, or what was there
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	have, ok := d.fields[p.Name]
	if !ok {
		return record.Field{}, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: p.Name,
			Fix: "a property of this name is in HubSpot's archive: restore it there, or delete it for good",
			Err: fmt.Errorf("add field %s: HubSpot has the name and does not show the property", f.Name),
		}
	}
	return have, nil
}

// redefine reads an object's properties again.
func (c *conn) redefine(ctx context.Context, object string) (*definitions, error) {
	own, err := c.schemasFor(ctx, object)
	if err != nil {
		return nil, err
	}
	return c.describe(ctx, object, own)
}

// newProperty is the definition of a property to make; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide#create-properties
func newProperty(f record.Field) (property, error) {
	p := property{
		Name: propertyName(f.Name), Label: f.Label,
		Unique: f.Unique || f.Key || f.Name == propKey,
	}
	if p.Label == "" {
		p.Label = f.Name
	}
	if p.Name == propKey {
		p.Description = "Which operation of Tandem made this record. Do not change it."
	}
	var ok bool
	if p.Type, p.FieldType, ok = propertyType(f); !ok {
		return p, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: f.Name,
			Err: fmt.Errorf("a property of kind %s cannot be made", f.Kind),
		}
	}
	if p.Name == "" {
		return p, &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeObject, Field: f.Name,
			Err: errors.New("a name begins with a letter"),
		}
	}
	for i, choice := range f.Choices {
		label := choice.Label
		if label == "" {
			label = choice.Value
		}
		p.Options = append(p.Options, option{Label: label, Value: choice.Value, Order: i, Hidden: choice.Hidden})
	}
	if p.Type == "bool" {
		p.Options = []option{{Label: "Yes", Value: "true"}, {Label: "No", Value: "false", Order: 1}}
	}
	return p, nil
}

// propertyType returns the type and the field type of a property for a kind of field.
func propertyType(f record.Field) (kind, input string, ok bool) {
	switch f.Kind {
	case record.KindText, record.KindEmail:
		switch {
		case f.Format == record.FormatHTML:
			return "string", "html", true
		case f.Name == "notes" || f.Common == "notes":
			return "string", "textarea", true
		}
		return "string", "text", true
	case record.KindPhone:
		return "string", "phonenumber", true
	case record.KindNumber, record.KindMoney:
		return "number", "number", true
	case record.KindBool:
		return "bool", "booleancheckbox", true
	case record.KindDate:
		return "date", "date", true
	case record.KindDateTime:
		return "datetime", "date", true
	case record.KindChoice:
		return "enumeration", "select", true
	case record.KindChoices:
		return "enumeration", "checkbox", true
	default:
		return "", "", false
	}
}

// propertyName makes a name that HubSpot takes: lower-case letters, digits and underscores,
// a letter first. It returns "" if nothing is left.
func propertyName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(s))
	return strings.TrimLeft(name, "_0123456789")
}
