package connectortest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// outcomeScenarios are about answers that do not come, or say nothing.
func outcomeScenarios() []scenario {
	creates := needAll(needVerb(connector.Create))
	return []scenario{
		{name: "an error after the commit is ambiguous", needs: creates, run: func(b *Bench) { ambiguous(b, twin.FaultErrorAfterCommit) }},
		{name: "a lost reply is ambiguous", needs: creates, run: func(b *Bench) { ambiguous(b, twin.FaultLostReply) }},
		{name: "a truncated answer is ambiguous", needs: creates, run: func(b *Bench) { ambiguous(b, twin.FaultTruncate) }},
		{name: "an update of unknown outcome is ambiguous", needs: needAll(needVerb(connector.Update), needEdit()), run: ambiguousUpdate},
		{name: "a refused connection changes nothing", needs: creates, run: refusedConnection},
		{name: "a web page is no success", needs: needAll(needSource()), run: webPage},
	}
}

// committing finds out which request of an operation changes a record, by doing one: how
// many requests of that method and path come before it.
func (b *Bench) committing(op func() connector.Op) twin.Fault {
	b.Helper()
	b.do(op()) // so that what a connector asks once is asked
	var mu sync.Mutex
	var seen []string
	var fault twin.Fault
	watching, acts := true, len(b.Twin.Kit().Ledger().Acts())
	b.Twin.Kit().After(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		now := len(b.Twin.Kit().Ledger().Acts())
		if !watching {
			return
		}
		if now > acts && fault.Method == "" {
			fault.Method, fault.Path = r.Method, r.URL.Path
			for _, before := range seen {
				if strings.HasPrefix(before, r.Method+" "+r.URL.Path) {
					fault.After++
				}
			}
		}
		seen = append(seen, r.Method+" "+r.URL.Path)
	})
	b.do(op())
	mu.Lock()
	defer mu.Unlock()
	watching = false
	if fault.Method == "" {
		b.Fatalf("no request of the operation changed a record, says the ledger")
	}
	fault.Times = 1
	return fault
}

// ambiguous creates a record of which nobody hears, and finds it as the hub does: by key,
// by a unique or findable value, or by listing (R16).
func ambiguous(b *Bench, kind twin.FaultKind) {
	b.prepare()
	fault := b.committing(b.newOp)
	fault.Kind = kind
	made := b.writes(connector.Create)
	injected := b.Twin.Kit().Inject(fault)
	op := b.newOp()
	_, errs := b.try(op)
	if injected.Hits() == 0 {
		b.Fatalf("the fault did not strike: the create went another way than the one before")
	}
	b.want(fmt.Sprintf("a create with %s", kind), errs[0], connector.Ambiguous)
	if n := b.writes(connector.Create) - made; n != 1 {
		b.Errorf("the create was carried out %d times", n)
	}
	time.Sleep(b.shape.Settle)
	b.lag()
	ids := b.lookUp(op)
	if len(ids) != 1 {
		b.Fatalf("looked up after the settle time: %v, not one record", ids)
	}
	if f, ok := b.shape.Key(); ok && f.Unique {
		b.repeated(op, ids[0], made)
	}
}

// repeated does the operation once more: where the vendor keeps keys unique, that makes
// no second record.
func (b *Bench) repeated(op connector.Op, id string, made int) {
	b.Helper()
	results, errs := b.try(op)
	if errs[0] == nil {
		if results[0].Ref.ID != id {
			b.Errorf("repeated with its key, the create answered %s, not %s", results[0].Ref.ID, id)
		}
	} else {
		e := b.classified("the create repeated with its key", errs[0], connector.Duplicate)
		if e.Existing.ID != "" && e.Existing.ID != id {
			b.Errorf("repeated with its key, the create says that %s has it, not %s", e.Existing.ID, id)
		}
	}
	if n := b.writes(connector.Create) - made; n != 1 {
		b.Errorf("repeated with its key, the create made %d records", n)
	}
}

