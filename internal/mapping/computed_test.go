package mapping_test

import (
	"slices"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

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
