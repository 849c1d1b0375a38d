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
		t.Run(version, func(t *testing.T) { connectortest.Run(t, suite(version)) })
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
				},
				Update:  record.Fields{"country_code": record.Text("DE"), "tva_intra": record.Text("DE{n}"), "code_client": record.Text("CV-{n}")},
				Invalid: record.Fields{"country_code": record.Text("QQ")},
				Custom:  extraNames(),
			},
			{
				Name:    contacts,
				Create:  record.Fields{"lastname": record.Text("Meyer {n}"), "email": record.Text("ann{n}@example.com"), "country_code": record.Text("GR")},
				Update:  record.Fields{"country_code": record.Text("DE")},
				Invalid: record.Fields{"country_code": record.Text("QQ")},
				Custom:  extraNames(),
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
	if object != thirdParties && object != contacts {
		return fmt.Errorf("no right to see %s", object)
	}
	t.UseSync()
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
	for _, object := range []string{thirdParties, contacts} {
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

func extraNames() []string {
	var names []string
	for _, code := range []string{"code", "score", "since", "vip", "segment", "seen"} {
		names = append(names, "array_options.options_"+code)
	}
	return names
}

func lacks() map[string]string {
	return map[string]string{
		"a field can be added":                                        "the API that adds extrafields was not recorded",
		"an expired cursor says so":                                   "our cursors are moments of the vendor's clock and do not expire",
		"parts are read one by one":                                   "an API key sees one company; there are no parts",
		"a silent field is told by a full read":                       "a change of any field moves the stamp (recorded)",
		"a merged record points to its survivor":                      "Dolibarr leaves no trace of what became of a merged third party (recorded)",
		"a stale version conflicts":                                   "Dolibarr has no versions and no conditional writes",
		"the largest batch keeps its order":                           "Dolibarr has no batches",
		"in a batch only the one at fault fails":                      "Dolibarr has no batches",
		"in a batch of updates only the missing one fails":            "Dolibarr has no batches",
		"contacts: a duplicate names the record that holds the value": "no field of a contact is unique",
	}
}
