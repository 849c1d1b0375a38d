package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// Invariant 12: the same seed and one worker give the same journal.
func TestInvariant12TheSameSeedGivesTheSameJournal(t *testing.T) {
	t.Parallel()
	first, second := life(t, 7), life(t, 7)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two lives of one seed differ:\n%s", diff)
	}
	if len(first) < 40 {
		t.Errorf("a journal of %d lines proves little", len(first))
	}
	if other := life(t, 8); cmp.Diff(first, other) == "" {
		t.Error("another seed gives the same journal: nothing is random")
	}
}

// life lets people work on both sides by a seed, among faults, and returns the journal.
func life(t *testing.T, seed uint64) []string {
	t.Helper()
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		rnd := rand.New(rand.NewPCG(seed, 1))
		for day := range 15 {
			for range 5 {
				w.act(rnd)
			}
			if day == 2 {
				w.b.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: "/v1/do", Times: 1})
			}
			if rep := w.sync("cards"); rep.Status == engine.StatusFailed {
				t.Fatalf("day %d: %s", day, rep.Error)
			}
			time.Sleep(time.Hour)
		}
		quiet(t, w)
		entries, err := w.store.History(t.Context(), store.HistoryQuery{Limit: 10000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			lines = append(lines, fmt.Sprintf("%s r%d %s %s/%s %s %s %q %q %s %s", e.At.UTC().Format(time.RFC3339Nano), e.Run, e.Sync, e.Of, e.Record, e.Kind, e.Field, e.Old, e.New, string(e.Set.Append(nil)), e.Why))
		}
	})
	return lines
}

// act lets a person do something to either side.
func (w *world) act(rnd *rand.Rand) {
	w.t.Helper()
	tw := w.a
	if rnd.IntN(2) == 0 {
		tw = w.b
	}
	rows := tw.Rows("cards")
	switch n := rnd.IntN(10); {
	case n < 4 || len(rows) == 0:
		i := rnd.IntN(1000)
		w.put(tw, "cards", "", map[string]string{"name": fmt.Sprintf("Person %d", i), "email": fmt.Sprintf("p%d@x.gr", i)})
	case n < 9:
		field := []string{"notes", "phone", "discount"}[rnd.IntN(3)]
		w.put(tw, "cards", rows[rnd.IntN(len(rows))].ID, map[string]string{field: fmt.Sprint(rnd.IntN(100))})
	default:
		w.remove(tw, "cards", rows[rnd.IntN(len(rows))].ID)
	}
}
