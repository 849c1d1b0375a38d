// Package engine keeps the two sides of a sync in step: it pulls what changed into the
// mirror, matches records, merges them field by field, passes the guards, pushes through
// the outbox and journals what came of it. The numbered rules that it cites, R1 and so on, are those of
// docs/rules.md; invariants are those of docs/invariants.md.
//
// A change travels one way through the files of this package: pull.go and sweep.go fill
// the mirror; batch.go loads what a decision needs; pair.go, field.go, match.go and gone.go decide
// and only decide; guard.go and detect*.go let decisions pass, and undo.go turns back what a person did not mean;
// push.go and write.go send them; settle.go,
// pending.go and unknown.go turn answers into facts; reconcile.go says whether all is accounted for.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/rest/grant"
)

// Options are what an engine works with.
type Options struct {
	Store *store.Store
	Plan  *plan.Plan
	Specs []connector.Spec
	// Transport returns what carries a connection's requests; nil, or a nil answer, means
	// the network. Twins are plugged in here.
	Transport func(plan.Connection) http.RoundTripper
	// State returns what a connection remembers; nil, or a nil answer, means that it forgets
	// with the process.
	State func(connection string) connector.KV
	// Hook returns the address at which a connection's vendor reaches us; nil, or "", means
	// that it cannot.
	Hook     func(connection string) string
	Log      *slog.Logger   // nil = silent
	Progress func(Progress) // called often and from several goroutines; nil = nobody looks
	// Workers bounds what is done at a time. 1 means one thing after the other in a fixed
	// order, so that the same input gives the same journal (invariant 12); 0 means as many
	// requests at a time as pay.
	Workers int
	Tracer  trace.Tracer // nil = nothing is traced
	// Jitter is added to the waits before a request is repeated; nil = by chance.
	Jitter func(most time.Duration) time.Duration
}

// defaultWorkers is how many batches are under way to one object at a time. More gains
// nothing: by then the vendor or its limit is what takes the time.
const defaultWorkers = 8

// An Engine runs the syncs of one plan. Its methods must not be called at the same time,
// except Check and Schema.
type Engine struct {
	store    *store.Store
	plan     *plan.Plan
	log      *slog.Logger
	tracer   trace.Tracer
	progress func(Progress)
	workers  int
	slice    int // pages of a sweep or a refresh in one run

	conns    map[string]*conn
	syncs    []*pair       // parents first; empty until Prepare
	warnings plan.Problems // of the configuration, held against the schemas
	home     string        // tells this installation's operation keys from another one's

	narrowed map[store.Object][]connector.Cond // what the first listing of an object may be narrowed by
}

// A conn is one connection that has been opened.
type conn struct {
	plan   plan.Connection
	spec   connector.Spec
	limits *rest.Limits
	grant  *grant.Grant // nil if it signs with something else

	mu       sync.Mutex
	able     connector.Abilities
	known    store.Connection // identity and schema as remembered
	objects  map[string]record.Object
	problem  error     // why it cannot be used now; nil = it can
	loaded   bool      // known has been read from the store
	budgeted bool      // limits know what earlier processes have spent
	vouched  time.Time // when the newest records of its objects were last looked for, and there (R33)
	spent    counter   // requests made outside a run: identity and schema
}

// A pair is one sync with everything that its rules need at hand.
type pair struct {
	*plan.Resolved
	ends [2]end
	wire [2][]string // wire names wanted of each side, over all syncs that share the object

	index      map[string]int   // mapping fields by key
	keyed      [][2]merge.Keyed // beside the mapping's fields: how elements of lists are told apart
	matched    map[string]bool  // mapping keys of the fields that match keys are made of
	every      []int            // the indexes of all mapped fields
	copies     *copies          // of the side on which one thing has several records (R26); nil = neither
	listsKnown bool             // the lists that rules name are there
	aside      []aside          // objects that are read besides, for expressions
	paths      [2][][]step      // by side: ways through other syncs to a partner (R14)
}

// An end is one side of a sync.
type end struct {
	conn   *conn
	of     store.Object
	object record.Object
}

