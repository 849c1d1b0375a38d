package pipedrive

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/record"
)

// Leads have the custom fields of deals, in the form of version 1 or in that of version 2: the
// documentation promises the one and shows the other.
func TestCustomFieldsOfLeadsAreReadInEitherForm(t *testing.T) {
	t.Parallel()
	const fee, season, tags, steward, site = "0000000000000000000000000000000000000001", "0000000000000000000000000000000000000002",
		"0000000000000000000000000000000000000003", "0000000000000000000000000000000000000004", "0000000000000000000000000000000000000005"
	k, _ := kindOf(leads)
	var fields []record.Field
	for code, kind := range map[string]string{fee: "monetary", season: "daterange", tags: "set", steward: "user", site: "address"} {
		fields = append(fields, fieldDef{Code: code, Name: kind, Type: kind, Custom: true}.custom()...)
	}
	s := newShape(k, fields)
	for name, text := range map[string]string{
		"version 2": `{"id":"x","` + fee + `":{"value":2300,"currency":"EUR"},"` + season + `":{"value":"2026-03-01","until":"2026-04-01"},
			"` + tags + `":[12,13],"` + steward + `":7,"` + site + `":{"value":"Ermou 1","formatted_address":"Ermou 1, Athens"}}`,
		"version 1": `{"id":"x","` + fee + `":2300,"` + fee + `_currency":"EUR","` + season + `":"2026-03-01","` + season + `_until":"2026-04-01",
			"` + tags + `":"12,13","` + steward + `":{"id":7,"name":"Kim"},"` + site + `":"Ermou 1","` + site + `_formatted_address":"Ermou 1, Athens"}`,
	} {
		var r row
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for field, v := range s.record(r).Fields {
			got[field] = shown(v)
		}
		want := map[string]string{
			fee + ".value": "2300", fee + ".currency": "EUR", season + ".value": "2026-03-01", season + ".until": "2026-04-01",
			tags: "12 13", steward: "7", site + ".value": "Ermou 1", site + ".formatted_address": "Ermou 1, Athens",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func shown(v record.Value) string {
	if len(v.Items()) == 0 {
		return v.Text()
	}
	var texts []string
	for _, one := range v.Items() {
		texts = append(texts, one.Text())
	}
	return strings.Join(texts, " ")
}

// A part is written in the form in which the lead has it, and the others stay.
func TestAPartOfALeadsCustomFieldKeepsItsForm(t *testing.T) {
	t.Parallel()
	const fee = "0000000000000000000000000000000000000001"
	k, _ := kindOf(leads)
	s := newShape(k, fieldDef{Code: fee, Name: "fee", Type: "monetary", Custom: true}.custom())
	for was, want := range map[string]string{
		`{"` + fee + `":{"value":5,"currency":"USD"}}`:   `{"` + fee + `":{"currency":"USD","value":7}}`,
		`{"` + fee + `":5,"` + fee + `_currency":"USD"}`: `{"` + fee + `":7}`,
	} {
		d := &draft{s: s, id: "x", body: map[string]any{}}
		d.own = d.body
		if err := json.Unmarshal([]byte(was), &d.now); err != nil {
			t.Fatal(err)
		}
		if err := d.join(t.Context(), fee, texts(fee+".value", "7")); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(d.body); err != nil || string(got) != want {
			t.Errorf("%s becomes %s, want %s: %v", was, got, want, err)
		}
	}
}
