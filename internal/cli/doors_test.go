package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/twin"
)

// reload gives the server another configuration.
func (s *station) reload(yaml string) {
	s.t.Helper()
	if err := os.WriteFile(s.app.config, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.hup <- os.Interrupt
	synctest.Wait()
}

func TestAReloadMovesTheVendorsToAnotherAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		s.put(s.a, id, map[string]string{"notes": "on its way to the old address"})
		s.reload(strings.Replace(stationYAML, "https://hub.test/tandem", "https://other.test/tandem", 1))
		time.Sleep(10 * time.Second)
		for _, tw := range []*toy.Twin{s.a, s.b} {
			if got := tw.Hooks(); len(got) != 1 || !strings.HasPrefix(got[0], "https://other.test/tandem/hooks/") {
				t.Errorf("the vendor calls %v", got)
			}
		}
		time.Sleep(10 * time.Second)
		if got := s.notes(s.b); got != "on its way to the old address" {
			t.Errorf("what was reported to the old address is lost: notes are %q", got)
		}
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusOK {
			t.Errorf("answered %v", got)
		}
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
		if n := strings.Count(s.log.String(), "level=WARN"); n > 0 {
			t.Errorf("%d warnings:\n%s", n, s.log)
		}
	})
}

func TestAReloadHasNewSyncsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		s.reload(stationYAML + "  labels: { left: a.labels, right: b.labels, match: [code], schedule: 6h, fields: [name, code] }\n")
		time.Sleep(time.Minute) // its first run
		if _, err := s.a.Put("labels", "", map[string]string{"name": "Nut", "code": "n"}); err != nil {
			t.Fatal(err)
		}
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) != 1 || got[0] != http.StatusOK {
			t.Fatalf("answered %v", got)
		}
		time.Sleep(6 * time.Second)
		if rows := s.b.Rows("labels"); len(rows) != 1 {
			t.Errorf("labels on the other side: %v", rows)
		}
	})
}

func TestAReloadHasRemovedConnectionsCallNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		kept := s.a.Hooks()
		yaml := strings.ReplaceAll(strings.Replace(stationYAML, "  b: {", "  c: {", 1), "b.cards", "c.cards")
		s.reload(yaml)
		time.Sleep(time.Minute)
		// The twin of b answers as c now: one subscription is left there, of the new connection.
		if got := s.b.Hooks(); len(got) != 1 || !strings.Contains(got[0], "/hooks/c/") {
			t.Errorf("the vendor calls %v", got)
		}
		if got := s.a.Hooks(); !slices.Equal(got, kept) {
			t.Errorf("who stays is called at %v, before %v", got, kept)
		}
		if _, found, err := s.session.store.Door(t.Context(), "b"); err != nil || found {
			t.Errorf("the door of what is gone is remembered: %v", err)
		}
		if strings.Contains(s.metrics(), `tandem_hook_silent{connection="b"}`) {
			t.Error("what is gone is still shown as it last stood")
		}
		s.reload(strings.Replace(yaml, "public_url: https://hub.test/tandem\n", "", 1))
		time.Sleep(time.Minute)
		if n := len(s.a.Hooks()) + len(s.b.Hooks()); n != 0 {
			t.Errorf("%d vendors call although nobody can reach us", n)
		}
	})
}

// A connection that is taken out and put back is as before, however its vendor took it.
func TestAConnectionThatComesBackIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	without := strings.ReplaceAll(strings.Replace(stationYAML, "  b: {", "  c: {", 1), "b.cards", "c.cards")
	for name, vendor := range map[string]func() error{
		"slow": func() error { time.Sleep(2 * time.Second); return nil },
		"down": func() error { return errors.New("connection reset") },
	} {
		for _, away := range []time.Duration{0, time.Second, 20 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				s := newStation(t, stationYAML)
				var odd atomic.Bool
				transport := s.app.Transport
				s.app.Transport = func(c plan.Connection) http.RoundTripper {
					return hookCalls{transport(c), func() error {
						if c.Name != "b" || !odd.Load() {
							return nil
						}
						return vendor()
					}}
				}
				s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				s.start()
				odd.Store(true)
				s.reload(without)
				time.Sleep(away)
				odd.Store(name == "slow")
				s.reload(stationYAML)
				time.Sleep(20 * time.Minute)
				d, _, err := s.session.store.Door(t.Context(), "b")
				ours := func(hook string) bool { return strings.HasSuffix(hook, "/hooks/b/"+d.Key) }
				if err != nil || !slices.ContainsFunc(s.b.Hooks(), ours) || !ours(d.Address) {
					t.Errorf("%s, away for %v: it calls %v, and is remembered to call %q: %v", name, away, s.b.Hooks(), d.Address, err)
				}
				if !s.server.ready.Load() {
					t.Errorf("%s, away for %v: the server has ended", name, away)
				}
			})
		}
	}
}

