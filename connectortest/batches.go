package connectortest

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func batchScenarios() []scenario {
	return []scenario{
		{name: "the largest batch keeps its order", needs: needAll(needVerb(connector.Create), needBatch()), run: batchLargest},
		{name: "in a batch only the one at fault fails", needs: needAll(needVerb(connector.Create), needBatch(), needInvalid()), run: batchPartial},
		{name: "in a batch of updates only the missing one fails", needs: needAll(needVerb(connector.Update), needBatch(), needEdit()), run: batchMissing},
	}
}

// batchLargest creates, updates and deletes as many as one call may hold. A batch must be
// worth it: the calls are fewer than the records.
func batchLargest(b *Bench) {
	b.prepare()
	n := b.shape.Batch
	ops := make([]connector.Op, n)
	for i := range ops {
		ops[i] = b.newOp()
	}
	results := b.all(ops)
	ids := make([]string, n)
	for i, res := range results {
		ids[i] = res.Ref.ID
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(ids))); len(unique) != n {
		b.Fatalf("%d creates answered %d ids", n, len(unique))
	}
	b.lag()
	changes := b.readBack(ids)
	for i, op := range ops {
		b.holdsAll("a batch of creates", op.Set, changes[i])
	}
	if f, ok := b.editField(); ok && b.shape.Update {
		for i := range ops {
			ops[i] = b.setOp(changes[i], record.Fields{f.Name: record.Text("Batch " + b.next())})
		}
		slices.Reverse(ops) // in an order that is not the vendor's
		b.all(ops)
		slices.Reverse(ops)
		b.lag()
		changes = b.readBack(ids)
		for i, op := range ops {
			b.holdsAll("a batch of updates", op.Set, changes[i])
		}
	}
	if b.shape.Delete {
		for i, id := range ids {
			ops[i] = b.verbOp(connector.Delete, id)
		}
		b.all(ops)
	}
}

// all writes a batch that must succeed.
func (b *Bench) all(ops []connector.Op) []connector.Result {
	b.Helper()
	calls := b.calls()
	results, errs := b.try(ops...)
	for i, err := range errs {
		if err != nil {
			b.Fatalf("operation %d of %d: %v", i, len(ops), err)
		}
	}
	if spent := b.calls() - calls; spent > 2+len(ops)/2 {
		b.Errorf("%d operations in one batch took %d requests", len(ops), spent)
	}
	return results
}

// readBack reads records in order of the ids.
func (b *Bench) readBack(ids []string) []connector.Change {
	b.Helper()
	if b.Reader != nil {
		return b.read(ids...)
	}
	r := b.list()
	out := make([]connector.Change, len(ids))
	for i, id := range ids {
		out[i] = r.known[id]
	}
	return out
}

func (b *Bench) holdsAll(what string, set record.Fields, c connector.Change) {
	b.Helper()
	for name, sent := range set {
		if f, ok := b.shape.Field(name); ok {
			b.holds(what, f, c.Fields, sent)
		}
	}
}

// batchPartial puts one invalid record among good ones, at each end and in the middle.
func batchPartial(b *Bench) {
	b.prepare()
	n := min(b.shape.Batch, 5)
	for _, bad := range []int{0, n / 2, n - 1} {
		ops := make([]connector.Op, n)
		for i := range ops {
			ops[i] = b.newOp()
		}
		ops[bad] = b.invalidOp()
		made := b.writes(connector.Create)
		results, errs := b.try(ops...)
		b.invalid("a batch of creates", errs[bad])
		for i, err := range errs {
			if i == bad {
				continue
			}
			if err != nil {
				b.Fatalf("operation %d failed because %d was at fault: %v", i, bad, err)
			}
			b.holdsAll("beside an invalid record", ops[i].Set, b.one(results[i].Ref.ID))
		}
		if got := b.writes(connector.Create) - made; got != n-1 {
			b.Errorf("%d records were made of %d good ones", got, n-1)
		}
	}
}

// batchMissing updates records of which one is gone.
func batchMissing(b *Bench) {
	b.prepare()
	f := b.editable()
	ids := b.puts(min(b.shape.Batch, 4))
	b.lag()
	changes := b.readBack(ids)
	gone := 1
	b.remove(ids[gone])
	b.lag()
	ops := make([]connector.Op, len(ids))
	for i, was := range changes {
		ops[i] = b.setOp(was, record.Fields{f.Name: record.Text("Beside " + b.next())})
	}
	_, errs := b.try(ops...)
	b.want("a batch of updates", errs[gone], connector.NotFound)
	for i, err := range errs {
		if i == gone {
			continue
		}
		if err != nil {
			b.Fatalf("operation %d failed because %d is missing: %v", i, gone, err)
		}
		b.holds("beside a missing record", f, b.one(ids[i]).Fields, ops[i].Set[f.Name])
	}
}
