package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// AddField makes an attribute, or returns the one that is there; see
// https://developers.brevo.com/reference/create-attribute
func (c *conn) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	s, err := c.shape(ctx, object)
	if err != nil {
		return record.Field{}, err
	}
	if object == companies || object == deals {
		return c.addSaleField(ctx, s, f)
	}
	if object != contacts {
		return record.Field{}, unsupported("add field %s: %s have no attributes", f.Name, object)
	}
	if f.Name == fieldLists {
		return c.addLists(ctx, s, f)
	}
	name := attributeName(f.Name)
	if have, ok := s.fields[name]; ok {
		return have, nil
	}
	category, body, err := newAttribute(f)
	if err == nil && name == "" {
		err = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeObject, Field: f.Name, Err: errors.New("a name begins with a letter")}
	}
	if err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	_, err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts/attributes/" + category + "/" + name, Body: body})
	if err != nil && connector.KindOf(err) != connector.Duplicate && connector.KindOf(err) != connector.Invalid {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	return c.added(ctx, object, f.Name, err, func(have record.Field) bool { return have.Name == name })
}

// added reads the fields again and returns the one that was made, or was there.
func (c *conn) added(ctx context.Context, object, name string, said error, is func(record.Field) bool) (record.Field, error) {
	o, err := c.describe(ctx, object)
	if err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", name, err)
	}
	c.keep(o)
	for _, have := range o.Fields {
		if is(have) {
			return have, nil
		}
	}
	if said == nil {
		said = &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeObject, Err: errors.New("it was made and does not show yet")}
	}
	return record.Field{}, fmt.Errorf("add field %s: %w", name, said)
}

// newAttribute is the definition of an attribute to make.
func newAttribute(f record.Field) (category string, body map[string]any, err error) {
	category = "normal"
	switch f.Kind {
	case record.KindText, record.KindEmail, record.KindPhone, record.KindDateTime:
		return category, map[string]any{"type": "text"}, nil
	case record.KindNumber, record.KindMoney:
		return category, map[string]any{"type": "float"}, nil
	case record.KindBool:
		return category, map[string]any{"type": "boolean"}, nil
	case record.KindDate:
		return category, map[string]any{"type": "date"}, nil
	case record.KindChoices:
		options := make([]string, 0, len(f.Choices))
		for _, c := range f.Choices {
			options = append(options, firstText(c.Value, c.Label))
		}
		return category, map[string]any{"type": "multiple-choice", "multiCategoryOptions": options}, nil
	case record.KindChoice:
		return newCategory(f)
	default:
		return "", nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: f.Name, Err: fmt.Errorf("an attribute of kind %s cannot be made", f.Kind),
		}
	}
}

// newCategory is a choice of one: its values are numbers, and what people see are labels. A
// choice whose values are texts becomes a text.
func newCategory(f record.Field) (string, map[string]any, error) {
	var options []map[string]any
	for _, c := range f.Choices {
		n, err := strconv.Atoi(c.Value)
		if err != nil {
			return "normal", map[string]any{"type": "text"}, nil //nolint:nilerr // see above
		}
		options = append(options, map[string]any{"value": n, "label": firstText(c.Label, c.Value)})
	}
	if len(options) == 0 {
		return "normal", map[string]any{"type": "text"}, nil
	}
	return "category", map[string]any{"type": "category", "enumeration": options}, nil
}

// attributeName makes a name that Brevo takes: capital letters, digits and underscores.
func attributeName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(s))
	return strings.TrimLeft(name, "_0123456789")
}

// addSaleField makes an attribute of companies or deals. Brevo gives it its name itself, so
// that one of the same label is the one; see https://developers.brevo.com/reference/create-crm-attribute
func (c *conn) addSaleField(ctx context.Context, s *shape, f record.Field) (record.Field, error) {
	label := firstText(f.Label, f.Name)
	is := func(have record.Field) bool { return have.Name == f.Name || have.Label == label }
	for _, name := range s.names {
		if is(s.fields[name]) {
			return s.fields[name], nil
		}
	}
	kinds := map[record.Kind]string{
		record.KindText: "text", record.KindEmail: "text", record.KindPhone: "text", record.KindNumber: "number", record.KindMoney: "number",
		record.KindBool: "boolean", record.KindDate: "date", record.KindDateTime: "text", record.KindChoice: "single-select", record.KindChoices: "multi-choice",
	}
	kind, ok := kinds[f.Kind]
	if !ok {
		return record.Field{}, unsupported("add field %s: an attribute of kind %s cannot be made", f.Name, f.Kind)
	}
	body := map[string]any{"attributeType": kind, "label": label, "objectType": s.object}
	if len(f.Choices) > 0 {
		var labels []string
		for _, choice := range f.Choices {
			labels = append(labels, firstText(choice.Label, choice.Value))
		}
		body["optionsLabels"] = labels
	}
	if _, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/crm/attributes", Body: body}); err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	return c.added(ctx, s.object, f.Name, nil, is)
}
