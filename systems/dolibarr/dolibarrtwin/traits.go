package dolibarrtwin

// The wire names of the objects.
const (
	thirdParties = "thirdparties"
	contacts     = "contacts"
	users        = "users"
	products     = "products"
	projects     = "projects"
	proposals    = "proposals"
	orders       = "orders"
	invoices     = "invoices"
	events       = "agendaevents"
	categories   = "categories"
)

// A trait is what tells an object from the others: its names in Dolibarr's tables, rights
// and messages, and what it needs.
type trait struct {
	name     string
	element  string // Dolibarr's word: elementtype of the extrafields
	db       string // its table, for error messages
	kind     string // what webhooks call it
	title    string // for the agenda
	trigger  string // begins the names of its triggers; "" has none
	track    string // begins its trackid; "" shows none
	right    string // begins the names of its rights
	key      string // the column of its id; "" is rowid
	sort     string // the order of a list that asks for none; "" is by id
	label    string // "… not found"
	labelPut string // the same for a PUT, if it differs
	noun     string // "Error creating …"
	listing  string // "Error when retrieve … : "
	deleted  string // what a delete says
	refused  string // what a create without the right says
	unseen   string // what a list without the right says
	must     []string
	typed    []string // what a person must type
	find     []string // lookups by a path: columns
	params   []string // of lists, besides those that all have
	heeds    string   // the one of status and statut that a write heeds; "" = no matter
	shape    string
	line     string // the shape of its lines; "" has none
	open     bool   // everybody who may read sees all rows
	paged20  bool   // version 20 knows pagination_data
}

// traits returns the objects, parents first.
func traits(version int) []trait {
	all := append(peopleTraits(version), documentTraits(version)...)
	return append(all, otherTraits(version)...)
}

func either(version int, v20, v24 string) string {
	if version == 20 {
		return v20
	}
	return v24
}

func peopleTraits(version int) []trait {
	return []trait{
		{
			name: thirdParties, element: "societe", db: "llx_societe", kind: "societe", title: "Third party", trigger: "COMPANY", track: "thi", right: "societe",
			label: "Thirdparty", noun: "thirdparty", listing: either(version, "thirdparties", "third parties"), deleted: "Object deleted",
			must: []string{"name"}, typed: []string{"name"}, find: []string{"email"}, params: []string{"mode", "category"},
			shape: either(version, thirdParty20, thirdParty24),
		},
		{
			name: contacts, element: "socpeople", db: "llx_socpeople", kind: "contact", title: "Contact", trigger: "CONTACT", track: "ctc", right: "contact",
			label: "Contact", noun: "contact", listing: "contacts", deleted: "Contact deleted", unseen: "No permission to read contacts",
			must: []string{"lastname"}, typed: []string{"lastname"}, find: []string{"email"}, params: []string{"thirdparty_ids"},
			shape: either(version, contact20, contact24),
		},
		{
			name: users, element: "user", db: "llx_user", kind: "user", right: "user",
			label: "User", listing: "User list", unseen: "You are not allowed to read list of users",
			find: []string{"email"}, shape: either(version, user20, user24), open: true,
		},
	}
}

func documentTraits(version int) []trait {
	const refused = "Insuffisant rights"
	return []trait{
		{
			name: proposals, element: "propal", db: "llx_propal", kind: "propal", title: "Proposal", trigger: "PROPAL", track: "pro", right: "propal",
			label: "Commercial Proposal", labelPut: "Proposal", noun: "order", listing: "propal list", deleted: "Commercial Proposal deleted",
			refused: refused, must: []string{"socid"}, typed: []string{"socid"}, find: []string{"ref", "ref_ext"}, params: []string{"thirdparty_ids"},
			shape: either(version, proposal20, proposal24), line: either(version, proposalLine20, proposalLine24),
		},
		{
			name: orders, element: "commande", db: "llx_commande", kind: "commande", title: "Order", trigger: "ORDER", track: "ord", right: "commande",
			label: "Order", noun: "order", listing: "commande list", deleted: "Order deleted",
			refused: refused, must: []string{"socid", "date"}, typed: []string{"socid"}, find: []string{"ref", "ref_ext"}, params: []string{"thirdparty_ids"},
			shape: either(version, order20, order24), line: either(version, orderLine20, orderLine24),
		},
		{
			name: invoices, element: "facture", db: "llx_facture", kind: "facture", title: "Invoice", trigger: "BILL", track: "inv", right: "facture",
			label: "Invoice", noun: "invoice", listing: "invoice list", deleted: "Invoice deleted",
			refused: refused, must: []string{"socid"}, typed: []string{"socid"}, find: []string{"ref", "ref_ext"}, params: []string{"thirdparty_ids", "status"},
			shape: either(version, invoice20, invoice24), line: either(version, invoiceLine20, invoiceLine24),
		},
	}
}

func otherTraits(version int) []trait {
	mustEvent := []string{"userownerid"}
	if version == 20 {
		mustEvent = nil // it finds out too late, with an error 500
	}
	return []trait{
		{
			name: products, element: "product", db: "llx_product", kind: "product", title: "Product", trigger: "PRODUCT", right: "produit", sort: "t.ref",
			label: "Product", noun: "product", listing: "product list", deleted: "Object deleted",
			must: []string{"ref", "label"}, typed: []string{"ref", "label"}, find: []string{"ref", "ref_ext", "barcode"},
			params: []string{"mode", "category", "ids_only"}, shape: either(version, product20, product24), open: true, paged20: true,
		},
		{
			name: projects, element: "projet", db: "llx_projet", kind: "project", title: "Project", trigger: "PROJECT", track: "proj", right: "projet",
			label: "Project", noun: "project", listing: "project list", deleted: "Project deleted", refused: "Insuffisant rights",
			must: []string{"ref", "title"}, typed: []string{"title"}, find: []string{"ref", "ref_ext"}, params: []string{"thirdparty_ids"},
			heeds: either(version, "statut", "status"), shape: either(version, project20, project24),
		},
		{
			name: events, element: "actioncomm", db: "llx_actioncomm", kind: "action", trigger: "ACTION", right: "agenda", key: "id",
			label: "Agenda Events", labelPut: "actioncomm", noun: "event", listing: "Agenda Event list", deleted: "Agenda Event deleted",
			refused: "Insufficient rights to create your Agenda Event", unseen: "Insufficient rights to read events",
			must: mustEvent, typed: []string{"label"}, params: []string{"user_ids"}, shape: either(version, event20, event24), open: true,
		},
		{
			name: categories, element: "categorie", db: "llx_categorie", kind: "category", right: "categorie",
			label: "category", noun: "category", listing: "category list", deleted: "Category deleted",
			must: []string{"label", "type"}, typed: []string{"label"}, params: []string{"type"}, shape: category, open: true,
		},
	}
}
