package hubspot

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// prepared is an account with the properties that check --create-fields makes.
func prepared(o twin.Options) twin.Twin {
	tw := hubspottwin.New(o)
	a := tw.(*hubspottwin.Account)
	for _, k := range kinds() {
		if err := a.AddProperty(k.name, propKey, "string/text", true); err != nil {
			panic(err) // a mistake in this test
		}
	}
	for _, object := range []string{companies, contacts} {
		for _, err := range []error{
			a.AddProperty(object, "notes", "string/textarea", false),
			a.AddProperty(object, "vat_id", "string/text", false),
			a.AddProperty(object, "profile", "string/html", false),
		} {
			if err != nil {
				panic(err) // a mistake in this test
			}
		}
	}
	return tw
}

const ownTest = "a list of references; its own test writes it"

func account(tw twin.Twin) *hubspottwin.Account { return tw.(*hubspottwin.Account) }

func suite() connectortest.Suite {
	return connectortest.Suite{
		Spec: Spec(), Twin: prepared,
		Objects: []connectortest.Object{
			{
				Name: companies,
				Create: record.Fields{
					"name": record.Text("Berg {n}"), "domain": record.Text("berg{n}.example"),
					"country": record.Text("Greece"), "vat_id": record.Text("EL0945{n}"),
				},
				Update:  record.Fields{"country": record.Text("Germany"), "vat_id": record.Text("DE8112{n}")},
				Invalid: record.Fields{"industry": record.Text("no such industry")},
				Custom:  []string{"customer_number", "vat_id", "notes"},
				Fixed:   map[string]string{"associations.contacts.38": ownTest, linkMachines: ownTest},
			},
			{
				Name: contacts,
				Create: record.Fields{
					"lastname": record.Text("Berg {n}"), "firstname": record.Text("Ann"), "email": record.Text("ann{n}@example.com"),
					"country": record.Text("Greece"), "vat_id": record.Text("EL0945{n}"),
				},
				Update:  record.Fields{"country": record.Text("Germany"), "vat_id": record.Text("DE8112{n}")},
				Invalid: record.Fields{"email": record.Text("no address")},
				Custom:  []string{"birthday", "interests"},
				Fixed:   map[string]string{linkBilling: ownTest, linkMachines: ownTest},
			},
			{
				Name:   owners,
				People: map[string]string{"email": "kim{n}@example.com", "firstName": "Kim", "lastName": "Lund {n}"},
			},
			{
				Name: deals,
				Create: record.Fields{
					"dealname": record.Text("Deal {n}"), "pipeline": record.Text("default"), "dealstage": record.Text("qualifiedtobuy"),
					"deal_currency_code": record.Text("EUR"),
				},
				Update:  record.Fields{"pipeline": record.Text("default"), "dealstage": record.Text("contractsent"), "deal_currency_code": record.Text("USD")},
				Invalid: record.Fields{"dealstage": record.Text("no such stage")},
				Custom:  []string{"contract_number"},
				Fixed:   map[string]string{"deal_currency_code": "takes the codes of the account's currencies only", linkMachines: ownTest},
			},
			{
				Name:    products,
				Create:  record.Fields{"name": record.Text("Product {n}"), "hs_sku": record.Text("SKU {n}")},
				Invalid: record.Fields{"price": record.Text("much")},
				Custom:  []string{"barcode"},
			},
			{
				Name: quotes,
				Create: record.Fields{
					"hs_title": record.Text("Quote {n}"), "hs_expiration_date": record.Date(2030, 1, 31), "hs_currency": record.Text("EUR"),
				},
				Update:  record.Fields{"hs_currency": record.Text("USD")},
				Invalid: record.Fields{"hs_currency": record.Text("XXX")},
				Custom:  []string{"quote_reference"},
				Fixed:   map[string]string{"hs_currency": "takes the codes of the account's currencies only"},
			},
			{
				Name:    invoices,
				Create:  record.Fields{"hs_title": record.Text("Invoice {n}"), "hs_currency": record.Text("EUR")},
				Update:  record.Fields{"hs_currency": record.Text("USD")},
				Invalid: record.Fields{"hs_currency": record.Text("XXX")},
				Custom:  []string{"erp_number"},
				Fixed: map[string]string{
					"hs_currency":       "takes the codes of the account's currencies only",
					"hs_invoice_status": "goes from draft to open, once there is a line; its own test does it",
				},
			},
			{
				Name:    lineItems,
				Create:  record.Fields{"name": record.Text("Line {n}"), "quantity": record.Text("2")},
				Invalid: record.Fields{"quantity": record.Text("many")},
			},
			activity(notes, "hs_note_body", "<p>Note {n}</p>"),
			activity(tasks, "hs_task_subject", "Task {n}"),
			activity(meetings, "hs_meeting_title", "Meeting {n}"),
			activity(calls, "hs_call_title", "Call {n}"),
			activity(emails, "hs_email_subject", "E-mail {n}"),
		},
		Deny: func(tw twin.Twin, object string) error {
			scope := object
			if k, ok := kindOf(object); ok {
				scope = k.scope
			}
			account(tw).Revoke("crm.objects." + scope + ".read")
			return nil
		},
		Merge: func(tw twin.Twin, object, lose, keep string) error {
			_, err := account(tw).Merge(object, keep, lose)
			return err
		},
		Aim: func(tw twin.Twin, address string) error {
			account(tw).Webhook(hubspottwin.Hook{Target: address, Secret: exampleSecret})
			return nil
		},
		Settings: connector.Settings{settingSecret: exampleSecret},
		Lacks: map[string]string{
			"door: subscribe":              "an app's subscriptions are made by its developer; no token can",
			"owners: files":                "owners have no files",
			"products: files":              "HubSpot has no notes on products",
			"quotes: files":                "notes on quotes are not offered",
			"invoices: files":              "notes on invoices are not offered",
			"line_items: files":            "HubSpot has no notes on line items",
			"expire":                       "HubSpot's cursors are ids, which do not grow old",
			"parts":                        "an account is in one piece",
			"silent":                       "the one silent field is a reference; its own tests read and write it",
			"hide":                         "HubSpot shows a token all records of an object, or none",
			"delete":                       "HubSpot's API puts records into the bin; see archive",
			"restore":                      "HubSpot's API cannot take records out of the bin",
			"a stale version conflicts":    "HubSpot has no conditional writes",
			"unique":                       "nothing of the object is unique but our key",
			"findable e-mail":              "only contacts and owners have an e-mail",
			"number":                       "the object has no number",
			"number or bool":               "the object has no number or bool",
			"owners: a field can be added": "owners have no properties",
			"owners: a merged record points to its survivor":     "owners do not merge",
			"products: a merged record points to its survivor":   "HubSpot does not merge these",
			"quotes: a merged record points to its survivor":     "HubSpot does not merge these",
			"invoices: a merged record points to its survivor":   "HubSpot does not merge these",
			"line_items: a merged record points to its survivor": "HubSpot does not merge these",
			"notes: a merged record points to its survivor":      "HubSpot does not merge these",
			"tasks: a merged record points to its survivor":      "HubSpot does not merge these",
			"meetings: a merged record points to its survivor":   "HubSpot does not merge these",
			"calls: a merged record points to its survivor":      "HubSpot does not merge these",
			"emails: a merged record points to its survivor":     "HubSpot does not merge these",
			"list of references":                                 "one record on the other side, or the own tests have them: what labels an account has, and lists with associations: all",
			"owners: create":                                     "users are made in HubSpot's settings",
			"owners: update":                                     "users are changed in HubSpot's settings",
			"owners: archive":                                    "users are removed in HubSpot's settings",
		},
	}
}

// activity is something that happened with a record.
func activity(name, face, text string) connectortest.Object {
	o := connectortest.Object{
		Name: name,
		Create: record.Fields{
			face: record.Text(text), propTime: record.Time(time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC)),
		},
		Invalid: record.Fields{propTime: record.Text("some day")},
		People:  map[string]string{face: text, propTime: "2026-03-05T09:30:00Z"},
	}
	if name == meetings {
		o.Fixed = map[string]string{"associations.contacts": ownTest}
	}
	return o
}

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, suite())
}
