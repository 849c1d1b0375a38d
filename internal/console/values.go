package console

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// A cell is a value as people read it; what differs from the value beside it is marked.
type cell struct {
	Before, Differs, After string
	None                   bool // it is empty
	whole                  bool // it differs as a whole: part of a number says nothing
}

// longest is how much of a value is shown.
const longest = 2000

// cellOf shows a value.
func (l *locale) cellOf(f record.Field, v record.Value, zone *time.Location) cell {
	if v.IsEmpty() {
		return cell{None: true}
	}
	part := slices.Contains([]record.Kind{record.KindText, record.KindEmail, record.KindPhone, record.KindList, record.KindChoices, record.KindReferences, ""}, f.Kind)
	return cell{Before: l.value(f, v, zone), whole: !part}
}

// against marks what differs in a value from another one.
func (c cell) against(other cell) cell {
	if c.None || other.None || c.Before == other.Before {
		return c
	}
	if c.whole {
		return cell{Differs: c.Before}
	}
	mine, theirs := []rune(c.Before), []rune(other.Before)
	front := 0
	for front < len(mine) && front < len(theirs) && mine[front] == theirs[front] {
		front++
	}
	back := 0
	for back < len(mine)-front && back < len(theirs)-front && mine[len(mine)-1-back] == theirs[len(theirs)-1-back] {
		back++
	}
	return cell{Before: string(mine[:front]), Differs: string(mine[front : len(mine)-back]), After: string(mine[len(mine)-back:])}
}

// value writes a value as people of the language do, by the kind of its field.
func (l *locale) value(f record.Field, v record.Value, zone *time.Location) string {
	return shorten(l.plain(f, v, zone), longest)
}

func (l *locale) plain(f record.Field, v record.Value, zone *time.Location) string {
	if v.IsList() {
		var parts []string
		for _, item := range v.Items() {
			parts = append(parts, l.element(f, item, zone))
		}
		return strings.Join(parts, ", ")
	}
	text := v.Text()
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		return l.decimal(text)
	case record.KindBool:
		if v.Bool() {
			return l.text("value.yes")
		}
		return l.text("value.no")
	case record.KindDate:
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			return day.Format(l.text("format.date"))
		}
	case record.KindDateTime:
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return l.stamp(at, zone)
		}
	case record.KindChoice, record.KindChoices, record.KindReference, record.KindReferences:
		return engine.ChoiceLabel(f, text)
	case record.KindConsent:
		if text == record.Denied || text == record.Granted {
			return l.text("consent." + text)
		}
	}
	if text == "" {
		return v.String()
	}
	return text
}

// element writes one of a list: a struct by its fields.
func (l *locale) element(f record.Field, v record.Value, zone *time.Location) string {
	fields := v.Fields()
	if fields == nil {
		return l.plain(f, v, zone)
	}
	var parts []string
	for _, name := range fields.Names() {
		if e := elem(f, name); !e.Key && !fields[name].IsEmpty() {
			parts = append(parts, l.plain(e, fields[name], zone))
		}
	}
	return strings.Join(parts, " ")
}

func elem(f record.Field, name string) record.Field {
	for _, e := range f.Elem {
		if e.Name == name {
			return e
		}
	}
	return record.Field{}
}

// decimal writes an exact number, such as "-1234.50", with the marks of the language.
func (l *locale) decimal(text string) string {
	whole, part, broken := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if strings.Trim(whole, "0123456789") != "" {
		return text
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + l.text("format.thousands") + whole[i:]
	}
	if broken {
		whole += l.text("format.point") + part
	}
	return sign + whole
}

// fieldName is what people call a field: its label, else its name.
func fieldName(f record.Field, key string) string {
	switch {
	case f.Label != "":
		return f.Label
	case f.Name != "":
		return f.Name
	default:
		return key
	}
}
