package mapping_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// firms is a sync of third parties to organizations, to which contacts refer at the left only.
func firms(from string) mapping.Input {
	left := record.Object{Name: "thirdparties", Fields: []record.Field{{Name: "nom", Common: "name", Kind: record.KindText}}}
	right := record.Object{Name: "orgs", Fields: []record.Field{
		{Name: "name", Common: "name", Kind: record.KindText},
		{Name: "people", Kind: record.KindReferences, To: "people"},
		{Name: "groups", Kind: record.KindReferences, To: "lists"},
		{Name: "size", Kind: record.KindText},
	}}
	tickets := record.Object{Name: "tickets", Fields: []record.Field{{Name: "from", Kind: record.KindReference, To: "thirdparties"}}}
	in := mapping.Input{Left: left, Right: right, Kin: [2][]record.Object{{left, erp(), tickets}, {right, crm()}},
		Links:   func(l, r string) bool { return l == "contacts" && r == "people" },
		Entries: []mapping.Entry{{Right: "people", From: from, LeftToRight: true}},
		Match:   []mapping.MatchKey{{Parts: []mapping.MatchPart{{Left: "nom", Right: "name"}}}},
	}
	return in
}

// child is a contact that refers to a third party.
func child(id, name string) record.Value {
	return record.Struct(record.Fields{mapping.ChildID: record.Text(id), "lastname": record.Text(name)})
}

// A relation that the other side keeps at its other end: those that refer to a record become
// references of its partner, as far as they have partners themselves.
func TestPartnersOfThoseThatReferBecomeReferences(t *testing.T) {
	t.Parallel()
	l := links{ids: map[string]string{"left contacts 1": "90", "left contacts 2": "11"}}
	row := record.Fields{"<contacts.fk_soc": record.List(child("1", "Ann"), child("2", "Bob"), child("3", "Dot"))}
	for source, want := range map[string]record.Value{
		"partners(contacts)":                             record.Texts("11", "90"), // in one order, whatever the mirror's
		`partners(filter(contacts, .lastname == "Ann"))`: record.Texts("90"),
		`partners(filter(contacts, .lastname == "Dot"))`: record.Texts(), // without a partner
	} {
		m := compile(t, firms(source))
		i := at(t, m, "=people")
		v, known, err := m.Own(i, record.Left, row, l)
		if err != nil || !known || !slices.EqualFunc(v.Items(), want.Items(), record.Value.Equal) {
			t.Errorf("%s: %v, %v, %v", source, v, known, err)
		}
		if out, known, err := m.Convert(i, record.Left, v, l); err != nil || !known || !out.Equal(v) {
			t.Errorf("%s is told as %v, %v, %v", source, out, known, err)
		}
		if _, known, _ := m.Own(i, record.Left, row, nil); known { // R11
			t.Errorf("%s has a value where nobody knows of links", source)
		}
		if !m.Fields()[i].Set || !slices.Contains(m.Parents(record.Left), "contacts") { // R12, R28
			t.Errorf("%s: %+v, parents %v", source, m.Fields()[i], m.Parents(record.Left))
		}
	}
	want := []mapping.Child{{Object: "contacts", Field: "fk_soc", Linked: true}}
	if d := cmp.Diff(want, compile(t, firms("partners(contacts)")).Children(record.Left)); d != "" {
		t.Error(d)
	}
}

func TestWhatCannotHoldPartnersIsToldSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry      mapping.Entry
		path, text string
	}{
		"no partners":        {mapping.Entry{Right: "people", From: "nom"}, "fields[0].right", "from has to be partners(…) of what refers to thirdparties"},
		"a text":             {mapping.Entry{Right: "size", From: "partners(contacts)"}, "fields[0].right", "cannot hold partners"},
		"another object":     {mapping.Entry{Right: "groups", From: "partners(contacts)"}, "fields[0].right", "no sync links these with contacts"},
		"not linked":         {mapping.Entry{Right: "people", From: "partners(tickets)"}, "fields[0].right", "no sync links these with tickets"},
		"nothing to take of": {mapping.Entry{Right: "people", From: "partners(nom)"}, "fields[0].from", "partners takes the records that refer to this one, such as partners("},
	} {
		c.entry.LeftToRight = true
		in := firms("")
		in.Entries = []mapping.Entry{c.entry}
		if _, problems := mapping.Compile(in); !hasProblem(problems, c.path, c.text, "", false) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

// What is no list any more is left out and shown: connectors read references element by element, and
// would tell nothing of it.
func TestWhatIsMadeOfPartnersAndIsNoListIsShown(t *testing.T) {
	t.Parallel()
	l := links{ids: map[string]string{"left contacts 1": "90"}}
	row := record.Fields{"<contacts.fk_soc": record.List(child("1", "Ann"))}
	for source, fits := range map[string]bool{
		"first(partners(contacts))": false, `len(partners(contacts)) > 0 ? "x" : "y"`: false, `nom == "" ? partners(contacts) : []`: true,
	} {
		m := compile(t, firms(source))
		i := at(t, m, "=people")
		v, known, err := m.Own(i, record.Left, row, l)
		if err == nil && known {
			_, known, err = m.Convert(i, record.Left, v, l)
		}
		misfit, is := errors.AsType[*mapping.MisfitError](err)
		if fits != (err == nil && known) || !fits && (!is || misfit.Field != "people") {
			t.Errorf("%s: %v, %v", source, known, err)
		}
	}
}
