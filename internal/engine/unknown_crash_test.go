package engine_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
)

// R16, Invariant 4: what was under way when the process died is not looked up before the vendor
// has settled: it may still be about to do it, and would then be asked to do it again.
func TestR16AfterACrashNothingIsLookedUpBeforeTheVendorHasSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		ctx, die := context.WithCancel(t.Context())
		defer die()
		var sent time.Time
		w.b.After(func(r *http.Request) {
			if sent.IsZero() && r.URL.Path == "/v1/do" {
				sent = time.Now()
				if err := w.store.Close(); err != nil {
					t.Error(err)
				}
				die()
			}
		})
		if _, err := w.engine.Sync(ctx, nil, engine.SyncOptions{}); err == nil || sent.IsZero() {
			t.Fatalf("it did not die while it wrote: %v", err)
		}
		known := len(w.b.Kit().Calls())
		w.restart()
		w.settled("cards")
		looked := 0
		for _, c := range w.b.Kit().Calls()[known:] {
			if c.Path == "/v1/find" {
				looked++
				if waited := c.At.Sub(sent); waited < 2*time.Second { // what the toy takes to settle
					t.Errorf("it is looked up after %v", waited)
				}
			}
		}
		if n := len(w.b.Rows("cards")); n != 1 || looked == 0 {
			t.Errorf("%d cards, looked up %d times", n, looked)
		}
	})
}
