package connectortest

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func referenceScenarios() []scenario {
	return []scenario{
		{name: "a list of references keeps what others add meanwhile", needs: needAll(needVerb(connector.Update), needReferences()), run: referencesKept},
	}
}

// needReferences is met if the object has a list of references that can be written and of which
// two are known: by the sample, or because their object has one.
func needReferences() need {
	return unless("list of references", "the object has no list of references that can be written", func(b *Bench) bool {
		return slices.ContainsFunc(b.shape.Fields, b.refers)
	})
}

// refers reports whether a field is such a list, also one that the suite leaves alone otherwise.
func (b *Bench) refers(f record.Field) bool {
	_, first := b.sample.Create[f.Name]
	_, second := b.sample.Update[f.Name]
	sampled := first && second || b.suite.Targets[f.To] != nil || slices.ContainsFunc(b.suite.Objects, func(o Object) bool { return o.Name == f.To })
	return f.Kind == record.KindReferences && f.Writable() && !f.CreateOnly && !f.NoClear && sampled
}

// twoReferences are two records that the field can point at.
func (b *Bench) twoReferences(f record.Field) (string, string) {
	b.Helper()
	first, sampled := b.value(f, false)
	second, also := b.value(f, true)
	if sampled && also && len(first.Items()) > 0 {
		mine := first.Items()[0]
		for _, theirs := range second.Items() {
			if !theirs.Equal(mine) {
				return mine.Text(), theirs.Text()
			}
		}
	}
	return b.target(f), b.target(f)
}

// target lets a person make a record that the field can point at.
func (b *Bench) target(f record.Field) string {
	b.Helper()
	if fields := b.suite.Targets[f.To]; fields != nil {
		id, err := b.Twin.Put(f.To, "", numbered(fields, b.next()))
		if err != nil {
			b.Fatalf("a person's new record of %s: %v", f.To, err)
		}
		return id
	}
	v, made := b.referenceValue(f, b.next())
	if !made {
		b.Fatalf("the sample needs two different references of %s", f.Name)
	}
	return v.Text()
}

// numbered replaces "{n}" in what a person enters.
func numbered(fields map[string]string, n string) map[string]string {
	out := make(map[string]string, len(fields))
	for name, text := range fields {
		out[name] = strings.ReplaceAll(text, "{n}", n)
	}
	return out
}

// referencesKept holds R12 at the vendor: of a list of references a write takes away only what was
// read, is there and is not wanted. What others have added since the read stays, and what they have
// taken away is no error.
func referencesKept(b *Bench) {
	b.prepare()
	for _, f := range b.shape.Fields {
		if !b.refers(f) {
			continue
		}
		mine, theirs := b.twoReferences(f)
		id := b.create()
		write := func(was connector.Change, ids ...string) {
			b.do(b.setOp(was, record.Fields{f.Name: record.Texts(ids...)}))
		}
		write(b.one(id), mine)
		was := b.one(id)
		write(was, mine, theirs) // as others do it
		write(was)
		b.refersTo(id, f, theirs)
		was = b.one(id)
		write(was, mine) // as others do it
		write(was)
		b.refersTo(id, f, mine)
	}
}

func (b *Bench) refersTo(id string, f record.Field, want string) {
	b.Helper()
	if got := b.one(id).Fields[f.Name]; !equal(f, got, record.Texts(want)) {
		b.Errorf("%s holds %q after a write that knew nothing of %s, which others had added", f.Name, got, want)
	}
}
