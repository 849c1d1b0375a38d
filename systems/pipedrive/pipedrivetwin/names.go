package pipedrivetwin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A stageRow is a stage of a pipeline.
type stageRow struct {
	id, pipeline int64
	name         string
}

func stages() []stageRow {
	return []stageRow{
		{1, 1, "Qualified"}, {2, 1, "Contact made"}, {3, 1, "Proposal made"}, {4, 1, "Negotiations started"},
		{5, 2, "Trial"}, {6, 2, "Renewal offered"},
	}
}

func stageOf(id int64) *stageRow {
	for _, s := range stages() {
		if s.id == id {
			return &s
		}
	}
	return nil
}

func firstStage(pipeline int64) int64 {
	for _, s := range stages() {
		if s.pipeline == pipeline {
			return s.id
		}
	}
	return 0
}

// activityTypes, leadLabels and industries are as every new company has some.
func activityTypes() [][2]string {
	return [][2]string{{"call", "Call"}, {"meeting", "Meeting"}, {"task", "Task"}, {"deadline", "Deadline"}, {"email", "Email"}, {"lunch", "Lunch"}}
}

func leadLabels() [][2]string {
	return [][2]string{
		{"f08b42a0-4e75-11ea-9643-03698ef1cfd6", "Hot"}, {"f08b42a1-4e75-11ea-9643-03698ef1cfd6", "Cold"},
		{"f08b69b0-4e75-11ea-9643-03698ef1cfd6", "Warm"},
	}
}

func industries() []string { return []string{"Accounting", "Manufacturing", "Software"} }

// pipelinesCall answers the lists of pipelines and stages.
func (c *Company) pipelinesCall(r *request) (int, any) {
	if c.lacking["deals:read"] {
		return 0, mismatch()
	}
	if r.Method != "GET" || len(r.path) > 2 {
		return c.unknown(r)
	}
	q := r.query("pipeline_id", "sort_by", "sort_direction", "limit", "cursor")
	data := []any{}
	times := map[string]any{"add_time": "2024-01-01T00:00:00Z", "update_time": "2024-01-01T00:00:00Z", "is_deleted": false}
	if r.path[0] == "pipelines" {
		for i, name := range []string{"Sales", "Renewals"} {
			m := map[string]any{"id": i + 1, "name": name, "order_nr": i + 1, "is_deal_probability_enabled": true}
			maps.Copy(m, times)
			data = append(data, m)
		}
	} else {
		for i, s := range stages() {
			if want := q["pipeline_id"]; want != "" && want != strconv.FormatInt(s.pipeline, 10) {
				continue
			}
			m := map[string]any{
				"id": s.id, "pipeline_id": s.pipeline, "name": s.name, "order_nr": i + 1, "deal_probability": 100,
				"is_deal_rot_enabled": false, "days_to_rotten": nil,
			}
			maps.Copy(m, times)
			data = append(data, m)
		}
	}
	if len(r.path) == 2 {
		for _, one := range data {
			if m := asMap(one); fmt.Sprint(m["id"]) == r.path[1] {
				return 200, c.envelope(m)
			}
		}
		return 0, fail(404, "Not found", "ERR_NOT_FOUND")
	}
	return 200, map[string]any{"success": true, "data": data, "additional_data": map[string]any{"next_cursor": nil}}
}

// oldNames answers the lists of labels of leads and of types of activities.
func (c *Company) oldNames(r *request) (int, any) {
	scope, names := "leads", leadLabels()
	if r.path[0] == "activityTypes" {
		scope, names = "activities", activityTypes()
	}
	switch {
	case c.lacking[scope+":read"]:
		return 0, mismatch()
	case r.Method != "GET" || len(r.path) != 1:
		return c.unknown(r)
	}
	r.query()
	data := []any{}
	for i, n := range names {
		if scope == "leads" {
			data = append(data, map[string]any{"id": n[0], "name": n[1], "color": "red"})
			continue
		}
		data = append(data, map[string]any{"id": i + 1, "name": n[1], "key_string": n[0], "icon_key": n[0], "active_flag": true, "order_nr": i + 1})
	}
	return 200, c.envelope(data)
}

// usersCall answers the users, all at once, and who calls.
func (c *Company) usersCall(r *request) (int, any) {
	o := c.object(users)
	if r.Method != "GET" || len(r.path) > 2 {
		return c.unknown(r)
	}
	if len(r.path) == 2 && r.path[1] == "find" {
		return c.findUsers(r, o)
	}
	r.query()
	if len(r.path) == 2 && r.path[1] == "me" {
		m := c.render(o, o.rows[0])
		maps.Copy(m, map[string]any{"company_id": companyID, "company_name": "Tandem Sandbox", "company_domain": domain, "company_country": "EE"})
		return 200, c.envelope(m)
	}
	if c.lacking["users:read"] {
		return 0, mismatch()
	}
	data := []any{}
	for _, n := range o.rows {
		if len(r.path) == 2 && n.id == r.path[1] {
			return 200, c.envelope(c.render(o, n))
		}
		if !n.deleted {
			data = append(data, c.render(o, n))
		}
	}
	if len(r.path) == 2 {
		return 0, failOld(404, "User not found")
	}
	return 200, c.envelope(data)
}

