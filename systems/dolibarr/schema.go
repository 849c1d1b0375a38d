package dolibarr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// The objects.
const (
	thirdParties = "thirdparties"
	contacts     = "contacts"
	users        = "users"
)

// optionsPrefix begins the wire names of extrafields; a code of the API begins with
// "options_" after it.
const optionsPrefix = "array_options."

// An object is a record type and how the API spells it.
type object struct {
	record.Object
	path     string
	element  string // its name among the extrafields
	state    string // the property that tells closed from open
	created  string // the property with the time of creation
	modified string // the property with the time of the last change
	fields   []field
}

// A field is a field and how the API spells it.
type field struct {
	record.Field
	column string // the database's column, which filters and error messages name
	whole  bool   // is sent as a number
	zero   bool   // "0" stands for nothing
}

// settle is how long a save may go on after the answer was lost: webhooks are called
// within it.
const settle = 5 * time.Second

// readBatch keeps the address of a reading by ids far below what web servers accept.
const readBatch = 100

// objects returns the objects with the fields that every installation has. The lengths
// are those of the tables:
// https://github.com/Dolibarr/dolibarr/tree/develop/htdocs/install/mysql/tables
func objects() []object {
	company := object{
		path: "/thirdparties", element: "societe", state: "status", created: "date_creation", modified: "date_modification",
		Object: record.Object{
			Name: thirdParties, Title: "Third parties", Common: "company",
			Create: true, Update: true, Delete: true, Archive: true, Restore: true,
			Cascades: []record.Cascade{{Object: contacts, Field: "socid"}},
		},
		fields: slices.Concat(companyFields(), addressFields(50), noteFields()),
	}
	person := object{
		path: "/contacts", element: "socpeople", state: "statut", created: "date_creation", modified: "date_modification",
		Object: record.Object{
			Name: contacts, Title: "Contacts", Common: "contact",
			Create: true, Update: true, Delete: true, Archive: true, Restore: true,
		},
		fields: slices.Concat(contactFields(), addressFields(255), noteFields()),
	}
	user := object{
		path: "/users", element: "user", state: "statut", created: "datec", modified: "datem",
		Object: record.Object{Name: users, Title: "Users", Common: "user"},
		fields: userFields(),
	}
	all := []object{company, person, user}
	for i := range all {
		o := &all[i]
		o.Batch, o.ReadBatch, o.Settle, o.Overlap = 1, readBatch, settle, overlap
		o.Deletes, o.OwnStamps = record.EvidenceListing, true
	}
	return all
}

func objectOf(name string) (object, error) {
	all := objects()
	i := slices.IndexFunc(all, func(o object) bool { return o.Name == name })
	if i < 0 {
		return object{}, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("there is no object %q", name),
		}
	}
	return all[i], nil
}

// plainRewrites is what happens to every text that is not HTML (recorded): tags and
// double quotes go, entities become characters, blanks in a row become one, backslashes
// change, and an emoji, which would be an error, is dropped before it is sent.
func plainRewrites() []record.Rewrite {
	return []record.Rewrite{
		record.RewriteDropAstral, record.RewriteUnescapeHTML, record.RewriteStripTags, record.RewriteDropQuotes,
		record.RewriteOneBlank, record.RewriteTrim, record.RewriteBackslashes,
	}
}

// phoneRewrites is what happens to the phone of a third party.
func phoneRewrites() []record.Rewrite {
	return append(plainRewrites(), record.RewriteDropSpaces)
}

// noteRewrites is what happens to notes, which are HTML: from version 23 on the text
// between the tags is escaped.
func noteRewrites() []record.Rewrite {
	return []record.Rewrite{record.RewriteDropAstral, record.RewriteTrim}
}

// text makes a text field.
func text(name, label, common, column string, most int) field {
	return field{column: "t." + column, Field: record.Field{
		Name: name, Label: label, Common: common, Kind: record.KindText, MaxLen: most, Rewrites: plainRewrites(),
	}}
}

func (f field) of(kind record.Kind, format record.Format) field {
	f.Kind, f.Format = kind, format
	return f
}

func (f field) findable() field {
	f.Findable = true
	return f
}

func (f field) readOnly() field {
	f.ReadOnly = true
	return f
}

func (f field) required() field {
	f.Required, f.NoClear = true, true // an empty name is passed over in silence (recorded)
	return f
}

// choice makes a choice of numbers.
func choice(name, label, column string, labels ...string) field {
	f := field{column: "t." + column, whole: true, Field: record.Field{Name: name, Label: label, Kind: record.KindChoice, NoClear: true}}
	for i, l := range labels {
		f.Choices = append(f.Choices, record.Choice{Value: strconv.Itoa(i), Label: l})
	}
	return f
}

