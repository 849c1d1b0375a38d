package plan

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tandemhub/tandem/internal/mapping"
)

func ratesSchema() schema {
	return schema{"type": "object", "minProperties": 1, "propertyNames": schema{"pattern": "^[A-Za-z]{3}$"},
		"additionalProperties": schema{"type": []string{"number", "string"}}}
}

// rates reads the table of currencies: what one unit of each is worth in one common unit.
func (r *reader) rates(n node) mapping.Rates {
	if n.shape != shapeMap || len(n.pairs) == 0 {
		r.notAMap(n, n.place, "rates must be a map from currencies to what one unit of each is worth, such as { EUR: 1, USD: 0.92 }")
		return nil
	}
	rates := mapping.Rates{}
	for _, p := range n.pairs {
		code := strings.ToUpper(p.key)
		if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			r.fail(p.place, fmt.Sprintf("%q is no currency; its code has three letters, such as EUR", shown(printable(p.key))))
			continue
		}
		if _, twice := rates[code]; twice {
			r.fail(p.place, fmt.Sprintf("the currency %s stands here a second time", code))
			continue
		}
		s, ok := r.text(p.value)
		if !ok {
			continue
		}
		worth, err := decimal.NewFromString(s)
		const digits = 30 // of a rate; more are a mistake
		if err != nil || !worth.IsPositive() || len(s) > digits || worth.Exponent() > digits || worth.Exponent() < -digits {
			r.fail(p.value.place, fmt.Sprintf("%s: %q is no rate; it takes a number above 0, such as 0.92", p.value.label(), shown(p.value.text)))
			continue
		}
		rates[code] = worth
	}
	return rates
}

// takeRates gives a sync the rates if one of its expressions converts: then other rates are
// other rules (R19).
func (s *Sync) takeRates(rates mapping.Rates) {
	converts := mapping.Converts(s.Where[0]) || mapping.Converts(s.Where[1])
	for _, f := range s.Fields {
		converts = converts || mapping.Converts(f.From)
		for _, rule := range f.Lists {
			converts = converts || mapping.Converts(rule.When)
		}
	}
	for _, e := range s.Events {
		converts = converts || mapping.Converts(e.When)
		for _, source := range e.With {
			converts = converts || mapping.Converts(source)
		}
	}
	if converts {
		s.Rates = rates
	}
}
