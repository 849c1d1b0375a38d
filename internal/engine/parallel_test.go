package engine_test

import (
	"fmt"
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
