package pipedrivetwin

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/tandemhub/tandem/twin"
)

// create answers POST.
func (c *Company) create(r *request, o *object) (int, any) {
	body, f := r.object()
	if f != nil {
		return 0, f
	}
	fields, f := c.accept(r, o, body)
	if f != nil {
		return 0, f
	}
	if s, _ := fields[o.text].(string); s == "" && o.name != activities {
		return 0, invalid(o, o.text, "should not be empty")
	}
	n := o.add(c.Now())
	maps.Copy(n.f, fields)
	if f := c.settle(o, n, fields); f != nil {
		o.rows, o.next = o.rows[:len(o.rows)-1], o.next-1
		return 0, f
	}
	n.before = map[string]any{}
	c.record("api", "create", o, n, o.texts(n))
	c.tell("create", o, n, nil, "")
	if o.name == leads || o.name == products {
		return 201, c.envelope(c.render(o, n))
	}
	return 200, c.envelope(c.written(o, n))
}

// change answers PATCH, and PUT of notes.
func (c *Company) change(r *request, o *object, n *row) (int, any) {
	body, f := r.object()
	if f != nil {
		return 0, f
	}
	fields, f := c.accept(r, o, body)
	if f != nil {
		return 0, f
	}
	was, texts := maps.Clone(n.f), o.texts(n)
	if status, ok := fields["marketing_status"].(string); ok && !c.mayTurn(n, status) {
		delete(fields, "marketing_status")
	}
	maps.Copy(n.f, fields)
	if f := c.settle(o, n, fields); f != nil {
		n.f = was
		return 0, f
	}
	c.touch(n, was)
	c.record("api", "update", o, n, changed(texts, o.texts(n)))
	c.tell("change", o, n, was, "")
	return 200, c.envelope(c.written(o, n))
}

// accept checks a body and returns what it sets. Custom fields have a place of their own,
// in version 1 they stand beside the others.
func (c *Company) accept(r *request, o *object, body map[string]any) (map[string]any, *failure) {
	fields := map[string]any{}
	for key, v := range body {
		if custom := o.customField(key); o.old && custom != nil {
			checked, wrong := c.checkCustom(custom, v)
			if wrong != "" {
				return nil, invalid(o, key, wrong)
			}
			fields[key] = checked
			continue
		}
		if key == "custom_fields" && !o.old && o.custom != nil {
			if f := c.acceptCustom(r, o, v, fields); f != nil {
				return nil, f
			}
			continue
		}
		col, ok := o.column(key)
		switch {
		case key == "add_time" && o.name == notes:
			fields[key] = v
			continue
		case !ok || col.fixed:
			r.company.Unknown(r.Request, "field "+key)
			return nil, invalid(o, key, "property "+key+" should not exist")
		case col.kind == "marketing" && !c.campaigns:
			return nil, fail(403, "Campaigns is not enabled: "+key+" cannot be set", "ERR_FORBIDDEN")
		case col.sync && !c.contacts:
			return nil, fail(403, "Contact sync is not enabled: "+key+" cannot be set", "ERR_FORBIDDEN")
		case v == nil && (key == o.text || col.kind == "bool" || strings.HasPrefix(col.kind, "visible") || col.kind == "ways" || col.kind == "marketing"):
			return nil, invalid(o, key, "must not be null")
		}
		checked, wrong := c.check(col.kind, v)
		if wrong != "" {
			return nil, invalid(o, key, wrong)
		}
		fields[key] = checked
	}
	return fields, nil
}

func (c *Company) acceptCustom(r *request, o *object, v any, into map[string]any) *failure {
	all, ok := v.(map[string]any)
	if !ok {
		return invalid(o, "custom_fields", "must be an object")
	}
	for key, one := range all {
		f := o.customField(key)
		if f == nil {
			r.company.Unknown(r.Request, "custom field "+key)
			return invalid(o, "custom_fields."+key, "unknown custom field "+key)
		}
		checked, wrong := c.checkCustom(f, one)
		if wrong != "" {
			return invalid(o, "custom_fields."+key, wrong)
		}
		into[key] = checked
	}
	return nil
}

// settle does what follows from a write, and refuses what does not go together.
func (c *Company) settle(o *object, n *row, set map[string]any) *failure {
	switch o.name {
	case persons:
		name, _ := n.f["name"].(string)
		first, rest, _ := strings.Cut(name, " ")
		n.f["first_name"], n.f["last_name"] = first, rest
		c.settleStatus(n, set)
	case activities:
		if list, ok := set["participants"].([]any); ok {
			n.f["person_id"] = nil
			if len(list) > 0 {
				n.f["person_id"] = asMap(list[0])["person_id"]
			}
		}
	case deals:
		return c.settleDeal(n, set)
	case callLogs:
		for _, key := range []string{"outcome", "start_time", "end_time"} {
			if n.f[key] == nil {
				return failOld(400, "Validation failed: "+key+": is required")
			}
		}
	case leads:
		if n.f["person_id"] == nil && n.f["organization_id"] == nil {
			return failOld(400, "A lead must be linked to a person or an organization.")
		}
	case notes:
		if n.f["deal_id"] == nil && n.f["person_id"] == nil && n.f["org_id"] == nil && n.f["lead_id"] == nil {
			return failOld(400, "Note must be linked to at least one of the following: lead, deal, organization, person, project.")
		}
		if text, ok := set["add_time"].(string); ok {
			at, err := parseOld(text)
			if err != nil {
				return failOld(400, "add_time must be a date and a time")
			}
			n.add = at
			delete(n.f, "add_time")
		}
	}
	return nil
}