// findUsers answers GET /v1/users/find: by a part of the name, or of the address.
func (c *Company) findUsers(r *request, o *object) (int, any) {
	q := r.query("term", "search_by_email")
	key := "name"
	if q["search_by_email"] == "1" {
		key = "email"
	}
	data := []any{}
	for _, n := range o.rows {
		if text, _ := n.f[key].(string); !n.deleted && q["term"] != "" && strings.Contains(strings.ToLower(text), strings.ToLower(q["term"])) {
			data = append(data, c.render(o, n))
		}
	}
	return 200, c.envelope(data)
}

// fieldsCall answers the Fields API: the list, and making a field.
func (c *Company) fieldsCall(r *request, fields string) (int, any) {
	i := slices.IndexFunc(c.objects, func(o *object) bool { return o.fields == fields && !o.old })
	if i < 0 || len(r.path) > 2 {
		return c.unknown(r)
	}
	o := c.objects[i]
	if c.lacking[o.scope+":read"] {
		return 0, mismatch()
	}
	if len(r.path) == 2 {
		if r.Method != "GET" {
			return c.unknown(r)
		}
		r.query("include_fields")
		for _, one := range c.fieldDefs(o) {
			if asMap(one)["field_code"] == r.path[1] {
				return 200, c.envelope(one)
			}
		}
		return 0, fail(404, "Field not found", "ERR_NOT_FOUND")
	}
	switch r.Method {
	case "GET":
		return c.fieldList(r, o)
	case "POST":
		return c.makeField(r, o)
	}
	return 0, methodNotAllowed()
}

func (c *Company) fieldList(r *request, o *object) (int, any) {
	q := r.query("include_fields", "limit", "cursor")
	limit, f := c.limit(q["limit"], 500)
	if f != nil {
		return 0, f
	}
	all := c.fieldDefs(o)
	start, _ := strconv.Atoi(q["cursor"]) // 0 at first
	start = min(start, len(all))
	end := min(start+limit, len(all))
	var next any
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return 200, map[string]any{"success": true, "data": all[start:end], "additional_data": map[string]any{"next_cursor": next}}
}

// fieldDefs describes all fields of an object.
func (c *Company) fieldDefs(o *object) []any {
	var all []any
	for _, col := range o.columns {
		if col.sync && !c.contacts || col.kind == "marketing" && !c.campaigns {
			continue
		}
		m := map[string]any{"field_name": strings.ReplaceAll(col.key, "_", " "), "field_code": col.key, "field_type": fieldType(col.kind), "is_custom_field": false, "options": nil}
		switch {
		case col.kind == "industry":
			m["options"] = optionList(industries())
		case col.key == "label_ids" && !o.old:
			m["options"] = optionList(recordLabels())
		}
		all = append(all, m)
	}
	for _, f := range o.customs() {
		all = append(all, f.render())
	}
	return all
}

func fieldType(kind string) string {
	switch kind {
	case "text":
		return "varchar"
	case "number":
		return "double"
	case "ways":
		return "phone"
	case "ids":
		return "set"
	case "industry":
		return "enum"
	default:
		return kind
	}
}

func optionList(labels []string) []any {
	list := []any{}
	for i, label := range labels {
		list = append(list, map[string]any{"id": i + 1, "label": label})
	}
	return list
}

func (f *customField) render() map[string]any {
	m := map[string]any{
		"field_name": f.name, "field_code": f.key, "field_type": f.kind, "is_custom_field": true, "is_optional_response_field": false,
		"options": nil, "subfields": nil,
	}
	if f.options != nil {
		m["options"] = optionList(f.options)
	}
	return m
}

// makeField answers POST of a field.
func (c *Company) makeField(r *request, o *object) (int, any) {
	if c.lacking["admin"] {
		return 0, mismatch()
	}
	body, f := r.object()
	if f != nil {
		return 0, f
	}
	name, _ := body["field_name"].(string)
	kind, _ := body["field_type"].(string)
	kinds := []string{
		"varchar", "text", "double", "phone", "date", "daterange", "time", "timerange", "set", "enum", "varchar_auto", "address",
		"monetary", "org", "people", "user",
	}
	var options []string
	list, _ := body["options"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		label, _ := m["label"].(string)
		options = append(options, label)
	}
	for key := range body {
		if !slices.Contains([]string{"field_name", "field_type", "options", "description", "ui_visibility"}, key) {
			c.Unknown(r.Request, "field "+key)
		}
	}
	switch choice := kind == "enum" || kind == "set"; {
	case name == "":
		return 0, fail(400, "Validation failed: field_name: should not be empty", codeSchema)
	case !slices.Contains(kinds, kind):
		return 0, fail(400, "Validation failed: field_type: is not supported", codeSchema)
	case choice != (len(options) > 0):
		return 0, fail(400, "Validation failed: options: are for enum and set, and needed there", codeSchema)
	}
	return 200, c.envelope(c.addField(o.fields, name, kind, options).render())
}
