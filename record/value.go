package record

import (
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// A Value is what one field of one record holds. Its zero value is the empty
// value: the field is known and holds nothing. A field that is not known at all
// is not in [Fields]; that is how the three states of a field (absent, empty,
// value) are told apart.
//
// A scalar is kept as its canonical text (see [Kind] for the form of each), so
// that two values are the same exactly when their texts are. Values are
// immutable: no method changes one.
type Value struct {
	text string // of a scalar, never empty
	more *parts // of a list or a struct; apart, because nearly all values are scalars
}

// parts are what a list or a struct holds: one of both is not empty.
type parts struct {
	items []Value
	group Fields
}

func (v Value) items() []Value {
	if v.more == nil {
		return nil
	}
	return v.more.items
}

func (v Value) group() Fields {
	if v.more == nil {
		return nil
	}
	return v.more.group
}

type shape uint8

const (
	shapeEmpty shape = iota
	shapeScalar
	shapeList
	shapeGroup
)

func (v Value) shape() shape {
	switch {
	case v.text != "":
		return shapeScalar
	case v.more == nil:
		return shapeEmpty
	case v.more.items != nil:
		return shapeList
	default:
		return shapeGroup
	}
}

// Text returns a scalar that holds s as it is. The empty string is the empty value.
func Text(s string) Value {
	return Value{text: s}
}

// Bool returns "true" or "false".
func Bool(b bool) Value { return Text(strconv.FormatBool(b)) }

// Int returns a whole number.
func Int(n int64) Value { return Text(strconv.FormatInt(n, 10)) }

// Number returns an exact decimal in canonical form: no exponent, no plus sign, no
// trailing zeros ("43.40000000" and "4.34e1" are both "43.4"). It reports false if
// s is no number, or one so large or small that its plain digits would fill pages; the
// empty string is the empty value.
func Number(s string) (Value, bool) {
	if s == "" {
		return Value{}, true
	}
	if canonicalInt(s) {
		return Text(s), true
	}
	d, err := decimal.NewFromString(s)
	if err != nil || len(s) > maxDigits || d.Exponent() > maxDigits || d.Exponent() < -maxDigits {
		return Value{}, false
	}
	if s = d.String(); len(s) > maxDigits {
		return Value{}, false
	}
	return Text(s), true
}

// maxDigits bounds what a number is written out to: "1e999999999" is a gigabyte. A
// float64 has at most 309 digits before and 324 after the point.
const maxDigits = 400

// canonicalInt spares the decimal library the common case.
func canonicalInt(s string) bool {
	if len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Date returns a calendar day without a zone, as "2006-01-02".
func Date(year int, month time.Month, day int) Value {
	return Text(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

// Time returns an instant in UTC with up to nanoseconds, as RFC 3339. The zero time
// is the empty value.
func Time(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Text(t.UTC().Format(time.RFC3339Nano))
}

// List returns a list. A list without items is the empty value.
func List(items ...Value) Value {
	if len(items) == 0 {
		return Value{}
	}
	return Value{more: &parts{items: slices.Clone(items)}}
}

// Texts returns a list of scalars, as choices and references are kept.
func Texts(items ...string) Value {
	vs := make([]Value, 0, len(items))
	for _, s := range items {
		vs = append(vs, Text(s))
	}
	return List(vs...)
}

// Struct returns one element of a list of structs: a line item, an attendee.
func Struct(f Fields) Value {
	if len(f) == 0 {
		return Value{}
	}
	return Value{more: &parts{group: f.Clone()}}
}

// IsEmpty reports whether the value holds nothing.
func (v Value) IsEmpty() bool { return v.text == "" && v.more == nil }

// IsList reports whether the value is a list with at least one item.
func (v Value) IsList() bool { return v.shape() == shapeList }

// Text returns a scalar's canonical text, and "" for everything else.
func (v Value) Text() string { return v.text }

// Items returns a list's items, and nil for everything else. The caller must not
// change them.
func (v Value) Items() []Value { return v.items() }

// Fields returns a struct's fields, and nil for everything else. The caller must
// not change them.
func (v Value) Fields() Fields { return v.group() }

// Bool returns a bool's value; empty and everything else is false.
func (v Value) Bool() bool { return v.text == "true" }

// Decimal returns a number's value; zero for everything else.
func (v Value) Decimal() decimal.Decimal {
	d, err := decimal.NewFromString(v.text)
	if err != nil {
		return decimal.Zero
	}
	return d
}

// Time returns a date's (at midnight UTC) or datetime's instant; the zero time for
// everything else.
func (v Value) Time() time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, v.text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Equal reports whether two values are the same, item by item and field by field.
func (v Value) Equal(w Value) bool {
	if v.more == nil || w.more == nil {
		return v.text == w.text && v.more == w.more
	}
	return slices.EqualFunc(v.more.items, w.more.items, Value.Equal) && v.more.group.Equal(w.more.group)
}

// String returns the value for people: a scalar as it is, a list with commas.
func (v Value) String() string {
	switch v.shape() {
	case shapeScalar:
		return v.text
	case shapeList:
		var b []byte
		for i, item := range v.more.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(b, item.String()...)
		}
		return string(b)
	case shapeGroup:
		return string(v.more.group.Append(nil))
	default:
		return ""
	}
}
