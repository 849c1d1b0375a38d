package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/shopspring/decimal"
)

// Rates say what one unit of each currency is worth in one common unit, by ISO code.
type Rates map[string]decimal.Decimal

// common is the currency that the others are measured in: the one whose rate is 1.
func (r Rates) common() (string, bool) {
	found := ""
	for code, worth := range r {
		if worth.Equal(decimal.NewFromInt(1)) {
			if found != "" {
				return "", false
			}
			found = code
		}
	}
	return found, found != ""
}

func (r Rates) codes() []string {
	codes := make([]string, 0, len(r))
	for code := range r {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

func (r Rates) of(currency string) (decimal.Decimal, error) {
	if currency == "" {
		return decimal.Zero, errors.New("an amount has no currency")
	}
	worth, ok := r[strings.ToUpper(currency)]
	if !ok {
		return decimal.Zero, fmt.Errorf("there is no rate for %.10q; add it to rates", currency)
	}
	return worth, nil
}

// convertMoney is convert(amount, currency, to): an amount in another currency. Nothing is
// nothing in any currency.
func convertMoney(r *run, a []any) (any, error) {
	amount, err := number(a[0])
	if err != nil || amount.IsZero() {
		return amount, err
	}
	codes, err := texts(a[1:])
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(codes[0], codes[1]) {
		return amount, nil
	}
	from, err := r.rates.of(codes[0])
	if err != nil {
		return nil, err
	}
	to, err := r.rates.of(codes[1])
	if err != nil {
		return nil, err
	}
	worth := amount.Mul(from)
	if !to.Equal(decimal.NewFromInt(1)) { // or the division would cut what is exact
		worth = worth.Div(to)
	}
	return bounded(worth)
}

// convert checks a call of convert, and puts in the currency that it leaves out.
func (p *patcher) convert(node *ast.Node, args []ast.Node) {
	if len(p.rates) == 0 {
		p.problemf("convert needs a table of rates at the top of the file, such as rates: { EUR: 1, USD: 0.92 }")
		return
	}
	if len(args) == 2 {
		code, ok := p.rates.common()
		if !ok {
			p.problemf("convert has to say into which currency, as in convert(amount, currency, %q): no single rate is 1", p.rates.codes()[0])
			return
		}
		args = append(args, &ast.StringNode{Value: code})
	}
	for _, arg := range args[1:] {
		code, written := arg.(*ast.StringNode)
		if _, known := p.rates[strings.ToUpper(codeOf(code))]; written && !known {
			p.problems = append(p.problems, Problem{Path: p.path, Text: fmt.Sprintf("rates has no %q", code.Value), Near: nearest(code.Value, p.rates.codes())})
		}
	}
	ast.Patch(node, step("convert", args...))
}

func codeOf(n *ast.StringNode) string {
	if n == nil {
		return ""
	}
	return n.Value
}

// latestOf is the element whose field comes last: the newest by a date, the greatest by a
// number. Those without it do not count; of several the one that comes later is taken.
func latestOf(r *run, a []any) (any, error) {
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	if err := r.charge(costOfStep * len(items)); err != nil {
		return nil, err
	}
	var best, by any = map[string]any{}, ""
	for _, item := range items {
		x, err := member(r, []any{item, a[1]})
		if err != nil {
			return nil, err
		}
		if c, ok := order(x, by); !empty(x) && (empty(by) || ok && c >= 0) {
			best, by = item, x
		}
	}
	return best, nil
}

// extremeOf is min and max of one field of the elements of a list.
func extremeOf(sign int) func(r *run, a []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		items, err := list(a[0])
		if err != nil {
			return nil, err
		}
		values := make([]any, 0, len(items))
		for _, item := range items {
			x, err := member(r, []any{item, a[1]})
			if err != nil {
				return nil, err
			}
			values = append(values, x)
		}
		return extreme(sign)(r, []any{values})
	}
}

// Converts reports whether an expression may depend on rates.
func Converts(source string) bool { return strings.Contains(source, "convert") }

// usedRates are the currencies on which the program's result may depend: all, if it converts.
func (p *program) usedRates() []string {
	if !Converts(p.source) {
		return nil
	}
	return p.rates.codes()
}
