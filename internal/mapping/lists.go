package mapping

import (
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/record"
)

// elements pairs the fields of two lists' elements: by what they mean everywhere, else by
// name. The vendors' ids of elements are left out (R12).
func elements(left, right record.Field) [][2]record.Field {
	var pairs [][2]record.Field
	for _, l := range left.Elem {
		i := slices.IndexFunc(right.Elem, func(r record.Field) bool {
			if l.Common != "" && r.Common != "" {
				return l.Common == r.Common
			}
			return l.Name == r.Name
		})
		if i >= 0 && !l.Key && !right.Elem[i].Key {
			pairs = append(pairs, [2]record.Field{l, right.Elem[i]})
		}
	}
	return pairs
}

// naturalKeys are the fields by which the elements of two lists are found again, if both
// sides have one and they mean the same.
func naturalKeys(left, right record.Field) ([2]string, bool) {
	l, ok := left.Natural()
	r, ok2 := right.Natural()
	if !ok || !ok2 {
		return [2]string{}, false
	}
	for _, p := range elements(left, right) {
		if p[0].Name == l.Name && p[1].Name == r.Name {
			return [2]string{l.Name, r.Name}, true
		}
	}
	return [2]string{}, false
}

// An elemConv converts one field of an element.
type elemConv struct {
	from, to string
	conv     converter
	key      bool
}

// list converts a list element by element. Lists of which nothing is described are told as
// they are.
func (c *compiler) list(from, to record.Field, side record.Side) (converter, string) {
	if len(from.Elem) == 0 || len(to.Elem) == 0 {
		return asIs, ""
	}
	left, right := from, to
	if side == record.Right {
		left, right = to, from
	}
	natural, keyed := naturalKeys(left, right)
	var fields []elemConv
	for _, p := range elements(left, right) {
		f, t := p[side], p[side.Other()]
		conv, why := c.converter(f, t, side, nil)
		switch {
		case t.ReadOnly:
		case conv != nil:
			fields = append(fields, elemConv{f.Name, t.Name, conv, keyed && f.Name == natural[side]})
		case keyed && f.Name == natural[side]:
			return nil, why
		}
	}
	if len(fields) == 0 {
		return nil, fmt.Sprintf("the elements of %q and %q have no field in common", from.Name, to.Name)
	}
	if keyed {
		return keyedList(fields), ""
	}
	return wholeList(fields), ""
}

// wholeList converts lines of a document: all of them, or nothing is told (R11).
func wholeList(fields []elemConv) converter {
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		out := make([]record.Value, 0, len(v.Items()))
		for i, item := range v.Items() {
			g := make(record.Fields, len(fields))
			for _, f := range fields {
				held, told := item.Fields()[f.from]
				if !told {
					continue
				}
				x, known, err := f.conv(held, refs)
				if err != nil {
					return v, false, fmt.Errorf("line %d: %w", i+1, err)
				}
				if !known {
					return record.Value{}, false, nil
				}
				g[f.to] = x
			}
			out = append(out, record.Struct(g))
		}
		return record.List(out...), true, nil
	}
}

// keyedList converts elements that stand for themselves: what of one cannot be told is left
// out and stays as it is over there; without its key the whole element is.
func keyedList(fields []elemConv) converter {
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		out := make([]record.Value, 0, len(v.Items()))
		for _, item := range v.Items() {
			g, usable := make(record.Fields, len(fields)), true
			for _, f := range fields {
				held, told := item.Fields()[f.from]
				x, known, err := f.conv(held, refs)
				switch {
				case told && known && err == nil:
					g[f.to] = x
				case f.key:
					usable = false
				}
			}
			if usable {
				out = append(out, record.Struct(g))
			}
		}
		return record.List(out...), true, nil
	}
}

// Across returns what a field of a list's elements is called on the other side; "" if it is
// not mapped.
func (f Field) Across(from record.Side, name string) string {
	for _, p := range elements(f.Left, f.Right) {
		if p[from].Name == name {
			return p[from.Other()].Name
		}
	}
	return ""
}