func created(name string) field {
	return field{Field: record.Field{Name: name, Label: "Created", Common: "created_at", Kind: record.KindDateTime, ReadOnly: true}}
}

func companyFields() []field {
	phone := text("phone", "Phone", "phone", "phone", 30).of(record.KindPhone, "")
	phone.Rewrites = phoneRewrites()
	code := text("code_client", "Customer code", "", "code_client", 24).findable()
	code.Unique = true
	return []field{
		text("name", "Name", "name", "nom", 128).of(record.KindText, record.FormatName).findable().required(),
		text("email", "E-mail", "email", "email", 128).of(record.KindEmail, "").findable(),
		phone,
		text("url", "Web site", "domain", "url", 255).of(record.KindText, record.FormatURL),
		text("tva_intra", "VAT number", "vat_id", "tva_intra", 20).of(record.KindText, record.FormatVATID).findable(),
		choice("client", "Customer or prospect", "client", "neither", "customer", "prospect", "customer and prospect"),
		choice("fournisseur", "Supplier", "fournisseur", "no", "yes"),
		code,
		// Closing and opening are what Archive and Restore do.
		choice("status", "Status", "status", "closed", "open").readOnly(),
		created("date_creation"),
	}
}

func contactFields() []field {
	socid := field{column: "t.fk_soc", whole: true, zero: true, Field: record.Field{
		Name: "socid", Label: "Third party", Common: "company", Kind: record.KindReference, To: thirdParties,
		NoClear: true, // version 20 ignores it, version 24 calls it not found (recorded)
	}}
	return []field{
		text("lastname", "Last name", "last_name", "lastname", 50).of(record.KindText, record.FormatName).findable().required(),
		text("firstname", "First name", "first_name", "firstname", 50).of(record.KindText, record.FormatName),
		text("email", "E-mail", "email", "email", 255).of(record.KindEmail, "").findable(),
		text("phone_pro", "Business phone", "phone", "phone", 30).of(record.KindPhone, ""),
		text("phone_mobile", "Mobile phone", "mobile", "phone_mobile", 30).of(record.KindPhone, ""),
		text("phone_perso", "Private phone", "", "phone_perso", 30).of(record.KindPhone, ""),
		text("poste", "Job position", "job_title", "poste", 255),
		text("civility_code", "Title", "", "civility", 6),
		{column: "t.birthday", Field: record.Field{Name: "birthday", Label: "Birthday", Common: "birthday", Kind: record.KindDate}},
		socid,
		choice("statut", "Status", "statut", "disabled", "enabled").readOnly(),
		created("date_creation"),
	}
}

func userFields() []field {
	fields := []field{
		text("login", "Login", "login", "login", 50).findable(),
		text("lastname", "Last name", "last_name", "lastname", 50).of(record.KindText, record.FormatName),
		text("firstname", "First name", "first_name", "firstname", 50).of(record.KindText, record.FormatName),
		text("email", "E-mail", "email", "email", 255).of(record.KindEmail, "").findable(),
		text("office_phone", "Office phone", "phone", "office_phone", 20).of(record.KindPhone, ""),
		text("user_mobile", "Mobile phone", "mobile", "user_mobile", 20).of(record.KindPhone, ""),
		text("job", "Job position", "job_title", "job", 128),
		choice("admin", "Administrator", "admin", "no", "yes"),
		choice("statut", "Status", "statut", "disabled", "enabled"),
		created("datec"),
	}
	for i := range fields {
		fields[i].ReadOnly, fields[i].Required, fields[i].NoClear, fields[i].Rewrites = true, false, false, nil
	}
	return fields
}

func addressFields(town int) []field {
	return []field{
		text("address", "Address", "address", "address", 255),
		text("zip", "Zip code", "zip", "zip", 25),
		text("town", "Town", "city", "town", town),
		{column: "t.fk_pays", Field: record.Field{
			Name: "country_code", Label: "Country", Common: "country", Kind: record.KindText, Format: record.FormatCountry, MaxLen: 2,
		}},
	}
}

func noteFields() []field {
	private := text("note_private", "Private note", "notes", "note_private", 0).of(record.KindText, record.FormatHTML)
	public := text("note_public", "Public note", "", "note_public", 0).of(record.KindText, record.FormatHTML)
	private.Rewrites, public.Rewrites = noteRewrites(), noteRewrites()
	key := text("ref_ext", "External reference", "", "ref_ext", 255).findable()
	key.Key = true
	return []field{private, public, key}
}

