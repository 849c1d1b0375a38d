package hubspot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// Wire names, as in the API's paths.
const (
	companies = "companies"
	contacts  = "contacts"
	owners    = "owners"
	leads     = "leads"
	deals     = "deals"
	products  = "products"
	lineItems = "line_items"
	quotes    = "quotes"
	invoices  = "invoices"
	notes     = "notes"
	tasks     = "tasks"
	meetings  = "meetings"
	calls     = "calls"
	emails    = "emails"
)

// A kind is what is the same in all accounts about an object; the rest its properties tell.
type kind struct {
	name     string // as in paths
	typeID   string // as in what HubSpot sends by itself
	event    string // as in the names of webhooks, "" if they do not know it
	title    string
	common   string
	scope    string // of its records and properties: "contacts" of crm.objects.contacts.read
	face     string // the property that names a record; those that we make go into its group
	means    string // what its properties are everywhere, see [meaningsOf]
	required string // properties without which no record can be made
	keeps    string // properties that are never empty: HubSpot fills them by itself
	pipeline string // the property that names the pipeline, and
	stage    string // the stage in it
	links    []link
	merges   bool
}

// A link is a reference field that is no property but an association; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
type link struct {
	to       string // object; one field for each
	common   string
	label    string
	typ      int    // the type that we write, as seen from this object; 0 = it has to be asked for
	category string // of the type; "" = HubSpot's own
	primary  bool   // one record bears the type, and giving it to another takes it from that
	many     bool   // the field lists all
	role     bool   // the type is a label of the customer's, and the field lists those that have it
	required bool
}

// field is the name of the link's field. The dot keeps it apart from all properties; that
// of contacts' company has the name of a property that HubSpot computes of it. A label is
// called by its number, because people change its name.
func (l link) field(object string) string {
	switch {
	case object == contacts && l.primary:
		return propCompany
	case l.role:
		return "associations." + l.to + "." + strconv.Itoa(l.typ)
	}
	return "associations." + l.to
}

// kinds are the objects in the order in which they depend on each other.
func kinds() []kind {
	return append(people(), append(sales(), activities()...)...)
}

func people() []kind {
	return []kind{
		{
			name: companies, typeID: "0-2", event: "company", title: "Companies", common: "company", scope: "companies", face: "name", merges: true,
			means: `createdate=created_at name=name:name domain=domain:domain website=website:url phone=phone
				address=address city=city zip=zip state=state country=country:country hubspot_owner_id=owner
				lifecyclestage=lifecycle numberofemployees=employees annualrevenue=revenue!money`,
		},
		{
			name: contacts, typeID: "0-1", event: "contact", title: "Contacts", common: "contact", scope: "contacts", face: propEmail, merges: true,
			means: `createdate=created_at email=email!email firstname=first_name:name lastname=last_name:name phone=phone
				mobilephone=mobile fax=fax!phone jobtitle=job_title address=address city=city zip=zip state=state
				country=country:country salutation=salutation hubspot_owner_id=owner lifecyclestage=lifecycle`,
			links: []link{{to: companies, common: "company", label: "Primary company", typ: 1, primary: true}},
		},
		{
			name: leads, typeID: "0-136", title: "Leads", common: "lead", scope: "leads", face: "hs_lead_name",
			means: `hs_lead_name=name:name hs_lead_label=rating hs_lead_source=source hs_pipeline=pipeline hs_pipeline_stage=status
				hubspot_owner_id=owner hs_createdate=created_at`,
			required: "hs_lead_name", keeps: "hs_pipeline hs_pipeline_stage", pipeline: "hs_pipeline", stage: "hs_pipeline_stage",
			links: []link{
				{to: contacts, common: "contact", label: "Contact", typ: 578, required: true},
				{to: companies, common: "company", label: "Company", typ: 610},
			},
		},
	}
}

