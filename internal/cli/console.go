package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

// An outlook is what the server's loop lets others see: what it works with itself is its own.
type outlook struct {
	plan *plan.Plan
	next map[string]time.Time // when syncs are due
}

// heed takes over what people have paused, and shows how the timetable stands.
func (s *server) heed(ctx context.Context) {
	if s.pauses != nil {
		if paused, err := s.pauses(ctx); err == nil {
			s.table.paused = paused
		} else if ctx.Err() == nil {
			s.log.Warn("what is paused could not be read; it stays as it was", "error", err)
		}
	}
	now, next := time.Now(), map[string]time.Time{}
	for _, sync := range s.table.awake() {
		if at, ok := s.table.at(sync, now); ok {
			if at.Before(now) {
				at = now
			}
			next[sync.Name] = at
		}
	}
	s.seen.Store(&outlook{plan: s.plan, next: next})
}

// due returns the syncs that are to run now, in file order: by their schedules, or because
// somebody wants them to, paused or not.
func (s *server) due(now time.Time) []string {
	s.news.mu.Lock()
	asked := maps.Clone(s.news.asked)
	clear(s.news.asked)
	s.news.mu.Unlock()
	names := s.table.due(now)
	if len(asked) == 0 {
		return names
	}
	var all []string
	for _, sync := range s.plan.Syncs {
		if asked[sync.Name] || slices.Contains(names, sync.Name) {
			all = append(all, sync.Name)
		}
	}
	return all
}

// A hub lends a server to the console.
type hub struct {
	app    *app
	server *server
	store  *store.Store
	specs  []connector.Spec
	ctx    context.Context //nolint:containedctx // that of the process, of what goes on in the background
}

// Plan returns what is served by now.
func (h *hub) Plan() *plan.Plan { return h.server.seen.Load().plan }

// Store returns the server's.
func (h *hub) Store() *store.Store { return h.store }

// Specs returns the systems of this build.
func (h *hub) Specs() []connector.Spec { return h.specs }

// Borrow lends an engine while no other one works: vendors' limits are kept within one.
func (h *hub) Borrow(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	if !h.server.hold(ctx) {
		return fmt.Errorf("wait until nothing else works: %w", ctx.Err())
	}
	defer h.server.release()
	e, err := h.server.borrow(ctx)
	if err != nil {
		return err
	}
	ctx, end := h.server.begin(ctx)
	defer end()
	return fn(ctx, e)
}

// Bring hands the door what a vendor has sent to somebody else, as if it had been called at its address.
func (h *hub) Bring(ctx context.Context, connection string, r *http.Request, body []byte) (int, error) {
	open := h.server.hooks()
	if open == nil {
		return 0, console.ErrNoDoor
	}
	d, known, err := h.store.Door(ctx, connection)
	if err != nil {
		return 0, fmt.Errorf("look for the door: %w", err)
	}
	if !known {
		return 0, console.ErrNoDoor
	}
	r.Method, r.URL = http.MethodPost, &url.URL{Path: "/hooks/" + connection + "/" + d.Key, RawPath: "/hooks/" + url.PathEscape(connection) + "/" + d.Key, RawQuery: r.URL.RawQuery}
	n, err := open.door.Bring(ctx, connection, r, body)
	if errors.Is(err, door.ErrNobody) {
		return 0, console.ErrNoDoor
	}
	return n, err
}

// Hint notes that records may have changed, for the door of what is served by now.
func (h *hub) Hint(ctx context.Context, connection string, records []record.Ref) error {
	open := h.server.hooks()
	if open == nil || !slices.Contains(open.names, connection) {
		return console.ErrNoDoor
	}
	for _, r := range records {
		if !slices.Contains(open.objectsOf(connection), r.Object) {
			return console.ErrNoDoor // the door would let it pass unnoticed
		}
	}
	return open.door.Feed(ctx, connection, connector.Delivery{Hints: records})
}

// Run has the loop run syncs next.
func (h *hub) Run(syncs ...string) error {
	if err := checkSyncs(h.Plan(), syncs); err != nil {
		return err
	}
	h.server.news.mu.Lock()
	for _, name := range syncs {
		h.server.news.asked[name] = true
	}
	h.server.news.mu.Unlock()
	h.server.news.tell()
	return nil
}

