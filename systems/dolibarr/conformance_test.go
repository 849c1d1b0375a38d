package dolibarr

import (
	"fmt"
	"testing"

	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/twin"
)

// TestConnector runs the suite as an administrator, with one extrafield of each kind.
func TestConnector(t *testing.T) {
	for _, version := range []string{"24", "20"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, suite(version))
		})
	}
}

func suite(version string) connectortest.Suite {
	return connectortest.Suite{
		Spec:    Spec(),
		Twin:    withExtras,
		URL:     "https://erp.example.com/api/index.php",
		Version: version,
		Objects: []connectortest.Object{
			{
				Name: thirdParties,
				Create: record.Fields{
					"name": record.Text("Acme {n}"), "email": record.Text("info{n}@example.com"),
					"country_code": record.Text("GR"), "tva_intra": record.Text("EL{n}"), "code_client": record.Text("CU-{n}"),
					"categories": record.Texts(vipCustomer),
				},
				Update: record.Fields{
					"country_code": record.Text("DE"), "tva_intra": record.Text("DE{n}"), "code_client": record.Text("CV-{n}"),
					"categories": record.Texts(vipCustomer, oldCustomer),
				},
				Invalid: record.Fields{"country_code": record.Text("QQ")},
				Custom:  extraNames(),
			},
			{
				Name: contacts,
				Create: record.Fields{
					"lastname": record.Text("Meyer {n}"), "email": record.Text("ann{n}@example.com"), "country_code": record.Text("GR"),
					"categories": record.Texts(vipContact),
				},
				Update:  record.Fields{"country_code": record.Text("DE"), "categories": record.Texts(vipContact, oldContact)},
				Invalid: record.Fields{"country_code": record.Text("QQ")},
				Custom:  extraNames(),
			},
			{
				Name:    products,
				Create:  record.Fields{"ref": record.Text("P-{n}"), "label": record.Text("Widget {n}"), "status_buy": record.Bool(true)},
				Update:  record.Fields{"ref": record.Text("Q-{n}"), "label": record.Text("Gadget {n}")},
				People:  map[string]string{"ref": "P-{n}", "label": "Widget {n}", "status": "true", "status_buy": "true"},
				Invalid: record.Fields{"price": record.Text("much")},
				Custom:  extraNames(),
				Fixed:   map[string]string{"status_buy": "a product that is neither sold nor bought counts as archived"},
			},
			{
				Name:    projects,
				Create:  record.Fields{"ref": record.Text("PJ-{n}"), "title": record.Text("Deal {n}")},
				Update:  record.Fields{"ref": record.Text("PK-{n}"), "title": record.Text("Deal no. {n}")},
				People:  map[string]string{"ref": "PJ-{n}", "title": "Deal {n}", "usage_opportunity": "true"},
				Invalid: record.Fields{"opp_amount": record.Text("much")},
				Custom:  extraNames(),
			},
			paperSample(proposals), paperSample(orders), paperSample(invoices),
			{
				Name: events,
				Create: record.Fields{
					"label": record.Text("Visit {n}"), "datep": record.Text("2026-11-30T08:00:00Z"), "datef": record.Text("2026-11-30T10:00:00Z"),
					"socpeopleassigned": record.Texts("1"),
				},
				Update: record.Fields{
					"label": record.Text("Call {n}"), "datep": record.Text("2026-11-30T09:30:00Z"), "datef": record.Text("2026-11-30T11:00:00Z"),
					"socpeopleassigned": record.Texts("1", "2"),
				},
				People:  map[string]string{"label": "Visit {n}", "datep": "2026-11-30T08:00:00Z", "type_code": "AC_RDV", "userownerid": "4"},
				Invalid: record.Fields{"datep": record.Text("soon")},
				Custom:  extraNames(),
			},
			{
				Name:   categories,
				People: map[string]string{"label": "Tag {n}", "type": "2"},
				Custom: extraNames(),
			},
		},
		Deny: deny,
		Hide: func(tw twin.Twin, object, id string) error {
			t, err := ours(tw)
			if err != nil {
				return err
			}
			return t.Hide(object, id)
		},
		Lacks: lacks(),
	}
}

// paperSample is a proposal, an order or an invoice of the one third party that is there
// from the start, with a line.
func paperSample(object string) connectortest.Object {
	line := func(desc, qty string) record.Value {
		return record.Struct(record.Fields{
			"desc": record.Text(desc), "qty": record.Text(qty), "subprice": record.Text("12.5"), "tva_tx": record.Text("24"), "fk_product": record.Text("1"),
		})
	}
	return connectortest.Object{
		Name: object,
		Create: record.Fields{
			"socid": record.Text("1"), "date": record.Text("2026-11-30"), "ref_client": record.Text("PO number {n}"), "lines": record.List(line("First", "2")),
		},
		Update: record.Fields{
			"socid": record.Text("1"), "date": record.Text("2026-12-01"), "ref_client": record.Text("PO other {n}"),
			"lines": record.List(line("First", "3"), line("Second {n}", "1")),
		},
		People:  map[string]string{"socid": "1", "date": "2026-11-30", "ref_client": "PO number {n}"},
		Invalid: record.Fields{"date": record.Text("soon")},
		Custom:  extraNames(),
	}
}

