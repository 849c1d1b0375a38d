package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// waitScenarios are about pace, patience and several things at a time.
func waitScenarios() []scenario {
	slow := twin.Options{Latency: 80 * time.Millisecond}
	return []scenario{
		{name: "too many requests are waited out as told", needs: needAll(needSource()), run: func(b *Bench) { waitedOut(b, 40*time.Second) }},
		{name: "too many requests are waited out untold", needs: needAll(needSource()), run: func(b *Bench) { waitedOut(b, 0) }},
		{name: "reads outlast an unavailable vendor", needs: needAll(needSource()), run: readsOutlast},
		{name: "the pace stays within the limits", needs: needAll(needSource(), needLimits()), run: paceKept},
		{name: "a cancelled call returns promptly", needs: needAll(needSource()), run: cancelPrompt},
		{name: "calls at the same time do not mix", needs: needAll(needSource()), options: slow, run: atTheSameTime},
	}
}

// waitedOut meets 429 on every second request, with and without Retry-After.
func waitedOut(b *Bench, wait time.Duration) {
	b.prepare()
	id := b.put()
	b.later()
	fault := b.Twin.Kit().Inject(twin.Fault{Kind: twin.FaultRateLimit, Every: 2, Wait: wait})
	began := time.Now()
	r := b.list()
	b.same("a listing in spite of 429", r.present(), b.rows())
	b.look(id)
	if b.Writer != nil && b.shape.Create {
		op := b.newOp()
		res := b.do(op)
		b.holdsAll("a create in spite of 429", op.Set, b.one(res.Ref.ID))
		if n := b.writes(connector.Create); n != 1 {
			b.Errorf("one create in spite of 429 made %d records", n)
		}
	}
	hits, took := fault.Hits(), time.Since(began)
	if hits == 0 {
		b.Fatalf("there were too few requests for a 429")
	}
	if least := time.Duration(hits) * wait; took < least {
		b.Errorf("%d answers asked to wait %v each; all took %v", hits, wait, took)
	}
}

// readsOutlast meets 503 twice in a row on every kind of read.
func readsOutlast(b *Bench) {
	b.prepare()
	ids := b.puts(2)
	b.later()
	kit := b.Twin.Kit()
	twice := func() { kit.Inject(twin.Fault{Kind: twin.FaultUnavailable, Times: 2}) }
	r := b.reading()
	for _, part := range b.parts() {
		for more := true; more; {
			twice()
			more = r.page(part)
		}
	}
	b.same("a listing in spite of 503", r.present(), b.rows())
	twice()
	if _, err := b.Check.Check(b.ctx); err != nil {
		b.note(err)
		b.Errorf("check in spite of 503: %v", err)
	}
	if b.Reader != nil {
		twice()
		for _, c := range b.read(ids...) {
			if c.Fate != connector.Present {
				b.Errorf("read in spite of 503: %s has fate %q", c.ID, c.Fate)
			}
		}
	}
	for _, f := range b.findable() {
		twice()
		b.find(f.Name, "nobody")
	}
}

// paceKept reads faster than the vendor allows if nothing holds it back.
func paceKept(b *Bench) {
	b.prepare()
	ids := b.puts(2)
	b.later()
	for range 30 {
		b.list()
		b.look(ids[0])
		for _, f := range b.findable() {
			b.find(f.Name, "nobody")
		}
	}
	for _, call := range b.Twin.Kit().Calls() {
		if call.Status == http.StatusTooManyRequests {
			b.Fatalf("the vendor refused %s %s as too fast: the declared limits allow more than the vendor", call.Method, call.Path)
		}
	}
}

