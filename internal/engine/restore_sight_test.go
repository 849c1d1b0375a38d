package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// R34, invariant 8: a record that is asked about since a restore, and is away for a while, is asked
// about again when it is back, and not created by itself: its partner was deleted by a person of whom
// nobody knows any more.
func TestR34WhatIsAskedAboutAfterARestoreIsAskedAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(w *world, id string, is bool) error{
		"out of sight": func(w *world, id string, is bool) error { return w.a.Hide("cards", id, is) },
		"in the bin": func(w *world, id string, is bool) error {
			if is {
				return w.a.Archive("cards", id)
			}
			return w.a.Restore("cards", id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				file, left, right := w.lostPair()
				w.remove(w.b, "cards", right)
				w.restore(file)
				w.sync("cards")
				w.review(store.ReviewRestored)
				if err := away(w, left, true); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				w.syncWith("cards", engine.SyncOptions{Sweep: true})
				time.Sleep(time.Hour)
				if err := away(w, left, false); err != nil {
					t.Fatal(err)
				}
				w.unwritten()
				w.decide(w.review(store.ReviewRestored), "create")
				w.sync("cards")
				w.by(w.b, "cards", "name", "Ann")
			})
		})
	}
}

// R34: what a person wants left alone after a restore stays so when it has been out of sight.
func TestR34WhatIsLeftAloneAfterARestoreStaysAloneWhenItIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file, left, right := w.lostPair()
		w.remove(w.b, "cards", right)
		w.restore(file)
		w.sync("cards")
		w.decide(w.review(store.ReviewRestored), "dismiss")
		for _, hidden := range []bool{true, false} {
			if err := w.a.Hide("cards", left, hidden); err != nil {
				t.Fatal(err)
			}
			w.unwritten()
		}
	})
}

// R34: nothing is asked any more about what was deleted for good since a restore.
func TestR34WhatWasDeletedForGoodAfterARestoreIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file, left, right := w.lostPair()
		w.remove(w.b, "cards", right)
		w.restore(file)
		w.sync("cards")
		w.review(store.ReviewRestored)
		if err := w.a.Hide("cards", left, true); err != nil {
			t.Fatal(err)
		}
		w.unwritten()
		w.review(store.ReviewRestored)
		if err := w.a.Hide("cards", left, false); err != nil {
			t.Fatal(err)
		}
		w.remove(w.a, "cards", left)
		w.unwritten()
		if asked := w.reviews(); len(asked) > 0 {
			t.Errorf("asked: %v", asked)
		}
	})
}
