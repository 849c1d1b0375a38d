package pipedrivetwin

import "maps"

const millis = "2006-01-02T15:04:05.000Z"

// shown is a record's id as the API writes it.
func (o *object) shown(n *row) any {
	if o.name == leads || o.name == callLogs {
		return n.id
	}
	return n.num
}

// envelope is what a single record comes in.
func (c *Company) envelope(data any) map[string]any {
	return map[string]any{"success": true, "data": data}
}

// render is a record as the API shows it.
func (c *Company) render(o *object, n *row) map[string]any {
	m := map[string]any{"id": o.shown(n)}
	for _, col := range o.columns {
		if col.sync && !c.contacts || col.kind == "marketing" {
			continue
		}
		m[col.key] = n.f[col.key]
	}
	switch {
	case o.name == users:
		maps.Copy(m, map[string]any{
			"created": oldStamp(n.add), "modified": c.changedAt(n, oldStamp(n.upd)), "is_deleted": n.deleted, "activated": true,
			"access": c.access(n), "timezone_name": c.zone(), "default_currency": "EUR", "is_you": n.num == 1, "role_id": 1,
		})
	case o.name == notes:
		maps.Copy(m, map[string]any{"add_time": oldStamp(n.add), "update_time": c.changedAt(n, oldStamp(n.upd)), "active_flag": !n.deleted})
	case o.name == callLogs:
		m["company_id"] = companyID
	case o.old: // leads
		maps.Copy(m, map[string]any{"add_time": n.add.UTC().Format(millis), "update_time": c.changedAt(n, n.upd.UTC().Format(millis))})
		for _, f := range o.customs() {
			if v := n.f[f.key]; v != nil {
				m[f.key] = v
			}
		}
	default:
		maps.Copy(m, map[string]any{"add_time": stamp(n.add), "update_time": c.changedAt(n, stamp(n.upd)), "is_deleted": n.deleted})
		if o.name == deals {
			m["is_archived"] = n.f["is_archived"] == true
			if n.deleted {
				m["status"] = "deleted"
			}
		}
		if o.custom != nil {
			own := map[string]any{}
			for _, f := range o.customs() {
				own[f.key] = n.f[f.key]
			}
			m["custom_fields"] = own
		}
	}
	return m
}

func (c *Company) changedAt(n *row, text string) any {
	if n.timeless {
		return nil
	}
	return text
}

// access are the apps that a user may use and administer.
func (c *Company) access(n *row) []any {
	admin := n.num == 1 && !c.plain
	var out []any
	for _, app := range []string{"global", "account_settings", "sales"} {
		out = append(out, map[string]any{"app": app, "admin": admin, "permission_set_id": "62cc4d7f-4038-4352-abf3-a8c1c822b631"})
	}
	return out
}

func (c *Company) zone() string {
	if c.options.Zone == nil || c.options.Zone.String() == "" {
		return "UTC"
	}
	return c.options.Zone.String()
}
