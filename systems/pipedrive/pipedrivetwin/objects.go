package pipedrivetwin

import (
	"crypto/sha1" //nolint:gosec // makes keys of custom fields look as they do
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Objects by the name in their paths.
const (
	persons       = "persons"
	organizations = "organizations"
	deals         = "deals"
	leads         = "leads"
	activities    = "activities"
	notes         = "notes"
	products      = "products"
	users         = "users"
	callLogs      = "callLogs"
)

// A column is one of an object's own fields.
type column struct {
	key   string
	kind  string // see check
	fixed bool   // no write sets it
	sync  bool   // only with Contact Sync
}

// An object is an object type with its records.
type object struct {
	name    string
	scope   string // "contacts" of contacts:read
	fields  string // of the Fields API; "" = none
	text    string // the field that must be there, and that the search calls so
	old     bool   // served by version 1
	columns []column
	custom  *[]*customField // deals and leads share them
	rows    []*row          // by id
	next    int64
}

// A customField is one that the company made.
type customField struct {
	key, name, kind string
	options         []string
}

// A row is a record.
type row struct {
	id       string
	num      int64
	f        map[string]any // own and custom fields as the API shows them; nil and missing are alike
	add, upd time.Time
	timeless bool // shows no time of change
	deleted  bool
	hidden   bool
	into     string         // what it was merged into
	before   map[string]any // what the search shows until it has caught up
}

// columns reads "key:kind"; "-" at the end means fixed, "~" that Contact Sync brings it.
func columns(list string) []column {
	var out []column
	for word := range strings.FieldsSeq(list) {
		var c column
		word, c.fixed = strings.CutSuffix(word, "-")
		word, c.sync = strings.CutSuffix(word, "~")
		c.key, c.kind, _ = strings.Cut(word, ":")
		out = append(out, c)
	}
	return out
}

func definitions() []*object {
	shared := &[]*customField{}
	all := []*object{
		{name: activities, scope: "activities", text: "subject", columns: columns(`subject:text type:type owner_id:user
			creator_user_id:user- deal_id:deals lead_id:leads person_id:persons- org_id:organizations due_date:date due_time:clock
			duration:clock busy:bool done:bool marked_as_done_time:text- location:address participants:participants note:text
			public_description:text priority:number`)},
		{name: callLogs, scope: "phone-integration", text: "to_phone_number", old: true, columns: columns(`to_phone_number:text
			from_phone_number:text subject:text note:text outcome:outcome start_time:moment end_time:moment duration:text
			activity_id:number person_id:persons org_id:organizations deal_id:deals lead_id:leads user_id:user has_recording:bool-`)},
		{name: deals, scope: "deals", fields: "dealFields", text: "title", custom: shared, columns: columns(`title:text
			creator_user_id:user- owner_id:user value:number currency:currency person_id:persons org_id:organizations stage_id:stage
			pipeline_id:pipeline status:status probability:number lost_reason:text visible_to:visible close_time:text- won_time:text-
			lost_time:text- stage_change_time:text- expected_close_date:date label_ids:ids is_archived:bool archive_time:text-
			origin:text- origin_id:text- channel:number- channel_id:text- source_lead_id:text- arr:number- mrr:number- acv:number-`)},
		{name: leads, scope: "leads", fields: "dealFields", text: "title", old: true, custom: shared, columns: columns(`title:text
			owner_id:user creator_id:user- label_ids:leadLabels person_id:persons organization_id:organizations value:amount
			expected_close_date:date visible_to:visibleText was_seen:bool is_archived:bool source_name:text- origin:text-
			origin_id:text- channel:number- channel_id:text- source_deal_id:number- next_activity_id:number- cc_email:text-`)},
		{name: notes, scope: "deals", text: "content", old: true, columns: columns(`content:text user_id:user deal_id:deals
			person_id:persons org_id:organizations lead_id:leads last_update_user_id:user-`)},
		{name: organizations, scope: "contacts", fields: "organizationFields", text: "name", columns: columns(`name:text owner_id:user
			visible_to:visible address:address label_ids:ids website:text linkedin:text industry:industry annual_revenue:number
			employee_count:number`)},
		{name: persons, scope: "contacts", fields: "personFields", text: "name", columns: columns(`name:text first_name:text-
			last_name:text- owner_id:user org_id:organizations emails:ways phones:ways visible_to:visible label_ids:ids
			picture_id:number- job_title:text~ notes:text~ birthday:date~ postal_address:address~
			marketing_status:marketing`)},
		{name: products, scope: "products", fields: "productFields", text: "name", columns: columns(`name:text code:text
			description:text unit:text tax:number category:text- is_linkable:bool visible_to:visible owner_id:user prices:prices
			billing_frequency:text- billing_frequency_cycles:number-`)},
		{name: users, scope: "users", text: "name", old: true, columns: columns(`name:text- email:text- phone:text- active_flag:bool-`)},
	}
	for _, o := range all {
		o.next = 1
		if o.fields != "" && o.custom == nil {
			o.custom = &[]*customField{}
		}
	}
	return all
}

func (o *object) column(key string) (column, bool) {
	i := slices.IndexFunc(o.columns, func(c column) bool { return c.key == key })
	if i < 0 {
		return column{}, false
	}
	return o.columns[i], true
}

func (o *object) customs() []*customField {
	if o.custom == nil {
		return nil
	}
	return *o.custom
}

func (o *object) customField(key string) *customField {
	i := slices.IndexFunc(o.customs(), func(f *customField) bool { return f.key == key })
	if i < 0 {
		return nil
	}
	return o.customs()[i]
}

// addField makes a custom field of all objects that share these fields.
func (c *Company) addField(fields, name, kind string, options []string) *customField {
	for _, o := range c.objects {
		if o.fields == fields {
			sum := sha1.Sum([]byte(fmt.Sprint(fields, name, kind, len(o.customs())))) //nolint:gosec // see above
			f := &customField{key: hex.EncodeToString(sum[:]), name: name, kind: kind, options: options}
			*o.custom = append(*o.custom, f)
			return f
		}
	}
	return nil
}

// add makes a row with what every new record has.
func (o *object) add(now time.Time) *row {
	r := &row{num: o.next, id: strconv.FormatInt(o.next, 10), f: map[string]any{}, add: now, upd: now}
	if o.name == leads {
		r.id = fmt.Sprintf("%08x-0e10-11eb-879b-%012x", o.next*2654435761%(1<<32), o.next)
	}
	if o.name == callLogs {
		r.id = fmt.Sprintf("CA%028x", o.next)
	}
	o.next++
	maps.Copy(r.f, o.defaults())
	o.rows = append(o.rows, r)
	return r
}

func (o *object) defaults() map[string]any {
	f := map[string]any{}
	for _, c := range o.columns {
		switch c.kind {
		case "user":
			f[c.key] = int64(1)
		case "visible":
			f[c.key] = int64(3)
		case "visibleText":
			f[c.key] = "3"
		case "marketing":
			f[c.key] = noConsent
		case "bool":
			f[c.key] = false
		case "ids", "leadLabels", "ways", "participants", "prices":
			f[c.key] = []any{}
		}
	}
	switch o.name {
	case deals:
		f["value"], f["currency"], f["status"], f["origin"] = int64(0), "EUR", "open", "API"
		f["pipeline_id"], f["stage_id"] = int64(1), int64(1)
	case callLogs:
		f["duration"] = "0"
	case leads:
		f["source_name"], f["origin"] = "API", "API"
	case activities:
		f["type"], f["busy"] = "call", false
	case products:
		f["is_linkable"], f["unit"], f["tax"] = true, "", int64(0)
	case users:
		f["active_flag"] = true
	}
	return f
}

// find returns the row of an id, also a deleted one.
func (o *object) find(id string) *row {
	for _, r := range o.rows {
		if r.id == id {
			return r
		}
	}
	return nil
}

// live returns a record that people see.
func (c *Company) live(object, id string) (*row, error) {
	o := c.object(object)
	if o == nil {
		return nil, fmt.Errorf("no object %q", object)
	}
	r := o.find(id)
	if r == nil || r.deleted {
		return nil, fmt.Errorf("no %s %q", object, id)
	}
	return r, nil
}

// hidden reports whether the credential's user may not see a record.
func (c *Company) hidden(r *row) bool { return c.plain && r.hidden }

// touch notes a change for the search and moves the stamp.
func (c *Company) touch(r *row, was map[string]any) {
	now := c.Now()
	if r.before == nil || now.Sub(r.upd) >= c.lag {
		r.before = was
	}
	r.upd, r.timeless = now, false
}

// indexed is what the search shows of a record; nil = nothing yet.
func (c *Company) indexed(r *row) map[string]any {
	if c.Now().Sub(r.upd) >= c.lag {
		return r.f
	}
	return r.before
}
