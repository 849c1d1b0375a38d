package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// Two systems that name the parts of their lists differently.
func listInput() mapping.Input {
	left := record.Object{Name: "people", Fields: []record.Field{
		{Name: "ref", Kind: record.KindText},
		{Name: "phones", Kind: record.KindList, Elem: []record.Field{
			{Name: "id", Kind: record.KindText, Key: true},
			{Name: "nr", Kind: record.KindPhone, Common: "phone", Unique: true},
			{Name: "kind", Kind: record.KindChoice, Common: "type", Choices: []record.Choice{{Value: "1", Label: "Work"}, {Value: "2", Label: "Pager"}}},
			{Name: "rank", Kind: record.KindNumber},
		}},
		{Name: "lines", Kind: record.KindList, Elem: []record.Field{
			{Name: "rowid", Kind: record.KindText, Key: true},
			{Name: "product", Kind: record.KindReference, To: "products", Common: "product"},
			{Name: "qty", Kind: record.KindNumber, Common: "quantity"},
			{Name: "total", Kind: record.KindMoney, Common: "net_total", ReadOnly: true},
		}},
	}}
	right := record.Object{Name: "contacts", Fields: []record.Field{
		{Name: "ref", Kind: record.KindText},
		{Name: "numbers", Kind: record.KindList, Elem: []record.Field{
			{Name: "key", Kind: record.KindText, Key: true},
			{Name: "value", Kind: record.KindText, Common: "phone", Unique: true},
			{Name: "label", Kind: record.KindChoice, Common: "type", Choices: []record.Choice{{Value: "work"}, {Value: "home"}}},
		}},
		{Name: "items", Kind: record.KindList, Elem: []record.Field{
			{Name: "item", Kind: record.KindReference, To: "goods", Common: "product"},
			{Name: "quantity", Kind: record.KindNumber, Common: "quantity"},
			{Name: "sum", Kind: record.KindMoney, Common: "net_total", ReadOnly: true},
		}},
		{Name: "others", Kind: record.KindList, Elem: []record.Field{{Name: "else", Kind: record.KindText}}},
	}}
	return mapping.Input{Left: left, Right: right, Entries: []mapping.Entry{two("phones", "numbers"), two("lines", "items")},
		Match: []mapping.MatchKey{{Parts: []mapping.MatchPart{{Left: "ref", Right: "ref"}}}},
		Links: func(l, r string) bool { return l == "products" && r == "goods" }}
}

func element(pairs ...string) record.Value {
	f := record.Fields{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = record.Text(pairs[i+1])
	}
	return record.Struct(f)
}

type goods struct{}

func (goods) Translate(_ record.Side, _, id string) (string, bool) { return "g" + id, id != "9" }

func (goods) Lookup(record.Side, string, string) (record.Fields, bool) { return nil, false }

func TestR12ListsAreConvertedByWhatTheirPartsMean(t *testing.T) {
	t.Parallel()
	m, problems := mapping.Compile(listInput())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if f := m.Fields(); !f[0].Set || f[0].Natural != [2]string{"nr", "value"} || f[1].Set || f[1].Natural != [2]string{} {
		t.Errorf("%+v", f)
	}
	for name, c := range map[string]struct {
		field    int
		from     record.Side
		in, want record.Value
		known    bool
	}{
		"keyed":    {0, record.Left, record.List(element("id", "5", "nr", "+30", "kind", "1", "rank", "3")), record.List(element("value", "+30", "label", "work")), true},
		"and back": {0, record.Right, record.List(element("key", "x", "value", "+30", "label", "work")), record.List(element("nr", "+30", "kind", "1")), true},
		"what one element cannot tell stays as it is there": {0, record.Left, record.List(element("nr", "+30", "kind", "2"), element("nr", "+31", "kind", "1")),
			record.List(element("value", "+30"), element("value", "+31", "label", "work")), true},
		"lines":                     {1, record.Left, record.List(element("rowid", "1", "product", "4", "qty", "2", "total", "8")), record.List(element("item", "g4", "quantity", "2")), true},
		"lines are told as a whole": {1, record.Left, record.List(element("product", "4", "qty", "2"), element("product", "9", "qty", "1")), record.Value{}, false},
	} {
		got, known, err := m.Convert(c.field, c.from, c.in, goods{})
		if err != nil || known != c.known {
			t.Errorf("%s: known %t, %v", name, known, err)
		}
		if diff := cmp.Diff(c.want.String(), got.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	left, right := record.List(element("id", "5", "nr", "+30", "kind", "1", "rank", "3")), record.List(element("key", "9", "value", "+30", "label", "work"))
	if !m.Same(0, left, right) || m.Same(0, left, record.List(element("value", "+31"))) {
		t.Error("lists that say the same are not the same")
	}
	in := listInput()
	in.Entries = []mapping.Entry{two("phones", "others")}
	if _, problems := mapping.Compile(in); len(problems) != 2 {
		t.Errorf("lists without a common part: %v", problems)
	}
}