// Schema describes the three objects with the extrafields of this installation.
func (c *conn) Schema(ctx context.Context) (record.Schema, error) {
	c.mu.Lock()
	fresh := time.Since(c.extrasAt) < freshFor
	c.mu.Unlock()
	if !fresh {
		if err := c.loadExtras(ctx); err != nil {
			return record.Schema{}, fmt.Errorf("read schema: %w", err)
		}
	}
	var s record.Schema
	for _, o := range objects() {
		extras, known := c.knownExtras(o.Name)
		if !known {
			var err error
			if extras, err = c.learnExtras(ctx, o); err != nil {
				return record.Schema{}, fmt.Errorf("read schema: %w", err)
			}
		}
		for _, f := range slices.Concat(o.fields, extras) {
			if o.Name == users {
				f.ReadOnly = true
			}
			o.Fields = append(o.Fields, f.Field)
		}
		s.Objects = append(s.Objects, o.Object)
	}
	return s, nil
}

// knownExtras returns the extrafields of an object; false if their definitions cannot be
// read, and then those learnt from records before.
func (c *conn) knownExtras(object string) ([]field, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.extras[object], c.typed
}

// extrasOf returns the extrafields of an object, read once for a connection.
func (c *conn) extrasOf(ctx context.Context, object string) ([]field, error) {
	c.mu.Lock()
	loaded, extras := c.extras != nil, c.extras[object]
	c.mu.Unlock()
	if loaded {
		return extras, nil
	}
	if err := c.loadExtras(ctx); err != nil {
		return nil, err
	}
	extras, _ = c.knownExtras(object)
	return extras, nil
}

// A wireExtra is the definition of an extrafield.
type wireExtra struct {
	Type     string          `json:"type"`
	Label    string          `json:"label"`
	Size     string          `json:"size"`
	Unique   json.RawMessage `json:"unique"`
	Computed json.RawMessage `json:"computed"`
	Param    json.RawMessage `json:"param"`
	Pos      json.RawMessage `json:"pos"`
}