// A withdrawal that another reload came into is taken up again.
func TestAWithdrawalOutlivesTheNextReload(t *testing.T) {
	t.Parallel()
	without := strings.ReplaceAll(strings.Replace(stationYAML, "  b: {", "  c: {", 1), "b.cards", "c.cards")
	for _, next := range []string{without, "no: plan"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStation(t, stationYAML)
			var down atomic.Bool
			transport := s.app.Transport
			s.app.Transport = func(c plan.Connection) http.RoundTripper {
				return hookCalls{transport(c), func() error {
					if c.Name == "b" && down.Load() {
						return errors.New("connection reset")
					}
					return nil
				}}
			}
			s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
			s.start()
			down.Store(true)
			s.reload(without)
			time.Sleep(10 * time.Second)
			s.reload(next)
			down.Store(false)
			time.Sleep(10 * time.Minute)
			if got := s.b.Hooks(); len(got) != 1 || !strings.Contains(got[0], "/hooks/c/") {
				t.Errorf("the vendor calls %v", got)
			}
		})
	}
}

// A hookCalls does something before each request about webhooks.
type hookCalls struct {
	next http.RoundTripper
	do   func() error
}

func (h hookCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/hooks") {
		if err := h.do(); err != nil {
			return nil, err
		}
	}
	return h.next.RoundTrip(r)
}

func TestAWrongConfigurationLeavesTheDoorAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := pair(t)
		before, door := s.a.Hooks(), s.server.hooks()
		s.reload(strings.Replace(stationYAML, "https://hub.test/tandem", "https://other.test", 1) + "  broken: { left: a.nothing, right: b.cards }\n")
		time.Sleep(time.Minute)
		if got := s.a.Hooks(); !slices.Equal(got, before) || s.server.hooks() != door {
			t.Errorf("the vendor calls %v", got)
		}
		s.put(s.a, id, map[string]string{"notes": "new"})
		s.deliver(s.a, twin.HookFaults{})
		time.Sleep(5 * time.Second)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
	})
}

// Whoever is thanked while doors change is kept, and nobody is told to come again.
func TestNothingIsLostWhileDoorsChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		var ids []string
		for i := range 40 {
			ids = append(ids, s.put(s.a, "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprintf("n%d@x.gr", i)}))
		}
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 2 * time.Millisecond)
				for _, status := range s.deliver(s.a, twin.HookFaults{}) {
					if status != http.StatusOK {
						t.Errorf("answered %d", status)
					}
				}
			})
		}
		for range 3 {
			s.hup <- os.Interrupt
			time.Sleep(2 * time.Millisecond)
		}
		wg.Wait()
		time.Sleep(20 * time.Second)
		if n := len(s.b.Rows("cards")); n != len(ids)+1 {
			t.Errorf("%d cards of %d are on the other side", n, len(ids)+1)
		}
	})
}

func TestAVendorThatIsBeingAnsweredIsNotCutOffByAReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		d, _, err := s.session.store.Door(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		body, end := io.Pipe()
		done := make(chan int, 1)
		go func() {
			w := httptest.NewRecorder()
			s.server.routes().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/a/"+d.Key, body))
			done <- w.Code
		}()
		time.Sleep(100 * time.Millisecond)
		old := s.server.hooks()
		s.reload(stationYAML)
		if s.server.hooks() == old {
			t.Fatal("no other door")
		}
		if err := end.Close(); err != nil {
			t.Fatal(err)
		}
		if code := <-done; code != http.StatusUnauthorized { // answered by the connector, not turned away
			t.Errorf("answered %d", code)
		}
	})
}

func TestAStopDoesNotWaitForAnEngineAtWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ran := false
		sv := newTestServer(map[string]time.Time{}, func(context.Context, []string) ([]engine.Report, error) {
			ran = true
			return nil, nil
		})
		sv.busy <- struct{}{} // which never ends
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := sv.loop(ctx); err != nil || ran {
			t.Errorf("ran %t: %v", ran, err)
		}
	})
}

func TestAConfigurationIsPreparedWhileNoEngineWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sv := newTestServer(map[string]time.Time{}, nil)
		sv.adopt = func(*plan.Plan) {}
		sv.reread = func(context.Context) (*plan.Plan, *timetable, error) {
			if len(sv.busy) != 1 {
				t.Error("an engine may be at work")
			}
			return sv.plan, sv.table, nil
		}
		sv.busy <- struct{}{}
		go func() {
			time.Sleep(time.Minute)
			sv.release()
		}()
		began := time.Now()
		sv.reload(t.Context())
		if time.Since(began) != time.Minute || len(sv.busy) != 0 {
			t.Errorf("it waited %v", time.Since(began))
		}
	})
}
