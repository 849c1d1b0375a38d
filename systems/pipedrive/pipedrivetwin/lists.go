package pipedrivetwin

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A place is what a cursor of version 2 holds: the last row's value of what the list is
// sorted by, and its id. See the example in
// https://developers.pipedrive.com/docs/api/v1/Persons#getPersons
type place struct {
	Field     string `json:"field"`
	Value     int64  `json:"fieldValue"`
	Direction string `json:"sortDirection"`
	ID        int64  `json:"id"`
}

// list answers a list of version 2.
func (c *Company) list(r *request, o *object, archived bool) (int, any) {
	known := append([]string{"ids", "sort_by", "sort_direction", "limit", "cursor"}, selects(o.name)...)
	known = append(known, "updated_since")
	if o.name != products {
		known = append(known, "updated_until")
	}
	if o.name == deals {
		known = append(known, "status")
	}
	q := r.query(append(known, optional(o, true, archived)...)...)
	limit, f := c.limit(q["limit"], 500)
	if f == nil {
		f = c.mayInclude(r, o, q)
	}
	if f != nil {
		return 0, f
	}
	at := place{Field: cmp.Or(q["sort_by"], "id"), Direction: cmp.Or(q["sort_direction"], "asc")}
	if !slices.Contains([]string{"id", "update_time", "add_time"}, at.Field) || at.Direction != "asc" && at.Direction != "desc" {
		return 0, fail(400, "Validation failed: sort_by: is not supported", codeSchema)
	}
	rows, f := c.select2(o, q, archived)
	if f != nil {
		return 0, f
	}
	slices.SortFunc(rows, at.compare)
	if text := q["cursor"]; text != "" {
		last, ok := readPlace(text)
		if !ok || last.Field != at.Field || last.Direction != at.Direction {
			return 0, fail(400, "Validation failed: cursor: is not valid", codeSchema)
		}
		rows = slices.DeleteFunc(rows, func(n *row) bool { return !last.before(n) })
	}
	var next any
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		at.Value, at.ID = at.key(last), last.num
		text, _ := json.Marshal(at) // numbers and texts
		next = base64.RawURLEncoding.EncodeToString(text)
	}
	data := make([]any, 0, len(rows))
	for _, n := range rows {
		data = append(data, c.included(o, n, q))
	}
	return 200, map[string]any{"success": true, "data": data, "additional_data": map[string]any{"next_cursor": next}}
}

func readPlace(text string) (place, bool) {
	var p place
	b, err := base64.RawURLEncoding.DecodeString(text)
	return p, err == nil && json.Unmarshal(b, &p) == nil
}

// key is the value of what a list is sorted by.
func (p place) key(n *row) int64 {
	switch p.Field {
	case "update_time":
		if n.timeless {
			return math.MaxInt64 // no time comes after all times, and so first where the newest does
		}
		return n.upd.Unix()
	case "add_time":
		return n.add.Unix()
	default:
		return n.num
	}
}

func (p place) compare(a, b *row) int {
	x := cmp.Or(cmp.Compare(p.key(a), p.key(b)), cmp.Compare(a.num, b.num))
	if p.Direction == "desc" {
		return -x
	}
	return x
}

// before reports whether a row comes after the place.
func (p place) before(n *row) bool {
	x := cmp.Or(cmp.Compare(p.Value, p.key(n)), cmp.Compare(p.ID, n.num))
	if p.Direction == "desc" {
		return x > 0
	}
	return x < 0
}

