package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// nothingAsked wants no item to be open any more.
func (w *world) nothingAsked() {
	w.t.Helper()
	w.settled("cards")
	if open := w.reviews(); len(open) > 0 {
		w.t.Errorf("still asked: %v", open)
	}
}

func TestAConflictOfAPairGoesWithBothItsRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "x"})
		w.put(w.a, "cards", l, map[string]string{"notes": "left"})
		w.put(w.b, "cards", r, map[string]string{"notes": "right"})
		w.sync("cards")
		w.review(store.ReviewConflict)
		w.remove(w.a, "cards", l)
		w.remove(w.b, "cards", r)
		w.nothingAsked()
	})
}

func TestAConflictGoesWhenItsPairIsParted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, strings.Replace(mailYAML("both", "ignore"), "match: [email]", "match: [email]\n    prefer: ask", 1), "", "")
		w.put(w.a, "cards", l, map[string]string{"notes": "left"})
		w.put(w.b, "cards", r, map[string]string{"notes": "right"})
		w.sync("cards")
		w.review(store.ReviewConflict)
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Linked, "").ID}), "unlink done")
		w.nothingAsked()
	})
}

func TestAQuestionSinceARestoreGoesWithItsRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		file := w.backup()
		time.Sleep(time.Hour)
		n := w.put(w.a, "cards", "", map[string]string{"name": "New", "phone": "77"})
		w.restore(file)
		w.sync("cards")
		w.review(store.ReviewRestored)
		w.remove(w.a, "cards", n) // as the item advises
		w.nothingAsked()
	})
}

func TestAQuestionAboutAnErasedPersonGoesWithTheirAddress(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"the address was somebody else's": "anna@x.gr", "it does not pass the filter": "out@y.gr"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith(`where: { left: "email != 'out@y.gr'" }`))
				if err := w.store.Bury(t.Context(), time.Now(), "email ann@x.gr", "email out@y.gr"); err != nil {
					t.Fatal(err)
				}
				l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
				w.sync("cards")
				w.review(store.ReviewErased)
				w.put(w.a, "cards", l, map[string]string{"email": email})
				w.nothingAsked()
			})
		})
	}
}

func TestR26AQuestionAboutTheFormerOrganisersCopyIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(visitsYAML, "prefer: newest", "prefer: ask", 1))
		w.put(w.b, "meetings", "", map[string]string{"name": "Plan", "box": mail("ann"), "guests": fiveGuests()})
		time.Sleep(time.Minute)
		w.settled("visits")
		w.put(w.a, "visits", w.visit().ID, map[string]string{"name": "L"})
		w.put(w.b, "meetings", w.meeting("ann").ID, map[string]string{"name": "R"})
		w.sync("visits")
		if err := w.b.HandOver(w.meeting("bob").ID); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(time.Hour)
			w.sync("visits")
		}
		w.decide(w.review(store.ReviewConflict), "left")
		w.settled("visits")
	})
}
