package pipedrive

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// Objects by wire name, which is what their paths have.
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

// What calls carry.
const (
	maxIDs   = 100 // ids in one read
	maxPage  = 500
	maxFound = 100 // results on a page of a search

	// The search answers from an index; how far that is behind is not documented. Reads by
	// id and lists are not behind.
	readLag = 5 * time.Second
	settle  = time.Minute
	overlap = 2 * time.Minute
	archive = 15 * time.Minute // how seldom archived records are asked for
	relog   = 24 * time.Hour   // how seldom call logs are, which can only be listed from the beginning
	maxLogs = 50
)

// A kind is what is the same for an object in all accounts.
type kind struct {
	name, title, common string
	entity              string // in webhooks and searches
	fields              string // where its custom fields are described, "" if it has none
	standard            string // its own fields, see standardFields
	text                string // the search's name of its text fields: "name"
	old                 bool   // version 1: offsets, PUT or PATCH, other times
	flat                bool   // custom fields stand beside the others
	archives            bool   // archived records have a list of their own
	merges              bool
	log                 bool // records are made and never changed
	list, get           int  // tokens
	write, remove       int
}

// kinds returns the objects in the order of the schema.
func kinds() []kind {
	return append(people(), work()...)
}

func people() []kind {
	return []kind{
		{
			name: organizations, title: "Organizations", common: "company", entity: "organization", fields: "organizationFields", text: "name",
			merges: true, list: 10, get: 1, write: 5, remove: 3,
			standard: `name=name!name* address.value=address address.locality=city address.postal_code=zip
				address.admin_area_level_1=state address.country=country!country owner_id=owner!users label_ids=tags!choices
				visible_to!choice website?=domain!url linkedin?!url industry?=industry!choice annual_revenue?=revenue!money
				employee_count?=employees!number add_time=created_at!datetime-`,
		},
		{
			name: persons, title: "Persons", common: "contact", entity: "person", fields: "personFields", text: "name",
			merges: true, list: 10, get: 1, write: 5, remove: 3,
			standard: `name=name!name* first_name=first_name!name- last_name=last_name!name- emails=email!email phones=phone!phone
				phones.mobile=mobile!phone org_id=company!organizations owner_id=owner!users label_ids=tags!choices visible_to!choice
				job_title?=job_title notes?=notes birthday?=birthday!date postal_address.value?=address postal_address.locality?=city
				postal_address.postal_code?=zip postal_address.admin_area_level_1?=state postal_address.country?=country!country
				marketing_status?=email_consent!consent add_time=created_at!datetime-`,
		},
		{
			name: users, title: "Users", common: "user", entity: "user", old: true, list: 20, get: 2,
			standard: `name!name- email=email!email- phone=phone!phone- active_flag=active!bool-`,
		},
	}
}

func work() []kind {
	return []kind{
		{
			name: deals, title: "Deals", common: "deal", entity: "deal", fields: "dealFields", text: "title",
			archives: true, merges: true, list: 10, get: 1, write: 5, remove: 3,
			standard: `title=name!name* value=amount!money currency=currency pipeline_id=pipeline!choice stage_id=stage!choice
				status=status!choice probability=probability!number lost_reason expected_close_date=close_date!date
				person_id=contact!persons org_id=company!organizations owner_id=owner!users label_ids=tags!choices visible_to!choice
				is_archived!bool stage_change_time!datetime- won_time!datetime- lost_time!datetime- close_time!datetime- origin- add_time=created_at!datetime-`,
		},
		{
			name: leads, title: "Leads", common: "lead", entity: "lead", fields: "dealFields", text: "title",
			old: true, flat: true, archives: true, list: 20, get: 2, write: 10, remove: 6,
			standard: `title=name!name* value.amount=value!money value.currency=currency person_id=contact!persons
				organization_id=company!organizations owner_id=owner!users label_ids=tags!choices visible_to!choice
				expected_close_date!date is_archived!bool was_seen!bool source_name=source- add_time=created_at!datetime-`,
		},
		{
			name: activities, title: "Activities", common: "task", entity: "activity", list: 10, get: 1, write: 5, remove: 3,
			standard: `subject=subject note=body!html type=type!choice due_at=due_at!datetime duration!number done=done!bool busy!bool
				person_id=contact!persons org_id=company!organizations deal_id=deal!deals lead_id!leads owner_id=owner!users
				public_description location.value add_time=created_at!datetime-`,
		},
		{
			name: notes, title: "Notes", common: "note", entity: "note", old: true, list: 20, get: 2, write: 10, remove: 6,
			standard: `content=body!html* person_id=contact!persons org_id=company!organizations deal_id=deal!deals lead_id!leads
				user_id=owner!users add_time=at!datetime`,
		},
		{
			name: products, title: "Products", common: "product", entity: "product", fields: "productFields", text: "name",
			list: 10, get: 1, write: 5, remove: 3,
			standard: `name=name!name* code=sku description=description unit=unit tax=tax_rate!number prices.price=price!money
				prices.currency prices.cost=cost!money is_linkable=active!bool owner_id!users visible_to!choice
				add_time=created_at!datetime-`,
		},
		{
			name: callLogs, title: "Call logs", common: "call", old: true, log: true, list: 20, get: 2, write: 10,
			standard: `subject=subject note=body outcome=outcome!choice* from_phone_number=from!phone to_phone_number=to!phone*
				start_time=start_at!datetime* end_time=end_at!datetime* duration=duration!number person_id=contact!persons
				org_id=company!organizations deal_id=deal!deals lead_id!leads user_id=owner!users has_recording!bool-`,
		},
	}
}

// kindOf returns the object of that name.
func kindOf(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// wanted returns the object of that name, or that there is none.
func wanted(object string) (kind, error) {
	if k, ok := kindOf(object); ok {
		return k, nil
	}
	return kind{}, &connector.Error{
		Kind: connector.Unsupported, Scope: connector.ScopeObject,
		Err: fmt.Errorf("%q is no object that can be used like this", object),
	}
}

// path is where the object's records are.
func (c *conn) path(k kind, parts ...string) string {
	parts = append([]string{k.name}, parts...)
	if k.old {
		return c.v1(parts...)
	}
	return c.v2(parts...)
}

// standardFields reads the list of an object's own fields: name=common!kind, with "?" behind
// the name if only some accounts have it, and "-" (read-only) or "*" (required) at the end.
func (k kind) standardFields(has func(name string) bool) []record.Field {
	var out []record.Field
	for word := range strings.FieldsSeq(k.standard) {
		f := record.Field{Kind: record.KindText}
		word, f.ReadOnly = strings.CutSuffix(word, "-")
		word, f.Required = strings.CutSuffix(word, "*")
		word, is, _ := strings.Cut(word, "!")
		f.Name, f.Common, _ = strings.Cut(word, "=")
		name, optional := strings.CutSuffix(f.Name, "?")
		if f.Name = name; optional && !has(key(name)) {
			continue
		}
		typed(&f, is)
		k.qualify(&f)
		out = append(out, f)
	}
	return out
}

// key is the part of a field's name that Pipedrive calls it by; what follows the dot is a
// part of its value.
func key(field string) string {
	name, _, _ := strings.Cut(field, ".")
	return name
}
