package plan

import (
	"encoding/json"
	"fmt"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
)

// ruleSet is the part of a sync that says which pairs are in it and what is written to them.
type ruleSet struct {
	Direction merge.Direction    `json:"direction"`
	Prefer    merge.Prefer       `json:"prefer"`
	Enforce   bool               `json:"enforce"`
	Match     []mapping.MatchKey `json:"match"`
	Where     [2]string          `json:"where"`
	Fields    []Field            `json:"fields"`
	Rates     mapping.Rates      `json:"rates,omitempty"`
}

// RuleSet writes down what a sync does with linked pairs, so that a later configuration can be
// held against it (R19). Where it stands in the file does not matter.
func (s Sync) RuleSet() (string, error) {
	r := ruleSet{Direction: s.Direction, Prefer: s.Prefer, Enforce: s.Enforce, Match: s.Match, Where: s.Where, Rates: s.Rates}
	for _, f := range s.Fields {
		f.Line = 0
		r.Fields = append(r.Fields, f)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write down the rules of %s: %w", s.Name, err)
	}
	return string(b), nil
}

// WithRuleSet returns the sync as it was when the rules were written down.
func (s Sync) WithRuleSet(rules string) (Sync, error) {
	var r ruleSet
	if err := json.Unmarshal([]byte(rules), &r); err != nil {
		return s, fmt.Errorf("read the former rules of %s: %w", s.Name, err)
	}
	s.Direction, s.Prefer, s.Enforce, s.Match, s.Where, s.Fields, s.Rates = r.Direction, r.Prefer, r.Enforce, r.Match, r.Where, r.Fields, r.Rates
	s.marks = nil
	return s, nil
}
