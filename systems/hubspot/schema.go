package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide#limits
	maxBatch = 100
	// The search index is "a few moments" behind; reads by id are not
	// (https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits).
	readLag = 10 * time.Second
	settle  = time.Minute
	overlap = 5 * time.Minute
	maxText = 65536 // characters of a text property
)

// definitions are an object's properties.
type definitions struct {
	object string
	list   []record.Field
	fields map[string]record.Field // by name, the primary company among them
}

// names returns the properties to ask for: those wanted, all if wanted is nil.
func (d *definitions) names(wanted []string) []string {
	var out []string
	for _, f := range d.list {
		if f.Name != propCompany && (wanted == nil || slices.Contains(wanted, f.Name)) {
			out = append(out, f.Name)
		}
	}
	return out
}

// linked reports whether the primary company is among the wanted fields.
func (d *definitions) linked(wanted []string) bool {
	return d.object == contacts && (wanted == nil || slices.Contains(wanted, propCompany))
}

// unique returns the properties of which HubSpot allows one record per value.
func (d *definitions) unique() []string {
	var out []string
	for _, f := range d.list {
		if f.Unique {
			out = append(out, f.Name)
		}
	}
	return out
}

// Schema reads the properties of the objects, one call each. An object that the token may
// not see is left out; Check says why.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	s := record.Schema{Objects: []record.Object{ownersObject()}}
	for _, name := range []string{companies, contacts} {
		d, err := c.define(ctx, name)
		if connector.KindOf(err) == connector.Forbidden {
			continue
		}
		if err != nil {
			return record.Schema{}, fmt.Errorf("read properties of %s: %w", name, err)
		}
		o := record.Object{
			Name: name, Title: "Companies", Common: "company", Fields: d.list,
			Create: true, Update: true, Archive: true,
			Batch: maxBatch, ReadBatch: maxBatch,
			ReadLag: readLag, Settle: settle, Overlap: overlap,
			Deletes: record.EvidenceBin, OwnStamps: true,
		}
		if name == contacts {
			o.Title, o.Common = "Contacts", "contact"
		}
		s.Objects = append(s.Objects, o)
	}
	return s, nil
}

func ownersObject() record.Object {
	text := func(name, label, common string, kind record.Kind) record.Field {
		return record.Field{Name: name, Label: label, Common: common, Kind: kind, ReadOnly: true}
	}
	email := text("email", "E-mail", "email", record.KindEmail)
	email.Unique, email.Findable = true, true
	first := text("firstName", "First name", "first_name", record.KindText)
	last := text("lastName", "Last name", "last_name", record.KindText)
	first.Format, last.Format = record.FormatName, record.FormatName
	return record.Object{
		Name: owners, Title: "Owners", Common: "user", Batch: 1, ReadBatch: maxBatch,
		Settle: settle, Overlap: overlap, Deletes: record.EvidenceBin,
		Fields: []record.Field{
			email, first, last,
			text("type", "Type", "", record.KindText),
			text("userId", "User ID", "", record.KindNumber),
		},
	}
}

// define reads an object's properties and keeps them.
func (c *conn) define(ctx context.Context, object string) (*definitions, error) {
	var answer struct {
		Results []property `json:"results"`
	}
	if _, err := c.read(ctx, rest.Call{Path: c.path(areaProperties, object), Into: &answer}); err != nil {
		return nil, err
	}
	d := &definitions{object: object, fields: make(map[string]record.Field, len(answer.Results))}
	for _, p := range answer.Results {
		if p.Archived || p.Name == propCompany {
			continue
		}
		d.add(p.field(object))
	}
	if object == contacts {
		d.add(companyField())
	}
	c.mu.Lock()
	c.known[object] = d
	c.mu.Unlock()
	return d, nil
}

// Recall takes the properties from the schema that was read before.
func (c *conn) Recall(s record.Schema) {
	for _, name := range []string{companies, contacts} {
		o, ok := s.Object(name)
		if !ok {
			continue
		}
		d := &definitions{object: name, fields: make(map[string]record.Field, len(o.Fields))}
		for _, f := range o.Fields {
			d.add(f)
		}
		c.mu.Lock()
		c.known[name] = d
		c.mu.Unlock()
	}
}

func (d *definitions) add(f record.Field) {
	d.list = append(d.list, f)
	d.fields[f.Name] = f
}

// defined returns an object's properties, reading them if that was not done yet.
func (c *conn) defined(ctx context.Context, object string) (*definitions, error) {
	c.mu.Lock()
	d := c.known[object]
	c.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d, err := c.define(ctx, object)
	if err != nil {
		return nil, fmt.Errorf("read properties of %s: %w", object, err)
	}
	return d, nil
}

