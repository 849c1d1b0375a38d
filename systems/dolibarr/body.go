package dolibarr

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// A writing is what an operation comes to: a body, and what is written apart from it. Of
// the latter nil means that it is not written.
type writing struct {
	body    map[string]any
	refused []connector.Refusal
	status  *record.Value
	lines   *record.Value
	tags    *record.Value
	were    record.Value // the categories as they were last read
	until   *record.Value
	path    []move
	row     wireRow // the record as it is before
}

// apart reports whether anything is written besides the body.
func (w writing) apart() bool {
	return w.lines != nil || w.tags != nil || len(w.path) > 0
}

// writing encodes what is to be written. What the vendor would ignore or undo is refused
// here, so that it is shown.
func (c *conn) writing(ctx context.Context, o object, set record.Fields, create bool) (writing, error) {
	w := writing{body: map[string]any{}}
	extras, err := c.extrasOf(ctx, o.Name)
	if err != nil {
		return w, err
	}
	all := slices.Concat(o.fields, extras)
	options := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v := set[name]
		f, known := known(all, name)
		switch why := refusal(f, known, v, create); {
		case why != "":
			w.refused = append(w.refused, connector.Refusal{Field: name, Why: why})
		case name == "country_code":
			if err := c.country(ctx, v, w.body); err != nil {
				return w, err
			}
		case create && v.IsEmpty(): // is empty anyway
		case f.apart && (!create || name != linesName):
			w.set(name, v)
		default:
			if err := c.encode(ctx, f, v, w.body, options); err != nil {
				return w, err
			}
		}
	}
	if len(options) > 0 {
		w.body["array_options"] = options
	}
	return w, nil
}

// set notes what is written apart from the body.
func (w *writing) set(name string, v record.Value) {
	switch name {
	case statusName:
		w.status = &v
	case linesName:
		w.lines = &v
	case tagsName:
		w.tags = &v
	case validUntil:
		w.until = &v
	}
}

// encode puts a value into the body, or among the extrafields.
func (c *conn) encode(ctx context.Context, f field, v record.Value, body, options map[string]any) error {
	zone, err := c.timezone(ctx)
	if err != nil {
		return err
	}
	var wire any
	if f.Kind == record.KindList {
		wire, err = f.wireLines(v, zone)
	} else {
		wire, err = encode(f, v, zone)
	}
	if err != nil {
		return &connector.Error{Kind: connector.Invalid, Field: f.Name, Err: err}
	}
	if key, extra := strings.CutPrefix(f.Name, optionsPrefix); extra {
		options[key] = wire
		return nil
	}
	body[f.Name] = wire
	if f.also != "" {
		body[f.also] = wire
	}
	return nil
}

// known returns the field of that name. An extrafield that is not among the known ones is
// sent as a text: without an administrator's key they are learnt from records, and there
// may be none yet.
func known(all []field, name string) (field, bool) {
	i := slices.IndexFunc(all, func(f field) bool { return f.Name == name })
	if i >= 0 {
		return all[i], true
	}
	extra := strings.HasPrefix(name, optionsPrefix)
	return field{Field: record.Field{Name: name, Kind: record.KindText}}, extra
}

// refusal says why a value is not sent, "" if it is.
func refusal(f field, known bool, v record.Value, create bool) string {
	switch {
	case !known:
		return "Dolibarr has no such field"
	case f.Key && !create:
		return "it is set when a record is made, and then kept as it is"
	case f.CreateOnly && !create:
		return "Dolibarr lets it be set only when a record is made"
	case f.ReadOnly && (f.Name == "status" || f.Name == "statut"):
		return "archive or restore the record instead"
	case f.ReadOnly:
		return "Dolibarr does not let it be written"
	case v.IsEmpty() && f.NoClear && !create:
		return "Dolibarr cannot empty it"
	default:
		return ""
	}
}

// country sends the id that the code stands for, and both emptied to clear it: version 24
// would take the id from a code that is left.
func (c *conn) country(ctx context.Context, v record.Value, body map[string]any) error {
	if v.IsEmpty() {
		body["country_id"], body["country_code"] = nil, ""
		return nil
	}
	id, err := c.countryID(ctx, v.Text())
	if err != nil {
		return err
	}
	body["country_id"] = id
	return nil
}
