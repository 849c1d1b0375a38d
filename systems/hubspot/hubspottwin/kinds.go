package hubspottwin

import "strings"

// A kind is what the twin knows of an object type besides its properties. The type ids are
// those of https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm#object-type-ids
type kind struct {
	name, typeID, single string
	group                string // the group that new properties go to
	scope                string // the object whose scopes are asked for; "" = its own
	stamp, born          string // properties of the last change and of the creation; "" = hs_…
	table                string // of properties
	oneOf, need          string // what a new record must have: one of these, all of these
	shows                string // properties that are returned unasked, besides stamps and id
	refs                 string // objects whose records are shown on a record's page, with a + if all of them are
	merges               bool
	family               string // of webhooks; "" = object
	activity             bool
}

// kinds are the standard object types. What a new record needs is said by each object's guide.
func kinds() []kind {
	return []kind{
		{
			name: "contacts", typeID: "0-1", single: "contact", group: "contactinformation", stamp: "lastmodifieddate", born: "createdate",
			table: contactProperties, oneOf: "email firstname lastname", shows: "email firstname lastname",
			refs: "companies", merges: true, family: "contact",
		},
		{
			name: "companies", typeID: "0-2", single: "company", group: "companyinformation", born: "createdate",
			table: companyProperties, oneOf: "name domain", shows: "domain name", merges: true, family: "company",
		},
		{
			name: "deals", typeID: "0-3", single: "deal", group: "dealinformation", born: "createdate",
			table: dealProperties, need: "dealname dealstage", shows: "amount closedate dealname dealstage pipeline",
			refs: "companies contacts", merges: true, family: "deal",
		},
		{
			name: "leads", typeID: "0-136", single: "lead", group: "lead_information",
			table: leadProperties, need: "hs_lead_name", shows: "hs_lead_name",
			refs: "contacts companies",
		},
		{
			name: "products", typeID: "0-7", single: "product", group: "productinformation", born: "createdate",
			table: productProperties, need: "name", shows: "description name price", family: "product",
		},
		{
			name: "line_items", typeID: "0-8", single: "line_item", group: "lineiteminformation", born: "createdate",
			table: lineProperties, shows: "amount hs_product_id quantity",
			refs: "deals quotes invoices", family: "line_item",
		},
		{
			name: "quotes", typeID: "0-14", single: "quote", group: "quoteinformation",
			table: quoteProperties, need: "hs_title hs_expiration_date", shows: "hs_title hs_expiration_date hs_status",
			refs: "deals companies contacts",
		},
		{
			name: "invoices", typeID: "0-53", single: "invoice", group: "invoice_information",
			table: invoiceProperties, need: "hs_currency", shows: "hs_currency hs_invoice_status",
			refs: "contacts companies deals",
		},
		activity("notes", "0-46", "note", noteProperties),
		activity("tasks", "0-27", "task", taskProperties),
		activity("meetings", "0-47", "meeting", meetingProperties),
		activity("calls", "0-48", "call", callProperties),
		activity("emails", "0-49", "email", emailProperties),
	}
}

// activity is something that happened with a record; contacts' scopes open it.
func activity(name, typeID, single, table string) kind {
	refs := "companies contacts deals"
	if name == "meetings" {
		refs = "companies contacts+ deals"
	}
	return kind{
		name: name, typeID: typeID, single: single, group: single, scope: "contacts",
		table: table, need: "hs_timestamp", refs: refs, activity: true,
	}
}

// build makes the object types and what ties them, without a record.
func (a *Account) build() {
	for _, k := range kinds() {
		a.install(newObject(k))
	}
	a.contacts, a.companies = a.named["contacts"], a.named["companies"]
	a.contacts.props["email"].index = true
	a.contacts.unique["email"] = map[string]int64{}
	a.relate(relations)
	for _, k := range kinds() {
		a.refer(a.named[k.name], k.refs)
	}
	a.buildPipelines()
	a.buildExample()
}

// install makes an object known under every name that paths have for it.
func (a *Account) install(o *object) {
	a.kinds = append(a.kinds, o)
	for _, name := range append([]string{o.name, o.single, o.typeID}, o.aliases...) {
		a.named[name] = o
	}
}

// A ref is a field by which people see an association: the other record's id. Of several
// it is the primary one or, where there is none, the one with the lowest id.
type ref struct {
	field string // "associations.companies"
	rel   *relation
	back  bool // the object is on the far side of the relation
	many  bool // the field shows all of them, with semicolons between
}

func (a *Account) refer(o *object, objects string) {
	for name := range strings.FieldsSeq(objects) {
		name, many := strings.CutSuffix(name, "+")
		r := ref{field: "associations." + name, many: many}
		r.rel, r.back = a.relation(o, a.named[name])
		if o == a.contacts {
			r.field = "associatedcompanyid" // the name of the property that HubSpot computes of it
		}
		o.refs = append(o.refs, r)
	}
}

// object returns the object of that path name or type id; nil if there is none.
func (a *Account) object(name string) *object { return a.named[name] }
