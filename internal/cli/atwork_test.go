package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/engine"
)

// A run that a person stops ends; what the turn has not come to runs next, and the schedule goes on.
func TestAStoppedRunEndsAndTheRestOfItsTurnRunsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
		defer cancel()
		var ran []string
		sv, h := lent(t, &ran)
		start := time.Now()
		sv.run = func(ctx context.Context, syncs []string) ([]engine.Report, error) {
			sv.see(engine.Progress{Run: int64(len(ran) + 1), Sync: syncs[0], Act: engine.ActBegin})
			ran = append(ran, time.Since(start).String()+" "+strings.Join(syncs, "+"))
			select {
			case <-ctx.Done():
				return []engine.Report{{Sync: syncs[0], Status: engine.StatusFailed, Err: ctx.Err()}}, ctx.Err()
			case <-time.After(3 * time.Minute):
				return nil, nil
			}
		}
		go func() {
			time.Sleep(time.Second)
			if err := h.Run("hourly", "by hand"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			if h.Cancel(7) {
				t.Error("a run was stopped that is not under way")
			}
			if p := h.Progress(); p == nil || p.Run != 1 || p.Sync != "hourly" || p.Stopping {
				t.Errorf("under way: %+v", p)
			}
			if !h.Cancel(1) {
				t.Error("it was not under way")
			}
			time.Sleep(time.Minute)
			if h.Cancel(1) {
				t.Error("it was stopped twice")
			}
			time.Sleep(5 * time.Minute)
			if p := h.Progress(); p != nil {
				t.Errorf("nothing runs, and there is progress: %+v", p)
			}
		}()
		if err := sv.loop(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"1s hourly+by hand", "1m1s by hand", "15m0s often", "30m0s often"}
		if diff := cmp.Diff(want, ran); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProgressIsToldWithItsStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		sv, h := lent(t, &ran)
		ear, stop, ok := h.Bell().Listen("ann")
		if !ok {
			t.Fatal("nobody may listen")
		}
		defer stop()
		_, end := sv.begin(t.Context())
		sv.see(engine.Progress{Run: 3, Sync: "often", Act: engine.ActBegin})
		sv.see(engine.Progress{Run: 3, Sync: "often", Act: engine.ActRead, Of: "erp.contacts", Done: 100, Total: 400})
		began := time.Now()
		time.Sleep(10 * time.Second)
		sv.see(engine.Progress{Run: 3, Sync: "often", Act: engine.ActRead, Of: "erp.contacts", Done: 200, Total: 400})
		sv.see(engine.Progress{Sync: "often", Act: engine.ActVerify, Done: 5}) // no run
		want := &console.Progress{Run: 3, Sync: "often", Stages: []console.Stage{
			{Act: engine.ActRead, Of: "erp.contacts", Done: 200, Total: 400, Began: began, Seen: time.Now()}}}
		if diff := cmp.Diff(want, h.Progress()); diff != "" {
			t.Error(diff)
		}
		if left, ok := h.Progress().Stages[0].Left(); !ok || left != 10*time.Second {
			t.Errorf("it takes %v more", left)
		}
		select {
		case <-ear:
		default:
			t.Error("the bell did not ring")
		}
		if end() || h.Progress() != nil {
			t.Error("it goes on")
		}
	})
}

func TestLookingDoesNotWaitForARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []string
		sv, h := lent(t, &ran)
		sv.borrow = func(context.Context) (*engine.Engine, error) { return &engine.Engine{}, nil }
		sv.busy <- struct{}{}
		gone := errors.New("x")
		if err := h.Look(t.Context(), func(context.Context, *engine.Engine) error { return gone }); !errors.Is(err, gone) {
			t.Error(err)
		}
	})
}
