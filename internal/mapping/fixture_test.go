package mapping_test

import (
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// erp and crm are contacts as two invented vendors have them.
func erp() record.Object {
	return record.Object{Name: "contacts", Common: "contact", Fields: []record.Field{
		{Name: "firstname", Common: "first_name", Kind: record.KindText, Format: record.FormatName},
		{Name: "lastname", Common: "last_name", Kind: record.KindText, Format: record.FormatName},
		{Name: "mail", Common: "email", Kind: record.KindEmail},
		{Name: "phone_pro", Common: "phone", Kind: record.KindPhone},
		{Name: "note_private", Common: "notes", Kind: record.KindText, Format: record.FormatHTML},
		{Name: "fk_soc", Common: "company", Kind: record.KindReference, To: "thirdparties"},
		{Name: "country_code", Common: "country", Kind: record.KindText, Format: record.FormatCountry, MaxLen: 2},
		{Name: "array_options.options_segment", Kind: record.KindChoice, Choices: []record.Choice{
			{Value: "1", Label: "VIP"}, {Value: "2", Label: "Trade"}, {Value: "3", Label: "Old", Hidden: true},
		}},
		{Name: "statut", Common: "status", Kind: record.KindChoice, Choices: []record.Choice{{Value: "0", Label: "Closed"}, {Value: "1", Label: "Active"}}},
		{Name: "credit", Kind: record.KindMoney},
		{Name: "visits", Common: "visits", Kind: record.KindNumber},
		{Name: "birthday", Common: "birthday", Kind: record.KindDate},
		{Name: "datec", Common: "created", Kind: record.KindDateTime, ReadOnly: true},
		{Name: "seen_at", Kind: record.KindDateTime},
		{Name: "newsletter", Common: "newsletter", Kind: record.KindBool},
		{Name: "tags", Common: "tags", Kind: record.KindChoices, Open: true},
		{Name: "groups", Common: "groups", Kind: record.KindReferences, To: "categories"},
		{Name: "lang", Common: "language", Kind: record.KindText, Format: record.FormatLanguage, MaxLen: 2},
		{Name: "lines", Kind: record.KindList},
		{Name: "ref_ext", Kind: record.KindText, Key: true},
	}}
}

func crm() record.Object {
	return record.Object{Name: "people", Common: "contact", Fields: []record.Field{
		{Name: "given", Common: "first_name", Kind: record.KindText, Format: record.FormatName, MaxLen: 40},
		{Name: "family", Common: "last_name", Kind: record.KindText, Format: record.FormatName},
		{Name: "full_name", Kind: record.KindText, Format: record.FormatName},
		{Name: "email", Common: "email", Kind: record.KindEmail, Unique: true},
		{Name: "phone", Common: "phone", Kind: record.KindPhone},
		{Name: "notes", Common: "notes", Kind: record.KindText},
		{Name: "org_id", Common: "company", Kind: record.KindReference, To: "orgs"},
		{Name: "country", Common: "country", Kind: record.KindText, Format: record.FormatCountry},
		{Name: "segment", Kind: record.KindChoice, Choices: []record.Choice{{Value: "vip", Label: "Vip"}, {Value: "trade"}, {Value: "lost"}}},
		{Name: "state", Common: "status", Kind: record.KindChoice, Choices: []record.Choice{{Value: "a", Label: "active"}, {Value: "c", Label: "CLOSED"}}},
		{Name: "score", Kind: record.KindNumber},
		{Name: "visits", Common: "visits", Kind: record.KindText},
		{Name: "birth", Common: "birthday", Kind: record.KindDate},
		{Name: "createdate", Common: "created", Kind: record.KindDateTime},
		{Name: "seen_on", Kind: record.KindDate},
		{Name: "optin", Common: "newsletter", Kind: record.KindBool},
		{Name: "labels", Common: "tags", Kind: record.KindChoices, Choices: []record.Choice{{Value: "red"}, {Value: "blue"}}},
		{Name: "lists", Common: "groups", Kind: record.KindReferences, To: "lists"},
		{Name: "hs_language", Common: "language", Kind: record.KindChoice, Format: record.FormatLanguage, Choices: []record.Choice{
			{Value: "en-us", Label: "English - United States"}, {Value: "en", Label: "English"}, {Value: "el", Label: "Greek"},
		}},
		{Name: "domain", Kind: record.KindText, Format: record.FormatDomain},
		{Name: "items", Kind: record.KindList},
		{Name: "account_code", Kind: record.KindText},
	}}
}

func linked(l, r string) bool {
	return l == "thirdparties" && r == "orgs" || l == "categories" && r == "lists"
}

func input(entries ...mapping.Entry) mapping.Input {
	return mapping.Input{Left: erp(), Right: crm(), Entries: entries, Country: "GR", Links: linked}
}

// two is a two-way entry.
func two(left, right string) mapping.Entry {
	return mapping.Entry{Left: left, Right: right, LeftToRight: true, RightToLeft: true}
}

// compile fails the test on any problem but a warning.
func compile(t testing.TB, in mapping.Input) *mapping.Mapping {
	t.Helper()
	for i := range in.Entries {
		in.Entries[i].Index = i
	}
	m, problems := mapping.Compile(in)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("problem: %+v", p)
		}
	}
	return m
}

// at finds a field by its key.
func at(t testing.TB, m *mapping.Mapping, key string) int {
	t.Helper()
	for i, f := range m.Fields() {
		if f.Key == key {
			return i
		}
	}
	t.Fatalf("no field %s", key)
	return 0
}

// links are some links, and some records of the mirror.
type links struct {
	ids     map[string]string // "left thirdparties 1" to id
	records map[string]record.Fields
}

func (l links) Translate(from record.Side, object, id string) (string, bool) {
	to, ok := l.ids[from.String()+" "+object+" "+id]
	return to, ok
}

func (l links) Lookup(side record.Side, object, id string) (record.Fields, bool) {
	f, ok := l.records[side.String()+" "+object+" "+id]
	return f, ok
}

func someLinks() links {
	l := links{ids: map[string]string{}, records: map[string]record.Fields{
		"right orgs 70":         {"name": record.Text("Acme"), "size": record.Text("12"), "lines": record.Texts("x", "y")},
		"left thirdparties 7":   {"name": record.Text("Acme SA")},
		"left thirdparties 404": nil,
	}}
	for left, right := range map[string]string{"thirdparties 7": "orgs 70", "thirdparties 8": "orgs 80", "categories 1": "lists 10", "categories 2": "lists 20"} {
		lo, li, _ := strings.Cut(left, " ")
		ro, ri, _ := strings.Cut(right, " ")
		l.ids["left "+lo+" "+li], l.ids["right "+ro+" "+ri] = ri, li
	}
	return l
}

func hasProblem(problems []mapping.Problem, path, text, near string, warning bool) bool {
	for _, p := range problems {
		if p.Path == path && strings.Contains(p.Text, text) && p.Near == near && p.Warning == warning {
			return true
		}
	}
	return false
}
