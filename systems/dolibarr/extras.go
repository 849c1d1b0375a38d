package dolibarr

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

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
		c.typed, c.extrasAt = false, time.Now()
		c.untyped()
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
		extras[o.Name] = extraFields(o, defs)
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
	page, err := c.list(ctx, o, listing{properties: sampled(o), limit: sampleSize})
	if missing(err) {
		return nil, nil // Check names the lack
	}
	if err != nil {
		return nil, fmt.Errorf("learn extrafields of %s: %w", o.Name, err)
	}
	return c.sample(o, page.rows), nil
}

// sampled are the properties that are looked at.
func sampled(o object) []string {
	names := []string{"id", "array_options"}
	if o.created != "" {
		names = append(names, o.created)
	}
	return names
}

// sampleSize is how many records are looked at to learn the names of extrafields.
const sampleSize = 20

// freshFor is how long Schema believes what Check has just read, so that both together ask
// no question twice.
const freshFor = time.Minute

// sample remembers the names of the extrafields that records show, until their definitions
// are known.
func (c *conn) sample(o object, rows []wireRow) []field {
	types := maps.Clone(c.declared[o.Name])
	if types == nil {
		types = map[string]record.Kind{}
	}
	for _, row := range rows {
		for key := range row.options() {
			if code := strings.TrimPrefix(key, "options_"); types[code] == "" {
				types[code] = record.KindText
			}
		}
	}
	var fields []field
	for _, code := range slices.Sorted(maps.Keys(types)) {
		fields = append(fields, untypedField(o, code, types[code]))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untyped()
	if !c.typed {
		c.extras[o.Name] = fields
	}
	c.sampled[o.Name] = time.Now()
	return fields
}

// untyped makes the extrafields those whose types were given by hand, until more is known.
// The caller holds the lock.
func (c *conn) untyped() {
	if c.extras != nil {
		return
	}
	c.extras = map[string][]field{}
	for _, o := range objects() {
		types := c.declared[o.Name]
		for _, code := range slices.Sorted(maps.Keys(types)) {
			c.extras[o.Name] = append(c.extras[o.Name], untypedField(o, code, types[code]))
		}
	}
}

// untypedField makes an extrafield of which no definition can be read.
func untypedField(o object, code string, kind record.Kind) field {
	f := field{column: o.extraAlias() + code, Field: record.Field{
		Name: optionsPrefix + "options_" + code, Label: code, Kind: kind, Custom: true, Open: kind == record.KindChoice,
	}}
	f.box = kind == record.KindBool
	f.NoClear = f.box
	if kind == record.KindText {
		f.Rewrites = plainRewrites()
	}
	return f
}

// extraFields translates definitions, in the order in which people see them.
func extraFields(o object, defs map[string]wireExtra) []field {
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
		if f, ok := extraField(o, code, defs[code]); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

// extraField translates one definition. Separators are none and passwords are nobody's
// business; what refers to other tables is shown and not written.
func extraField(o object, code string, w wireExtra) (field, bool) {
	f := field{column: o.extraAlias() + code, Field: record.Field{
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
		f.Kind, f.NoClear, f.box = record.KindBool, true, true
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
