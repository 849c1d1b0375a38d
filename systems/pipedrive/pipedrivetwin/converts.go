package pipedrivetwin

import (
	"fmt"
	"maps"
	"slices"
)

// Convert lets a person make a deal of a lead, or a lead of a deal, and returns the new id.
func (c *Company) Convert(object, id string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.live(object, id)
	if err != nil {
		return "", fmt.Errorf("convert: %w", err)
	}
	if object != leads && object != deals {
		return "", fmt.Errorf("convert: %s stay what they are", object)
	}
	return c.turn("person", c.object(object), n).id, nil
}

// turn makes the other one of a lead or a deal, and deletes it; see
// https://developers.pipedrive.com/docs/api/v1/Leads#convertLeadToDeal
func (c *Company) turn(by string, from *object, old *row) *row {
	to := c.object(map[string]string{leads: deals, deals: leads}[from.name])
	n := to.add(c.Now())
	for _, f := range from.customs() {
		if v := old.f[f.key]; v != nil {
			n.f[f.key] = v
		}
	}
	n.f["title"], n.f["person_id"], n.f["owner_id"] = old.f["title"], old.f["person_id"], old.f["owner_id"]
	n.f["expected_close_date"] = old.f["expected_close_date"]
	if from.name == leads {
		n.f["org_id"], n.f["source_lead_id"], n.f["origin"] = old.f["organization_id"], old.id, "Lead"
		if v := asMap(old.f["value"]); v != nil {
			n.f["value"], n.f["currency"] = v["amount"], v["currency"]
		}
		n.f["stage_change_time"] = stamp(c.Now())
	} else {
		n.f["organization_id"], n.f["source_deal_id"] = old.f["org_id"], old.num
		n.f["value"] = map[string]any{"amount": old.f["value"], "currency": old.f["currency"]}
	}
	n.before = map[string]any{}
	was := maps.Clone(old.f)
	old.deleted = true
	c.touch(old, was)
	c.record(by, "create", to, n, to.texts(n))
	c.record(by, "delete", from, old, nil)
	c.tell("create", to, n, nil, "")
	c.tell("delete", from, old, was, "")
	return n
}

// convertCall answers POST /api/v2/{leads|deals}/{id}/convert/{deal|lead}, which is done at
// once here, and GET …/convert/status/{conversion}.
func (c *Company) convertCall(r *request, o *object) (int, any) {
	target := map[string]string{leads: "deal", deals: "lead"}[o.name]
	if c.lacking[o.scope+":full"] {
		return 0, mismatch()
	}
	n := o.find(r.path[1])
	switch {
	case len(r.path) == 5 && r.path[3] == "status" && r.Method == "GET":
		i := slices.IndexFunc(c.converted, func(x conversion) bool { return x.id == r.path[4] && x.from == r.path[1] })
		if i < 0 {
			return 0, fail(404, "Conversion not found", "ERR_NOT_FOUND")
		}
		return 200, c.envelope(map[string]any{"conversion_id": r.path[4], "status": "completed", target + "_id": c.converted[i].into})
	case len(r.path) != 4 || r.path[3] != target || r.Method != "POST":
		return c.unknown(r)
	case n == nil || n.deleted || c.hidden(n):
		return 0, c.missing(o)
	}
	set, f := c.convertBody(r, o)
	if f != nil {
		return 0, f
	}
	made := c.turn("api", o, n)
	if maps.Copy(made.f, set); o.name == leads {
		if f := c.settleDeal(made, set); f != nil {
			return 0, f
		}
	}
	x := conversion{id: fmt.Sprintf("%08x-4b40-11ef-9e1a-%012x", len(c.converted)+1, made.num), from: n.id}
	x.into = c.object(map[string]string{leads: deals, deals: leads}[o.name]).shown(made)
	c.converted = append(c.converted, x)
	return 200, c.envelope(map[string]any{"conversion_id": x.id})
}

// convertBody reads where a lead's deal is to stand; a body need not be there.
func (c *Company) convertBody(r *request, o *object) (map[string]any, *failure) {
	set := map[string]any{}
	if r.ContentLength == 0 || o.name != leads {
		return set, nil
	}
	body, f := r.object()
	if f != nil {
		return nil, f
	}
	for key, v := range body {
		kind, ok := map[string]string{"stage_id": "stage", "pipeline_id": "pipeline"}[key]
		if !ok {
			c.Unknown(r.Request, "field "+key)
			continue
		}
		checked, wrong := c.check(kind, v)
		if wrong != "" {
			return nil, fail(400, "Validation failed: "+key+": "+wrong, codeSchema)
		}
		set[key] = checked
	}
	return set, nil
}

// A conversion is a lead or a deal that became the other.
type conversion struct {
	id, from string
	into     any
}
