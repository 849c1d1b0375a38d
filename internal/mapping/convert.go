package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/record"
)

// A MisfitError is a value that the field of the other side cannot hold. A person has to
// change the value or the configuration.
type MisfitError struct {
	Field string // wire name of the field that cannot hold it
	Why   string
}

// CannotHold is what every [MisfitError] says: nobody has asked the system then.
const CannotHold = " cannot hold the value: "

// Error says what does not fit where.
func (e *MisfitError) Error() string { return e.Field + CannotHold + e.Why }

func misfit(f record.Field, format string, args ...any) error {
	return &MisfitError{Field: f.Name, Why: fmt.Sprintf(format, args...)}
}

// Convert returns a side's value as the other side would hold it. known is false if it
// cannot be told there, such as the id of a record that has no link (R11). A value that
// the other field cannot hold is a [*MisfitError], unless this direction is not carried anyway.
func (m *Mapping) Convert(i int, from record.Side, v record.Value, refs Refs) (out record.Value, known bool, err error) {
	p := &m.pairs[i]
	if p.conv[from] == nil {
		return record.Value{}, false, nil
	}
	out, known, err = p.conv[from](v, refs)
	if most := p.longest[from]; err == nil && most > 0 && len(out.Text()) > most {
		// Never cut silently: the rest would be lost on the way back.
		if n := utf8.RuneCountInString(out.Text()); n > most {
			err = misfit(m.fields[i].side(from.Other()), "%d characters are more than %d", n, most)
		}
	}
	switch {
	case err == nil:
		return out, known, nil
	case !p.allowed[from]:
		return record.Value{}, false, nil
	default:
		return record.Value{}, false, fmt.Errorf("convert %s: %w", m.fields[i].Key, err)
	}
}

func asIs(v record.Value, _ Refs) (record.Value, bool, error) { return v, true, nil }

// onScalar makes a converter of a function on texts; the empty value stays empty.
func onScalar(fn func(string) string) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if v.IsEmpty() {
			return v, true, nil
		}
		return record.Text(fn(v.Text())), true, nil
	}
}

func boolToNumber(v record.Value, _ Refs) (record.Value, bool, error) {
	switch {
	case v.IsEmpty():
		return v, true, nil
	case v.Bool():
		return record.Int(1), true, nil
	default:
		return record.Int(0), true, nil
	}
}

// translate turns an id of a side's object into that of the linked record.
func translate(from record.Side, object string) converter {
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		if v.IsEmpty() {
			return v, true, nil
		}
		if refs == nil {
			return record.Value{}, false, nil
		}
		to, ok := refs.Translate(from, object, v.Text())
		if !ok || to == "" {
			return record.Value{}, false, nil // R11
		}
		return record.Text(to), true, nil
	}
}

// eachKnown converts the elements of a set, or a scalar as its only element. What cannot
// be told is left out: no rule names it, so it is neither added nor removed (R12). If
// nothing can be told, the whole value is absent (R11). See [Mapping.Told].
func eachKnown(one converter) converter {
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		items := v.Items()
		if !v.IsList() && !v.IsEmpty() {
			items = []record.Value{v}
		}
		out := make([]record.Value, 0, len(items))
		for _, item := range items {
			x, known, err := one(item, refs)
			if err == nil && known {
				out = append(out, x)
			}
		}
		return record.List(out...), len(out) > 0 || len(items) == 0, nil
	}
}

// Told returns the part of a set that Convert can tell to the other side, in the form of
// the side that it is from; every other value is returned whole. A base that keeps only
// what was told lets the rest be told as soon as it can be.
func (m *Mapping) Told(i int, from record.Side, v record.Value, refs Refs) record.Value {
	if !m.fields[i].Set || !v.IsList() || m.pairs[i].conv[from] == nil {
		return v
	}
	kept := make([]record.Value, 0, len(v.Items()))
	for _, item := range v.Items() {
		if _, known, err := m.pairs[i].conv[from](record.List(item), refs); err == nil && known {
			kept = append(kept, item)
		}
	}
	return record.List(kept...)
}

// mapped looks a value up in a value map first. What the map does not name is converted
// without it, unless it would come out as a value that the map uses for another (R13).
func mapped(values map[string]string, rest converter, from, to record.Field) converter {
	outputs := make(map[string]bool, len(values))
	for _, v := range values {
		outputs[v] = true
	}
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		if out, ok := values[v.Text()]; ok {
			return record.Text(out), true, nil
		}
		switch {
		case v.IsEmpty():
			return v, true, nil
		case rest == nil:
			return v, false, misfit(to, "the values of %s do not name %.60q", from.Name, v.Text())
		}
		out, known, err := rest(v, refs)
		if err == nil && known && outputs[out.Text()] {
			return v, false, misfit(to, "%.60q stands for another value of %s", out.Text(), from.Name)
		}
		return out, known, err
	}
}

func choiceToChoice(from, to record.Field) converter {
	table, loose := choiceTable(from, to), textToChoice(from, to)
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		if out, ok := table[v.Text()]; ok {
			return record.Text(out), true, nil
		}
		return loose(v, refs)
	}
}

