package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func TestWhatIsOldGoesAndWhatIsMeasuredByStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		for range 10 {
			time.Sleep(30 * 24 * time.Hour)
			w.settled("cards")
		}
		runs, err := w.store.Runs(t.Context(), "cards", 100)
		if err != nil || len(runs) != 5 { // the first, three within 90 days, and the one that ends now
			t.Errorf("%d runs are kept: %v", len(runs), err)
		}
		lines, err := w.store.History(t.Context(), store.HistoryQuery{Sync: "cards"})
		if err != nil || len(lines) != 1 || lines[0].Kind != store.Created {
			t.Errorf("the journal has %v, want what happened ten months ago: %v", lines, err)
		}
		done, err := w.store.Completed(t.Context(), "cards")
		if err != nil || time.Since(done[0]) < 300*24*time.Hour {
			t.Errorf("the first complete run was at %v: %v", done[0], err)
		}
		quiet(t, w)
	})
}
