package dolibarr

import (
	"context"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

func TestLeadStatusesCanBeGiven(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                          "",
		"1=Prospecting, 6=Won it":   "1 Prospecting open;6 Won it won;",
		"8=Signed:won,9=Gone: lost": "8 Signed won;9 Gone lost;",
		"7=Never mind:open":         "7 Never mind open;",
	} {
		list, err := parseLeadStatuses(given)
		var got strings.Builder
		for _, c := range list {
			got.WriteString(c.Value + " " + c.Label + " " + string(c.Kind) + ";")
		}
		if err != nil || got.String() != want {
			t.Errorf("%q reads as %q, %v", given, got.String(), err)
		}
	}
	for _, given := range []string{"Prospecting", "x=Prospecting", "0=Prospecting", "1=", "1=Won:maybe"} {
		_, err := parseLeadStatuses(given)
		wants(t, err, connector.Invalid, connector.ScopeConnection, "lead_statuses", "1=Prospecting")
	}
}

func TestExtrafieldsCanBeDeclared(t *testing.T) {
	t.Parallel()
	d, err := parseExtras("thirdparties.segment=choice, contacts.options_since = date")
	if err != nil || d[thirdParties]["segment"] != record.KindChoice || d[contacts]["since"] != record.KindDate {
		t.Errorf("%v, %v", d, err)
	}
	for _, given := range []string{"segment=choice", "thirdparties.segment", "nothing.segment=choice", "thirdparties.=choice", "thirdparties.a=enum"} {
		_, err := parseExtras(given)
		wants(t, err, connector.Invalid, connector.ScopeConnection, "extrafields", "thirdparties.segment=choice")
	}
}

// A key that is no administrator's learns the names of extrafields from records, and their
// types from the setting.
func TestDeclaredTypesCount(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		tp := &tape{t: t, version: version, beside: map[string]string{"/status": "a001-status", "/setup/extrafields": "c085-extrafields"}}
		for _, o := range objects() {
			tp.beside[o.path] = "a014-thirdparties-limit-2"
		}
		a, _, err := rest.Open(Spec(), rest.OpenOptions{
			URL: twinURL, Secrets: map[string]string{"api_key": "key-of-sync"}, Transport: tp,
			Settings: connector.Settings{"extrafields": "thirdparties.tdmscore=number,thirdparties.later=bool", "lead_statuses": "1=Neu, 2=Gewonnen:won"},
		})
		if err != nil {
			t.Fatal(err)
		}
		schema, err := a.Source.Schema(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		o, _ := schema.Object(thirdParties)
		for code, kind := range map[string]record.Kind{"tdmcode": record.KindText, "tdmscore": record.KindNumber, "later": record.KindBool} {
			if f, ok := o.Field(optionsPrefix + "options_" + code); !ok || f.Kind != kind || !f.Custom {
				t.Errorf("%s is %+v, listed %v", code, f, ok)
			}
		}
		deals, _ := schema.Object(projects)
		stage, _ := deals.ByCommon("stage")
		if len(stage.Choices) != 2 || stage.Choices[1].Kind != record.ChoiceWon {
			t.Errorf("the stages are %+v", stage.Choices)
		}
		page, err := a.Source.Changes(context.Background(), connector.Query{Object: thirdParties, Fields: []string{"name", optionsPrefix + "options_tdmscore"}})
		if err != nil || len(page.Changes) == 0 || page.Changes[0].Fields[optionsPrefix+"options_tdmscore"].Text() != "0" {
			t.Errorf("%+v, %v", page.Changes, err)
		}
	}
}

// The address may be the installation's or the API's own.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://erp.example.com":                        "/api/index.php/status",
		"https://erp.example.com/":                       "/api/index.php/status",
		"https://erp.example.com/api/index.php":          "/api/index.php/status",
		"https://erp.example.com/api/index.php/":         "/api/index.php/status",
		"https://erp.example.com/dolibarr":               "/dolibarr/api/index.php/status",
		"https://erp.example.com/dolibarr/api/index.php": "/dolibarr/api/index.php/status",
	} {
		w := &asked{}
		a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: given, Secrets: map[string]string{"api_key": "k"}, Transport: w})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Check.Check(context.Background()); err == nil {
			t.Error("nobody is there, and the check passes")
		}
		if len(w.paths) == 0 || w.paths[0] != want {
			t.Errorf("%s asks for %v", given, w.paths)
		}
	}
}