// textToChoice finds a choice by its value, else by its label; an open field, or one whose
// choices are not known, takes everything.
func textToChoice(from, to record.Field) converter {
	values, labels := make(map[string]bool, len(to.Choices)), make(map[string]string, len(to.Choices))
	for _, ch := range to.Choices {
		values[ch.Value] = true
		if v, ok := byLabel(to.Choices, ch.Label); ok {
			labels[fold(ch.Label)] = v
		}
	}
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		s := v.Text()
		if s == "" || values[s] {
			return v, true, nil
		}
		if out, ok := labels[fold(s)]; ok {
			return record.Text(out), true, nil
		}
		if to.Open || len(values) == 0 {
			return v, true, nil
		}
		return v, false, misfit(to, "%s", noChoice(from, to, s))
	}
}

// noChoice says that a value has no counterpart, in the words of people, and what it may be.
func noChoice(from, to record.Field, s string) string {
	shown, called := fmt.Sprintf("%.60q", s), s
	if i := slices.IndexFunc(from.Choices, func(c record.Choice) bool { return c.Value == s }); i >= 0 && from.Choices[i].Label != "" {
		called = from.Choices[i].Label
		shown += fmt.Sprintf(" (%.60s)", called)
	}
	var words, all []string
	for _, c := range to.Choices {
		if words = append(words, c.Value, c.Label); !c.Hidden {
			all = append(all, strings.TrimSuffix(fmt.Sprintf("%.40s (%.40s)", c.Value, c.Label), " ()"))
		}
	}
	text := shown + " is none of its choices"
	switch near := nearest(called, words); {
	case near != "":
		text += fmt.Sprintf("; the nearest is %q", near)
	case len(all) > 0 && len(all) <= 10:
		text = fmt.Sprintf("%s is none of its choices, which are %s", shown, strings.Join(all, ", "))
	}
	return text + "; name it under values of the field"
}

// choiceToText writes what people read, as long as it leads back to the value.
func choiceToText(from record.Field) converter {
	labels := make(map[string]string, len(from.Choices))
	for _, ch := range from.Choices {
		if v, ok := byLabel(from.Choices, ch.Label); ok && v == ch.Value && !hasChoice(from, ch.Label) {
			labels[ch.Value] = strings.TrimSpace(ch.Label)
		}
	}
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if label, ok := labels[v.Text()]; ok {
			return record.Text(label), true, nil
		}
		return v, true, nil
	}
}

// moment converts dates and instants. A date is midnight in the zone of the account that
// keeps the instant, because that is the day which people see there.
func (c *compiler) moment(from, to record.Field, side record.Side) (converter, string) {
	switch from.Kind {
	case to.Kind:
		return asIs, ""
	case record.KindDate:
		return dateToTime(to, c.in.Zones[side.Other()]), ""
	case record.KindDateTime:
		return timeToDate(to, c.in.Zones[side]), ""
	default:
		return nil, clash(from, to)
	}
}

func dateToTime(to record.Field, zone *time.Location) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if v.IsEmpty() {
			return v, true, nil
		}
		t, err := time.ParseInLocation(time.DateOnly, v.Text(), zone)
		if err != nil {
			return v, false, misfit(to, "%.60q is no date", v.Text())
		}
		return record.Time(t), true, nil
	}
}

func timeToDate(to record.Field, zone *time.Location) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if v.IsEmpty() {
			return v, true, nil
		}
		t, err := time.Parse(time.RFC3339, v.Text())
		if err != nil {
			return v, false, misfit(to, "%.60q is no time", v.Text())
		}
		return record.Text(t.In(zone).Format(time.DateOnly)), true, nil
	}
}

func computedText(to record.Field) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		if v.IsList() {
			return v, false, misfit(to, "the expression came to a list")
		}
		return v, true, nil
	}
}

func computedNumber(to record.Field) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		out, ok := record.Number(strings.TrimSpace(v.Text()))
		if !ok || v.IsList() {
			return v, false, misfit(to, "%.60q is no number", v.String())
		}
		return out, true, nil
	}
}

func computedBool(to record.Field) converter {
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		switch v.Text() {
		case "true", "1":
			return record.Bool(true), true, nil
		case "false", "0":
			return record.Bool(false), true, nil
		}
		if v.IsEmpty() {
			return v, true, nil
		}
		return v, false, misfit(to, "%.60q is neither true nor false", v.String())
	}
}

func computedMoment(to record.Field, zone *time.Location) converter {
	return func(v record.Value, refs Refs) (record.Value, bool, error) {
		_, err := time.Parse(time.DateOnly, v.Text())
		isDate := err == nil
		switch {
		case v.IsEmpty():
			return v, true, nil
		case to.Kind == record.KindDate && isDate:
			return v, true, nil
		case to.Kind == record.KindDate:
			out, known, err := timeToDate(to, zone)(v, refs)
			if err != nil {
				err = misfit(to, "%.60q is no day such as 2026-11-21", v.String())
			}
			return out, known, err
		case isDate:
			return dateToTime(to, zone)(v, refs)
		}
		t, err := time.Parse(time.RFC3339, v.Text())
		if err != nil {
			return v, false, misfit(to, "%.60q is no time such as 2026-11-21T14:30:00Z", v.String())
		}
		return record.Time(t), true, nil
	}
}
