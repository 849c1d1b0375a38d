package mapping_test

import (
	"slices"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// ruled is a mapping whose lists follow rules; the right's "lists" refer to lists.
func ruled(rules ...mapping.ListRule) mapping.Input {
	for i := range rules {
		rules[i].Index = i
	}
	in := input(mapping.Entry{Lists: rules, LeftToRight: true})
	in.Match = []mapping.MatchKey{}
	in.Kin = kin()
	deals := in.Kin[0][1]
	deals.Fields = append(deals.Fields, record.Field{Name: "stage_id", Common: "stage", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "Lead In"}, {Value: "3", Label: "Offer"}}})
	deals.Fields[1].Choices = []record.Choice{{Value: "open"}, {Value: "won"}, {Value: "lost"}}
	in.Kin[0][1] = deals
	return in
}

func staged(status, stage, moved string) record.Value {
	return record.Struct(record.Fields{"stat": record.Text(status), "stage_id": record.Text(stage), "moved": record.Text(moved)})
}

func TestListsFollowTheRecordThatCounts(t *testing.T) {
	t.Parallel()
	byStage := mapping.ListRule{Of: "deals", Newest: "moved", To: map[string]string{"1": "61", "Offer": "62", "won": "63", "lost": "64"}}
	for name, c := range map[string]struct {
		deals []record.Value
		want  string
	}{
		"none":                         {nil, "60"},
		"open by its stage":            {[]record.Value{staged("open", "1", "")}, "61, 60"},
		"open by a label":              {[]record.Value{staged("open", "3", "")}, "62, 60"},
		"won":                          {[]record.Value{staged("won", "3", "")}, "63, 60"},
		"open before won":              {[]record.Value{staged("won", "3", "2026-02-02"), staged("open", "1", "2026-01-01")}, "61, 60"},
		"won before lost":              {[]record.Value{staged("lost", "3", "2026-02-02"), staged("won", "1", "2026-01-01")}, "63, 60"},
		"then the newest":              {[]record.Value{staged("open", "3", "2026-02-02"), staged("open", "1", "2026-01-01")}, "62, 60"},
		"a stage that no rule knows":   {[]record.Value{staged("open", "9", "")}, "60"},
		"a status that no rule counts": {[]record.Value{staged("deleted", "1", "")}, "60"},
	} {
		m := compile(t, ruled(byStage, mapping.ListRule{In: "60", When: `lastname == "Lee"`}))
		v, known, err := m.Own(0, record.Left, withDeals(c.deals...), someLinks())
		sent, told, err2 := m.Convert(0, record.Left, v, someLinks())
		if err != nil || err2 != nil || !known || !told || sent.String() != c.want || !sent.Equal(v) {
			t.Errorf("%s: on %v, %t, %t, %v, %v, want %s", name, sent, known, told, err, m.Fault(0, record.Left, withDeals(c.deals...), someLinks()), c.want)
		}
	}
}

func TestListsMayBeCalledByTheirNames(t *testing.T) {
	t.Parallel()
	in := ruled(mapping.ListRule{Of: "deals", To: map[string]string{"won": "customers", "lost": "9"}}, mapping.ListRule{In: "Everybody", When: "true"})
	i := slices.IndexFunc(in.Right.Fields, func(f record.Field) bool { return f.Name == "lists" })
	in.Right.Fields[i].Choices = []record.Choice{{Value: "7", Label: "Customers"}, {Value: "8", Label: "Everybody"}, {Value: "9", Label: "8"}}
	m := compile(t, in)
	v, _, err := m.Own(0, record.Left, withDeals(staged("won", "1", "")), someLinks())
	if err != nil || v.String() != "7, 8" {
		t.Errorf("on %v, %v", v, err)
	}
	if got := m.Fields()[0].Lists; !slices.Equal(got, []string{"7", "8", "9"}) {
		t.Errorf("the rules name %v", got)
	}
	e := mapping.Entry{Lists: []mapping.ListRule{{To: map[string]string{"won": "Custmers"}}, {In: "12"}, {In: "Everybody"}}}
	if _, missing := mapping.MissingLists(e, in.Right); !slices.Equal(missing, []string{"12", "Custmers"}) {
		t.Errorf("missing are %v", missing)
	}
	in.Entries[0].Lists[0].To["won"] = "Custmers"
	if _, problems := mapping.Compile(in); !hasProblem(problems, "lists[0].to", `"Custmers" is none of the lists`, "Customers", false) {
		t.Errorf("%+v", problems)
	}
}

func TestRulesOfListsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule             mapping.ListRule
		path, text, near string
	}{
		"object":  {mapping.ListRule{Of: "deal", To: map[string]string{"1": "61"}}, "lists[0].of", `no object "deal"`, "deals"},
		"several": {mapping.ListRule{Of: "tickets", To: map[string]string{"1": "61"}}, "lists[0].of", "by several fields", ""},
		"by":      {mapping.ListRule{Of: "deals", By: "stage_it", To: map[string]string{"1": "61"}}, "lists[0].by", "has no field", "stage_id"},
		"newest":  {mapping.ListRule{Of: "deals", Newest: "move", To: map[string]string{"1": "61"}}, "lists[0].newest", "has no field", "moved"},
		"stage":   {mapping.ListRule{Of: "deals", To: map[string]string{"Ofer": "61"}}, "lists[0].to", `"Ofer" is no value`, "Offer"},
		"status":  {mapping.ListRule{Of: "deals", Pick: []string{"opn"}, To: map[string]string{"1": "61"}}, "lists[0].pick", `"opn" is no value`, "open"},
		"when":    {mapping.ListRule{In: "60", When: "lastnam == ''"}, "lists[0].when", "has no field", "lastname"},
	} {
		_, problems := mapping.Compile(ruled(c.rule))
		if !hasProblem(problems, c.path, c.text, c.near, false) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
	in := ruled(mapping.ListRule{In: "redd", When: "true"})
	in.Entries[0].Right = "labels"
	if _, problems := mapping.Compile(in); !hasProblem(problems, "lists[0].in", `"redd" is none of the lists`, "red", false) {
		t.Errorf("an unknown list: %+v", problems)
	}
	in.Entries[0].Right = "segmnt"
	if _, problems := mapping.Compile(in); !hasProblem(problems, "lists[0].field", "has no field", "segment", false) {
		t.Errorf("an unknown field: %+v", problems)
	}
	in.Entries[0].Right = "segment"
	if _, problems := mapping.Compile(in); !hasProblem(problems, "lists[0].field", "one value", "", false) {
		t.Errorf("a field of one value: %+v", problems)
	}
}
