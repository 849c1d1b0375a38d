package engine_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// R16, invariant 7: the process dies as it sends an update, and the update is not carried out because a person
// at the target was quicker. They came to one of its values by themselves, set another field to something
// else and left a third as it was. What they happen to share proves nothing of the field in which they
// differ: both sides have edited that one, and the rule decides.
func TestR16AFieldThatHappensToHoldWhatWasSentProvesNothingOfAnother(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prefer, want, lost string }{
		{"prefer: left", "of a", "of b"},
		{"prefer: right", "of b", "of a"},
		{"prefer: ask", "of b", "of a"},
	} {
		t.Run(c.prefer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsWith(c.prefer), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
				w.put(w.a, "cards", left, map[string]string{"notes": "of a", "phone": "2", "stage": "won"})
				w.diesSending(func() { w.put(w.b, "cards", right, map[string]string{"notes": "of b", "phone": "2"}) })
				w.sync("cards")
				if c.prefer == "prefer: ask" {
					item := w.review(store.ReviewConflict)
					if item.Field != "notes=notes" {
						t.Errorf("asked about %q", item.Field)
					}
					w.decide(item, "right")
				}
				w.settled("cards")
				for _, tw := range []twin.Twin{w.a, w.b} {
					if got := tw.Rows("cards")[0].Fields; got["notes"] != c.want || got["phone"] != "2" || got["stage"] != "won" {
						t.Errorf("a side holds %v", got)
					}
				}
				told := false
				for _, e := range append(w.history(record.Left, left), w.history(record.Right, right)...) {
					told = told || e.Kind == store.Overruled && e.Field == "notes" && e.Old.Text() == c.lost
				}
				if !told {
					t.Errorf("%q was replaced, and the journal does not say so", c.lost)
				}
				quiet(t, w)
			})
		})
	}
}

// diesSending runs everything until something is written at b, has somebody be quicker there, and starts
// the killed process again.
func (w *world) diesSending(quicker func()) {
	w.t.Helper()
	ctx, die := context.WithCancel(w.t.Context())
	defer die()
	w.b.Before(onceAt("/v1/do", func() {
		quicker()
		if err := w.store.Close(); err != nil {
			w.t.Error(err)
		}
		die()
	}))
	if _, err := w.engine.Sync(ctx, nil, engine.SyncOptions{}); err == nil || ctx.Err() == nil {
		w.t.Fatalf("it did not die while it wrote: %v", err)
	}
	w.restart()
}
