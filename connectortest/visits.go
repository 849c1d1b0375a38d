package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// visitScenarios concern an object whose vendor brings and fetches the records itself.
func visitScenarios() []scenario {
	visits := needAll(unless("visits", "the twin does not visit", func(b *Bench) bool {
		_, ok := b.Twin.(twin.Visitor)
		return ok && b.Host != nil && b.shape.Hosted
	}))
	return []scenario{
		{name: "a visit brings everything, then what has moved", needs: visits, run: visitBrings},
		{name: "what is fetched is carried out once and settled by its key", needs: visits, run: visitFetches},
		{name: "what is not said to be done is given out again", needs: visits, run: visitUnsaid},
		{name: "what could not be saved is not thanked for", needs: visits, run: visitUnsaved},
		{name: "a wrong password opens nothing", needs: visits, run: visitForged},
		{name: "garbage opens nothing", needs: visits, run: visitGarbage},
	}
}

// A hall is the hub's side of visits, in memory, and the door before it.
type hall struct {
	b       *Bench
	place   map[string]connector.Cursor
	records map[string]connector.Change
	saves   int
	ops     []connector.Op // that are not settled
	given   map[string]int
	settled map[string]connector.Result
	broken  bool // nothing can be saved
	errs    []error
}

func newHall(b *Bench) *hall {
	return &hall{b: b, place: map[string]connector.Cursor{}, records: map[string]connector.Change{}, given: map[string]int{},
		settled: map[string]connector.Result{}}
}

func (h *hall) Place(_ context.Context, object string) (connector.Cursor, error) {
	return h.place[object], nil
}

func (h *hall) Save(_ context.Context, object string, after connector.Cursor, p connector.Page) error {
	place := h.place[object]
	switch {
	case h.broken:
		return &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("the disk is full")}
	case after != "" && after != place && p.Next == place:
		return nil
	case after != "" && after != place:
		return &connector.Error{Kind: connector.Expired, Scope: connector.ScopeObject, Err: errors.New("a page is missing")}
	}
	h.saves++
	h.place[object] = p.Next
	for _, c := range p.Changes {
		if c.Object != object || c.ID == "" {
			h.b.Errorf("%v was brought as a record of %s", c.Ref, object)
		}
		h.records[c.ID] = c
	}
	return nil
}

func (h *hall) Take(_ context.Context, _ string, n int) ([]connector.Op, error) {
	ops := h.ops[:min(n, len(h.ops))]
	for _, op := range ops {
		h.given[op.Key]++
	}
	return slices.Clone(ops), nil
}

func (h *hall) Settle(_ context.Context, _ string, outcomes map[string]connector.Result) error {
	maps.Copy(h.settled, outcomes)
	h.ops = slices.DeleteFunc(h.ops, func(op connector.Op) bool { _, done := outcomes[op.Key]; return done })
	return nil
}

