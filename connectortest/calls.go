package connectortest

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// rows returns the ids of what people see, sorted as text.
func (b *Bench) rows() []string {
	var ids []string
	for _, row := range b.Twin.Rows(b.shape.Name) {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return ids
}

// read reads records by id, in calls as large as allowed.
func (b *Bench) read(ids ...string) []connector.Change {
	b.Helper()
	var out []connector.Change
	for chunk := range slices.Chunk(ids, max(1, b.shape.ReadBatch)) {
		got, err := b.Reader.Read(b.ctx, b.shape.Name, chunk)
		if b.note(err); err != nil {
			b.Fatalf("read: %v", err)
		}
		if len(got) != len(chunk) {
			b.Fatalf("read: %d changes for %d ids", len(got), len(chunk))
		}
		for i, c := range got {
			b.sound(c)
			if c.ID != chunk[i] {
				b.Fatalf("read: asked for %v, answer %d is %s", chunk, i, c.ID)
			}
		}
		out = append(out, got...)
	}
	return out
}

// one reads a record that must be there. It waits until reads show what was written.
func (b *Bench) one(id string) connector.Change {
	b.Helper()
	b.lag()
	c := b.look(id)
	if c.Fate != connector.Present || c.Fields == nil {
		b.Fatalf("read: %s has fate %q and %d fields; it should be there", id, c.Fate, len(c.Fields))
	}
	return c
}

// look reads a record by id, or from a listing if the connector cannot read by id.
func (b *Bench) look(id string) connector.Change {
	b.Helper()
	if b.Reader != nil {
		return b.read(id)[0]
	}
	if c, ok := b.list().known[id]; ok {
		return c
	}
	gone := connector.Change{Fate: connector.Deleted}
	gone.Ref = record.Ref{Object: b.shape.Name, ID: id}
	return gone
}

// lag waits until a read shows what was written before.
func (b *Bench) lag() { time.Sleep(b.shape.ReadLag) }

// later waits long enough for change stamps to differ and for reads to show it.
func (b *Bench) later() { time.Sleep(2*time.Second + b.shape.ReadLag) }

// find looks records up that must be found without an error.
func (b *Bench) find(field string, values ...string) []string {
	b.Helper()
	var ids []string
	for chunk := range slices.Chunk(values, max(1, b.shape.ReadBatch)) {
		got, err := b.Finder.Find(b.ctx, b.shape.Name, field, chunk)
		if b.note(err); err != nil {
			b.Fatalf("find by %s: %v", field, err)
		}
		for _, rec := range got {
			if rec.Object != b.shape.Name || rec.ID == "" {
				b.Errorf("find by %s: a record of %q with id %q", field, rec.Object, rec.ID)
			}
			ids = append(ids, rec.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// try writes and returns one error per operation, whichever way it came.
func (b *Bench) try(ops ...connector.Op) ([]connector.Result, []error) {
	b.Helper()
	results, err := b.Writer.Write(b.ctx, ops)
	errs := make([]error, len(ops))
	if b.note(err); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return make([]connector.Result, len(ops)), errs
	}
	if len(results) != len(ops) {
		b.Fatalf("write: %d results for %d operations", len(results), len(ops))
	}
	for i, res := range results {
		b.note(res.Err)
		errs[i] = res.Err
		if res.Err == nil && (res.Ref.Object != ops[i].Ref.Object || res.Ref.ID == "") {
			b.Errorf("write: the result of %s %s names %q %q", ops[i].Verb, ops[i].Ref.ID, res.Ref.Object, res.Ref.ID)
		}
		if id := ops[i].Ref.ID; res.Err == nil && id != "" && res.Ref.ID != id {
			b.Errorf("write: the result of %s %s names %s", ops[i].Verb, id, res.Ref.ID)
		}
	}
	return results, errs
}

// do writes what must succeed.
func (b *Bench) do(op connector.Op) connector.Result {
	b.Helper()
	results, errs := b.try(op)
	if errs[0] != nil {
		b.Fatalf("%s %s %v: %v", op.Verb, op.Ref.ID, op.Set.Names(), errs[0])
	}
	for _, refused := range results[0].Refused {
		b.Fatalf("%s %s: field %s was refused: %s", op.Verb, op.Ref.ID, refused.Field, refused.Why)
	}
	return results[0]
}

// key returns an operation key that was not used yet.
func (b *Bench) key() string { return "tdm-suite-" + b.next() }

func (b *Bench) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	return strconv.Itoa(b.count)
}

func (b *Bench) ref(id string) record.Ref { return record.Ref{Object: b.shape.Name, ID: id} }

// newOp is an operation that creates a record like the sample.
func (b *Bench) newOp() connector.Op {
	return connector.Op{Key: b.key(), Verb: connector.Create, Ref: b.ref(""), Set: b.fresh()}
}

// setOp is an operation that updates fields of a record.
func (b *Bench) setOp(was connector.Change, set record.Fields) connector.Op {
	op := connector.Op{Key: b.key(), Verb: connector.Update, Ref: b.ref(was.ID), Set: set, Was: record.Fields{}}
	for name := range set {
		if v, ok := was.Fields[name]; ok {
			op.Was[name] = v
		}
	}
	return op
}

// verbOp is an operation without fields.
func (b *Bench) verbOp(verb connector.Verb, id string) connector.Op {
	return connector.Op{Key: b.key(), Verb: verb, Ref: b.ref(id)}
}

// create writes a record like the sample and returns its id.
func (b *Bench) create() string {
	b.Helper()
	return b.do(b.newOp()).Ref.ID
}

// put lets a person make a record like the sample.
func (b *Bench) put() string {
	b.Helper()
	fields := b.sample.People
	if fields == nil {
		fields = b.people()
	}
	id, err := b.Twin.Put(b.shape.Name, "", numbered(fields, b.next()))
	if err != nil {
		b.Fatalf("a person's new record: %v", err)
	}
	return id
}

// puts lets a person make several.
func (b *Bench) puts(n int) []string {
	b.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = b.put()
	}
	return ids
}

// people is what a person enters if the sample does not say.
func (b *Bench) people() map[string]string {
	fields := map[string]string{}
	for name, v := range b.sample.Create {
		f, ok := b.shape.Field(name)
		if ok && (typed(f) || f.Required) {
			fields[name] = v.Text()
		}
	}
	return fields
}

// edit lets a person change the field that people change most, and returns its new value.
func (b *Bench) edit(id string) string {
	b.Helper()
	f := b.editable()
	text := record.Rewritten(record.Text("Edited "+b.next()), f.Rewrites).Text()
	b.enter(id, f.Name, text)
	return text
}

// enter lets a person enter a value.
func (b *Bench) enter(id, field, text string) {
	b.Helper()
	if _, err := b.Twin.Put(b.shape.Name, id, map[string]string{field: text}); err != nil {
		b.Fatalf("a person's edit of %s: %v", field, err)
	}
}

// remove lets a person delete a record.
func (b *Bench) remove(id string) {
	b.Helper()
	if err := b.Twin.Remove(b.shape.Name, id); err != nil {
		b.Fatalf("a person's delete: %v", err)
	}
}

// empty removes what the twin began with, as far as people can.
func (b *Bench) empty() {
	b.Helper()
	for _, id := range b.rows() {
		if err := b.Twin.Remove(b.shape.Name, id); err != nil {
			b.Logf("%s stays: %v", id, err)
		}
	}
}

// want fails unless err is of one of the kinds.
func (b *Bench) want(what string, err error, kinds ...connector.Kind) {
	b.Helper()
	_ = b.classified(what, err, kinds...) // it ends the test itself
}

// classified is want, and returns the error.
func (b *Bench) classified(what string, err error, kinds ...connector.Kind) *connector.Error {
	b.Helper()
	var e *connector.Error
	if !errors.As(err, &e) || !slices.Contains(kinds, e.Kind) {
		b.Fatalf("%s: the error should be %v, it is %q: %v", what, kinds, connector.KindOf(err), err)
	}
	return e
}

// same fails unless both lists hold the same ids.
func (b *Bench) same(what string, got, want []string) {
	b.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// calls returns how many requests the twin received so far.
func (b *Bench) calls() int { return b.Twin.Kit().Count("", "") }

// writes returns what programs did to records of this object so far.
func (b *Bench) writes(verb connector.Verb) int {
	n := 0
	for _, act := range b.Twin.Kit().Ledger().Acts() {
		if act.By == "api" && act.Object == b.shape.Name && act.Verb == string(verb) {
			n++
		}
	}
	return n
}

func clone(f record.Fields) record.Fields {
	if f == nil {
		return record.Fields{}
	}
	return maps.Clone(f)
}
