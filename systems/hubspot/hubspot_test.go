package hubspot

import (
	"testing"

	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// prepared is an account with the properties that check --create-fields makes.
func prepared(o twin.Options) twin.Twin {
	tw := hubspottwin.New(o)
	a := tw.(*hubspottwin.Account)
	for _, object := range []string{companies, contacts} {
		for _, err := range []error{
			a.AddProperty(object, propKey, "string/text", true),
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
			},
			{
				Name:   owners,
				People: map[string]string{"email": "kim{n}@example.com", "firstName": "Kim", "lastName": "Lund {n}"},
			},
		},
		Deny: func(tw twin.Twin, object string) error {
			account(tw).Revoke("crm.objects." + object + ".read")
			return nil
		},
		Merge: func(tw twin.Twin, object, lose, keep string) error {
			_, err := account(tw).Merge(object, keep, lose)
			return err
		},
		Lacks: map[string]string{
			"expire":                       "HubSpot's cursors are ids, which do not grow old",
			"parts":                        "an account is in one piece",
			"silent":                       "the one silent field is a reference; its own tests read and write it",
			"hide":                         "HubSpot shows a token all records of an object, or none",
			"delete":                       "HubSpot's API puts records into the bin; see archive",
			"restore":                      "HubSpot's API cannot take records out of the bin",
			"a stale version conflicts":    "HubSpot has no conditional writes",
			"companies: unique":            "no property of a company is unique but our key",
			"companies: findable e-mail":   "companies have no e-mail",
			"owners: a field can be added": "owners have no properties",
			"owners: a merged record points to its survivor": "owners do not merge",
			"owners: create":  "users are made in HubSpot's settings",
			"owners: update":  "users are changed in HubSpot's settings",
			"owners: archive": "users are removed in HubSpot's settings",
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, suite())
}