// loadExtras reads the definitions of all extrafields. Only an administrator may; for
// anybody else their types stay unknown.
func (c *conn) loadExtras(ctx context.Context) error {
	var got map[string]json.RawMessage
	_, err := c.api.Do(ctx, rest.Call{Path: "/setup/extrafields", Into: lenient(&got)})
	if connector.KindOf(err) == connector.Forbidden && connector.ErrorOf(err).Scope != connector.ScopeConnection {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.typed, c.extrasAt = false, time.Now(); c.extras == nil {
			c.extras = map[string][]field{}
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read extrafields: %w", err)
	}
	extras := map[string][]field{}
	for _, o := range objects() {
		var defs map[string]wireExtra
		if err := json.Unmarshal(got[o.element], lenient(&defs)); err != nil && len(got[o.element]) > 0 {
			return &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeConnection, Err: fmt.Errorf("read extrafields: %w", err)}
		}
		extras[o.Name] = extraFields(defs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.extras, c.typed, c.extrasAt = extras, true, time.Now()
	return nil
}

// learnExtras finds the names of extrafields on the first records: each record shows all
// of them, filled or not (recorded).
func (c *conn) learnExtras(ctx context.Context, o object) ([]field, error) {
	c.mu.Lock()
	known, fresh := c.extras[o.Name], time.Since(c.sampled[o.Name]) < freshFor
	c.mu.Unlock()
	if fresh {
		return known, nil
	}
	page, err := c.list(ctx, o, listing{properties: []string{"id", "array_options"}, limit: sampleSize})
	if connector.KindOf(err) == connector.Forbidden {
		return nil, nil // Check names the lack
	}
	if err != nil {
		return nil, fmt.Errorf("learn extrafields of %s: %w", o.Name, err)
	}
	return c.sample(o, page.rows), nil
}

// sampleSize is how many records are looked at to learn the names of extrafields.
const sampleSize = 20

// freshFor is how long Schema believes what Check has just read, so that both together ask
// no question twice.
const freshFor = time.Minute

// sample remembers the names of the extrafields that records show, until their definitions
// are known.
func (c *conn) sample(o object, rows []wireRow) []field {
	names := map[string]bool{}
	for _, row := range rows {
		for key := range row.options() {
			names[key] = true
		}
	}
	var fields []field
	for _, key := range slices.Sorted(maps.Keys(names)) {
		code := strings.TrimPrefix(key, "options_")
		fields = append(fields, field{column: "ef." + code, Field: record.Field{
			Name: optionsPrefix + key, Label: code, Kind: record.KindText, Custom: true, Rewrites: plainRewrites(),
		}})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.extras == nil {
		c.extras = map[string][]field{}
	}
	if !c.typed {
		c.extras[o.Name] = fields
	}
	c.sampled[o.Name] = time.Now()
	return fields
}

// extraFields translates definitions, in the order in which people see them.
func extraFields(defs map[string]wireExtra) []field {
	codes := slices.SortedFunc(maps.Keys(defs), func(a, b string) int {
		x, _ := strconv.Atoi(scalar(defs[a].Pos)) // no position is position 0
		y, _ := strconv.Atoi(scalar(defs[b].Pos))
		if x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	var fields []field
	for _, code := range codes {
		if f, ok := extraField(code, defs[code]); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

// extraField translates one definition. Separators are none and passwords are nobody's
// business; what refers to other tables is shown and not written.
func extraField(code string, w wireExtra) (field, bool) {
	f := field{column: "ef." + code, Field: record.Field{
		Name: optionsPrefix + "options_" + code, Label: w.Label, Kind: record.KindText, Custom: true,
		Unique: scalar(w.Unique) == "1", ReadOnly: scalar(w.Computed) != "",
	}}
	switch w.Type {
	case "separate", "password":
		return field{}, false
	case "varchar", "text", "mail", "phone", "url", "ip", "icon":
		f.Rewrites = plainRewrites()
		if n, err := strconv.Atoi(w.Size); err == nil && w.Type == "varchar" {
			f.MaxLen = n
			f.Findable = true
		}
	case "html":
		f.Format, f.Rewrites = record.FormatHTML, noteRewrites()
	case "int", "double", "price", "stars", "duration":
		f.Kind = record.KindNumber
	case "boolean":
		f.Kind = record.KindBool
	case "date":
		f.Kind = record.KindDate
	case "datetime":
		f.Kind = record.KindDateTime
	case "select", "radio":
		f.Kind, f.Choices = record.KindChoice, choicesOf(w.Param)
		f.Open = len(f.Choices) == 0
	default:
		f.ReadOnly = true
	}
	return f, true
}

// choicesOf reads the options of a select in their order: {"options":{"a":"Alpha"}}. Keys
// that count from 0 make PHP write a list.
func choicesOf(param json.RawMessage) []record.Choice {
	var p struct {
		Options json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal(param, &p); err != nil || len(p.Options) == 0 {
		return nil
	}
	var choices []record.Choice
	d := json.NewDecoder(strings.NewReader(string(p.Options)))
	open, err := d.Token()
	for i := 0; err == nil && d.More(); i++ {
		key := strconv.Itoa(i)
		if open == json.Delim('{') {
			var t json.Token
			if t, err = d.Token(); err != nil {
				return choices
			}
			key, _ = t.(string) // a key of an object always is one
		}
		var label json.RawMessage
		if err = d.Decode(&label); err == nil {
			choices = append(choices, record.Choice{Value: key, Label: scalar(label)})
		}
	}
	return choices
}

// lenient lets an empty list stand for an empty object, as PHP writes it.
func lenient[V any](m *map[string]V) json.Unmarshaler { return &emptyList[V]{m} }

type emptyList[V any] struct{ into *map[string]V }

// UnmarshalJSON reads an object, or a list as nothing.
func (e *emptyList[V]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return nil
	}
	return json.Unmarshal(b, e.into)
}

// countryID translates a code into the id of the dictionary, which all versions take;
// version 20 ignores the code (recorded).
func (c *conn) countryID(ctx context.Context, code string) (int64, error) {
	c.mu.Lock()
	id, known := c.countries[strings.ToUpper(code)]
	c.mu.Unlock()
	if known {
		return id, nil
	}
	var all []wireRow
	query := url.Values{"limit": {"1000"}}
	if _, err := c.api.Do(ctx, rest.Call{Path: "/setup/dictionary/countries", Query: query, Into: &all}); err != nil {
		return 0, fmt.Errorf("read countries: %w", err)
	}
	countries := make(map[string]int64, len(all))
	for _, row := range all {
		countries[strings.ToUpper(row.text("code"))] = row.number("id")
	}
	c.mu.Lock()
	c.countries = countries
	c.mu.Unlock()
	if id, known = countries[strings.ToUpper(code)]; !known || id == 0 {
		return 0, &connector.Error{
			Kind: connector.Invalid, Field: "country_code", Err: errors.New("the country is not in Dolibarr's dictionary"),
			Fix: "give an ISO code of two letters, and see that the country is active in Home, Setup, Dictionaries",
		}
	}
	return id, nil
}
