package connectortest

import (
	"reflect"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func schemaScenarios() []scenario {
	return []scenario{
		{name: "the schema is sound", needs: needAll(needSource()), run: schemaSound},
		{name: "every declared field appears in a record", needs: needAll(needSource()), run: fieldsAppear},
		{name: "values have the form of their kind", needs: needAll(needSource()), run: valuesCanonical},
		{name: "a page shows the fields that were asked for", needs: needAll(needSource(), needEdit()), run: fieldsAsked},
		{name: "a field can be added", needs: needAll(needAddField()), run: fieldAdded},
	}
}

// schemaSound holds what the schema says against the words of package record.
func schemaSound(b *Bench) {
	b.prepare()
	o := b.shape
	if o.Title == "" {
		b.Errorf("%s has no title", o.Name)
	}
	if o.Batch < 1 && (o.Create || o.Update) {
		b.Errorf("%s can be written, %d at a time", o.Name, o.Batch)
	}
	if o.ReadBatch < 1 && (b.Reader != nil || b.Finder != nil) {
		b.Errorf("%s can be read by id, %d at a time", o.Name, o.ReadBatch)
	}
	evidence := []record.Evidence{record.EvidenceNone, record.EvidenceListing, record.EvidenceBin, record.EvidenceFeed}
	if !slices.Contains(evidence, o.Deletes) {
		b.Errorf("%s has evidence %q", o.Name, o.Deletes)
	}
	seen := map[string]bool{}
	for _, f := range o.Fields {
		if seen[f.Name] || f.Name == "" {
			b.Errorf("two fields are called %q", f.Name)
		}
		seen[f.Name] = true
		b.fieldSound(f)
		b.meansSomething(f)
	}
	for _, name := range b.sample.Custom {
		if f, ok := o.Field(name); !ok || !f.Custom {
			b.Errorf("the schema should list the custom field %s: listed %v, custom %v", name, ok, f.Custom)
		}
	}
	for _, f := range o.Fields {
		if _, sampled := b.sample.Create[f.Name]; f.Required && o.Create && f.Writable() && !sampled {
			b.Errorf("the sample lacks %s, which is required", f.Name)
		}
	}
	for name := range b.sample.Create {
		if f, ok := o.Field(name); !ok || !f.Writable() {
			b.Errorf("the sample has %s, which the schema lacks or calls read-only", name)
		}
	}
	b.reopen()
	if again := b.schema(); !reflect.DeepEqual(again, b.Schema) {
		b.Errorf("the schema differs when it is read again, and nobody changed it")
	}
}

// meansSomething checks that what a field says to be everywhere is known there, because a
// meaning of one system's own maps to nothing.
func (b *Bench) meansSomething(f record.Field) {
	b.Helper()
	if b.shape.Common == "" || f.Common == "" {
		return
	}
	everywhere, ok := record.CommonOf(b.shape.Common)
	if !ok {
		b.Errorf("%s is no common object", b.shape.Common)
		return
	}
	means, ok := everywhere.Field(f.Common)
	switch {
	case !ok:
		b.Errorf("%s has the meaning %q, which %s has not", f.Name, f.Common, b.shape.Common)
	case !slices.Contains(means.Kinds, f.Kind):
		b.Errorf("%s is of kind %s, and %s.%s of %v", f.Name, f.Kind, b.shape.Common, f.Common, means.Kinds)
	}
}

func (b *Bench) fieldSound(f record.Field) {
	b.Helper()
	kinds := []record.Kind{
		record.KindText, record.KindNumber, record.KindBool, record.KindDate, record.KindDateTime, record.KindChoice,
		record.KindChoices, record.KindEmail, record.KindPhone, record.KindMoney, record.KindReference,
		record.KindReferences, record.KindList, record.KindConsent,
	}
	formats := []record.Format{
		"", record.FormatDomain, record.FormatURL, record.FormatName, record.FormatCountry, record.FormatLanguage,
		record.FormatHTML, record.FormatVATID,
	}
	if !slices.Contains(kinds, f.Kind) {
		b.Errorf("%s is of unknown kind %q", f.Name, f.Kind)
	}
	if !slices.Contains(formats, f.Format) || f.Format != "" && f.Kind != record.KindText {
		b.Errorf("%s of kind %s has format %q", f.Name, f.Kind, f.Format)
	}
	for _, r := range f.Rewrites {
		if !rewrites(r) {
			b.Errorf("%s has unknown rewrite %q", f.Name, r)
		}
	}
	choice := f.Kind == record.KindChoice || f.Kind == record.KindChoices
	if choice && len(f.Choices) == 0 && !f.Open {
		b.Errorf("%s is a choice of nothing", f.Name)
	}
	if !choice && f.Kind != record.KindReferences && len(f.Choices) > 0 {
		b.Errorf("%s of kind %s has choices", f.Name, f.Kind)
	}
	if (f.Kind == record.KindList) != (len(f.Elem) > 0) {
		b.Errorf("%s of kind %s describes %d fields of its elements", f.Name, f.Kind, len(f.Elem))
	}
	reference := f.Kind == record.KindReference || f.Kind == record.KindReferences
	if reference != (f.To != "") {
		b.Errorf("%s of kind %s points to %q", f.Name, f.Kind, f.To)
	}
	if f.Firsthand && f.Kind != record.KindConsent {
		b.Errorf("%s of kind %s is said to be firsthand, which only a consent can be", f.Name, f.Kind)
	}
	if f.Required && f.ReadOnly {
		b.Errorf("%s is required and read-only", f.Name)
	}
}

// rewrites reports whether package record knows what a rewrite does: every one changes
// something of this text.
func rewrites(r record.Rewrite) bool {
	all := record.Text("  A <b>\"x\"</b>  &amp; & \\ 😀\nend")
	return !record.Rewritten(all, []record.Rewrite{r}).Equal(all)
}

// full writes or enters a record with as many fields filled as can be.
func (b *Bench) full() string {
	b.Helper()
	if b.Writer == nil || !b.shape.Create {
		return b.put()
	}
	op := b.newOp()
	for _, f := range b.writable() {
		if _, sampled := op.Set[f.Name]; sampled {
			continue
		}
		if v, ok := b.value(f, false); ok {
			op.Set[f.Name] = v
		}
	}
	return b.do(op).Ref.ID
}

// fieldsAppear lists records until every field that the schema names was shown, empty or
// not: what no record shows is absent for ever, and mapping it would do nothing.
func fieldsAppear(b *Bench) {
	b.prepare()
	id := b.full()
	b.put()
	b.later()
	shown := map[string]bool{}
	r := b.list()
	for _, c := range r.known {
		for name := range c.Fields {
			shown[name] = true
		}
	}
	if _, ok := r.known[id]; !ok {
		b.Fatalf("the listing does not show %s", id)
	}
	for _, f := range b.shape.Fields {
		_, unseen := b.sample.Unseen[f.Name]
		if !unseen && !shown[f.Name] {
			b.Errorf("no record shows %s", f.Name)
		}
		if unseen && shown[f.Name] {
			b.Errorf("the sample calls %s unseen, and a record shows it", f.Name)
		}
	}
	for name := range shown {
		if _, ok := b.shape.Field(name); !ok {
			b.Errorf("records show %s, which the schema does not name", name)
		}
	}
}

// valuesCanonical reads records as people and programs leave them and looks at every value.
func valuesCanonical(b *Bench) {
	b.prepare()
	b.full()
	b.puts(2)
	b.later()
	for id, c := range b.list().known {
		for _, f := range b.shape.Fields {
			if v, ok := c.Fields[f.Name]; ok && !v.IsEmpty() {
				if why := misformed(f, v); why != "" {
					b.Errorf("%s of %s is %q: %s", f.Name, id, v, why)
				}
			}
		}
		for _, t := range []time.Time{c.Created, c.Modified} {
			if !t.IsZero() && t.Location() != time.UTC {
				b.Errorf("a stamp of %s is not in UTC: %v", id, t)
			}
		}
	}
}

// misformed says what is wrong with the form of a value that is not empty.
func misformed(f record.Field, v record.Value) string {
	switch f.Kind {
	case record.KindChoices, record.KindReferences, record.KindList:
		if !v.IsList() {
			return "this kind is a list"
		}
		for _, item := range v.Items() {
			if (item.Fields() != nil) != (f.Kind == record.KindList) {
				return "an item is of the wrong shape"
			}
			if f.Kind == record.KindChoices && !offered(f, item.Text()) {
				return "an item is none of the choices"
			}
		}
		return ""
	}
	text := v.Text()
	if text == "" {
		return "this kind is a scalar"
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		if n, ok := record.Number(text); !ok || n.Text() != text {
			return "this is not a number's canonical form"
		}
	case record.KindBool:
		if text != "true" && text != "false" {
			return "a bool is true or false"
		}
	case record.KindDate:
		if d, err := time.Parse(time.DateOnly, text); err != nil || record.Date(d.Date()).Text() != text {
			return "a date is like 2006-01-02"
		}
	case record.KindDateTime:
		if t, err := time.Parse(time.RFC3339Nano, text); err != nil || record.Time(t).Text() != text {
			return "a datetime is RFC 3339 in UTC"
		}
	case record.KindChoice:
		if !offered(f, text) {
			return "this is none of the choices"
		}
	}
	return ""
}

func offered(f record.Field, value string) bool {
	return f.Open || slices.ContainsFunc(f.Choices, func(c record.Choice) bool { return c.Value == value })
}

// fieldsAsked asks for one field; more may come, less may not, and the value is the one
// that a full page shows.
func fieldsAsked(b *Bench) {
	b.prepare()
	id := b.put()
	b.later()
	all := b.list().known[id]
	for _, f := range b.shape.Fields {
		want, shown := all.Fields[f.Name]
		if !shown {
			continue
		}
		r := b.reading()
		r.fields = []string{f.Name}
		r.more()
		got, ok := r.known[id].Fields[f.Name]
		if !ok || !equal(f, got, want) {
			b.Errorf("asked for %s alone: shown %v as %q, a full page shows %q", f.Name, ok, got, want)
		}
	}
}

// fieldAdded adds a field twice, finds it in the schema and writes it.
func fieldAdded(b *Bench) {
	b.prepare()
	field := record.Field{Name: "tandem_suite", Label: "Suite", Kind: record.KindText}
	first, err := b.AddField.AddField(b.ctx, b.shape.Name, field)
	if b.note(err); err != nil {
		b.Fatalf("add field: %v", err)
	}
	again, err := b.AddField.AddField(b.ctx, b.shape.Name, field)
	if b.note(err); err != nil {
		b.Fatalf("add field that is there: %v", err)
	}
	if first.Name == "" || again.Name != first.Name {
		b.Errorf("the field was added as %q, then as %q", first.Name, again.Name)
	}
	b.reopen()
	b.prepare()
	f, ok := b.shape.Field(first.Name)
	if !ok || !f.Custom || f.Kind != record.KindText {
		b.Fatalf("the schema shows the added field as %+v, listed %v", f, ok)
	}
	if b.Writer == nil || !b.shape.Update {
		return
	}
	was := b.one(b.put())
	sent := record.Text("by the suite")
	b.do(b.setOp(was, record.Fields{f.Name: sent}))
	b.holds("the added field", f, b.one(was.ID).Fields, sent)
}

// fateGone reports whether a fate says that people no longer see the record.
func fateGone(f connector.Fate) bool {
	return f == connector.Deleted || f == connector.Archived || f == connector.Merged
}
