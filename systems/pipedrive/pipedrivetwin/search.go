package pipedrivetwin

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// search answers itemSearch; see https://developers.pipedrive.com/docs/api/v1/ItemSearch
// It looks into an index that is a little behind.
func (c *Company) search(r *request) (int, any) {
	if c.lacking["search:read"] {
		return 0, mismatch()
	}
	if len(r.path) != 1 || r.Method != "GET" {
		return c.unknown(r)
	}
	return c.searchIn(r.query("term", "item_types", "fields", "exact_match", "limit", "cursor"), nil)
}

// searchOf answers the searches of one object, which need no scope but that of the object.
func (c *Company) searchOf(r *request, o *object) (int, any) {
	if !slices.Contains([]string{deals, persons, organizations, products, leads}, o.name) || r.Method != "GET" {
		return c.unknown(r)
	}
	if c.lacking[o.scope+":read"] {
		return 0, mismatch()
	}
	known := []string{"term", "fields", "exact_match", "limit", "cursor"}
	switch o.name {
	case persons:
		known = append(known, "organization_id")
	case deals:
		known = append(known, "person_id", "organization_id", "status")
	case leads:
		known = append(known, "person_id", "organization_id")
	}
	q := r.query(known...)
	q["item_types"] = singular(o.name)
	return c.searchIn(q, func(n *row) bool {
		for _, name := range []string{"person_id", "organization_id", "status"} {
			key := name
			if name == "organization_id" && o.name != leads {
				key = "org_id"
			}
			if want := q[name]; want != "" && fmt.Sprint(n.f[key]) != want {
				return false
			}
		}
		return true
	})
}

// searchIn looks through the index, at the records that are wanted; nil = all.
func (c *Company) searchIn(q map[string]string, wanted func(*row) bool) (int, any) {
	limit, f := c.limit(q["limit"], 100)
	if f != nil {
		return 0, f
	}
	term, exact := strings.ToLower(strings.TrimSpace(q["term"])), q["exact_match"] == "true"
	if n := utf8.RuneCountInString(term); n < 1 || n < 2 && !exact {
		return 0, fail(400, "Validation failed: term: must have at least 2 characters", codeSchema)
	}
	types, fields := split(q["item_types"]), split(q["fields"])
	var items []any
	for _, o := range c.objects {
		kind := singular(o.name)
		if types != nil && !slices.Contains(types, kind) || !slices.Contains([]string{"deal", "person", "organization", "product", "lead"}, kind) {
			continue
		}
		for _, n := range o.rows {
			if n.deleted || c.hidden(n) || wanted != nil && !wanted(n) {
				continue
			}
			if slices.ContainsFunc(o.indexedTexts(c.indexed(n), fields), func(text string) bool {
				text = strings.ToLower(text)
				return text == term || !exact && strings.Contains(text, term)
			}) {
				items = append(items, map[string]any{"result_score": 0.5, "item": c.item(o, n, kind)})
			}
		}
	}
	from := 0
	if b, err := base64.RawURLEncoding.DecodeString(q["cursor"]); err == nil && len(b) > 0 {
		from, _ = strconv.Atoi(string(b)) // a cursor that is none begins anew
	}
	from = min(from, len(items))
	to := min(from+limit, len(items))
	var next any
	if to < len(items) {
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	data := map[string]any{"items": append([]any{}, items[from:to]...)}
	return 200, map[string]any{"success": true, "data": data, "additional_data": map[string]any{"next_cursor": next}}
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// indexedTexts returns the texts of a record that a search looks at.
func (o *object) indexedTexts(f map[string]any, fields []string) []string {
	wants := func(field string) bool { return fields == nil || slices.Contains(fields, field) }
	var out []string
	for _, key := range []string{o.text, "code"} {
		if s, ok := f[key].(string); ok && wants(key) {
			out = append(out, strings.TrimSpace(s))
		}
	}
	for key, field := range map[string]string{"emails": "email", "phones": "phone"} {
		list, _ := f[key].([]any)
		for _, one := range list {
			if wants(field) {
				out = append(out, fmt.Sprint(asMap(one)["value"]))
			}
		}
	}
	for _, custom := range o.customs() {
		searchable := slices.Contains([]string{"address", "varchar", "text", "varchar_auto", "double", "monetary", "phone"}, custom.kind)
		if v := f[custom.key]; v != nil && searchable && wants("custom_fields") {
			if m, ok := v.(map[string]any); ok {
				v = m["value"]
			}
			out = append(out, strings.TrimSpace(fmt.Sprint(v)))
		}
	}
	return out
}

// item is what a search shows of a record.
func (c *Company) item(o *object, n *row, kind string) map[string]any {
	m := map[string]any{"id": o.shown(n), "type": kind, o.text: n.f[o.text], "visible_to": n.f["visible_to"], "owner": map[string]any{"id": n.f["owner_id"]}}
	if kind == "person" {
		m["emails"], m["phones"] = ways(n.f["emails"]), ways(n.f["phones"])
		if id, ok := n.f["org_id"].(int64); ok {
			m["organization"] = map[string]any{"id": id}
		}
	}
	if kind == "deal" || kind == "lead" {
		m["is_archived"] = n.f["is_archived"] == true
	}
	return m
}

// ways are the values of addresses or phones.
func ways(v any) []any {
	out := []any{}
	list, _ := v.([]any)
	for _, one := range list {
		out = append(out, asMap(one)["value"])
	}
	return out
}
