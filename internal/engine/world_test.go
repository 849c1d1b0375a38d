package engine_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

const header = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
`

// cardsYAML keeps the cards of two toy address books in step; box is a required choice.
const cardsYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    fields: [name, box, email, phone, code, discount, stage, tags, notes]
`

// A world is two toy twins, a store and an engine over them.
type world struct {
	t       *testing.T
	a, b    *toy.Twin
	yaml    string
	path    string
	workers int
	wrap    func(connector.Connection) connector.Connection // nil = as it is
	limits  []connector.Limit                               // of each account; nil = those of the toy

	store  *store.Store
	engine *engine.Engine
}

func newWorld(t *testing.T, yaml string) *world {
	t.Helper()
	w := &world{t: t, yaml: yaml, workers: 1, path: filepath.Join(t.TempDir(), "tandem.db")}
	w.a, w.b = newToy(t), newToy(t)
	w.start()
	t.Cleanup(w.stop)
	return w
}

func newToy(t *testing.T) *toy.Twin {
	t.Helper()
	tw, ok := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok {
		t.Fatal("toy.New makes no *toy.Twin")
	}
	return tw
}

// start opens store and engine as a fresh process would.
func (w *world) start() {
	w.t.Helper()
	st, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + w.path, Exclusive: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = st
	w.configure(w.yaml)
}

// configure gives the engine another configuration over the same store.
func (w *world) configure(yaml string) {
	w.t.Helper()
	specs := []connector.Spec{w.spec()}
	w.yaml = yaml
	p, problems := plan.Parse("tandem.yaml", []byte(yaml), func(string) (string, bool) { return w.a.Settings()["api_key"], true }, specs)
	if problems.HasErrors() {
		w.t.Fatal(problems)
	}
	var err error
	w.engine, err = engine.New(engine.Options{Store: w.store, Plan: p, Specs: specs, Workers: w.workers,
		Transport: func(c plan.Connection) http.RoundTripper {
			if c.Name == "a" {
				return twin.Transport(w.a)
			}
			return twin.Transport(w.b)
		}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// spec is the toy's, with the connections as the test wants them.
func (w *world) spec() connector.Spec {
	spec := toy.Spec()
	if w.limits != nil {
		spec.Limits = func(connector.Settings, connector.Identity) []connector.Limit { return w.limits }
	}
	if w.wrap == nil {
		return spec
	}
	open := spec.Open
	spec.Open = func(env connector.Env) (connector.Connection, error) {
		c, err := open(env)
		return w.wrap(c), err
	}
	return spec
}

func (w *world) stop() {
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			w.t.Error(err)
		}
	}
	w.store, w.engine = nil, nil
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// sync runs everything and returns the report of the sync of that name.
func (w *world) sync(name string) engine.Report {
	w.t.Helper()
	return w.syncWith(name, engine.SyncOptions{})
}

func (w *world) syncWith(name string, o engine.SyncOptions) engine.Report {
	w.t.Helper()
	reports, err := w.engine.Sync(w.t.Context(), nil, o)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rep := range reports {
		if rep.Sync == name {
			return rep
		}
	}
	w.t.Fatalf("no report of %s", name)
	return engine.Report{}
}

// settled runs everything and wants it to end well.
func (w *world) settled(name string) engine.Report {
	w.t.Helper()
	rep := w.sync(name)
	if rep.Status != engine.StatusOK || !rep.Reconciled {
		w.t.Fatalf("%s: status %s, reconciled %t, gaps %v, error %q\nreview: %v", name, rep.Status, rep.Reconciled, rep.Gaps, rep.Error, w.reviews())
	}
	return rep
}

func (w *world) put(tw *toy.Twin, object, id string, fields map[string]string) string {
	w.t.Helper()
	if id == "" && object == "cards" && fields["box"] == "" {
		fields["box"] = "sales"
	}
	id, err := tw.Put(object, id, fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) remove(tw *toy.Twin, object, id string) {
	w.t.Helper()
	if err := tw.Remove(object, id); err != nil {
		w.t.Fatal(err)
	}
}

// by returns the record whose field has that value, and fails unless there is exactly one.
func (w *world) by(tw *toy.Twin, object, field, value string) twin.Row {
	w.t.Helper()
	var found []twin.Row
	for _, r := range tw.Rows(object) {
		if r.Fields[field] == value {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d %s have %s %q, want 1; there are %v", len(found), object, field, value, tw.Rows(object))
	}
	return found[0]
}

func (w *world) reviews() []string {
	w.t.Helper()
	items, err := w.store.Reviews(w.t.Context(), store.ReviewQuery{Open: true, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, string(item.Kind)+": "+item.Text)
	}
	return texts
}

// review returns the only open item of a kind.
func (w *world) review(kind store.ReviewKind) store.Review {
	w.t.Helper()
	items, err := w.store.Reviews(w.t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{kind}, Open: true, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(items) != 1 {
		w.t.Fatalf("%d open items of kind %s, want 1; all: %v", len(items), kind, w.reviews())
	}
	return items[0]
}

func (w *world) decide(item store.Review, decision string) {
	w.t.Helper()
	if err := w.store.DecideReview(w.t.Context(), item.ID, decision, "ann", time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) history(side record.Side, id string) []store.Entry {
	w.t.Helper()
	conn := "a"
	if side == record.Right {
		conn = "b"
	}
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Connection: conn, Object: "cards", Record: id, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// apiWrites counts what programs did to a twin, reads apart.
func apiWrites(tws ...*toy.Twin) int {
	n := 0
	for _, tw := range tws {
		for _, act := range tw.Ledger().Acts() {
			if act.By == "api" {
				n++
			}
		}
	}
	return n
}

// crash runs everything and ends it, as a killed process would end, when that many requests
// have been answered: the next one is applied, and nothing after it happens.
func (w *world) crash(after int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	n := 0
	for _, tw := range []*toy.Twin{w.a, w.b} {
		tw.After(func(*http.Request) {
			if n++; n == after+1 {
				if err := w.store.Close(); err != nil {
					w.t.Error(err)
				}
				cancel()
			}
		})
	}
	_, err := w.engine.Sync(ctx, nil, engine.SyncOptions{})
	if err == nil && n > after {
		w.t.Errorf("the crash after %d calls went unnoticed", after)
	}
	n = after + 1 // later calls are not meant
}

// onceAt returns a hook that acts at the first request to a path.
func onceAt(path string, act func()) func(*http.Request) {
	done := false
	return func(r *http.Request) {
		if !done && r.URL.Path == path {
			done = true
			act()
		}
	}
}
