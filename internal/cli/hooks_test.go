package cli

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/twin"
)

const stationYAML = `version: 1
timezone: UTC
public_url: https://hub.test/tandem
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    schedule: 6h
    fields: [name, box, email, notes]
`

// A station is two toy twins and a server that keeps them in step. The vendors reach it at
// public_url, through a proxy that takes the beginning of the path away.
type station struct {
	t    *testing.T
	a, b *toy.Twin
	app  *app
	log  *syncBuffer
	dir  string

	session *session
	server  *server
	stop    func()
	hup     chan os.Signal
	console bool // it serves one
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newToy(t *testing.T) *toy.Twin {
	t.Helper()
	tw, ok := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok {
		t.Fatal("toy.New makes no *toy.Twin")
	}
	return tw
}

func newStation(t *testing.T, yaml string) *station {
	t.Helper()
	s := &station{t: t, a: newToy(t), b: newToy(t), log: &syncBuffer{}, dir: t.TempDir()}
	config := filepath.Join(s.dir, "tandem.yaml")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	s.app = &app{
		config: config, systems: []connector.System{{Spec: toy.Spec(), Twin: toy.New}},
		Streams: Streams{
			Out: s.log, Err: s.log, Env: func(string) (string, bool) { return s.a.Settings()["api_key"], true },
			Transport: func(c plan.Connection) http.RoundTripper {
				if c.Name == "a" {
					return twin.Transport(s.a)
				}
				return twin.Transport(s.b)
			},
		},
	}
	t.Cleanup(s.close)
	return s
}

// open makes a server that does nothing yet.
func (s *station) open() {
	s.t.Helper()
	p, err := s.app.load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	session, err := s.app.openPlan(s.t.Context(), p, own, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.session = session
	if s.server, err = newServer(s.t.Context(), s.app, session); err != nil {
		s.t.Fatal(err)
	}
	s.hup = make(chan os.Signal, 1)
	s.server.hup = s.hup
}

// openConsole gives the server a console, before its loop begins.
func (s *station) openConsole() {
	s.t.Helper()
	if err := s.app.openConsole(s.t.Context(), s.server, s.session.store, "127.0.0.1:8420"); err != nil {
		s.t.Fatal(err)
	}
}

// start serves until close.
func (s *station) start() {
	s.t.Helper()
	s.open()
	if s.console {
		s.openConsole()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.server.work(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serve: %v", err)
		}
	}
	time.Sleep(time.Minute) // the first runs
}

func (s *station) close() {
	if s.stop != nil {
		s.stop()
	}
	if s.session != nil {
		var err error
		if s.session.close(&err); err != nil {
			s.t.Error(err)
		}
	}
	s.stop, s.session = nil, nil
}

// proxy is what stands between the vendors and the server.
func (s *station) proxy() http.RoundTripper {
	return twin.Transport(http.StripPrefix("/tandem", s.server.routes()))
}

func (s *station) deliver(tw *toy.Twin, f twin.HookFaults) []int {
	s.t.Helper()
	statuses, err := tw.Deliver(s.t.Context(), s.proxy(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return statuses
}

func (s *station) put(tw *toy.Twin, id string, fields map[string]string) string {
	s.t.Helper()
	id, err := tw.Put("cards", id, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *station) notes(tw *toy.Twin) string {
	s.t.Helper()
	rows := tw.Rows("cards")
	if len(rows) != 1 {
		s.t.Fatalf("%d cards, want 1", len(rows))
	}
	return rows[0].Fields["notes"]
}

// pair starts a station with one linked card and returns its id at a.
func pair(t *testing.T) (*station, string) {
	t.Helper()
	s := newStation(t, stationYAML)
	id := s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
	s.start()
	if got := s.notes(s.b); got != "old" {
		t.Fatalf("notes are %q after the first run", got)
	}
	s.settle()
	return s, id
}

// settle lets the vendors report our own writes and waits until nothing is left of it.
func (s *station) settle() {
	s.t.Helper()
	for range 3 {
		s.deliver(s.a, twin.HookFaults{})
		s.deliver(s.b, twin.HookFaults{})
		time.Sleep(time.Minute)
	}
}

func (s *station) metric(line string) bool {
	s.t.Helper()
	return strings.Contains(s.metrics(), line+"\n")
}

// metrics is what /metrics answers.
func (s *station) metrics() string {
	s.t.Helper()
	res, err := twin.Transport(s.server.routes()).RoundTrip(mustRequest(s.t, http.MethodGet, "http://x/metrics"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

func mustRequest(t *testing.T, method, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAWebhookReachesTheOtherSideWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusOK {
			t.Fatalf("answered %v", got)
		}
		time.Sleep(4 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q on the other side", got)
		}
		s.settle()
		if !s.metric(`tandem_hook_hints_waiting{connection="a"} 0`) || !s.metric(`tandem_hook_deliveries_total{connection="a",outcome="accepted"} 1`) {
			t.Error("the numbers do not tell of it")
		}
		if !s.metric(`tandem_hook_settled_seconds_count{connection="a"} 1`) {
			t.Error("the delay is not measured")
		}
		runs, err := s.session.store.FullRuns(t.Context(), "cards", 9)
		if err != nil || len(runs) != 1 {
			t.Errorf("%d full runs, want the first: %v", len(runs), err)
		}
	})
}

// Whatever happens to notifications on their way, both sides end with what the person wrote
// last, and nothing is written that nobody wrote.
func TestAwkwardWebhooksEndWithTheRightValue(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults twin.HookFaults
		early  time.Duration
		within time.Duration
	}{
		{"doubled", twin.HookFaults{Twice: true}, 0, time.Minute},
		{"out of order", twin.HookFaults{Backwards: true, Twice: true}, 0, time.Minute},
		{"before the commit", twin.HookFaults{}, 20 * time.Second, 2 * time.Minute},
		{"before the commit, doubled and out of order", twin.HookFaults{Twice: true, Backwards: true}, 9 * time.Second, 2 * time.Minute},
		{"lost", twin.HookFaults{Lost: true}, 0, 7 * time.Hour},
		{"forged", twin.HookFaults{Forged: true}, 0, 7 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, id := pair(t)
				s.a.Early(c.early)
				s.a.Ledger().Forget()
				s.b.Ledger().Forget()
				for _, notes := range []string{"one", "two", "three"} {
					s.put(s.a, id, map[string]string{"notes": notes})
					s.put(s.a, "", map[string]string{"name": notes, "email": notes + "@x.gr"})
					s.deliver(s.a, c.faults)
					time.Sleep(3 * time.Second)
				}
				time.Sleep(c.within)
				s.a.Early(0)
				s.settle()
				for _, tw := range []*toy.Twin{s.a, s.b} {
					found := 0
					for _, r := range tw.Rows("cards") {
						if r.Fields["email"] == "ann@x.gr" && r.Fields["notes"] == "three" || r.Fields["email"] == r.Fields["name"]+"@x.gr" {
							found++
						}
					}
					if n := len(tw.Rows("cards")); found != 4 || n != 4 {
						t.Errorf("%d cards, %d of them right: %v", n, found, tw.Rows("cards"))
					}
				}
				writes := 0
				for _, act := range s.a.Ledger().Acts() {
					if act.By == "api" {
						t.Errorf("an echo was written back: %+v (invariant 6)", act)
					}
				}
				for _, act := range s.b.Ledger().Acts() {
					if act.By == "api" {
						writes++
					}
				}
				if writes > 6 {
					t.Errorf("%d writes for 6 edits", writes)
				}
			})
		})
	}
}

func TestWhatIsNotTheVendorsIsRefusedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{Forged: true}); len(got) != 1 || got[0] != http.StatusUnauthorized {
			t.Errorf("answered %v", got)
		}
		if !s.metric(`tandem_hook_deliveries_total{connection="a",outcome="refused"} 1`) {
			t.Error("it is not counted")
		}
		time.Sleep(time.Minute)
		if got := s.notes(s.b); got != "old" {
			t.Errorf("somebody made us read: notes are %q", got)
		}
		d, _, err := s.session.store.Door(t.Context(), "a")
		if err != nil || d.Refused != 1 {
			t.Errorf("the store counts %d: %v", d.Refused, err)
		}
		if strings.Contains(s.log.String(), d.Key) {
			t.Error("the log tells the key (invariant 9)")
		}
		// The vendor tries again, with the right secret.
		s.deliver(s.a, twin.HookFaults{})
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
	})
}

func TestARestartFindsWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.close()
		// A process that accepts and dies before it acts: its loop never runs.
		s.open()
		go s.server.hooks().door.Run(t.Context())
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusOK {
			t.Fatalf("answered %v", got)
		}
		dead := s.server.hooks().door
		s.close()
		s.start()
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q after the restart (invariant 11)", got)
		}
		dead.Close()
	})
}

func TestAVendorThatDroppedNotificationsIsReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.put(s.a, id, map[string]string{"notes": "new"})
		s.deliver(s.a, twin.HookFaults{Lost: true})
		time.Sleep(time.Minute)
		if got := s.notes(s.b); got != "old" {
			t.Fatalf("notes are %q although nothing was said", got)
		}
		if err := s.a.Drop(t.Context(), s.proxy()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
		d, _, err := s.session.store.Door(t.Context(), "a")
		if err != nil || !d.Lost.IsZero() {
			t.Errorf("it is still said to have lost something: %v %v", d.Lost, err)
		}
	})
}

func TestSilenceIsNoticedAndTheVendorIsAskedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		address := s.a.Hooks()
		if len(address) != 1 || !strings.HasPrefix(address[0], "https://hub.test/tandem/hooks/a/") {
			t.Fatalf("the vendor calls %v", address)
		}
		s.a.Forget() // the vendor has switched us off
		time.Sleep(24 * time.Hour)
		if n := len(s.a.Hooks()); n != 0 || s.metric(`tandem_hook_silent{connection="a"} 1`) {
			t.Errorf("a day of rest is taken for silence; %d hooks", n)
		}
		time.Sleep(26 * time.Hour)
		if got := s.a.Hooks(); len(got) != 1 || got[0] != address[0] {
			t.Errorf("the vendor calls %v", got)
		}
		if !s.metric(`tandem_hook_silent{connection="a"} 1`) || !strings.Contains(s.log.String(), "has not called for long") {
			t.Error("nobody is told")
		}
		s.put(s.a, id, map[string]string{"notes": "new"})
		s.deliver(s.a, twin.HookFaults{})
		time.Sleep(2 * time.Hour)
		if s.metric(`tandem_hook_silent{connection="a"} 1`) {
			t.Error("it speaks, and is said to be silent")
		}
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
	})
}

func TestSubscriptionsAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		for range 30 {
			time.Sleep(24 * time.Hour)
			if n := len(s.a.Hooks()); n != 1 {
				t.Fatalf("the vendor calls %d addresses", n)
			}
		}
		before := s.a.Hooks()
		s.close()
		s.start()
		if got := s.a.Hooks(); len(got) != 1 || got[0] != before[0] {
			t.Errorf("after a restart the vendor calls %v, before %v", got, before)
		}
	})
}

func TestDisconnectTakesBackWhatTheVendorWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		before := s.a.Hooks()
		s.close()
		if err := (&disconnectCmd{Connection: "a"}).Run(t.Context(), s.app); err != nil {
			t.Fatal(err)
		}
		if n, others := len(s.a.Hooks()), len(s.b.Hooks()); n != 0 || others != 1 {
			t.Errorf("%d and %d hooks are left, want 0 and 1", n, others)
		}
		s.start()
		if got := s.a.Hooks(); len(got) != 1 || got[0] == before[0] {
			t.Errorf("the vendor calls %v, and the key was to be forgotten", got)
		}
	})
}

func TestConnectionsTellWhereVendorsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		want := s.b.Hooks()[0]
		s.close()
		if err := (&connectionsListCmd{}).Run(t.Context(), s.app); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.log.String(), "b is called at "+want+"\n") {
			t.Errorf("connections do not tell %s", want)
		}
		if err := (&statusCmd{}).Run(t.Context(), s.app); err != nil {
			t.Fatal(err)
		}
	})
}

func TestADrainingServerTakesNothingIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		routes := s.proxy()
		s.stop()
		s.stop = nil
		s.put(s.a, id, map[string]string{"notes": "new"})
		got, err := s.a.Deliver(t.Context(), routes, twin.HookFaults{})
		if err != nil || len(got) != 1 || got[0] != http.StatusServiceUnavailable {
			t.Errorf("answered %v: %v", got, err)
		}
		s.close()
		s.start()
		s.deliver(s.a, twin.HookFaults{})
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
	})
}

func TestAConnectionThatCannotBeOpenedIsBusyNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.close()
		s.app.systems[0].Spec.Open = func(connector.Env) (connector.Connection, error) {
			return nil, &connector.Error{Kind: connector.Unauthorized}
		}
		s.open()
		go s.server.hooks().door.Run(t.Context())
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusServiceUnavailable {
			t.Errorf("answered %v", got)
		}
		s.server.hooks().door.Close()
	})
}

// The console takes back what a vendor was asked for while the server serves, by the engine that it
// borrowed; the address is the same if the connection stays after all.
func TestAVendorIsUnhookedWhileServing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		h := &hub{app: s.app, server: s.server, store: s.session.store}
		before, _, err := h.store.Door(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "a", "nobody"} {
			err := h.Borrow(t.Context(), func(ctx context.Context, e *engine.Engine) error { return h.Unhook(ctx, e, name) })
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		after, found, err := h.store.Door(t.Context(), "a")
		if n, others := len(s.a.Hooks()), len(s.b.Hooks()); n != 0 || others != 1 || err != nil || !found || after.Address != "" || after.Key != before.Key {
			t.Errorf("%d and %d hooks are left, want 0 and 1; the door is %+v: %v", n, others, after, err)
		}
		time.Sleep(2 * time.Hour)
		if got := s.a.Hooks(); len(got) != 1 || got[0] != before.Address {
			t.Errorf("it stays in the configuration, and its vendor calls %v", got)
		}
	})
}
