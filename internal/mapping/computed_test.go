package mapping_test

import (
	"slices"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// What an expression comes to is told from the schemas, before each record is a question.
func TestATextForAFieldThatHoldsFewTextsIsToldBefore(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"lastname": true, "trim(lastname)": true, `lastname + email`: true, "fk_soc.nom": true, `lastname != "" ? lastname : email`: true,
		"birth": false, `"2026-" + lastname`: false, "string(birth)": false, "fk_soc.since": false, `fk_soc.nom == ""`: false,
	} {
		for field, such := range map[string]string{"birth": "a day such as", "createdate": "a time such as", "score": "a number", "optin": "true or false", "notes": ""} {
			in := input(mapping.Entry{Right: field, From: source, LeftToRight: true})
			in.Kin = [2][]record.Object{{erp(), {Name: "thirdparties", Fields: []record.Field{{Name: "nom", Kind: record.KindText}, {Name: "since", Kind: record.KindDate}}}}, {crm()}}
			_, problems := mapping.Compile(in)
			if got := hasProblem(problems, "fields[0].right", "is left out and shown; make \""+field+"\" a text", "", true); got != (want && such != "") {
				t.Errorf("%s for %s: %+v", source, field, problems)
			}
			if want && such != "" && !hasProblem(problems, "fields[0].right", "what is not "+such, "", true) {
				t.Errorf("%s for %s: %+v", source, field, problems)
			}
		}
	}
}

// An expression for a field that an entry before it carries already is what a new record gets
// where the other one has nothing; it carries nothing later.
func TestAnExpressionForNewRecords(t *testing.T) {
	t.Parallel()
	m := compile(t, input(two("lastname", "full_name"), mapping.Entry{Left: "lastname", From: `trim(given + " " + family)`, LeftToRight: true, RightToLeft: true}))
	if n := len(m.Fields()); n != 2 { // and the match key
		t.Errorf("%d fields: %+v", n, m.Fields())
	}
	i := at(t, m, "lastname=full_name")
	ann := record.Fields{"given": record.Text("Ann"), "family": record.Text("Lee")}
	if v := m.First(i, record.Left, ann, nil); v.Text() != "Ann Lee" {
		t.Errorf("a new one is called %q", v)
	}
	if v, known, _ := m.Own(i, record.Right, ann, nil); known || !v.IsEmpty() {
		t.Errorf("the other side has %q", v)
	}
	if v := m.First(i, record.Right, record.Fields{"lastname": record.Text("Lee")}, nil); !v.IsEmpty() {
		t.Errorf("nothing says that the right gets %q", v)
	}
	for _, name := range []string{"given", "family"} {
		if !slices.Contains(m.Wire(record.Right), name) {
			t.Errorf("%s is not read: %v", name, m.Wire(record.Right))
		}
	}
	other := compile(t, input(two("lastname", "full_name")))
	if other.Fingerprint() == m.Fingerprint() {
		t.Error("it is the same rule as without the expression (R19)")
	}
}