// ServeHTTP is the door.
func (h *hall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(r.URL.Path, path.Base(hook)+"/")
	r.SetPathValue("rest", rest)
	err := h.b.Host.Serve(r.Context(), h, w, r)
	h.b.note(err)
	if h.errs = append(h.errs, err); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (h *hall) visit(f twin.VisitFaults) {
	h.b.Helper()
	v, ok := h.b.Twin.(twin.Visitor)
	if !ok {
		h.b.Fatalf("the twin does not visit")
	}
	h.errs = nil
	if _, err := v.Visit(h.b.ctx, twin.Transport(h), hook, f); err != nil {
		h.b.Fatalf("visit: %v", err)
	}
}

func visitBrings(b *Bench) {
	b.prepare()
	h := newHall(b)
	var ids []string
	for range 3 {
		ids = append(ids, b.put())
	}
	h.visit(twin.VisitFaults{})
	for _, id := range ids {
		if c, ok := h.records[id]; !ok || len(c.Fields) == 0 {
			b.Errorf("%s was not brought: %v", id, c)
		}
	}
	if err := b.Twin.Remove(b.shape.Name, ids[0]); err != nil {
		b.Fatalf("remove: %v", err)
	}
	saves, more := h.saves, b.put()
	h.records = map[string]connector.Change{}
	h.visit(twin.VisitFaults{Twice: true})
	if len(h.records) != 2 || h.records[more].Fate != connector.Present || h.records[ids[0]].Fate != connector.Deleted {
		b.Errorf("after a delete and a create %v was brought", h.records)
	}
	if h.saves != saves+1 {
		b.Errorf("one page that came twice was saved %d times", h.saves-saves)
	}
	clear(h.place) // the hub needs everything anew
	h.records = map[string]connector.Change{}
	h.visit(twin.VisitFaults{})
	if len(h.records) != 3 {
		b.Errorf("asked for everything it brought %d records of 3", len(h.records))
	}
}

func visitFetches(b *Bench) {
	b.prepare()
	h := newHall(b)
	id := b.put()
	h.visit(twin.VisitFaults{})
	create, drop := b.newOp(), b.put()
	h.visit(twin.VisitFaults{})
	f := b.editable()
	update := b.setOp(h.records[id], record.Fields{f.Name: record.Text("Fetched " + b.next())})
	gone := connector.Op{Key: "tandem-gone-1", Verb: connector.Delete, Ref: record.Ref{Object: b.shape.Name, ID: drop}}
	lost := connector.Op{Key: "tandem-lost-1", Verb: connector.Update, Ref: record.Ref{Object: b.shape.Name, ID: b.missing()}, Set: update.Set}
	h.ops = []connector.Op{create, update, gone, lost}
	h.visit(twin.VisitFaults{Twice: true})
	for _, op := range []connector.Op{create, update, gone} {
		if res, ok := h.settled[op.Key]; !ok || res.Err != nil {
			b.Errorf("%s: settled %t, %v", op.Verb, ok, res.Err)
		}
	}
	b.want("an update of what is not there", h.settled[lost.Key].Err, connector.NotFound, connector.Conflict)
	if made := h.settled[create.Key].Ref; made.ID == "" || made.Object != b.shape.Name {
		b.Errorf("the create is settled with %v", made)
	}
	if n := b.writes(connector.Create); n != 1 {
		b.Errorf("one create, fetched twice, made %d records", n)
	}
	h.visit(twin.VisitFaults{})
	b.holds("an update that was fetched", f, h.records[id].Fields, update.Set[f.Name])
}

func visitUnsaid(b *Bench) {
	b.prepare()
	h := newHall(b)
	create := b.newOp()
	h.ops = []connector.Op{create}
	for range 3 {
		h.visit(twin.VisitFaults{Unsaid: true})
	}
	if len(h.settled) != 0 {
		b.Errorf("settled without a word: %v", h.settled)
	}
	h.visit(twin.VisitFaults{})
	if n := b.writes(connector.Create); n != 1 || h.given[create.Key] < 4 || h.settled[create.Key].Ref.ID == "" {
		b.Errorf("given out %d times, %d records, settled %v", h.given[create.Key], n, h.settled)
	}
}

func visitUnsaved(b *Bench) {
	b.prepare()
	h := newHall(b)
	id := b.put()
	h.broken = true
	h.visit(twin.VisitFaults{})
	if !slices.ContainsFunc(h.errs, func(err error) bool { return connector.KindOf(err) == connector.Unavailable }) {
		b.Errorf("a visit that could not be saved ended with %v", h.errs)
	}
	h.broken = false
	h.visit(twin.VisitFaults{})
	if _, ok := h.records[id]; !ok {
		b.Errorf("what could not be saved never came again")
	}
}

func visitForged(b *Bench) {
	b.prepare()
	h := newHall(b)
	b.put()
	h.ops = []connector.Op{b.newOp()}
	h.visit(twin.VisitFaults{Forged: true})
	if len(h.errs) == 0 {
		b.Fatalf("nobody came")
	}
	for _, err := range h.errs {
		b.want("a visit with a wrong password", err, connector.Unauthorized)
	}
	if h.saves != 0 || len(h.given) != 0 {
		b.Errorf("a stranger saved %d pages and was given %v", h.saves, h.given)
	}
}

func visitGarbage(b *Bench) {
	b.prepare()
	h := newHall(b)
	h.ops = []connector.Op{b.newOp()}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		for _, rest := range []string{"", "/", "/../..", "/%2e%2e/x?mode=file&filename=../../etc/passwd", "?type=catalog&mode=init"} {
			for _, body := range []string{"", "{}", "[[[", "<x>", "\x00\xff"} {
				r, err := http.NewRequestWithContext(b.ctx, method, hook+rest, bytes.NewReader([]byte(body)))
				if err != nil {
					b.Fatalf("a request that is none: %v", err)
				}
				res, err := twin.Transport(h).RoundTrip(r)
				if err != nil {
					b.Fatalf("%s %s: %v", method, rest, err)
				}
				_ = res.Body.Close()
				what := fmt.Sprintf("%s %s with %q", method, rest, body)
				b.want(what, h.errs[len(h.errs)-1], connector.Unauthorized, connector.Invalid)
			}
		}
	}
	if h.saves != 0 || len(h.given) != 0 {
		b.Errorf("garbage saved %d pages and was given %v", h.saves, h.given)
	}
}
