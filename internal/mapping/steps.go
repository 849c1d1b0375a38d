package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/tandemhub/tandem/record"
)

// A stepSpec is an operator or a function of the expression language. Its arguments come
// after the run.
type stepSpec struct {
	least, most int  // arguments; most -1 = any number
	hidden      bool // cannot be called by name
	call        func(args ...any) (any, error)
}

// costOfStep is what any step costs, so that a loop ends even if it makes nothing.
const costOfStep = 20

// charged makes a step of a function on the run and the arguments.
func charged(fn func(r *run, a []any) (any, error)) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		r, ok := args[0].(*run)
		if !ok {
			return nil, errors.New("the expression was not compiled by us")
		}
		if err := r.charge(costOfStep + sizeOf(args[1:])); err != nil {
			return nil, err
		}
		out, err := fn(r, args[1:])
		if s, ok := out.(string); ok && err == nil {
			err = r.charge(len(s))
		}
		return out, err
	}
}

// sizeOf counts what a step has to look at.
func sizeOf(args []any) int {
	n := 0
	for _, x := range args {
		switch x := x.(type) {
		case string:
			n += len(x)
		case []any:
			n += len(x)
		}
	}
	return n
}

func operator(fn func(r *run, a []any) (any, error)) stepSpec {
	return stepSpec{least: 2, most: 2, hidden: true, call: charged(fn)}
}

func inner(fn func(r *run, a []any) (any, error)) stepSpec {
	return stepSpec{most: -1, hidden: true, call: charged(fn)}
}

func function(least, most int, fn func(r *run, a []any) (any, error)) stepSpec {
	return stepSpec{least: least, most: most, call: charged(fn)}
}

// onText is a function of texts alone.
func onText(n int, fn func(s []string) any) stepSpec {
	return function(n, n, func(_ *run, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return fn(s), nil
	})
}

// steps are all operators and functions by name.
func steps() map[string]stepSpec {
	m := map[string]stepSpec{
		"==": operator(func(_ *run, a []any) (any, error) { return same(a[0], a[1]), nil }),
		"!=": operator(func(_ *run, a []any) (any, error) { return !same(a[0], a[1]), nil }),
		"<":  operator(func(_ *run, a []any) (any, error) { c, ok := order(a[0], a[1]); return ok && c < 0, nil }),
		"<=": operator(func(_ *run, a []any) (any, error) { c, ok := order(a[0], a[1]); return ok && c <= 0, nil }),
		">":  operator(func(_ *run, a []any) (any, error) { c, ok := order(a[0], a[1]); return ok && c > 0, nil }),
		">=": operator(func(_ *run, a []any) (any, error) { c, ok := order(a[0], a[1]); return ok && c >= 0, nil }),
		"+":  operator(plus),
		"??": operator(func(_ *run, a []any) (any, error) {
			if empty(a[0]) {
				return a[1], nil
			}
			return a[0], nil
		}),
		"in":      operator(func(_ *run, a []any) (any, error) { return contains(a[1], a[0]) }),
		"matches": operator(matches),
		"truth":   inner(func(_ *run, a []any) (any, error) { return truth(a[0]) }),
		"tick":    inner(func(_ *run, a []any) (any, error) { return a[0], nil }),
		"list":    inner(listOf),
		"member":  inner(member),
		"slice":   inner(slice),
		"lookup":  inner(lookup),
		"neg": inner(func(_ *run, a []any) (any, error) {
			n, err := number(a[0])
			return n.Neg(), err
		}),
	}
	m["contains"] = operator(func(_ *run, a []any) (any, error) { return contains(a[0], a[1]) })
	textSteps(m)
	numberSteps(m)
	listSteps(m)
	return m
}

