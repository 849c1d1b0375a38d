package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

func TestManyAtATimeInFullBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.workers = 8
		w.restart()
		const n = 537
		for i := range n {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i)})
		}
		for i := range 20 {
			w.put(w.b, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i), "notes": "was here"})
		}
		rep := w.settled("cards")
		if rep.Linked != n || rep.Right.Created != n-20 || rep.Left.Updated != 20 {
			t.Errorf("%+v", rep)
		}
		if got, want := w.b.Count("POST", "/v1/do"), (n-20+9)/10; got != want {
			t.Errorf("%d write calls for %d creates in batches of 10, want %d", got, n-20, want)
		}
		quiet(t, w)
	})
}

func TestFaultsInTheMiddleOfAParallelFirstSync(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultUnavailable, twin.FaultRateLimit, twin.FaultTruncate,
		twin.FaultErrorAfterCommit, twin.FaultRefuse, twin.FaultHTML, twin.FaultSlow} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				w.workers = 4
				w.restart()
				const n = 120
				for i := range n {
					w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i)})
				}
				fault := w.b.Inject(twin.Fault{Kind: kind, Method: "POST", Path: "/v1/do", After: 2, Every: 3, Times: 3, Wait: 3 * time.Second})
				rep := w.sync("cards")
				for range 3 {
					if rep.Reconciled && rep.Status == engine.StatusOK {
						break
					}
					time.Sleep(5 * time.Minute)
					rep = w.sync("cards")
				}
				if fault.Hits() != 3 {
					t.Errorf("the fault struck %d times, want 3", fault.Hits())
				}
				if got := len(w.b.Rows("cards")); got != n || rep.Linked != n || !rep.Reconciled {
					t.Errorf("%d cards, want %d; %+v %v", got, n, rep, w.reviews())
				}
				quiet(t, w)
			})
		})
	}
}

// R15: while the other side is still being read, nothing of this one may be created there: who is
// on the last page is its partner.
func TestR15NothingIsCreatedWhileTheOtherSideIsBeingRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.workers = 4
		w.restart()
		ann := map[string]string{"name": "Ann", "email": "ann@x.gr"}
		w.put(w.a, "cards", "", ann)
		const there = 250
		for i := range there - 1 {
			w.put(w.b, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i)})
		}
		w.put(w.b, "cards", "", ann)
		w.b.Before(func(r *http.Request) {
			if r.Method == http.MethodGet {
				time.Sleep(10 * time.Second)
			}
		})
		w.settled("cards")
		if got := len(w.b.Rows("cards")); got != there {
			t.Errorf("%d cards where there were %d", got, there)
		}
		if n := w.b.Count("POST", "/v1/do"); n != 0 {
			t.Errorf("%d writes to a side that lacks nothing", n)
		}
		quiet(t, w)
	})
}

// Invariant 11: a run that is told to stop ends the batch under way and keeps its answers; the
// next run asks nobody what became of it.
func TestInvariant11ABatchUnderWayEndsBeforeTheRunDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		for i := range 30 {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i)})
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		w.b.Before(onceAt("/v1/do", stop))
		w.b.After(onceAt("/v1/do", func() { time.Sleep(3 * time.Second) }))
		if _, err := w.engine.Sync(ctx, nil, engine.SyncOptions{}); !errors.Is(err, context.Canceled) {
			t.Fatalf("the run ended with %v", err)
		}
		made := len(w.b.Rows("cards"))
		if made != 10 || w.b.Count("POST", "/v1/do") != 1 {
			t.Fatalf("%d cards by %d calls, want the one batch of 10 that was under way", made, w.b.Count("POST", "/v1/do"))
		}
		tally, err := w.store.Tally(t.Context(), "cards")
		if err != nil {
			t.Fatal(err)
		}
		if tally.Linked != made {
			t.Errorf("%d of the %d cards that were made are linked", tally.Linked, made)
		}
		w.settled("cards")
		quiet(t, w)
	})
}

// R1, R8: each side's write of one pair moves the base of its own fields, and of no others: an
// edit that follows right after one of them is one side's change, not a conflict.
func TestR1WritesToBothSidesOfAPairKeepEachOthersBases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("prefer: left"))
		w.workers = 8
		w.restart()
		l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "+302105550000"})
		w.settled("cards")
		r := w.b.Rows("cards")[0].ID
		time.Sleep(time.Minute)
		w.put(w.a, "cards", l, map[string]string{"notes": "from left"})
		w.put(w.b, "cards", r, map[string]string{"phone": "+302105550001"})
		w.b.After(onceAt("/v1/do", func() { w.put(w.b, "cards", r, map[string]string{"notes": "a person, right after"}) }))
		slow := func(by time.Duration) func(*http.Request) {
			return func(q *http.Request) {
				if strings.HasSuffix(q.URL.Path, "/do") {
					time.Sleep(by)
				}
			}
		}
		w.b.Before(slow(100 * time.Millisecond))
		w.a.After(slow(time.Second))
		w.settled("cards")
		w.settled("cards")
		if got := cell(w.b, r, "notes"); got != "a person, right after" {
			t.Errorf("the edit is lost: %q", got)
		}
		quiet(t, w)
	})
}