// cancelPrompt gives every call up: while an answer is late, and while a repetition waits.
func cancelPrompt(b *Bench) {
	b.prepare()
	id := b.put()
	b.later()
	part := b.parts()[0]
	calls := map[string]func(context.Context) error{
		"check":  func(ctx context.Context) error { _, err := b.Check.Check(ctx); return err },
		"schema": func(ctx context.Context) error { _, err := b.Source.Schema(ctx); return err },
		"changes": func(ctx context.Context) error {
			_, err := b.Source.Changes(ctx, connector.Query{Object: b.shape.Name, Partition: part})
			return err
		},
	}
	if b.Reader != nil {
		calls["read"] = func(ctx context.Context) error {
			_, err := b.Reader.Read(ctx, b.shape.Name, []string{id})
			return err
		}
	}
	if b.Writer != nil && b.shape.Create {
		calls["create"] = func(ctx context.Context) error { return writeError(b.Writer.Write(ctx, []connector.Op{b.newOp()})) }
	}
	for _, fault := range []twin.Fault{
		{Kind: twin.FaultSlow, Wait: time.Hour},
		{Kind: twin.FaultRateLimit, Wait: time.Minute},
	} {
		injected := b.Twin.Kit().Inject(fault)
		for name, call := range calls {
			b.givesUp(fmt.Sprintf("%s with %s", name, fault.Kind), name, call)
		}
		injected.Remove()
	}
}

// givesUp cancels a call after a second and ends another by its deadline.
func (b *Bench) givesUp(what, name string, call func(context.Context) error) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	time.AfterFunc(time.Second, cancel)
	began, calls := time.Now(), b.calls()
	err := call(ctx)
	b.note(err)
	if took := time.Since(began); took > 1500*time.Millisecond {
		b.Errorf("%s: cancelled after a second, it took %v", what, took)
	}
	asked := b.calls() > calls
	switch {
	case err == nil && asked:
		b.Errorf("%s: cancelled, it says that it succeeded", what)
	case err != nil && name != "create" && !errors.Is(err, context.Canceled):
		b.Errorf("%s: cancelled, it fails with something else: %v", what, err)
	}
}

func writeError(results []connector.Result, err error) error {
	if err != nil {
		return err
	}
	for _, res := range results {
		if res.Err != nil {
			return res.Err
		}
	}
	return nil
}

// atTheSameTime works from several goroutines; each must get its own answers. The race
// detector sees the rest.
func atTheSameTime(b *Bench) {
	b.prepare()
	ids := b.puts(5)
	b.later()
	want := map[string]record.Fields{}
	for id, c := range b.list().known {
		want[id] = c.Fields
	}
	var mu sync.Mutex
	made := map[string]record.Fields{}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			id := ids[i%len(ids)]
			for range 3 {
				b.concurrently(id, want[id], func(id string, set record.Fields) {
					mu.Lock()
					defer mu.Unlock()
					made[id] = set
				})
			}
		})
	}
	wg.Wait()
	b.later()
	r := b.list()
	for id, set := range made {
		b.holdsAll("a create at the same time", set, r.known[id])
	}
	if n := b.writes(connector.Create); n != len(made) {
		b.Errorf("%d creates at the same time answered %d ids", n, len(made))
	}
}

// concurrently does one round of calls. It runs in a goroutine of its own, so it may not
// end the test.
func (b *Bench) concurrently(id string, want record.Fields, made func(string, record.Fields)) {
	if b.Writer != nil && b.shape.Create {
		op := b.newOp()
		results, err := b.Writer.Write(b.ctx, []connector.Op{op})
		if err = writeError(results, err); err != nil || len(results) != 1 {
			b.note(err)
			b.Errorf("a create at the same time: %d results, %v", len(results), err)
			return
		}
		made(results[0].Ref.ID, op.Set)
	}
	if b.Reader == nil {
		return
	}
	got, err := b.Reader.Read(b.ctx, b.shape.Name, []string{id})
	if err != nil || len(got) != 1 || got[0].ID != id {
		b.note(err)
		b.Errorf("a read at the same time: %v, %v", got, err)
		return
	}
	for name, v := range want {
		if f, ok := b.shape.Field(name); ok && !equal(f, got[0].Fields[name], v) {
			b.Errorf("a read at the same time shows %s of %s as %q, not %q", name, id, got[0].Fields[name], v)
		}
	}
}
