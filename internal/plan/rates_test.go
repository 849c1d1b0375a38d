package plan

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func TestRatesAreExactAndRulesOfTheSyncsThatConvert(t *testing.T) {
	t.Parallel()
	src := strings.Replace(contacts, "syncs:", "rates: { eur: 1, USD: 0.1234567890123456789 }\nsyncs:", 1)
	p := parse(t, src)
	if got := p.Rates["USD"].String(); got != "0.1234567890123456789" || !p.Rates["EUR"].Equal(decimal.NewFromInt(1)) {
		t.Errorf("rates are %v", p.Rates)
	}
	s, _ := p.Sync("contacts")
	if s.Rates != nil {
		t.Error("a sync that converts nothing has rates")
	}
	s.Where[0] = `convert(1, "USD") > 0`
	s.takeRates(p.Rates)
	before, err := s.RuleSet()
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.WithRuleSet(before)
	if err != nil || !again.Rates["USD"].Equal(s.Rates["USD"]) {
		t.Errorf("rates were lost: %v, %v", again.Rates, err)
	}
	s.Rates = nil
	if after, _ := s.RuleSet(); after == before {
		t.Error("R19: other rates are the same rules")
	}
}
