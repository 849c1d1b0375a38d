package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// lostPair makes a pair of which the backup that it returns knows nothing.
func (w *world) lostPair() (file, left, right string) {
	w.t.Helper()
	w.put(w.a, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr"})
	w.settled("cards")
	file = w.backup()
	time.Sleep(time.Hour)
	left = w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	w.settled("cards")
	time.Sleep(time.Hour)
	return file, left, w.by(w.b, "cards", "name", "Ann").ID
}

// unwritten runs everything twice and wants each side to have as many cards as before.
func (w *world) unwritten() {
	w.t.Helper()
	a, b := len(w.a.Rows("cards")), len(w.b.Rows("cards"))
	for range 2 {
		w.sync("cards")
		time.Sleep(time.Hour)
	}
	if x, y := len(w.a.Rows("cards")), len(w.b.Rows("cards")); x != a || y != b {
		w.t.Errorf("%d and %d cards, want %d and %d: %v, %v; asked: %v", x, y, a, b, w.a.Rows("cards"), w.b.Rows("cards"), w.reviews())
	}
}

// R34, invariant 8: that another question was asked about a record in the first run after a
// restore does not end the care with it, nor with those that could be its partner.
func TestR34TheCareGoesOnWhenAnotherQuestionThanItsOwnHasGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file, left, _ := w.lostPair()
		w.put(w.b, "cards", "", map[string]string{"name": "Another Ann", "email": "ann@x.gr"})
		w.restore(file)
		w.sync("cards")
		w.review(store.ReviewAmbiguous)
		w.put(w.a, "cards", left, map[string]string{"email": "ann@y.gr", "notes": "new address"})
		w.unwritten()
	})
}

// R34: what a person wants left alone after a restore stays so when it changes.
func TestR34WhatIsLeftAloneAfterARestoreStaysAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file, left, right := w.lostPair()
		w.remove(w.b, "cards", right)
		w.restore(file)
		w.sync("cards")
		w.decide(w.review(store.ReviewRestored), "dismiss")
		w.unwritten()
		w.put(w.a, "cards", left, map[string]string{"notes": "edited"})
		w.unwritten()
	})
}

// R34, invariant 8: a record that was in the bin during the first run after a restore may be the
// partner of one that still waits, and is not made anew for a stranger when it comes back.
func TestR34WhatComesBackAfterARestoreIsNotDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file, left, right := w.lostPair()
		if err := w.b.Archive("cards", right); err != nil {
			t.Fatal(err)
		}
		w.restore(file)
		w.put(w.a, "cards", left, map[string]string{"email": "ann@y.gr"})
		w.sync("cards")
		w.review(store.ReviewRestored)
		if err := w.b.Restore("cards", right); err != nil {
			t.Fatal(err)
		}
		w.unwritten()
	})
}

// R34, invariant 8: a sync may have run for long though the backup knows nothing of it.
func TestR34ABackupFromBeforeTheFirstRunIsNoFirstRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		file := w.backup()
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		w.put(w.a, "cards", left, map[string]string{"email": "ann@y.gr"}) // so that no key joins them any more
		w.restore(file)
		w.unwritten()
	})
}

// R34, R36, invariant 8: a vendor may carry out only after the first run since a restore what it had
// taken before. What it makes carries a key that the restore has lost, and is asked about as long as
// something on the other side waits that it may be the partner of.
func TestR34WhatALostJobMakesAfterARestoreIsNotDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.settled("cards")
		file := w.backup()
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.b.Slow(2 * time.Hour)
		w.sync("cards")
		w.restore(file)
		w.sync("cards")
		w.review(store.ReviewRestored)
		w.put(w.a, "cards", left, map[string]string{"email": "ann@y.gr"})
		time.Sleep(3 * time.Hour)
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Fatalf("the job has made %d cards", n)
		}
		w.put(w.b, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"}) // a stranger goes on at once
		w.sync("cards")
		w.by(w.a, "cards", "name", "Bob")
		w.by(w.a, "cards", "name", "Ann")
		w.unwritten()
		if asked := strings.Join(w.reviews(), "\n"); strings.Count(asked, "restored:") != 2 || !strings.Contains(asked, "made by Tandem after the backup") {
			t.Errorf("asked:\n%s", asked)
		}
	})
}

// R34, invariant 7: what a record shows of an update that was under way at the backup may come of what
// is lost. A field that holds neither what was sent nor what it did before is not taken as written:
// what the other side set would be overruled by an edit that never saw it.
func TestR34OneFieldProvesNothingOfAnotherAfterARestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
		file := ""
		w.b.Before(func(r *http.Request) {
			if r.URL.Path == "/v1/do" && file == "" {
				file = w.backup() // it is under way, and comes too late
				w.put(w.b, "cards", right, map[string]string{"notes": "of b", "phone": "2"})
			}
		})
		w.put(w.a, "cards", left, map[string]string{"notes": "of a", "phone": "2"})
		w.sync("cards")
		time.Sleep(time.Hour)
		w.restore(file)
		w.sync("cards")
		w.holds(w.a, left, "notes", "of a")
		w.holds(w.b, right, "notes", "of b")
		if got := w.review(store.ReviewConflict); got.Field != "notes=notes" {
			t.Errorf("asked about %q", got.Field)
		}
		w.decide(w.review(store.ReviewConflict), "right")
		w.settled("cards")
		w.holds(w.a, left, "notes", "of b")
		quiet(t, w)
	})
}