// lookUp returns the records that an operation may have made.
func (b *Bench) lookUp(op connector.Op) []string {
	b.Helper()
	if f, ok := b.shape.Key(); ok && f.Findable && b.Finder != nil {
		return b.find(f.Name, op.Key)
	}
	for _, f := range b.shape.Fields {
		sample, sampled := b.sample.Create[f.Name]
		if f.Findable && b.Finder != nil && sampled && strings.Contains(sample.Text(), "{n}") {
			return b.find(f.Name, op.Set[f.Name].Text())
		}
	}
	var ids []string
	r := b.list()
	for _, id := range r.present() {
		if b.like(r.known[id].Fields, op.Set) {
			ids = append(ids, id)
		}
	}
	return ids
}

// like reports whether a record holds all that was sent.
func (b *Bench) like(got, sent record.Fields) bool {
	for name, v := range sent {
		f, ok := b.shape.Field(name)
		if ok && !record.Echoes(got[name], v, f.Rewrites) {
			return false
		}
	}
	return true
}

// ambiguousUpdate loses the reply to an update. It may be repeated when it was looked at.
func ambiguousUpdate(b *Bench) {
	b.prepare()
	f := b.editable()
	id := b.put()
	op := func() connector.Op {
		return b.setOp(b.one(id), record.Fields{f.Name: record.Text("Unheard " + b.next())})
	}
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultErrorAfterCommit} {
		fault := b.committing(op)
		fault.Kind = kind
		next := op()
		injected := b.Twin.Kit().Inject(fault)
		made := b.writes(connector.Update)
		_, errs := b.try(next)
		if injected.Hits() == 0 {
			b.Fatalf("the fault did not strike: the update went another way than the one before")
		}
		b.want(fmt.Sprintf("an update with %s", kind), errs[0], connector.Ambiguous)
		if n := b.writes(connector.Update) - made; n != 1 {
			b.Errorf("the update was carried out %d times", n)
		}
		time.Sleep(b.shape.Settle)
		b.holds("an update that nobody heard of", f, b.one(id).Fields, next.Set[f.Name])
	}
}

// refusedConnection is down for a while: what never arrived is sent again or is
// Unavailable, and never ambiguous.
func refusedConnection(b *Bench) {
	b.prepare()
	fault := b.Twin.Kit().Inject(twin.Fault{Kind: twin.FaultRefuse})
	_, errs := b.try(b.newOp())
	b.want("a create with nobody there", errs[0], connector.Unavailable)
	_, err := b.Check.Check(b.ctx)
	b.note(err)
	b.want("check with nobody there", err, connector.Unavailable)
	fault.Remove()
	if n := b.writes(connector.Create); n != 0 {
		b.Errorf("%d creates arrived although nobody was there", n)
	}
	b.Twin.Kit().Inject(twin.Fault{Kind: twin.FaultRefuse, Times: 2})
	b.create()
	if n := b.writes(connector.Create); n != 1 {
		b.Errorf("one create made %d records after refused connections", n)
	}
}

// webPage answers everything with a page for people, as a proxy, a login or a wrong
// address does.
func webPage(b *Bench) {
	b.prepare()
	id := b.put()
	b.later()
	part := b.parts()[0]
	b.Twin.Kit().Inject(twin.Fault{Kind: twin.FaultHTML})
	fails := func(what string, err error) {
		b.Helper()
		b.note(err)
		b.want(what+" answered with a web page", err,
			connector.Unavailable, connector.Unauthorized, connector.Forbidden, connector.Ambiguous)
	}
	_, err := b.Check.Check(b.ctx)
	fails("check", err)
	_, err = b.Source.Changes(b.ctx, connector.Query{Object: b.shape.Name, Partition: part})
	fails("changes", err)
	if b.Reader != nil {
		_, err = b.Reader.Read(b.ctx, b.shape.Name, []string{id})
		fails("read", err)
	}
	for _, f := range b.findable() {
		_, err = b.Finder.Find(b.ctx, b.shape.Name, f.Name, []string{"nobody"})
		fails("find", err)
	}
	if b.Writer != nil && b.shape.Create {
		_, errs := b.try(b.newOp())
		fails("create", errs[0])
	}
}
