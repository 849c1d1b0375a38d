package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
)

func TestListsAreAnEntryBesideTheFields(t *testing.T) {
	t.Parallel()
	src := strings.TrimRight(contacts, "\n") + `
    lists:
      - { of: deals, pick: [open, won], by: stage_id, to: { 1: 61, won: 63 } }
      - { in: 60 }
      - { in: 7, when: "email != ''", field: tags }
`
	p := parse(t, src)
	s, _ := p.Sync("contacts")
	var got [][]mapping.ListRule
	for _, f := range s.Fields {
		if len(f.Lists) > 0 {
			got = append(got, f.Lists)
		}
	}
	want := [][]mapping.ListRule{
		{{Of: "deals", Pick: []string{"open", "won"}, By: "stage_id", To: map[string]string{"1": "61", "won": "63"}}, {In: "60", When: "true", Index: 1}},
		{{In: "7", When: "email != ''", Index: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if last := s.Fields[len(s.Fields)-1]; last.Right != "tags" || last.Index != len(s.Fields)-1 {
		t.Errorf("the last entry is %+v", last)
	}
	rules, err := s.RuleSet()
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.WithRuleSet(rules)
	if diff := cmp.Diff(s.Fields[len(s.Fields)-2].Lists, again.Fields[len(s.Fields)-2].Lists); err != nil || diff != "" {
		t.Errorf("R19: the rules were lost: %v %s", err, diff)
	}
}
