package connectortest

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func lookupScenarios() []scenario {
	return []scenario{
		{name: "read keeps the order", needs: needAll(needReader()), run: readOrder},
		{name: "read shows what a listing shows", needs: needAll(needSource(), needReader()), run: readAsListing},
		{name: "find finds all that hold a value and no other", needs: needAll(needFinder()), run: findExact},
		{name: "find by e-mail disregards case", needs: needAll(needFinder(), needField("findable e-mail", findableEmail)), run: findCase},
	}
}

// missing is an id that no record has.
func (b *Bench) missing() string {
	if b.sample.Missing != "" {
		return b.sample.Missing
	}
	return "99999999"
}

// readOrder asks for records backwards, among them one that was deleted and one that
// never was, and for as many as one call may hold.
func readOrder(b *Bench) {
	b.prepare()
	ids := b.puts(4)
	b.remove(ids[2])
	b.later()
	ask := []string{ids[3], b.missing(), ids[0], ids[2], ids[1]}
	for i, c := range b.read(ask...) {
		gone := ask[i] == ids[2] || ask[i] == b.missing()
		if gone != fateGone(c.Fate) || !gone && (c.Fate != connector.Present || len(c.Fields) == 0) {
			b.Errorf("read: %s has fate %q and %d fields", c.ID, c.Fate, len(c.Fields))
		}
		if ask[i] == b.missing() && c.Fate != connector.Deleted {
			b.Errorf("read: a record that never was has fate %q", c.Fate)
		}
	}
	most := slices.Clone(ids[:2])
	for len(most) < b.shape.ReadBatch {
		most = append(most, b.put())
	}
	slices.Reverse(most)
	b.lag()
	for _, c := range b.read(most...) {
		if c.Fate != connector.Present {
			b.Errorf("read of %d: %s has fate %q", len(most), c.ID, c.Fate)
		}
	}
}

func readAsListing(b *Bench) {
	b.prepare()
	b.full()
	b.puts(2)
	b.later()
	r := b.list()
	for _, c := range b.read(r.present()...) {
		listed := r.known[c.ID]
		for _, f := range b.shape.Fields {
			v, listed := listed.Fields[f.Name]
			w, shown := c.Fields[f.Name]
			if listed != shown || !equal(f, v, w) {
				b.Errorf("%s of %s: listed %v as %q, read %v as %q", f.Name, c.ID, listed, v, shown, w)
			}
		}
		if c.Version != listed.Version || !c.Created.Equal(listed.Created) || !c.Modified.Equal(listed.Modified) {
			b.Errorf("%s: version and stamps are listed as %q %v %v, read as %q %v %v", c.ID,
				listed.Version, listed.Created, listed.Modified, c.Version, c.Created, c.Modified)
		}
	}
}

func findableEmail(f record.Field) bool { return f.Findable && f.Kind == record.KindEmail }

// findable returns the fields to find by.
func (b *Bench) findable() []record.Field {
	return slices.DeleteFunc(slices.Clone(b.shape.Fields), func(f record.Field) bool {
		_, fixed := b.sample.Fixed[f.Name]
		text := f.Kind == record.KindText || f.Kind == record.KindEmail || f.Kind == record.KindPhone
		return !f.Findable || fixed || !text
	})
}

// findExact holds Finder's contract, with neighbours that a careless search would return:
// longer texts, wildcards, quotes.
func findExact(b *Bench) {
	b.prepare()
	for _, f := range b.findable() {
		if f.ReadOnly || f.Key {
			continue // found by in the scenarios that write it
		}
		v, ok := b.value(f, true)
		if !ok {
			b.Errorf("the sample has no value of %s to find by", f.Name)
			continue
		}
		near := b.putWith(f, "x"+v.Text())
		first := b.putWith(f, v.Text())
		twice := []string{first}
		if !f.Unique {
			twice = append(twice, b.putWith(f, v.Text()))
		}
		other, _ := b.value(f, true)
		for other.Equal(v) { // a sample without a number in it
			other = record.Text("Other " + b.next())
		}
		third := b.putWith(f, other.Text())
		b.later()
		b.same("find by "+f.Name, b.find(f.Name, v.Text()), twice)
		b.same("find by two values of "+f.Name, b.find(f.Name, "nobody"+v.Text(), other.Text(), v.Text()), append(twice, third))
		b.same("find the neighbour by "+f.Name, b.find(f.Name, "x"+v.Text()), []string{near})
		for _, wild := range []string{"%", "_", "*", "nobody'" + v.Text(), `nobody"` + v.Text(), "nobody (" + v.Text() + ")"} {
			b.same("find by "+f.Name+" "+wild, b.find(f.Name, wild), nil)
		}
		b.remove(first)
		b.later()
		b.same("find by "+f.Name+" after a delete", b.find(f.Name, v.Text()), twice[1:])
	}
}

// putWith lets a person make a record with a value.
func (b *Bench) putWith(f record.Field, text string) string {
	b.Helper()
	id := b.put()
	b.enter(id, f.Name, text)
	return id
}

// findCase finds e-mails in any case, since people and vendors write them in any.
func findCase(b *Bench) {
	b.prepare()
	for _, f := range b.findable() {
		if !findableEmail(f) || f.ReadOnly {
			continue
		}
		id := b.putWith(f, "Ann.Meyer"+b.next()+"@Example.com")
		b.later()
		held := b.one(id).Fields[f.Name].Text()
		for _, variant := range []string{held, strings.ToLower(held), strings.ToUpper(held)} {
			b.same("find by "+f.Name+" "+variant, b.find(f.Name, variant), []string{id})
		}
	}
}