func sales() []kind {
	return []kind{
		{
			name: deals, typeID: "0-3", event: "deal", title: "Deals", common: "deal", scope: "deals", face: "dealname", merges: true,
			means: `dealname=name:name amount=amount!money deal_currency_code=currency!text dealstage=stage pipeline=pipeline
				hs_deal_stage_probability=probability closedate=close_date dealtype=type description=description
				hubspot_owner_id=owner createdate=created_at`,
			required: "dealname dealstage", keeps: "pipeline", pipeline: "pipeline", stage: "dealstage",
			links: []link{
				{to: companies, common: "company", label: "Primary company", typ: 5, primary: true},
				{to: contacts, common: "contact", label: "Contact", typ: 3},
			},
		},
		{
			name: products, typeID: "0-7", event: "product", title: "Products", common: "product", scope: "products", face: "name",
			means: `hs_sku=sku name=name:name description=description price=price!money hs_cost_of_goods_sold=cost!money
				hs_product_type=type hs_status=active createdate=created_at`,
		},
		{
			name: quotes, typeID: "0-14", title: "Quotes", common: "quote", scope: "quotes", face: "hs_title",
			means: `hs_title=name:name hs_quote_number=number hs_expiration_date=valid_until hs_status=status hs_currency=currency!text
				hs_quote_amount=total!money hs_comments=notes hubspot_owner_id=owner hs_createdate=created_at`,
			required: "hs_title hs_expiration_date", keeps: "hs_status",
			links: []link{
				{to: deals, common: "deal", label: "Deal", typ: 64},
				{to: companies, common: "company", label: "Company", typ: 71},
				{to: contacts, common: "contact", label: "Contact", typ: 69},
			},
		},
		{
			name: invoices, typeID: "0-53", title: "Invoices", common: "invoice", scope: "invoices", face: "hs_currency",
			means: `hs_number=number hs_invoice_date=date hs_due_date=due_date hs_invoice_status=status hs_currency=currency!text
				hs_amount_billed=total!money hs_amount_paid=amount_paid!money hs_balance_due=amount_due!money
				hs_payment_date=paid_at hs_purchase_order_number=reference hs_comments=notes
				hubspot_owner_id=owner hs_createdate=created_at`,
			required: "hs_currency", keeps: "hs_invoice_status",
			links: []link{
				{to: companies, common: "company", label: "Company", typ: 179},
				{to: contacts, common: "contact", label: "Contact", typ: 177},
				{to: deals, common: "deal", label: "Deal", typ: 175},
			},
		},
		{
			name: lineItems, typeID: "0-8", event: "line_item", title: "Line items", common: "line", scope: "line_items", face: "name",
			means: `hs_product_id=product!products hs_sku=sku name=name:name description=description quantity=quantity price=unit_price!money
				hs_discount_percentage=discount_percent amount=net_total!money`,
			links: []link{
				{to: deals, common: "deal", label: "Deal", typ: 20},
				{to: quotes, common: "quote", label: "Quote", typ: 68},
				{to: invoices, common: "invoice", label: "Invoice", typ: 410},
			},
		},
	}
}