// Functions are the names of the functions that a person can call in expressions, sorted.
func Functions() []string {
	names := loops()
	for name, s := range steps() {
		if !s.hidden {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func textSteps(m map[string]stepSpec) {
	m["upper"] = onText(1, func(s []string) any { return strings.ToUpper(s[0]) })
	m["lower"] = onText(1, func(s []string) any { return strings.ToLower(s[0]) })
	m["trim"] = onText(1, func(s []string) any { return strings.TrimSpace(s[0]) })
	m["trimPrefix"] = onText(2, func(s []string) any { return strings.TrimPrefix(s[0], s[1]) })
	m["trimSuffix"] = onText(2, func(s []string) any { return strings.TrimSuffix(s[0], s[1]) })
	m["hasPrefix"] = onText(2, func(s []string) any { return strings.HasPrefix(s[0], s[1]) })
	m["hasSuffix"] = onText(2, func(s []string) any { return strings.HasSuffix(s[0], s[1]) })
	m["string"] = onText(1, func(s []string) any { return s[0] })
	for operator, function := range map[string]string{"startsWith": "hasPrefix", "endsWith": "hasSuffix"} {
		s := m[function]
		s.hidden = true
		m[operator] = s
	}
	m["replace"] = function(3, 3, replace)
	m["split"] = function(2, 2, split)
	m["join"] = function(1, 2, join)
}

func numberSteps(m map[string]stepSpec) {
	m["-"] = arithmetic(func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Sub(b), nil })
	m["*"] = arithmetic(func(a, b decimal.Decimal) (decimal.Decimal, error) { return a.Mul(b), nil })
	m["/"] = arithmetic(func(a, b decimal.Decimal) (decimal.Decimal, error) {
		if b.IsZero() {
			return a, errors.New("a division by zero")
		}
		return a.Div(b), nil
	})
	m["%"] = arithmetic(func(a, b decimal.Decimal) (decimal.Decimal, error) {
		if b.IsZero() {
			return a, errors.New("a division by zero")
		}
		return a.Mod(b), nil
	})
	onNumber := func(fn func(decimal.Decimal) decimal.Decimal) stepSpec {
		return function(1, 1, func(_ *run, a []any) (any, error) {
			n, err := number(a[0])
			return fn(n), err
		})
	}
	m["number"] = onNumber(func(d decimal.Decimal) decimal.Decimal { return d })
	m["int"] = onNumber(func(d decimal.Decimal) decimal.Decimal { return d.Truncate(0) })
	m["abs"] = onNumber(decimal.Decimal.Abs)
	m["floor"] = onNumber(decimal.Decimal.Floor)
	m["ceil"] = onNumber(decimal.Decimal.Ceil)
	m["round"] = function(1, 2, round)
	m["min"] = function(1, -1, extreme(-1))
	m["max"] = function(1, -1, extreme(1))
	m["sum"] = function(1, 1, sum)
	m["convert"] = function(2, 3, convertMoney)
}

func listSteps(m map[string]stepSpec) {
	m["len"] = function(1, 1, length)
	m["first"] = function(1, 1, func(r *run, a []any) (any, error) { return member(r, []any{a[0], 0}) })
	m["latest"] = function(2, 2, latestOf)
	m["pick"] = function(4, 4, pickOf)
	m["among"] = function(2, 2, amongOf)
	m["lists"] = function(1, 1, listsOf)
	m["partners"] = function(1, 1, partnersOf) // with the name of the object behind it
	m["least"] = inner(extremeOf(-1))
	m["most"] = inner(extremeOf(1))
	m["last"] = function(1, 1, func(r *run, a []any) (any, error) { return member(r, []any{a[0], -1}) })
}

func replace(_ *run, a []any) (any, error) {
	s, err := texts(a)
	if err != nil {
		return nil, err
	}
	// Counted before it is made: a replacement for every letter can be long.
	n := strings.Count(s[0], s[1])
	if len(s[2]) > 0 && n > maxWork/len(s[2]) {
		return nil, errWork
	}
	return strings.ReplaceAll(s[0], s[1], s[2]), nil
}

func split(r *run, a []any) (any, error) {
	s, err := texts(a)
	if err != nil {
		return nil, err
	}
	n := strings.Count(s[0], s[1]) + 1
	if err := r.charge(16 * n); err != nil {
		return nil, err
	}
	parts := strings.Split(s[0], s[1])
	out := make([]any, 0, len(parts))
	for _, part := range parts {
		out = append(out, part)
	}
	return out, nil
}

func join(r *run, a []any) (any, error) {
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	between := ""
	if len(a) == 2 {
		if between, err = text(a[1]); err != nil {
			return nil, err
		}
	}
	var b strings.Builder
	for i, item := range items {
		s, err := text(item)
		if err != nil {
			return nil, err
		}
		if err := r.charge(len(s) + len(between) + 1); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func matches(r *run, a []any) (any, error) {
	s, err := text(a[0])
	if err != nil {
		return nil, err
	}
	re, ok := a[1].(*regexp.Regexp)
	if !ok {
		return nil, errors.New("there is no pattern after matches")
	}
	if err := r.charge(32 * len(s)); err != nil {
		return nil, err
	}
	return re.MatchString(s), nil
}

// contains reports whether a text has another text in it, or a list an element.
func contains(whole, part any) (bool, error) {
	if items, ok := whole.([]any); ok {
		return slices.ContainsFunc(items, func(x any) bool { return same(x, part) }), nil
	}
	s, err := texts([]any{whole, part})
	if err != nil {
		return false, err
	}
	return strings.Contains(s[0], s[1]), nil
}

func length(_ *run, a []any) (any, error) {
	if items, ok := a[0].([]any); ok {
		return len(items), nil
	}
	s, err := text(a[0])
	if err != nil {
		return nil, err
	}
	return utf8.RuneCountInString(s), nil
}

// member is an element of a list, a field of a struct or a character of a text; beyond
// the end is the empty text.
func member(r *run, a []any) (any, error) {
	if group, ok := a[0].(map[string]any); ok {
		name, err := text(a[1])
		if err != nil {
			return nil, err
		}
		if x, ok := group[name]; ok {
			return x, nil
		}
		return "", nil
	}
	at, err := whole(a[1])
	if err != nil {
		return nil, fmt.Errorf("a dot or an index follows what has no parts: %w", err)
	}
	if items, ok := a[0].([]any); ok {
		if at < 0 {
			at += len(items)
		}
		if at < 0 || at >= len(items) {
			return "", nil
		}
		return items[at], nil
	}
	if at == -1 {
		return slice(r, []any{a[0], at, nil})
	}
	return slice(r, []any{a[0], at, at + 1})
}

// slice is a part of a list, or of a text in characters, cut to what is there.
func slice(r *run, a []any) (any, error) {
	from, err := whole(a[1])
	if err != nil {
		return nil, err
	}
	bounds := func(n int) (int, int, error) {
		to := n
		if a[2] != nil {
			if to, err = whole(a[2]); err != nil {
				return 0, 0, err
			}
		}
		i, j := from, to
		if i < 0 {
			i += n
		}
		if j < 0 {
			j += n
		}
		i, j = min(max(i, 0), n), min(max(j, 0), n)
		return min(i, j), j, nil
	}
	if items, ok := a[0].([]any); ok {
		i, j, err := bounds(len(items))
		if err != nil {
			return nil, err
		}
		return items[i:j], nil
	}
	s, err := text(a[0])
	if err != nil {
		return nil, err
	}
	if err := r.charge(4 * len(s)); err != nil {
		return nil, err
	}
	runes := []rune(s)
	i, j, err := bounds(len(runes))
	return string(runes[i:j]), err
}

// lookup is a field of a referenced record, by its wire name.
func lookup(r *run, a []any) (any, error) {
	s, err := texts(a)
	if err != nil || s[1] == "" {
		return "", err
	}
	if r.refs == nil {
		r.missed = true
		return "", nil
	}
	f, ok := r.refs.Lookup(r.side, s[0], s[1])
	if !ok {
		r.missed = true // R11: not known is not empty
		return "", nil
	}
	return plain(f[s[2]]), nil
}

func listOf(_ *run, a []any) (any, error) { return list(a[0]) }

// operand is a field's value as an expression sees it.
func operand(f record.Field, v record.Value) any {
	switch f.Kind {
	case record.KindChoices, record.KindReferences, record.KindList:
		if v.IsEmpty() {
			return []any{}
		}
		if !v.IsList() {
			return []any{plain(v)}
		}
		return plain(v)
	case record.KindNumber, record.KindMoney:
		if d, err := decimal.NewFromString(v.Text()); err == nil && reasonable(d) {
			return d
		}
		return v.Text()
	case record.KindBool:
		if v.IsEmpty() {
			return ""
		}
		return v.Bool()
	default:
		return plain(v)
	}
}

// plain is a value of which no kind is known.
func plain(v record.Value) any {
	switch {
	case v.IsList():
		items := make([]any, 0, len(v.Items()))
		for _, item := range v.Items() {
			items = append(items, plain(item))
		}
		return items
	case v.Fields() != nil:
		group := make(map[string]any, len(v.Fields()))
		for name, x := range v.Fields() {
			group[name] = plain(x)
		}
		return group
	default:
		return v.Text()
	}
}