// New opens the plan's connections. It touches no network.
func New(o Options) (*Engine, error) {
	e := &Engine{store: o.Store, plan: o.Plan, log: o.Log, progress: o.Progress, workers: o.Workers, slice: slicePages,
		conns: make(map[string]*conn, len(o.Plan.Connections))}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.tracer = o.Tracer; e.tracer == nil {
		e.tracer = noop.NewTracerProvider().Tracer("")
	}
	if e.progress == nil {
		e.progress = func(Progress) {}
	}
	if e.workers == 0 {
		e.workers = defaultWorkers
	}
	for _, pc := range o.Plan.Connections {
		c, err := open(pc, o)
		if err != nil {
			return nil, fmt.Errorf("open connection %s: %w", pc.Name, err)
		}
		e.conns[pc.Name] = c
	}
	return e, nil
}

func open(pc plan.Connection, o Options) (*conn, error) {
	i := slices.IndexFunc(o.Specs, func(s connector.Spec) bool { return s.Name == pc.System })
	if i < 0 {
		return nil, fmt.Errorf("no system named %s in this build", pc.System)
	}
	c := &conn{plan: pc, spec: o.Specs[i], limits: rest.NewLimits(nil)}
	if c.spec.Limits != nil {
		c.limits.SetLimits(c.spec.Limits(pc.Settings, connector.Identity{}))
	}
	var base http.RoundTripper
	if o.Transport != nil {
		base = o.Transport(pc)
	}
	transport, err := transportFor(pc, base)
	if err != nil {
		return nil, err
	}
	var state connector.KV
	if o.State != nil {
		state = o.State(pc.Name)
	}
	hook := ""
	if o.Hook != nil {
		hook = o.Hook(pc.Name)
	}
	able, handle, err := rest.Open(c.spec, rest.OpenOptions{
		Name: pc.Name, Settings: pc.Settings, Secrets: pc.Secrets, URL: pc.URL,
		Transport: &meter{next: transport}, Limits: c.limits, Log: o.Log, State: state, Hook: hook, Jitter: o.Jitter, Tracer: o.Tracer,
	})
	c.problem = err // a missing credential stops this connection only
	c.able = able
	if handle != nil {
		c.grant = handle.Grant()
	}
	return c, nil
}

// Grant returns what a person granted a connection in a browser; nil if it signs with
// something else, or cannot be opened.
func (e *Engine) Grant(connection string) *grant.Grant {
	c := e.conns[connection]
	if c == nil {
		return nil
	}
	return c.grant
}

// Abilities returns what a connection can do as far as that is known without asking its
// vendor, and why it cannot be used.
func (e *Engine) Abilities(connection string) (connector.Abilities, error) {
	c := e.conns[connection]
	if c == nil {
		return connector.Abilities{}, fmt.Errorf("there is no connection named %q", connection)
	}
	return c.able, c.usable()
}

// Ready makes sure that a connection can be used, and is still the account that was pinned
// (R33), and returns what it can do.
func (e *Engine) Ready(ctx context.Context, connection string) (connector.Abilities, error) {
	c := e.conns[connection]
	if c == nil {
		return connector.Abilities{}, fmt.Errorf("there is no connection named %q", connection)
	}
	if err := e.prepareConn(ctx, c, false); err != nil {
		return connector.Abilities{}, err
	}
	return c.able, c.usable()
}

// usable returns why a connection cannot be used, or nil.
func (c *conn) usable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// Warnings returns what in the configuration may surprise, as the last Prepare found it.
func (e *Engine) Warnings() plan.Problems { return e.warnings }

// pick returns the syncs of those names in their working order; none named = all.
func (e *Engine) pick(names []string) ([]*pair, error) {
	if len(names) == 0 {
		return e.syncs, nil
	}
	var picked []*pair
	for _, p := range e.syncs {
		if slices.Contains(names, p.Name) {
			picked = append(picked, p)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(picked, func(p *pair) bool { return p.Name == n }) {
			return nil, &NoSyncError{Name: n}
		}
	}
	return picked, nil
}

// A NoSyncError says that the plan has no sync of that name.
type NoSyncError struct{ Name string }

func (e *NoSyncError) Error() string { return fmt.Sprintf("there is no sync named %q", e.Name) }

type meterKey struct{}

// metered returns a context whose requests are counted in n: every request that leaves,
// retries, token and schema requests included.
func metered(ctx context.Context, n *counter) context.Context {
	return context.WithValue(ctx, meterKey{}, n)
}