// Pause keeps a sync from running by itself.
func (h *hub) Pause(ctx context.Context, sync, by string) error {
	if err := checkSyncs(h.Plan(), []string{sync}); err != nil {
		return err
	}
	if err := h.store.PauseSync(ctx, store.Pause{Sync: sync, By: by, At: time.Now()}); err != nil {
		return err
	}
	h.server.news.tell()
	return nil
}

// Resume ends a pause. What fell due meanwhile is made up for once.
func (h *hub) Resume(ctx context.Context, sync string) error {
	if err := h.store.ResumeSync(ctx, sync); err != nil {
		return err
	}
	h.server.news.tell()
	return nil
}

// Background does something beside the loop, until the server ends.
func (h *hub) Background(fn func(context.Context)) {
	h.server.beside.Go(func() { fn(h.ctx) })
}

// Status tells how the server stands.
func (h *hub) Status(ctx context.Context) (console.Status, error) {
	s := h.server
	seen := s.seen.Load()
	st := console.Status{Ready: s.ready.Load(), Busy: len(s.busy) > 0, Full: s.disk.full()}
	paused, err := h.store.Pauses(ctx)
	if err != nil {
		return st, err
	}
	s.news.mu.Lock()
	asked := maps.Clone(s.news.asked)
	s.news.mu.Unlock()
	for _, sync := range seen.plan.Syncs {
		x := console.SyncStatus{Name: sync.Name, Next: seen.next[sync.Name], Asked: asked[sync.Name]}
		if p, is := paused[sync.Name]; is {
			x.Paused, x.Next = &p, time.Time{}
		}
		st.Syncs = append(st.Syncs, x)
	}
	return st, nil
}

// Grants makes connections without calling anybody, so it waits for nobody's turn.
func (h *hub) Grants(ctx context.Context) (map[string]*grant.Grant, error) {
	p := h.Plan()
	if !slices.ContainsFunc(p.Connections, func(c plan.Connection) bool { return c.Settings[connector.ClientID] != "" }) {
		return nil, nil
	}
	e, err := h.server.borrow(ctx)
	if err != nil {
		return nil, err
	}
	grants := map[string]*grant.Grant{}
	for _, c := range p.Connections {
		if g := e.Grant(c.Name); g != nil {
			grants[c.Name] = g
		}
	}
	return grants, nil
}

// openConsole makes the console of a server that listens, and tells the terminal how the first
// person is set up.
func (a *app) openConsole(ctx context.Context, sv *server, s *store.Store, listen string) error {
	sv.heed(ctx)
	accounts := account.New(account.Options{Store: s})
	h := &hub{app: a, server: sv, store: s, specs: a.specs(), ctx: ctx}
	sv.alerts = newAlerts(a, sv, s)
	o := console.Options{Hub: h, Accounts: accounts, Log: sv.log, Listen: listen, Alerts: sv.alerts}
	if a.lab != nil {
		o.Demo = a.lab
		if err := a.lab.adopt(ctx, h, accounts); err != nil {
			return err
		}
	}
	var err error
	if sv.console, err = console.New(o); err != nil {
		return err
	}
	fresh, err := accounts.NeedsSetup(ctx)
	if err != nil || !fresh {
		return err
	}
	word, err := accounts.OfferSetup()
	if err != nil {
		return err
	}
	// To a person at the terminal, and into no log: it is a secret, good for one use.
	a.warnf("Nobody can sign in yet. This address sets up the first person; it is good once, until the next start:\n  %s", setupAddress(sv.plan.PublicURL, listen, word))
	return nil
}

// setupAddress is where the first person is set up: at the public address, or on this machine.
// The console is at the root of its host; a public address with a path is for vendors only.
func setupAddress(public, listen, word string) string {
	base := strings.TrimRight(public, "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Path != "" {
		host, port, err := net.SplitHostPort(listen)
		if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
			listen = net.JoinHostPort("localhost", port)
		}
		base = "http://" + listen
	}
	return base + "/setup?token=" + word
}
