package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// R20: of two records with one key the first has the partner; a person may have the second folded
// into it, and the history says so.
func TestADuplicateIsMergedAsAPersonSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith())
		first := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		second := w.put(w.a, "cards", "", map[string]string{"name": "Ann B.", "email": "ann@x.gr", "notes": "rings twice"})
		w.sync("cards")
		item := w.review(store.ReviewDuplicate)
		if len(item.Choices) != 2 || item.Choices[0] != "merge" {
			t.Fatalf("choices %v", item.Choices)
		}
		w.decide(item, "merge")
		w.settled("cards")
		if rows := w.a.Rows("cards"); len(rows) != 1 || rows[0].ID != first {
			t.Errorf("a has %v", rows)
		}
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("b has %d cards", n)
		}
		if open := w.reviews(); len(open) > 0 {
			t.Errorf("still asked: %v", open)
		}
		folded := false
		for _, e := range w.history(record.Left, second) {
			folded = folded || e.Kind == store.Folded && e.Set["notes"].Text() == "rings twice"
		}
		if !folded {
			t.Error("invariant 7: the history does not say what went into the other")
		}
		time.Sleep(time.Hour)
		quiet(t, w)
	})
}

// Where nothing is written to a side, nothing is merged there.
func TestADuplicateOfASideThatIsOnlyReadIsNotMerged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("direction: left-to-right"))
		for range 2 {
			w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		}
		w.sync("cards")
		if item := w.review(store.ReviewDuplicate); len(item.Choices) != 1 || item.Choices[0] != "dismiss" {
			t.Errorf("choices %v", item.Choices)
		}
	})
}
