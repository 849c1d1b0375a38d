package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

func TestSinceATimeEverythingGoesBackToWhatItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "0"})
		for i := 1; i < 4; i++ {
			w.put(w.a, "cards", left, map[string]string{"notes": fmt.Sprint(i)})
			w.settled("cards")
			time.Sleep(time.Hour)
		}
		w.put(w.b, "cards", right, map[string]string{"phone": "7"})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.settled("cards")
		since := time.Now().Add(-150 * time.Minute) // before the second edit
		w.wants(w.revert(engine.RevertRequest{Since: since}), "field done", "field done", "archive done")
		w.holds(w.b, right, "notes", "1")
		w.holds(w.a, left, "phone", "")
		quiet(t, w)
		w.holds(w.b, right, "phone", "7")
		w.wants(w.revert(engine.RevertRequest{Since: since, Sync: "cards"}), "field already", "field already", "archive already")
	})
}

// many starts a world with n pairs of which every right one was changed by one run.
func many(t *testing.T, n int) (w *world, run int64) {
	t.Helper()
	w = newWorld(t, cardsYAML)
	for i := range n {
		w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("P", i), "email": fmt.Sprintf("p%d@x.gr", i), "notes": "old"})
	}
	w.settled("cards")
	for _, r := range w.a.Rows("cards") {
		w.put(w.a, "cards", r.ID, map[string]string{"notes": "new"})
	}
	w.yaml = strings.Replace(w.yaml, "match: [email]", "match: [email]\n    guard: { update: 100% }", 1)
	w.configure(w.yaml)
	w.settled("cards")
	time.Sleep(time.Minute)
	return w, w.line(store.Written, "notes").Run
}

func (w *world) allHold(want string) {
	w.t.Helper()
	for _, r := range w.b.Rows("cards") {
		if r.Fields["notes"] != want {
			w.t.Errorf("card %s holds %q, want %q", r.ID, r.Fields["notes"], want)
		}
	}
}

func TestARevertGoesOnThroughRateLimitsAndFailures(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultRateLimit, twin.FaultErrorAfterCommit, twin.FaultLostReply, twin.FaultUnavailable} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, run := many(t, 35)
				w.b.Inject(twin.Fault{Kind: kind, Method: "POST", Path: "/v1/do", Every: 2, Times: 2, Wait: 20 * time.Second})
				items := w.revert(engine.RevertRequest{Run: run})
				if got := states(items)["field done"]; got != 35 {
					t.Errorf("%d of 35 are reverted: %v", got, states(items))
				}
				w.allHold("old")
				quiet(t, w)
				w.allHold("old")
			})
		})
	}
}

func TestInvariant11ARevertThatIsKilledIsRepeatedAndNothingIsRedone(t *testing.T) {
	t.Parallel()
	for _, again := range []string{"revert", "sync first"} {
		for after := range 8 {
			t.Run(fmt.Sprint(again, " after ", after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, run := many(t, 25)
					w.killRevert(run, after)
					w.restart()
					time.Sleep(time.Minute)
					if again == "sync first" {
						w.sync("cards")
					}
					w.revert(engine.RevertRequest{Run: run})
					w.allHold("old")
					for _, r := range w.a.Rows("cards") {
						if r.Fields["notes"] != "new" {
							t.Errorf("the source was touched: %v", r)
						}
					}
					quiet(t, w)
					w.allHold("old")
				})
			})
		}
	}
}

// killRevert ends a revert as a killed process would, when that many requests were answered.
func (w *world) killRevert(run int64, after int) {
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
	_, err := w.engine.Revert(ctx, engine.RevertRequest{Run: run}, func(engine.RevertItem) error { return nil })
	if err == nil && n > after {
		w.t.Errorf("the kill after %d calls went unnoticed", after)
	}
}

// The guard of a sync neither stops a revert nor counts it later.
func TestR30ARevertIsNotGuardedAndItsSizeIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := many(t, 25)
		made := w.line(store.Created, "").Run
		_, done := w.tryRevert(engine.RevertRequest{Run: made})
		if len(done) != 1 || done[0].Counts[engine.RevertDone] != 25 || len(done[0].Beyond) != 1 || !strings.Contains(done[0].Beyond[0], "25 records") {
			t.Fatalf("the revert came to %+v", done)
		}
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("%d cards are left", n)
		}
		quiet(t, w)
		w.configure(archiving("archive"))
		id := w.put(w.b, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr"})
		w.settled("cards")
		w.remove(w.b, "cards", id)
		if rep := w.sync("cards"); rep.Status == engine.StatusBlocked || rep.Left.Deleted != 1 {
			t.Errorf("the revert counts in the guard of a later run: %+v", rep)
		}
	})
}