// activities are what happens between people. HubSpot has no rights for them but those
// for contacts.
func activities() []kind {
	about := func(contact, company, deal int) []link {
		return []link{
			{to: contacts, common: "contact", label: "Contact", typ: contact},
			{to: companies, common: "company", label: "Company", typ: company},
			{to: deals, common: "deal", label: "Deal", typ: deal},
		}
	}
	met := about(200, 188, 212)
	met[0].common, met[0].label, met[0].many = "contacts", "Contacts", true
	const always = ` hubspot_owner_id=owner hs_createdate=created_at`
	return []kind{
		{
			name: notes, typeID: "0-46", title: "Notes", common: "note", scope: "contacts", face: "hs_note_body",
			means:    "hs_timestamp=at hs_note_body=body" + always,
			required: "hs_timestamp", links: about(202, 190, 214),
		},
		{
			name: tasks, typeID: "0-27", title: "Tasks", common: "task", scope: "contacts", face: "hs_task_subject",
			means: `hs_timestamp=due_at hs_task_subject=subject hs_task_body=body hs_task_status=status
				hs_task_priority=priority hs_task_type=type` + always,
			required: "hs_timestamp", keeps: "hs_task_status hs_task_priority hs_task_type", links: about(204, 192, 216),
		},
		{
			name: meetings, typeID: "0-47", title: "Meetings", common: "meeting", scope: "contacts", face: "hs_meeting_title",
			means: `hs_meeting_title=subject hs_meeting_body=body hs_meeting_start_time=start_at hs_meeting_end_time=end_at
				hs_meeting_location=location hs_meeting_outcome=status hs_internal_meeting_notes=notes_private` + always,
			links: met,
		},
		{
			name: calls, typeID: "0-48", title: "Calls", common: "call", scope: "contacts", face: "hs_call_title",
			means: `hs_timestamp=start_at hs_call_title=subject hs_call_body=body hs_call_duration=duration hs_call_direction=direction
				hs_call_status=status hs_call_disposition=outcome hs_call_from_number=from hs_call_to_number=to
				hs_call_recording_url=recording` + always,
			required: "hs_timestamp", links: about(194, 182, 206),
		},
		{
			name: emails, typeID: "0-49", title: "E-mails", scope: "contacts", face: "hs_email_subject",
			means:    "",
			required: "hs_timestamp", links: about(198, 186, 210),
		},
	}
}

// kindOf returns the object of that name. A custom object is called by its type id, which
// is the one name that HubSpot's own messages use, too.
func kindOf(name string) (kind, bool) {
	all := kinds()
	if i := slices.IndexFunc(all, func(k kind) bool { return k.name == name }); i >= 0 {
		return all[i], true
	}
	if isCustom(name) {
		return kind{name: name, typeID: name, title: name, scope: "custom"}, true
	}
	return kind{}, false
}

// isCustom reports whether a type id is that of an object of the customer's: "2-3465404".
func isCustom(typeID string) bool {
	n, ok := strings.CutPrefix(typeID, "2-")
	return ok && n != "" && digits(n) == n
}

// objectOf returns the object of a type id, "" if we do not know it.
func objectOf(typeID string) string {
	for _, k := range kinds() {
		if k.typeID == typeID {
			return k.name
		}
	}
	if isCustom(typeID) {
		return typeID
	}
	return ""
}

// wanted returns the object of that name, or that there is none that can be used so.
func wanted(object string) (kind, error) {
	if k, ok := kindOf(object); ok {
		return k, nil
	}
	return kind{}, &connector.Error{
		Kind: connector.Unsupported, Scope: connector.ScopeObject,
		Err: fmt.Errorf("%q is no object that can be used like this", object),
	}
}

// A meaning is what a property is everywhere.
type meaning struct {
	common string
	format record.Format
	as     string // a kind that its definition does not tell, or the object that it points to
}

// A lexicon says what the properties of an object are everywhere.
type lexicon struct {
	means      map[string]meaning // HubSpot's own
	custom     map[string]meaning // those of the customer's that check --create-fields makes
	everywhere record.CommonObject
}

func (k kind) lexicon() lexicon {
	l := lexicon{means: meaningsOf(k.means), custom: meaningsOf("notes=notes vat_id=vat_id:vat_id")}
	l.everywhere, _ = record.CommonOf(k.common)
	return l
}

// meaningsOf reads a list of property=common, with :format and !kind behind it.
func meaningsOf(list string) map[string]meaning {
	out := map[string]meaning{}
	for word := range strings.FieldsSeq(list) {
		name, common, _ := strings.Cut(word, "=")
		var m meaning
		common, m.as, _ = strings.Cut(common, "!")
		common, format, _ := strings.Cut(common, ":")
		m.common, m.format = common, record.Format(format)
		out[name] = m
	}
	return out
}

// stampOf names the property that says when a record last changed: contacts alone have
// another than all other objects.
func stampOf(object string) string {
	if object == contacts {
		return "lastmodifieddate"
	}
	return "hs_lastmodifieddate"
}
