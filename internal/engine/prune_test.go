package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
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

// Beyond the size that the configuration allows the oldest goes before its time, and what is
// needed does not: that is said.
func TestTheOldestGoesForTheSakeOfSizeAndWhatIsNeededNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "syncs:\n", "retention: { size: 16MiB, runs: forever, reviews: forever }\nsyncs:\n", 1)
		w, left, _ := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		chatter := func(n int, kind store.EntryKind, why string) {
			for range n {
				lines := make([]store.Entry, 0, 100)
				for range cap(lines) {
					lines = append(lines, store.Entry{At: time.Now(), Sync: "cards", Of: store.Object{Connection: "b", Name: "cards"}, Record: "gone", Kind: kind,
						Old: record.Text(strings.Repeat("x", 1000)), Why: why})
				}
				if err := w.store.Decide(t.Context(), "cards", [2]int64{}, store.Facts{Journal: lines}); err != nil {
					t.Fatal(err)
				}
			}
		}
		count := func() map[string]int {
			lines, err := w.store.History(t.Context(), store.HistoryQuery{Sync: "cards", Limit: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			n := map[string]int{}
			for _, e := range lines {
				n[e.Why]++
			}
			return n
		}
		measure := func() store.Disk {
			d, err := w.store.Disk(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		chatter(100, store.Written, "old")
		time.Sleep(10 * 24 * time.Hour)
		chatter(40, store.Written, "newer")
		time.Sleep(10 * 24 * time.Hour)
		w.settled("cards")
		d := measure()
		if n := count(); n["newer"] != 4000 || n["old"] == 0 || n["old"] > 9000 || d.Used() > 16<<20 || d.Bytes > 16<<20 || !d.Unmet.IsZero() {
			t.Errorf("%v, %+v", n, d)
		}
		chatter(130, store.Overruled, "in the drawer")
		chatter(20, store.Written, "this week's")
		w.settled("cards")
		d = measure()
		if n := count(); n["in the drawer"] != 13_000 || n["this week's"] != 2000 || n["newer"] != 0 || d.Unmet.IsZero() {
			t.Errorf("what is promised: %v, %+v", n, d)
		}
		time.Sleep(91 * 24 * time.Hour) // keep_overruled is over
		w.settled("cards")
		w.settled("cards")
		d = measure()
		if n := count(); d.Bytes > 16<<20 || !d.Unmet.IsZero() {
			t.Errorf("later: %v, %+v", n, d)
		}
		w.put(w.a, "cards", left, map[string]string{"name": "Anna"})
		w.settled("cards")
		quiet(t, w)
	})
}
