package brevo

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/twin"
)

func twinOf(tw twin.Twin) *brevotwin.Account { return tw.(*brevotwin.Account) }

// prepared is an account with one attribute of each kind, and the one that check
// --create-fields makes. An hour's hundred calls do not get a suite far, so the sales half
// may be called more often here; TestOtherCallsAreAHundredAnHour keeps the true limit.
func prepared(o twin.Options) twin.Twin {
	tw := brevotwin.New(o)
	a := twinOf(tw)
	a.Allow("other", 100, time.Second)
	for _, err := range []error{
		a.AddAttribute(fieldKey, "text"),
		a.AddAttribute("NOTES", "text"),
		a.AddAttribute("LTV", "float"),
		a.AddAttribute("VIP", "boolean"),
		a.AddAttribute("BIRTHDAY", "date"),
		a.AddAttribute("GENDER", "category", "Female", "Male"),
		a.AddAttribute("INTERESTS", "multiple-choice", "wine", "cheese", "bread"),
	} {
		if err != nil {
			panic(err) // a mistake in this test
		}
	}
	return tw
}

// busier is the Spec with room for a suite in the sales half.
func busier() connector.Spec {
	spec := Spec()
	spec.Limits = func(s connector.Settings, id connector.Identity) []connector.Limit {
		all := limits(s, id)
		for i := range all {
			if all[i].Name == limitOther {
				all[i].Units, all[i].Per = 100, time.Second
			}
		}
		return all
	}
	return spec
}

func suite() connectortest.Suite {
	const (
		oneByOne = "Brevo has no call that makes or deletes several contacts; TestUpdatesGoTogether and the tests of imports hold what there is"
		stage    = "is one of a pipeline; its own test writes it"
	)
	return connectortest.Suite{
		Spec: busier(), Twin: prepared,
		Objects: []connectortest.Object{
			{
				Name: contacts,
				Create: record.Fields{
					fieldEmail: record.Text("ann{n}@example.com"), "LASTNAME": record.Text("Berg {n}"), "FIRSTNAME": record.Text("Ann"),
				},
				Invalid: record.Fields{fieldEmail: record.Text("no address")},
				Custom:  []string{"LTV", "INTERESTS"},
				Fixed: map[string]string{
					fieldMailNo:   "a yes shows as nothing said (R32); its own tests",
					fieldSMSNo:    "a yes shows as nothing said (R32); its own tests",
					fieldLists:    "a list of references; its own tests",
					fieldSMS:      "Brevo keeps numbers in one form; its own tests",
					fieldWhatsApp: "Brevo keeps numbers in one form; its own tests",
					fieldLandline: "Brevo keeps numbers in one form; its own tests",
				},
			},
			{
				Name:    companies,
				Create:  record.Fields{"name": record.Text("Berg {n}"), "domain": record.Text("berg{n}.example")},
				Invalid: record.Fields{"revenue": record.Text("much")},
				Missing: "65f0c7a5ffffffffffffffff",
				Fixed:   map[string]string{fieldContacts: "a list of references; its own test"},
			},
			{
				Name:    deals,
				Create:  record.Fields{"deal_name": record.Text("Deal {n}")},
				Invalid: record.Fields{"amount": record.Text("much")},
				Missing: "65f0c7a5ffffffffffffffff",
				Fixed: map[string]string{
					fieldContacts: "a list of references; its own test", fieldCompanies: "a list of references; its own test",
					fieldStage: stage, fieldPipeline: stage,
				},
			},
		},
		Event: &connector.Event{
			Name: "order_paid", Person: connector.Person{Email: "ann{n}@example.com"},
			Properties: record.Fields{"amount": record.Text("19.5"), "currency": record.Text("EUR")},
		},
		Targets: map[string]map[string]string{lists: {"name": "List {n}"}},
		Lacks: map[string]string{
			"files": "files of Brevo are not read or written",
			"door: a wrong signature is unauthorized":     "Brevo signs nothing: it shows a token, which TestAHookWithoutOurTokenIsRefused holds",
			"contacts: the largest batch keeps its order": oneByOne,
			"expire":                    "Brevo's cursors are times, which do not grow old",
			"parts":                     "an account is in one piece",
			"silent":                    "the silent fields are references; their own tests read and write them",
			"deny":                      "an API key has all rights",
			"hide":                      "Brevo shows a key all records",
			"merge":                     "Brevo merges only where a write asks for it, which this connector never does",
			"archive":                   "Brevo has no bin",
			"restore":                   "Brevo has no bin",
			"a stale version conflicts": "Brevo has no conditional writes",
			"batch":                     "the object is written one by one",
			"unique":                    "nothing of the object is unique",
			"find":                      "only contacts can be found by a field",
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, suite())
}