func ours(tw twin.Twin) (*dolibarrtwin.Twin, error) {
	t, ok := tw.(*dolibarrtwin.Twin)
	if !ok {
		return nil, fmt.Errorf("no twin of Dolibarr: %T", tw)
	}
	return t, nil
}

func deny(tw twin.Twin, object string) error {
	t, err := ours(tw)
	if err != nil {
		return err
	}
	t.UseSync()
	rights := map[string]string{
		products: "produit", projects: "projet", proposals: "propal", orders: "commande", invoices: "facture", events: "agenda", categories: "categorie",
	}
	if right := rights[object]; right != "" {
		t.Grant(right+".lire", false)
		return nil
	}
	t.RestrictSeeAll(true)
	return nil
}

// withExtras is a server on which every kind of extrafield is defined.
func withExtras(o twin.Options) twin.Twin {
	tw := dolibarrtwin.New(o)
	t, err := ours(tw)
	if err != nil {
		return tw
	}
	t.UseAdmin()
	if err := furnish(t); err != nil {
		panic(err)
	}
	for _, object := range extended() {
		for _, f := range []dolibarrtwin.ExtraField{
			{Code: "code", Label: "Code", Type: "varchar", Size: "64"},
			{Code: "score", Label: "Score", Type: "double", Size: "24,8"},
			{Code: "since", Label: "Since", Type: "date"},
			{Code: "vip", Label: "VIP", Type: "boolean"},
			{Code: "segment", Label: "Segment", Type: "select", Options: map[string]string{"1": "Retail", "2": "Trade"}},
			{Code: "seen", Label: "Seen", Type: "datetime"},
		} {
			f.Object = object
			t.AddExtraField(f)
		}
	}
	return tw
}

// extended are the objects with extrafields.
func extended() []string {
	return []string{thirdParties, contacts, products, projects, proposals, orders, invoices, events, categories}
}

// The categories that are there from the start.
const (
	vipCustomer = "1"
	oldCustomer = "2"
	vipContact  = "3"
	oldContact  = "4"
)

// furnish makes what other records are about: a third party, two people, a product, and
// categories.
func furnish(t *dolibarrtwin.Twin) error {
	for _, x := range []struct {
		object string
		fields map[string]string
	}{
		{thirdParties, map[string]string{"name": "Base"}},
		{contacts, map[string]string{"lastname": "Base", "socid": "1"}},
		{contacts, map[string]string{"lastname": "Basis", "socid": "1"}},
		{products, map[string]string{"ref": "BASE", "label": "Base", "status": "true", "status_buy": "true"}},
		{categories, map[string]string{"label": "VIP", "type": "2"}},
		{categories, map[string]string{"label": "Old", "type": "2"}},
		{categories, map[string]string{"label": "VIP", "type": "4"}},
		{categories, map[string]string{"label": "Old", "type": "4"}},
	} {
		if _, err := t.Put(x.object, "", x.fields); err != nil {
			return fmt.Errorf("furnish with %s: %w", x.object, err)
		}
	}
	return nil
}

func extraNames() []string {
	var names []string
	for _, code := range []string{"code", "score", "since", "vip", "segment", "seen"} {
		names = append(names, "array_options.options_"+code)
	}
	return names
}

func lacks() map[string]string {
	lacks := map[string]string{
		"files":                                            "documents of Dolibarr are not read or written",
		"door: hooks":                                      "Dolibarr calls while it saves; the recorded calls are replayed by tests of their own",
		"a field can be added":                             "the API that adds extrafields was not recorded",
		"an expired cursor says so":                        "our cursors are moments of the vendor's clock and do not expire",
		"parts are read one by one":                        "an API key sees one company; there are no parts",
		"a silent field is told by a full read":            "the one that is silent holds references; it has tests of its own",
		"a merged record points to its survivor":           "Dolibarr leaves no trace of what became of a merged third party (recorded)",
		"a stale version conflicts":                        "Dolibarr has no versions and no conditional writes",
		"the largest batch keeps its order":                "Dolibarr has no batches",
		"in a batch only the one at fault fails":           "Dolibarr has no batches",
		"in a batch of updates only the missing one fails": "Dolibarr has no batches",
		"findable e-mail":                                  "the object has no e-mail",
		"unique":                                           "no field of the object is unique",
		"list of references":                               "the object has none that can be written",
		"restore":                                          "what is deleted is gone, and nothing else is put aside",
		"findable key":                                     "the API does not show the external reference of an event (recorded)",
		"products: delete":                                 "version 20 deletes no product (recorded); version 24 is tested apart",
		"categories: create":                               "categories are read only",
		"categories: update":                               "categories are read only",
		"categories: delete":                               "categories are read only",
	}
	for _, object := range []string{projects, proposals, orders, invoices, events, categories} {
		lacks[object+": archive"] = "what is closed stays in people's lists"
	}
	return lacks
}