// select2 returns the rows that a list of version 2 is about.
func (c *Company) select2(o *object, q map[string]string, archived bool) ([]*row, *failure) {
	since, f := wholeSeconds(q["updated_since"])
	if f != nil {
		return nil, f
	}
	until, f := wholeSeconds(q["updated_until"])
	if f != nil {
		return nil, f
	}
	var ids []string
	if q["ids"] != "" {
		ids = strings.Split(q["ids"], ",")
		if len(ids) > 100 {
			return nil, fail(400, "Validation failed: ids: at most 100 are allowed", codeSchema)
		}
		for _, id := range ids {
			if _, err := strconv.ParseInt(id, 10, 64); err != nil {
				return nil, fail(400, "Validation failed: ids: must be integers", codeSchema)
			}
		}
	}
	statuses := strings.Split(q["status"], ",")
	var out []*row
	for _, n := range o.rows {
		switch {
		case c.hidden(n), n.into != "", ids != nil && !slices.Contains(ids, n.id):
		case n.deleted && !slices.Contains(statuses, "deleted"):
		case n.deleted && c.Now().Sub(n.upd) > 30*24*time.Hour:
		case !n.deleted && q["status"] != "" && !slices.Contains(statuses, fmt.Sprint(n.f["status"])):
		case o.name == deals && (n.f["is_archived"] == true) != archived:
		case !o.selected(n, q):
		case !since.IsZero() && (n.timeless || n.upd.Truncate(time.Second).Before(since)):
		case !until.IsZero() && (n.timeless || !n.upd.Truncate(time.Second).Before(until)):
		default:
			out = append(out, n)
		}
	}
	return out, nil
}

// wholeSeconds reads a time; one with a fraction is refused.
func wholeSeconds(text string) (time.Time, *failure) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || strings.Contains(text, ".") {
		return t, fail(400, "Validation failed: updated_since: not a valid datetime", codeSchema)
	}
	return t, nil
}

// selects are the fields that narrow a list.
func selects(object string) []string {
	switch object {
	case persons:
		return []string{"owner_id", "org_id"}
	case organizations, products:
		return []string{"owner_id"}
	case deals:
		return []string{"owner_id", "person_id", "org_id", "pipeline_id", "stage_id"}
	case leads:
		return []string{"owner_id", "person_id", "organization_id"}
	case activities:
		return []string{"owner_id", "deal_id", "lead_id", "org_id", "person_id", "done"}
	case notes:
		return []string{"user_id", "deal_id", "lead_id", "person_id", "org_id"}
	default:
		return nil
	}
}

// selected reports whether a record has what a list is narrowed by.
func (o *object) selected(n *row, q map[string]string) bool {
	for _, name := range selects(o.name) {
		if want := q[name]; want != "" && fmt.Sprint(n.f[name]) != want {
			return false
		}
	}
	return true
}

// oldList answers a list of version 1, which goes by offset.
func (c *Company) oldList(r *request, o *object, archived bool) (int, any) {
	known, most := []string{"start", "limit", "sort", "updated_since"}, 500
	switch {
	case o.name == callLogs:
		known, most = known[:2], 50
	case archived:
		known = known[:3]
	}
	known = append(known, selects(o.name)...)
	q := r.query(known...)
	limit, f := c.limit(q["limit"], most)
	if f != nil {
		return 0, f
	}
	since, f := wholeSeconds(q["updated_since"])
	if f != nil {
		return 0, f
	}
	start, err := strconv.Atoi(cmp.Or(q["start"], "0"))
	field, direction, _ := strings.Cut(cmp.Or(q["sort"], "add_time"), " ")
	direction = cmp.Or(direction, "ASC")
	if err != nil || start < 0 || !slices.Contains([]string{"id", "add_time", "update_time"}, field) || direction != "ASC" && direction != "DESC" {
		return 0, failOld(400, "start or sort is not valid")
	}
	var rows []*row
	for _, n := range o.rows {
		gone := n.deleted || !o.selected(n, q) || c.hidden(n) || (n.f["is_archived"] == true) != archived
		if !gone && (since.IsZero() || !n.timeless && !n.upd.Before(since)) {
			rows = append(rows, n)
		}
	}
	order := place{Field: field, Direction: strings.ToLower(direction)}
	slices.SortFunc(rows, func(a, b *row) int {
		if o.name == leads && field == "id" {
			return strings.Compare(a.id, b.id)
		}
		return order.compare(a, b)
	})
	from := min(start, len(rows))
	to := min(from+limit, len(rows))
	data := make([]any, 0, to-from)
	for _, n := range rows[from:to] {
		data = append(data, c.render(o, n))
	}
	pages := map[string]any{"start": start, "limit": limit, "more_items_in_collection": to < len(rows)}
	additional := pages
	if o.name == notes || o.name == callLogs {
		if to < len(rows) {
			pages["next_start"] = to
		}
		additional = map[string]any{"pagination": pages}
	}
	return 200, map[string]any{"success": true, "data": data, "additional_data": additional}
}