// companyField is the primary company of a contact. HubSpot has a property of that name,
// which it computes; the association itself is read and written instead. A change of it
// does not reliably move the contact's lastmodifieddate, so it is silent (R35).
func companyField() record.Field {
	return record.Field{
		Name: propCompany, Label: "Primary company", Common: "company",
		Kind: record.KindReference, To: companies, Silent: true,
	}
}

// field describes a property.
func (p property) field(object string) record.Field {
	f := record.Field{
		Name: p.Name, Label: p.Label, Kind: record.KindText,
		ReadOnly: p.Calculated || p.Modify != nil && p.Modify.ReadOnlyValue,
		Unique:   p.Unique, Custom: !p.Defined, Key: p.Name == propKey && p.Unique,
	}
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
		p.choices(&f)
	default:
		f.MaxLen = maxText
		switch p.FieldType {
		case "phonenumber":
			f.Kind = record.KindPhone
		case "html":
			f.Format = record.FormatHTML
		}
	}
	common(&f, object, p.Referenced)
	f.Findable = f.Unique || findable(f)
	return f
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

// findable reports whether a field that is not unique can be searched by its whole value.
// The search compares without regard to case.
func findable(f record.Field) bool {
	switch f.Common {
	case "name", "domain", "phone", "mobile", "vat_id":
		return true
	}
	return false
}

// common says what a property means everywhere.
func common(f *record.Field, object, referenced string) {
	switch f.Name {
	case "createdate":
		f.Common = "created_at"
	case "phone", "address", "city", "zip":
		f.Common = f.Name
	case "country":
		f.Common, f.Format = f.Name, record.FormatCountry
	case "hubspot_owner_id":
		f.Common = "owner"
	}
	if referenced == "OWNER" || f.Name == "hubspot_owner_id" {
		f.Kind, f.To, f.Choices, f.Open = record.KindReference, owners, nil, false
	}
	if f.Custom {
		commonCustom(f)
		return
	}
	if object == contacts {
		commonContact(f)
	} else {
		commonCompany(f)
	}
}

// commonCustom knows the properties that HubSpot has not of its own and that its customers
// make, with or without our help.
func commonCustom(f *record.Field) {
	switch f.Name {
	case "notes":
		f.Common = "notes"
	case "vat_id":
		f.Common, f.Format = "vat_id", record.FormatVATID
	}
}

func commonCompany(f *record.Field) {
	switch f.Name {
	case "name":
		f.Common, f.Format = "name", record.FormatName
	case "domain":
		f.Common, f.Format = "domain", record.FormatDomain
		f.Rewrites = []record.Rewrite{record.RewriteTrim, record.RewriteLower}
	case "website":
		f.Common, f.Format = "website", record.FormatURL
	}
}

func commonContact(f *record.Field) {
	switch f.Name {
	case propEmail:
		f.Common, f.Kind, f.Unique = "email", record.KindEmail, true
		f.Rewrites = []record.Rewrite{record.RewriteTrim, record.RewriteLower}
	case "firstname":
		f.Common, f.Format = "first_name", record.FormatName
	case "lastname":
		f.Common, f.Format = "last_name", record.FormatName
	case "mobilephone":
		f.Common = "mobile"
	case "jobtitle":
		f.Common = "job_title"
	}
}

// AddField makes a property, or returns the one that is there.
func (c *conn) AddField(ctx context.Context, object string, f record.Field) (record.Field, error) {
	if err := checkObject(object, companies, contacts); err != nil {
		return record.Field{}, err
	}
	p, err := newProperty(object, f)
	if err != nil {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	d, err := c.defined(ctx, object)
	if err != nil {
		return record.Field{}, err
	}
	if have, ok := d.fields[p.Name]; ok {
		return have, nil
	}
	var made property
	r, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: c.path(areaProperties, object), Body: p, Into: &made})
	if err != nil && r.Status != http.StatusConflict {
		return record.Field{}, fmt.Errorf("add field %s: %w", f.Name, err)
	}
	if d, err = c.define(ctx, object); err != nil { // what was made, or what was there
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

// newProperty is the definition of a property to make; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide#create-properties
func newProperty(object string, f record.Field) (property, error) {
	p := property{
		Name: propertyName(f.Name), Label: f.Label, GroupName: "companyinformation",
		Unique: f.Unique || f.Key || f.Name == propKey,
	}
	if object == contacts {
		p.GroupName = "contactinformation"
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
