package mapping

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tandemhub/tandem/record"
)

// What an expression works on is one of: string, bool, decimal.Decimal, []any,
// map[string]any; int and float64 as the library writes literals; nil, which is empty.

var (
	errNoNumber = errors.New("not a number")
	errBig      = errors.New("a number with too many digits")
)

// maxDigits bounds numbers: an amount of money has twenty.
const maxDigits = 100

func reasonable(d decimal.Decimal) bool {
	return d.Exponent() > -maxDigits && d.Exponent() < maxDigits && d.NumDigits() <= maxDigits
}

// number reads an operand as a number; empty is zero.
func number(x any) (decimal.Decimal, error) {
	switch x := x.(type) {
	case decimal.Decimal:
		return x, nil
	case int:
		return decimal.NewFromInt(int64(x)), nil
	case float64:
		if x-x != 0 { // infinite or none
			return decimal.Zero, errNoNumber
		}
		d := decimal.NewFromFloat(x)
		if !reasonable(d) {
			return decimal.Zero, errBig
		}
		return d, nil
	case string:
		if x == "" {
			return decimal.Zero, nil
		}
		d, err := decimal.NewFromString(x)
		if err != nil || len(x) > 2*maxDigits || !reasonable(d) {
			return decimal.Zero, fmt.Errorf("the text %.40q is %w", x, errNoNumber)
		}
		return d, nil
	case nil:
		return decimal.Zero, nil
	default:
		return decimal.Zero, errNoNumber
	}
}

func isNumber(x any) bool {
	switch x.(type) {
	case decimal.Decimal, int, float64:
		return true
	default:
		return false
	}
}

// text reads an operand as a text.
func text(x any) (string, error) {
	switch x := x.(type) {
	case string:
		return x, nil
	case nil:
		return "", nil
	case bool:
		if x {
			return "true", nil
		}
		return "false", nil
	case []any:
		if len(x) == 0 {
			return "", nil
		}
		return "", errors.New("a list is no text; join it")
	case map[string]any:
		return "", errors.New("a struct is no text")
	default:
		n, err := number(x)
		if err != nil {
			return "", err
		}
		return n.String(), nil
	}
}

func texts(a []any) ([]string, error) {
	out := make([]string, 0, len(a))
	for _, x := range a {
		s, err := text(x)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// whole reads an operand as an index.
func whole(x any) (int, error) {
	n, err := number(x)
	if err != nil {
		return 0, err
	}
	const far = 1 << 30
	if !n.IsInteger() || n.Abs().GreaterThan(decimal.NewFromInt(far)) {
		return 0, errors.New("not a whole number")
	}
	return int(n.IntPart()), nil
}

// list reads an operand as a list; empty has no elements.
func list(x any) ([]any, error) {
	switch x := x.(type) {
	case []any:
		return x, nil
	case nil:
		return []any{}, nil
	case string:
		if x == "" {
			return []any{}, nil
		}
	}
	return nil, errors.New("not a list")
}

// truth reads an operand as a condition; empty is false.
func truth(x any) (bool, error) {
	switch x := x.(type) {
	case bool:
		return x, nil
	case nil:
		return false, nil
	case string:
		switch x {
		case "true":
			return true, nil
		case "", "false":
			return false, nil
		}
	}
	return false, errors.New("neither true nor false")
}

func empty(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	default:
		return false
	}
}

// same is ==: exact for texts, by value for numbers, whatever form they are in.
func same(a, b any) bool {
	if empty(a) || empty(b) {
		return empty(a) && empty(b)
	}
	if isNumber(a) || isNumber(b) {
		x, err := number(a)
		y, err2 := number(b)
		return err == nil && err2 == nil && x.Equal(y)
	}
	x, ok := a.([]any)
	y, ok2 := b.([]any)
	if ok || ok2 {
		if !ok || !ok2 || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	s, err := text(a)
	t, err2 := text(b)
	return err == nil && err2 == nil && s == t
}

// order compares two operands: numbers by value, all else as text, which is right for
// dates too. Empty is neither less nor more than anything.
func order(a, b any) (int, bool) {
	if empty(a) || empty(b) {
		return 0, false
	}
	if isNumber(a) || isNumber(b) {
		x, err := number(a)
		y, err2 := number(b)
		return x.Cmp(y), err == nil && err2 == nil
	}
	s, err := text(a)
	t, err2 := text(b)
	switch {
	case err != nil || err2 != nil:
		return 0, false
	case s < t:
		return -1, true
	case s > t:
		return 1, true
	default:
		return 0, true
	}
}

// plus adds numbers and joins texts; a number and a text are joined.
func plus(_ *run, a []any) (any, error) {
	if isNumber(a[0]) && (isNumber(a[1]) || empty(a[1])) || empty(a[0]) && isNumber(a[1]) {
		x, err := number(a[0])
		if err != nil {
			return nil, err
		}
		y, err := number(a[1])
		if err != nil {
			return nil, err
		}
		return bounded(x.Add(y))
	}
	s, err := texts(a)
	if err != nil {
		return nil, err
	}
	return s[0] + s[1], nil
}

func bounded(d decimal.Decimal) (any, error) {
	if !reasonable(d) {
		return nil, errBig
	}
	return d, nil
}

func arithmetic(fn func(a, b decimal.Decimal) (decimal.Decimal, error)) stepSpec {
	return operator(func(_ *run, a []any) (any, error) {
		x, err := number(a[0])
		if err != nil {
			return nil, err
		}
		y, err := number(a[1])
		if err != nil {
			return nil, err
		}
		d, err := fn(x, y)
		if err != nil {
			return nil, err
		}
		return bounded(d)
	})
}

func round(_ *run, a []any) (any, error) {
	n, err := number(a[0])
	if err != nil {
		return nil, err
	}
	places := 0
	if len(a) == 2 {
		if places, err = whole(a[1]); err != nil {
			return nil, err
		}
	}
	if places < -maxDigits || places > maxDigits {
		return nil, errBig
	}
	return bounded(n.Round(int32(places)))
}

// extreme is min and max, of a list or of its arguments; empty ones do not count.
func extreme(sign int) func(r *run, a []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		items := a
		if inside, ok := a[0].([]any); ok && len(a) == 1 {
			items = inside
		}
		if err := r.charge(costOfStep * len(items)); err != nil {
			return nil, err
		}
		var best any = ""
		for _, x := range items {
			if c, ok := order(x, best); empty(best) || ok && c*sign > 0 {
				best = x
			}
		}
		return best, nil
	}
}

func sum(r *run, a []any) (any, error) {
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	if err := r.charge(costOfStep * len(items)); err != nil {
		return nil, err
	}
	total := decimal.Zero
	for _, x := range items {
		n, err := number(x)
		if err != nil {
			return nil, err
		}
		total = total.Add(n)
	}
	return bounded(total)
}

// result makes a value of what an expression came to.
func result(x any) (record.Value, error) {
	items, ok := x.([]any)
	if !ok {
		s, err := text(x)
		return record.Text(s), err
	}
	values := make([]record.Value, 0, len(items))
	for _, item := range items {
		s, err := text(item)
		if err != nil {
			return record.Value{}, err
		}
		values = append(values, record.Text(s))
	}
	return record.List(values...), nil
}
