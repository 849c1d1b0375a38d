package hubspot

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

const maxText = 65536 // characters of a text property

// property is a property's definition; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
type property struct {
	Name        string   `json:"name"`
	Label       string   `json:"label"`
	Type        string   `json:"type"`
	FieldType   string   `json:"fieldType"`
	GroupName   string   `json:"groupName"`
	Description string   `json:"description,omitempty"`
	Options     []option `json:"options,omitempty"`
	Unique      bool     `json:"hasUniqueValue,omitempty"`
	Calculated  bool     `json:"calculated,omitempty"`
	Defined     bool     `json:"hubspotDefined,omitempty"`
	Archived    bool     `json:"archived,omitempty"`
	External    bool     `json:"externalOptions,omitempty"`
	Currency    bool     `json:"showCurrencySymbol,omitempty"`
	Referenced  string   `json:"referencedObjectType,omitempty"`
	Modify      *modify  `json:"modificationMetadata,omitempty"`
}

// field describes a property of an object. A meaning that the object has not everywhere,
// or of another kind than there, is none.
func (p property) field(k kind, l lexicon) record.Field {
	f := record.Field{
		Name: p.Name, Label: p.Label, Kind: record.KindText,
		ReadOnly: p.Calculated || p.Modify != nil && p.Modify.ReadOnlyValue,
		Unique:   p.Unique, Custom: !p.Defined, Key: p.Name == propKey && p.Unique,
	}
	p.typed(&f)
	if p.Referenced == "OWNER" || p.Name == "hubspot_owner_id" {
		f.Kind, f.To, f.Choices, f.Open = record.KindReference, owners, nil, false
	}
	m, ok := l.means[p.Name]
	if f.Custom {
		m, ok = l.custom[p.Name]
	}
	if ok {
		m.apply(&f, l.everywhere)
	}
	if p.Name == propEmail && k.name == contacts {
		f.Unique = true
	}
	f.Rewrites = rewrites(k.name, p.Name)
	f.Required = in(k.required, p.Name) && !f.ReadOnly
	f.NoClear = in(k.keeps, p.Name)
	f.Findable = f.Unique || findable(f)
	return f
}

// typed sets the field's kind by the property's type.
func (p property) typed(f *record.Field) {
	switch p.Type {
	case "number":
		f.Kind = record.KindNumber
		if p.Currency {
			f.Kind = record.KindMoney
		}
	case "bool":
		f.Kind = record.KindBool
	case "date":
		f.Kind = record.KindDate
	case "datetime":
		f.Kind = record.KindDateTime
	case "phone_number":
		f.Kind = record.KindPhone
	case "enumeration":
		p.choices(f)
	default:
		f.MaxLen = maxText
		switch p.FieldType {
		case "phonenumber":
			f.Kind = record.KindPhone
		case "html":
			f.Format = record.FormatHTML
		}
	}
}

func (p property) choices(f *record.Field) {
	switch p.FieldType {
	case "booleancheckbox":
		f.Kind = record.KindBool
		return
	case "checkbox":
		f.Kind = record.KindChoices
	default:
		f.Kind = record.KindChoice
	}
	for _, o := range p.Options {
		f.Choices = append(f.Choices, record.Choice{Value: o.Value, Label: o.Label, Hidden: o.Hidden})
	}
	f.Open = p.External || len(p.Options) == 0
}

// apply gives a field its meaning, and the kind that belongs to it.
func (m meaning) apply(f *record.Field, everywhere record.CommonObject) {
	switch kind := record.Kind(m.as); kind {
	case "":
	case record.KindMoney, record.KindText, record.KindEmail, record.KindPhone:
		f.Kind, f.Choices, f.Open = kind, nil, false
		if m.common == "currency" {
			f.MaxLen = 3 // a code, of the currencies that the account has
		}
	default: // an id that HubSpot calls a number
		f.Kind, f.To = record.KindReference, m.as
	}
	if m.format != "" && f.Kind == record.KindText {
		f.Format = m.format
	}
	if c, ok := everywhere.Field(m.common); ok && slices.Contains(c.Kinds, f.Kind) {
		f.Common = m.common
	}
}

// rewrites are what HubSpot does to a value on its way in.
func rewrites(object, name string) []record.Rewrite {
	if object == contacts && name == propEmail || object == companies && name == "domain" {
		return []record.Rewrite{record.RewriteTrim, record.RewriteLower}
	}
	return nil
}

// in reports whether a list of names holds one.
func in(list, name string) bool { return slices.Contains(strings.Fields(list), name) }

// findable reports whether a field that is not unique can be searched by its whole value.
// The search compares without regard to case.
func findable(f record.Field) bool {
	switch f.Common {
	case "name", "domain", "phone", "mobile", "vat_id", "sku", "number":
		return true
	}
	return false
}
