package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// typed reports whether a person enters the field's value as the text that it is.
func typed(f record.Field) bool {
	switch f.Kind {
	case record.KindText, record.KindEmail, record.KindPhone, record.KindChoice:
		return true
	default:
		return false
	}
}

// texty reports whether the field takes any text.
func texty(f record.Field) bool {
	return f.Kind == record.KindText && (f.Format == "" || f.Format == record.FormatName)
}

// fill replaces "{n}" in all texts of a value.
func fill(v record.Value, n string) record.Value {
	switch {
	case v.IsList():
		items := make([]record.Value, 0, len(v.Items()))
		for _, item := range v.Items() {
			items = append(items, fill(item, n))
		}
		return record.List(items...)
	case v.Fields() != nil:
		return record.Struct(fillAll(v.Fields(), n))
	default:
		return record.Text(strings.ReplaceAll(v.Text(), "{n}", n))
	}
}

func fillAll(f record.Fields, n string) record.Fields {
	out := make(record.Fields, len(f))
	for name, v := range f {
		out[name] = fill(v, n)
	}
	return out
}

// fresh returns the sample's fields for one more record.
func (b *Bench) fresh() record.Fields { return fillAll(b.sample.Create, b.next()) }

// editable is the text field that scenarios change: not unique, seen by change stamps;
// best one of the sample that programs write too.
func (b *Bench) editable() record.Field {
	b.Helper()
	f, ok := b.editField()
	if !ok {
		b.Fatalf("%s has no plain text field to edit", b.shape.Name)
	}
	return f
}

func (b *Bench) editField() (record.Field, bool) {
	plain := func(f record.Field) bool {
		_, fixed := b.sample.Fixed[f.Name]
		return texty(f) && !f.CreateOnly && !f.Unique && !f.Silent && !f.Key && !fixed && (f.MaxLen == 0 || f.MaxLen >= 20)
	}
	for _, is := range []func(record.Field) bool{
		func(f record.Field) bool { _, ok := b.sample.Create[f.Name]; return ok && f.Writable() },
		record.Field.Writable,
		func(f record.Field) bool { _, ok := b.sample.People[f.Name]; return ok }, // which programs may not write
	} {
		i := slices.IndexFunc(b.shape.Fields, func(f record.Field) bool { return plain(f) && is(f) })
		if i >= 0 {
			return b.shape.Fields[i], true
		}
	}
	return record.Field{}, false
}

// writable returns the fields that a round trip is made of, and the values for it; those
// for which there is no value are reported.
func (b *Bench) writable() []record.Field {
	var out []record.Field
	for _, f := range b.shape.Fields {
		if _, fixed := b.sample.Fixed[f.Name]; f.Writable() && !fixed {
			out = append(out, f)
		}
	}
	return out
}

// value makes up the first or second value of a field. It reports false for kinds of
// which only a sample can know a value.
func (b *Bench) value(f record.Field, second bool) (record.Value, bool) {
	b.Helper()
	samples := b.sample.Create
	if second {
		samples = b.sample.Update
	}
	n := b.next()
	if v, ok := samples[f.Name]; ok {
		return fill(v, n), true
	}
	switch f.Kind {
	case record.KindText:
		return textValue(f, n)
	case record.KindEmail:
		return record.Text("suite" + n + "@example.com"), true
	case record.KindPhone:
		return record.Text("+30 210 55" + fmt.Sprintf("%05s", n)), true
	case record.KindNumber, record.KindMoney:
		return pick(second, record.Text("7"), record.Text("42.5")), true
	case record.KindBool:
		return record.Bool(!second), true
	case record.KindConsent:
		return pick(second, record.Text(record.Denied), record.Text(record.Granted)), true
	case record.KindDate:
		return pick(second, record.Date(1990, time.March, 5), record.Date(1971, time.December, 31)), true
	case record.KindDateTime:
		return pick(second, record.Time(time.Date(1999, 7, 1, 6, 30, 0, 0, time.UTC)),
			record.Time(time.Date(1998, 12, 31, 23, 59, 58, 0, time.UTC))), true
	case record.KindChoice, record.KindChoices:
		return choiceValue(f, second)
	case record.KindReference:
		return b.referenceValue(f, n)
	default:
		return record.Value{}, false
	}
}

