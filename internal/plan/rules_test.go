package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
)

func TestRulesAreWhatTheyWereOnceReadAgain(t *testing.T) {
	t.Parallel()
	s := Sync{
		Name: "contacts", Direction: merge.Both, Prefer: merge.Newest, Enforce: true, Where: [2]string{"a != ''", ""}, Leave: LeaveKeep,
		Match:  []mapping.MatchKey{{Parts: []mapping.MatchPart{{Left: "a", Right: "b"}}}},
		Fields: []Field{{Entry: mapping.Entry{Left: "a", Right: "b", Values: map[string]string{"1": "x"}, LeftToRight: true, Index: 3}, Direction: merge.LeftToRight, Line: 12}},
	}
	rules, err := s.RuleSet()
	if err != nil {
		t.Fatal(err)
	}
	moved := s
	moved.Fields = append([]Field(nil), s.Fields...)
	moved.Fields[0].Line = 99
	if again, err := moved.RuleSet(); err != nil || again != rules {
		t.Errorf("a line further down is another rule: %s, %v", again, err)
	}
	got, err := Sync{Name: "contacts", Leave: LeaveKeep}.WithRuleSet(rules)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got, cmpopts.IgnoreUnexported(Sync{}, Schedule{}), cmpopts.IgnoreFields(Field{}, "Line")); diff != "" {
		t.Error(diff)
	}
	moved.Where[0] = "a == ''"
	if other, err := moved.RuleSet(); err != nil || other == rules || !strings.Contains(other, "a == ''") {
		t.Errorf("another filter is the same rule: %s, %v", other, err)
	}
	if _, err := s.WithRuleSet("{"); err == nil {
		t.Error("broken rules were read")
	}
}
