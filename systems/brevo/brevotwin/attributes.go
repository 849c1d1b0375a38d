package brevotwin

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// An attribute of contacts.
type attribute struct {
	name, category, kind string
	options              []string // of multiple choice
	values               []enumerated
}

type enumerated struct{ value, label string }

func defaultAttributes() []*attribute {
	var all []*attribute
	for _, name := range []string{"LASTNAME", "FIRSTNAME", "SMS", "EXT_ID", "WHATSAPP", "LANDLINE_NUMBER", "JOB_TITLE"} {
		all = append(all, &attribute{name: name, category: "normal", kind: "text"})
	}
	return append(all, &attribute{name: "DOUBLE_OPT-IN", category: "category", values: []enumerated{{"1", "Yes"}, {"2", "No"}}})
}

func (a *Account) attribute(name string) *attribute {
	for _, x := range a.attributes {
		if x.name == name {
			return x
		}
	}
	return nil
}

func (a *Account) define(x *attribute) *failure {
	switch {
	case !regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`).MatchString(x.name):
		return invalid("Attribute name should be alphanumeric and in capital letters")
	case a.attribute(x.name) != nil:
		return invalid("Attribute name must be unique")
	case x.category == "normal" && !slices.Contains([]string{"text", "float", "boolean", "date", "multiple-choice"}, x.kind):
		return invalid("Invalid type")
	}
	a.attributes = append(a.attributes, x)
	return nil
}

// attributesCall answers /contacts/attributes; see https://developers.brevo.com/reference/get-attributes
func (a *Account) attributesCall(r *request) (int, any) {
	r.query()
	switch {
	case r.Method == "GET" && len(r.path) == 2:
		out := []any{}
		for _, x := range a.attributes {
			out = append(out, x.show())
		}
		return 200, map[string]any{"attributes": out}
	case len(r.path) == 5 && r.Method == "DELETE":
		return a.dropOption(r)
	case len(r.path) != 4:
		return a.unknown(r)
	case r.Method == "PUT", r.Method == "DELETE":
		return a.changeAttribute(r)
	case r.Method != "POST":
		return a.unknown(r)
	}
	var in attributeInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	x := &attribute{name: r.path[3], category: r.path[2], kind: in.Type, options: in.Options}
	if x.category == "category" {
		x.kind, x.values = "", in.values()
	}
	if f := a.define(x); f != nil {
		return failed(f)
	}
	return 201, nil
}

type attributeInput struct {
	Type        string   `json:"type"`
	Options     []string `json:"multiCategoryOptions"`
	Enumeration []struct {
		Value json.Number `json:"value"`
		Label string      `json:"label"`
	} `json:"enumeration"`
}

func (in attributeInput) values() []enumerated {
	var all []enumerated
	for _, v := range in.Enumeration {
		all = append(all, enumerated{v.Value.String(), v.Label})
	}
	return all
}

// changeAttribute replaces the values of a category, adds options of multiple choice, or
// deletes the attribute with all that contacts hold in it; see
// https://developers.brevo.com/reference/update-attribute
func (a *Account) changeAttribute(r *request) (int, any) {
	x := a.attribute(r.path[3])
	if x == nil || x.category != r.path[2] {
		return failed(notFound("Attribute does not exist"))
	}
	if r.Method == "DELETE" {
		a.attributes = slices.DeleteFunc(a.attributes, func(y *attribute) bool { return y == x })
		for _, c := range a.contacts {
			was := *c
			c.values = maps.Clone(c.values)
			delete(c.values, x.name)
			a.keep(&was, c)
		}
		return 204, nil
	}
	var in attributeInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	switch {
	case x.category == "category" && len(in.Enumeration) > 0:
		x.values = in.values()
	case x.kind == "multiple-choice" && len(in.Options) > 0:
		for _, o := range in.Options {
			if !slices.Contains(x.options, o) {
				x.options = append(x.options, o)
			}
		}
	default:
		return failed(invalid("nothing of the attribute can be changed so"))
	}
	return 204, nil
}

// dropOption takes away an option of multiple choice.
func (a *Account) dropOption(r *request) (int, any) {
	x := a.attribute(r.path[3])
	if x == nil || x.kind != r.path[2] || !slices.Contains(x.options, r.path[4]) {
		return failed(notFound("Attribute does not exist"))
	}
	x.options = slices.DeleteFunc(slices.Clone(x.options), func(o string) bool { return o == r.path[4] })
	return 204, nil
}

func (x *attribute) show() map[string]any {
	m := map[string]any{"name": x.name, "category": x.category}
	if x.kind != "" {
		m["type"] = x.kind
	}
	if x.kind == "multiple-choice" {
		m["multiCategoryOptions"] = x.options
	}
	if x.category == "category" {
		var all []any
		for _, v := range x.values {
			n, _ := strconv.Atoi(v.value) // 0 for what is no number, as documented
			all = append(all, map[string]any{"value": n, "valueStr": v.value, "label": v.label})
		}
		m["enumeration"] = all
	}
	return m
}

// take returns a value as it is kept, nil to clear, and whether it is of the attribute's
// type: one that is not is ignored without a word.
func (x *attribute) take(v any) (any, bool) {
	if v == nil || v == "" {
		return nil, true
	}
	if x.category == "category" {
		text, ok := v.(string)
		if n, number := v.(json.Number); number {
			text, ok = n.String(), true
		}
		for _, e := range x.values {
			if ok && (e.value == text || e.label == text) {
				return json.Number(e.value), true
			}
		}
		return nil, false
	}
	switch x.kind {
	case "float":
		n, ok := v.(json.Number)
		return n, ok
	case "boolean":
		b, ok := v.(bool)
		return b, ok
	case "date":
		text, _ := v.(string)
		_, err := time.Parse(time.DateOnly, text)
		return text, err == nil
	case "multiple-choice":
		return x.takeMany(v)
	default:
		switch v := v.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		}
		return nil, false
	}
}

func (x *attribute) takeMany(v any) (any, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	var out []any
	for _, item := range list {
		text, _ := item.(string)
		if !slices.Contains(x.options, text) {
			return nil, false
		}
		out = append(out, text)
	}
	if out == nil {
		return nil, true
	}
	return out, true
}
