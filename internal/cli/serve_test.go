package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// newTestServer returns a server of two scheduled syncs and one that runs by hand only,
// whose runs are done by f.
func newTestServer(began map[string]time.Time, f func(context.Context, []string) ([]engine.Report, error)) *server {
	ends := [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}
	syncs := []plan.Sync{
		{Name: "often", Ends: ends, Schedule: plan.Schedule{Every: 15 * time.Minute}},
		{Name: "hourly", Ends: ends, Schedule: plan.Schedule{Cron: "0 * * * *"}},
		{Name: "by hand", Ends: ends},
	}
	return &server{busy: make(chan struct{}, 1), news: newNews(),
		plan:   &plan.Plan{Syncs: syncs},
		table:  &timetable{zone: time.UTC, syncs: syncs[:2], began: began, early: map[string]time.Time{}},
		meters: newMeters(),
		log:    slog.New(slog.DiscardHandler),
		run:    f,
		gauge:  func(context.Context, string) error { return nil },
	}
}

func TestServeRunsBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 119*time.Minute)
		defer cancel()
		start := time.Now()
		ran := map[string][]string{}
		sv := newTestServer(map[string]time.Time{"hourly": start}, func(_ context.Context, syncs []string) ([]engine.Report, error) {
			var out []engine.Report
			for _, s := range syncs {
				ran[s] = append(ran[s], time.Since(start).String())
				out = append(out, engine.Report{Sync: s, Status: engine.StatusOK})
			}
			time.Sleep(time.Minute) // a run takes its time; what falls due meanwhile waits
			return out, nil
		})
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{
			// The interval counts from when the last run began. At the full hour both are due.
			"often":  {"0s", "15m0s", "30m0s", "45m0s", "1h0m0s", "1h15m0s", "1h30m0s", "1h45m0s"},
			"hourly": {"1h0m0s"},
		}
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Error(diff)
		}
	})
}

func TestServeMakesUpForAMissedRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		yesterday := time.Now().Add(-24 * time.Hour)
		var ran [][]string
		sv := newTestServer(map[string]time.Time{"often": yesterday, "hourly": yesterday}, func(_ context.Context, syncs []string) ([]engine.Report, error) {
			ran = append(ran, slices.Clone(syncs))
			return nil, errors.New("the disk is full")
		})
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{{"often", "hourly"}}, ran); diff != "" {
			t.Errorf("a failed run waits for its next time: %s", diff)
		}
	})
}

func TestServeComesBackWhenAVendorSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 14*time.Minute)
		defer cancel()
		start := time.Now()
		var ran []string
		sv := newTestServer(map[string]time.Time{"hourly": start}, func(_ context.Context, syncs []string) ([]engine.Report, error) {
			ran = append(ran, time.Since(start).String())
			rep := engine.Report{Sync: "often", Status: engine.StatusReview}
			if len(ran) == 1 {
				until := time.Now().Add(5 * time.Minute)
				rep.Waiting, rep.Until = 3, &until
			}
			return []engine.Report{rep}, nil
		})
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"0s", "5m0s"}, ran); diff != "" {
			t.Error(diff)
		}
	})
}

// TestServeReloadsBetweenRuns holds that a run under way ends by the configuration that it
// began with, that a new one is taken over whole, and that a broken one changes nothing.
func TestServeReloadsBetweenRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 44*time.Minute)
		defer cancel()
		start := time.Now()
		hup := make(chan os.Signal, 1)
		var told []string
		tell := func(what string) { told = append(told, time.Since(start).String()+" "+what) }
		var sv *server
		sv = newTestServer(map[string]time.Time{"hourly": start}, func(_ context.Context, syncs []string) ([]engine.Report, error) {
			before := sv.plan
			time.Sleep(5 * time.Minute)
			if sv.plan != before {
				t.Error("the configuration changed within a run")
			}
			tell(strings.Join(syncs, " "))
			var reports []engine.Report
			for _, s := range syncs {
				reports = append(reports, engine.Report{Sync: s, Status: engine.StatusOK})
			}
			return reports, nil
		})
		sv.meters.linked.WithLabelValues("hourly").Set(1)
		sv.hup = hup
		var adopted *plan.Plan
		sv.adopt = func(p *plan.Plan) { adopted = p }
		broken := true
		sv.reread = func(context.Context) (*plan.Plan, *timetable, error) {
			if broken {
				broken = false
				tell("refused")
				return nil, nil, errors.New("tandem.yaml:3: no")
			}
			tell("taken")
			syncs := []plan.Sync{{Name: "new", Ends: sv.plan.Syncs[0].Ends, Schedule: plan.Schedule{Every: 20 * time.Minute}}}
			return &plan.Plan{Syncs: syncs}, &timetable{zone: time.UTC, syncs: syncs, began: map[string]time.Time{}, early: map[string]time.Time{}}, nil
		}
		go func() {
			time.Sleep(time.Minute) // within the first run
			hup <- os.Interrupt
			time.Sleep(9 * time.Minute) // between two runs
			hup <- os.Interrupt
		}()
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"5m0s often", "5m0s refused", "10m0s taken", "15m0s new", "35m0s new"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		if adopted != sv.plan {
			t.Error("the next turn does not run by the new configuration")
		}
		w := httptest.NewRecorder()
		sv.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if strings.Contains(w.Body.String(), `tandem_linked_pairs{sync="hourly"}`) {
			t.Error("a sync that is gone is still shown as it last stood")
		}
	})
}

func TestServeStopsWithinARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		sv := newTestServer(map[string]time.Time{}, func(ctx context.Context, syncs []string) ([]engine.Report, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // the batch under way ends
			return []engine.Report{{Sync: "often", Status: engine.StatusFailed, Err: ctx.Err()}}, ctx.Err()
		})
		done := make(chan error)
		go func() { done <- sv.loop(ctx) }()
		synctest.Wait()
		if !sv.ready.Load() {
			t.Error("it runs, and is not ready")
		}
		cancel()
		synctest.Wait()
		if sv.ready.Load() {
			t.Error("it drains, and is still ready")
		}
		if err := <-done; err != nil {
			t.Errorf("a stop that was asked for is a good end: %v", err)
		}
	})
}

// A clock that was ahead for a while leaves runs behind that seem to be still to come.
func TestAClockThatWasAheadStopsNoSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 44*time.Minute)
		defer cancel()
		start := time.Now()
		var ran []string
		sv := newTestServer(map[string]time.Time{"often": start.Add(365 * 24 * time.Hour), "hourly": start.Add(time.Minute)}, func(_ context.Context, syncs []string) ([]engine.Report, error) {
			ran = append(ran, time.Since(start).String()+" "+strings.Join(syncs, " "))
			return nil, nil
		})
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"0s often", "15m0s often", "30m0s often"} // a minute is nothing
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Error(diff)
		}
		sv.meters.remember("often", []store.Run{{Status: engine.StatusOK, Ended: start.Add(365 * 24 * time.Hour)}})
		w := httptest.NewRecorder()
		sv.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		now := strconv.FormatFloat(float64(time.Now().Unix()), 'g', -1, 64)
		if want := `tandem_last_success_timestamp_seconds{sync="often"} ` + now; !strings.Contains(w.Body.String(), want) {
			t.Errorf("the last success is not that of now: %s", want)
		}
	})
}

func TestServeGoesOnWhenNobodyCanBeTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 44*time.Minute)
		defer cancel()
		var log syncBuffer
		ran := 0
		sv := newTestServer(map[string]time.Time{"hourly": time.Now()}, func(context.Context, []string) ([]engine.Report, error) {
			ran++
			return []engine.Report{{Sync: "often", Status: engine.StatusOK}}, nil
		})
		sv.log = slog.New(slog.NewTextHandler(&log, nil))
		sv.tell = func(engine.Report) error { return errors.New("write /dev/stdout: no space left on device") }
		if err := sv.loop(ctx); err != nil || ran != 3 {
			t.Errorf("%d turns: %v", ran, err)
		}
		if !strings.Contains(log.String(), "no space left") {
			t.Error("nobody is told")
		}
	})
}

func TestServeAnswers(t *testing.T) {
	t.Parallel()
	sv := newTestServer(map[string]time.Time{}, nil)
	sync := sv.plan.Syncs[0]
	rep := engine.Report{Sync: "often", Status: engine.StatusReview, DurationMS: 1500,
		Left: store.Counts{Read: 5, Calls: 2}, Right: store.Counts{Created: 3, Updated: 1, Calls: 4}}
	sv.meters.ran(sync, rep, time.Unix(1_700_000_000, 0))
	sv.meters.stands("often", store.Tally{Linked: 480, Review: 2, Outbox: 1}, status.Events{Waiting: 3, Failed: 1})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		sv.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get("/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %q", code, body)
	}
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz before it runs: %d", code)
	}
	sv.ready.Store(true)
	if code, body := get("/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("readyz: %d %q", code, body)
	}
	_, metrics := get("/metrics")
	for _, want := range []string{
		`tandem_runs_total{status="review",sync="often"} 1`,
		`tandem_records_read_total{side="left",sync="often"} 5`,
		`tandem_records_written_total{side="right",sync="often",verb="create"} 3`,
		`tandem_records_written_total{side="right",sync="often",verb="update"} 1`,
		`tandem_calls_total{connection="crm"} 4`,
		`tandem_linked_pairs{sync="often"} 480`,
		`tandem_review_items{sync="often"} 2`,
		`tandem_outbox_operations{sync="often"} 1`,
		`tandem_events_queued{state="waiting",sync="often"} 3`,
		`tandem_events_queued{state="held",sync="often"} 0`,
		`tandem_events_queued{state="failed",sync="often"} 1`,
		`tandem_last_run_duration_seconds{sync="often"} 1.5`,
		`tandem_last_success_timestamp_seconds{sync="often"} 1.7e+09`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	if code, _ := get("/"); code != http.StatusNotFound {
		t.Errorf("/: %d", code)
	}
}