// settleDeal keeps the pipeline with the stage, and the times with the status.
func (c *Company) settleDeal(n *row, set map[string]any) *failure {
	now := stamp(c.Now())
	if id, ok := set["stage_id"].(int64); ok {
		n.f["pipeline_id"], n.f["stage_change_time"] = stageOf(id).pipeline, now
	} else if p, ok := set["pipeline_id"].(int64); ok {
		n.f["stage_id"] = firstStage(p)
	}
	if n.f["stage_change_time"] == nil {
		n.f["stage_change_time"] = now
	}
	status := n.f["status"]
	if text, ok := set["lost_reason"].(string); ok && text != "" && status != "lost" {
		return fail(400, "Validation failed: lost_reason: can only be set if deal status is lost", codeSchema)
	}
	if _, ok := set["status"]; !ok {
		return nil
	}
	n.f["won_time"], n.f["lost_time"], n.f["close_time"] = nil, nil, nil
	switch status {
	case "won":
		n.f["won_time"], n.f["close_time"] = now, now
	case "lost":
		n.f["lost_time"], n.f["close_time"] = now, now
	default:
		n.f["lost_reason"] = nil
	}
	return nil
}

// remove answers DELETE: the record goes to the bin for 30 days.
func (c *Company) remove(o *object, n *row) (int, any) {
	was := maps.Clone(n.f)
	n.deleted = true
	c.touch(n, was)
	c.record("api", "delete", o, n, nil)
	c.tell("delete", o, n, was, "")
	if o.name == notes {
		return 200, map[string]any{"success": true, "data": true}
	}
	return 200, c.envelope(map[string]any{"id": o.shown(n)})
}

func (c *Company) record(by, verb string, o *object, n *row, fields map[string]string) {
	c.Ledger().Record(twin.Act{By: by, Verb: verb, Object: o.name, ID: n.id, Fields: fields})
}

// merge answers PUT of version 1: the record of the path goes, that of the body stays and
// wins.
func (c *Company) merge(r *request, o *object, lost *row) (int, any) {
	body, f := r.object()
	if f != nil {
		return 0, f
	}
	for key := range body {
		if key != "merge_with_id" {
			r.company.Unknown(r.Request, "field "+key)
		}
	}
	id, wrong := checkInt(body["merge_with_id"])
	keep := o.find(fmt.Sprint(id))
	switch {
	case wrong != "":
		return 0, failOld(400, "merge_with_id "+wrong)
	case keep == nil || keep.deleted || c.hidden(keep):
		return 0, failOld(404, singular(o.name)+" not found")
	case keep == lost:
		return 0, failOld(400, "a "+singular(o.name)+" cannot be merged with itself")
	}
	c.fold("api", o, lost, keep)
	return 200, map[string]any{"success": true, "data": map[string]any{"id": keep.num, "merge_what_id": lost.num, "active_flag": true}}
}

// Merge lets a person merge a record into another one.
func (c *Company) Merge(object, lose, keep string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost, err := c.live(object, lose)
	if err != nil {
		return err
	}
	kept, err := c.live(object, keep)
	if err != nil {
		return err
	}
	c.fold("person", c.object(object), lost, kept)
	return nil
}

// fold gives the record that stays what it lacks, and takes the other one out of sight: no
// call shows it any more.
func (c *Company) fold(by string, o *object, lost, keep *row) {
	was := maps.Clone(keep.f)
	for key, v := range lost.f {
		if empty(keep.f[key]) {
			keep.f[key] = v
		}
	}
	lostWas := maps.Clone(lost.f)
	lost.deleted, lost.into = true, keep.id
	c.touch(keep, was)
	c.touch(lost, lostWas)
	c.record(by, "delete", o, lost, nil)
	c.record(by, "update", o, keep, changed(map[string]string{}, nil))
	c.tell("delete", o, lost, lostWas, keep.id)
	c.tell("change", o, keep, was, "")
	c.hooks.from(keep.num, lost.num)
	c.follow(map[string]string{persons: "person_id", organizations: "org_id"}[o.name], lost, keep)
}

// follow has deals go with the person or the organization that was merged. Whether that moves
// their time of change is not documented; here it does.
func (c *Company) follow(field string, lost, keep *row) {
	o := c.object(deals)
	for _, n := range o.rows {
		if field != "" && !n.deleted && fmt.Sprint(n.f[field]) == lost.id {
			was := maps.Clone(n.f)
			n.f[field] = keep.num
			c.touch(n, was)
			c.tell("change", o, n, was, "")
		}
	}
}

func empty(v any) bool {
	list, isList := v.([]any)
	return v == nil || v == "" || isList && len(list) == 0
}

// methodNotAllowed is the answer to a method that a path does not have.
func methodNotAllowed() *failure { return fail(http.StatusMethodNotAllowed, "Method not allowed", "") }
