package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// lent is a test server with a store, whose runs are noted, and the hub that lends it.
func lent(t *testing.T, ran *[]string) (*server, *hub) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	start := time.Now()
	began := map[string]time.Time{"often": start, "hourly": start}
	sv := newTestServer(began, func(_ context.Context, syncs []string) ([]engine.Report, error) {
		*ran = append(*ran, time.Since(start).String()+" "+strings.Join(syncs, "+"))
		time.Sleep(time.Minute)
		return nil, nil
	})
	sv.pauses = s.Pauses
	sv.heed(t.Context())
	return sv, &hub{server: sv, store: s}
}

func TestASyncRunsNextWhenSomebodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		var ran []string
		sv, h := lent(t, &ran)
		go func() {
			time.Sleep(5 * time.Minute)
			if err := h.Run("hourly", "by hand"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if st, err := h.Status(ctx); err != nil || !st.Busy || st.Syncs[2].Asked {
				t.Errorf("while it runs: %+v %v", st, err)
			}
			if err := errors.Join(h.Run("by hand"), h.Run("by hand")); err != nil { // meanwhile: once more, afterwards
				t.Error(err)
			}
			if st, err := h.Status(ctx); err != nil || !st.Busy || !st.Syncs[2].Asked || st.Syncs[0].Asked {
				t.Errorf("while it is asked for: %+v %v", st, err)
			}
			if err := h.Run("no such"); err == nil {
				t.Error("a sync that does not exist was asked for")
			}
		}()
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"5m0s hourly+by hand", "6m0s by hand", "15m0s often"}
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPausedSyncRunsByHandOnlyUntilItIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Minute)
		defer cancel()
		var ran []string
		sv, h := lent(t, &ran)
		if err := h.Pause(ctx, "often", "ann"); err != nil {
			t.Fatal(err)
		}
		if err := h.Pause(ctx, "no such", "ann"); err == nil {
			t.Error("a sync that does not exist was paused")
		}
		go func() {
			time.Sleep(20 * time.Minute)
			st, err := h.Status(ctx)
			if err != nil || st.Syncs[0].Paused == nil || st.Syncs[0].Paused.By != "ann" || !st.Syncs[0].Next.IsZero() || st.Syncs[1].Next.IsZero() {
				t.Errorf("%+v %v", st, err)
			}
			if err := h.Run("often"); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Minute)
			if err := h.Resume(ctx, "often"); err != nil {
				t.Error(err)
			}
		}()
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		// What fell due while it was paused is made up for once.
		if diff := cmp.Diff([]string{"20m0s often", "1h0m0s hourly", "1h10m0s often"}, ran[:min(3, len(ran))]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnEngineIsLentWhileNothingElseWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		sv, h := lent(t, &ran)
		made := 0
		sv.borrow = func(context.Context) (*engine.Engine, error) { made++; return &engine.Engine{}, nil }
		if !sv.hold(t.Context()) {
			t.Fatal("nobody works")
		}
		go func() {
			time.Sleep(time.Minute)
			sv.release()
		}()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		use := func(context.Context, *engine.Engine) error {
			if len(sv.busy) != 1 {
				t.Error("somebody else may work")
			}
			return io.EOF
		}
		if err := h.Borrow(short, use); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("whoever will not wait: %v", err)
		}
		began := time.Now()
		if err := h.Borrow(t.Context(), use); !errors.Is(err, io.EOF) || time.Since(began) != 59*time.Second || len(sv.busy) != 0 || made != 1 {
			t.Errorf("after %v: %v, busy %d, made %d", time.Since(began), err, len(sv.busy), made)
		}
	})
}

// The console is mounted beside the door and the numbers, which stay as they are.
func TestServeAnswersTheConsoleAndTellsTheTerminalHowToBegin(t *testing.T) {
	t.Parallel()
	s := newStation(t, stationYAML)
	s.open()
	logged := &syncBuffer{}
	s.server.log = slog.New(slog.NewTextHandler(logged, nil))
	if err := s.app.openConsole(t.Context(), s.server, s.session.store, "0.0.0.0:8420"); err != nil {
		t.Fatal(err)
	}
	get := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		r.Host = "localhost:8420"
		w := httptest.NewRecorder()
		s.server.routes().ServeHTTP(w, r)
		return w
	}
	address := regexp.MustCompile(`http://localhost:8420(/setup\?token=\S+)`).FindStringSubmatch(s.log.String())
	if address == nil || strings.Contains(logged.String(), "token=") {
		t.Fatalf("the terminal: %s\nthe log: %s", s.log, logged)
	}
	if w := get(address[1]); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "One-time token") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{"/healthz": 200, "/metrics": 200, "/hooks/x/y": 404, "/": 303, "/login": 303, "/nowhere": 404} {
		if w := get(path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if _, err := account.New(account.Options{Store: s.session.store}).Add(t.Context(), account.NewUser{Name: "ann", Role: account.Admin, Password: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	before := len(s.log.String())
	if err := s.app.openConsole(t.Context(), s.server, s.session.store, "127.0.0.1:8420"); err != nil || len(s.log.String()) != before {
		t.Errorf("when there is somebody: %v %s", err, s.log.String()[before:])
	}
	if w := get("/login"); w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
}

func TestWhereTheFirstPersonIsSetUp(t *testing.T) {
	t.Parallel()
	got := []string{setupAddress("", "127.0.0.1:8420", "x"), setupAddress("", "[::]:8420", "x"), setupAddress("https://t.example", "0.0.0.0:1", "x"), setupAddress("https://t.example/hub", "0.0.0.0:1", "x")}
	want := []string{"http://127.0.0.1:8420/setup?token=x", "http://localhost:8420/setup?token=x", "https://t.example/setup?token=x", "http://localhost:1/setup?token=x"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