func pick(second bool, a, b record.Value) record.Value {
	if second {
		return b
	}
	return a
}

func textValue(f record.Field, n string) (record.Value, bool) {
	text := "Text " + n
	switch f.Format {
	case record.FormatDomain, record.FormatURL:
		text = "suite" + n + ".example.com"
	case record.FormatHTML:
		text = "<p>Text " + n + "</p>"
	case record.FormatCountry, record.FormatLanguage, record.FormatVATID:
		return record.Value{}, false
	}
	if f.MaxLen > 0 && len(text) > f.MaxLen {
		text = n[max(0, len(n)-f.MaxLen):]
	}
	return record.Rewritten(record.Text(text), f.Rewrites), true // so that the vendor leaves it as it is
}

func choiceValue(f record.Field, second bool) (record.Value, bool) {
	var offered []string
	for _, c := range f.Choices {
		if !c.Hidden && c.Value != "" {
			offered = append(offered, c.Value)
		}
	}
	switch {
	case len(offered) == 0:
		return record.Value{}, false
	case f.Kind == record.KindChoices && second:
		return record.Texts(offered[:min(2, len(offered))]...), true
	case f.Kind == record.KindChoices:
		return record.Texts(offered[len(offered)-1]), true
	case second:
		return record.Text(offered[len(offered)-1]), true
	default:
		return record.Text(offered[0]), true
	}
}

// referenceValue lets a person make the record to point at, if the suite has a sample of
// its object.
func (b *Bench) referenceValue(f record.Field, n string) (record.Value, bool) {
	b.Helper()
	for _, o := range b.suite.Objects {
		if o.Name != f.To {
			continue
		}
		shape, ok := b.Schema.Object(f.To)
		if !ok {
			return record.Value{}, false
		}
		other := &Bench{TB: b.TB, suite: b.suite, sample: o, shape: shape}
		fields := o.People
		if fields == nil {
			fields = other.people()
		}
		id, err := b.Twin.Put(f.To, "", numbered(fields, "ref"+n))
		if err != nil {
			b.Fatalf("a person's new record of %s: %v", f.To, err)
		}
		return record.Text(id), true
	}
	return record.Value{}, false
}

// holds fails unless the record holds what was sent, as the vendor rewrites it (R2).
func (b *Bench) holds(what string, f record.Field, got record.Fields, sent record.Value) {
	b.Helper()
	v, known := got[f.Name]
	switch {
	case !known:
		b.Errorf("%s: the record that is read back lacks %s", what, f.Name)
	case f.Kind == record.KindList && elements(f, v, sent):
	case !f.Echoes(v, sent) && !equal(f, v, sent):
		b.Errorf("%s: %s was sent as %q and reads %q, not %q", what, f.Name, sent, v, record.Rewritten(sent, f.Rewrites))
	}
}

// elements reports whether a list holds the elements that were sent, in their order. The
// vendor's ids of them, and what it works out by itself, were not sent.
func elements(f record.Field, v, sent record.Value) bool {
	return slices.EqualFunc(v.Items(), sent.Items(), func(got, want record.Value) bool {
		return !slices.ContainsFunc(f.Elem, func(e record.Field) bool {
			w, named := want.Fields()[e.Name]
			return named && e.Writable() && !record.Echoes(got.Fields()[e.Name], w, e.Rewrites)
		})
	})
}

// equal compares two values of a field; the order of choices and references has no meaning.
func equal(f record.Field, v, w record.Value) bool {
	if f.Kind == record.KindChoices || f.Kind == record.KindReferences {
		return slices.Equal(sorted(v), sorted(w))
	}
	return v.Equal(w)
}

func sorted(v record.Value) []string {
	var items []string
	for _, item := range v.Items() {
		items = append(items, item.Text())
	}
	slices.Sort(items)
	return items
}
