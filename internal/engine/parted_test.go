package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// R18: a record that only the key of one that was parted from its partner keeps from being created
// is looked at again when that one is gone.
func TestR18WhatAPartedRecordsKeyHeldBackGoesOnWhenThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.b, "cards", right)
		w.settled("cards")
		w.put(w.b, "cards", "", map[string]string{"name": "Ann too", "email": "ann@x.gr"})
		w.settled("cards")
		if n := len(w.a.Rows("cards")); n != 1 {
			t.Fatalf("%d cards at a, want the one whose partner was deleted", n)
		}
		w.remove(w.a, "cards", left)
		w.sync("cards")
		w.settled("cards")
		w.by(w.a, "cards", "name", "Ann too")
		quiet(t, w)
	})
}

// R24, R25: what was merged into a record that the vendor does not name, after a filter had parted it
// from its partner, is not made again for that one.
func TestR24WhatWasMergedAfterItLeftTheFilterIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new"})
		bob := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "stage": "lost"})
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"stage": "lost"})
		w.moved()
		w.a.Folds(toy.FoldNowhere)
		w.merge(w.a, bob, ann)
		w.moved()
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID, map[string]string{"stage": "won", "phone": "1"})
		w.moved()
		if rows := w.a.Rows("cards"); len(rows) != 1 {
			t.Errorf("a person merged Ann into Bob, and there are %v", rows)
		}
	})
}

// R4: no vendor merges only if nothing has changed, so that a record is looked at right before, and
// what somebody has just entered is in the journal with it (invariant 7).
func TestR4ARecordIsReadRightBeforeItIsMergedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("merge: follow"))
		w.people("Ann", "Bob")
		lost := w.by(w.a, "cards", "name", "Ann").ID
		time.Sleep(time.Hour)
		w.put(w.a, "cards", lost, map[string]string{"phone": "1"}) // so that the run reads it anyway
		w.merge(w.b, w.by(w.b, "cards", "name", "Bob").ID, w.by(w.b, "cards", "name", "Ann").ID)
		w.a.Before(onceAt("/v1/get", func() { w.put(w.a, "cards", lost, map[string]string{"notes": "call her"}) }))
		w.settled("cards")
		for _, e := range w.history(record.Left, lost) {
			if e.Kind == store.Folded && e.Set["notes"].Text() == "call her" {
				return
			}
		}
		t.Errorf("the note is in no line of the journal: %v", w.history(record.Left, lost))
	})
}

// R18, R22: a record whose partner has left the filter, and was deleted then, has not left it itself:
// it stays alone whatever people do with it, and is not created anew on the side where it was deleted.
// It does find a new partner.
func TestR18ARecordIsNotMadeAnewWhosePartnerLeftTheFilterAndWasDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := leaving(t, "unlink")
		w.put(w.a, "cards", left, map[string]string{"stage": "lost"})
		w.settled("cards")
		w.remove(w.a, "cards", left)
		w.settled("cards")
		for _, phone := range []string{"1", "2"} {
			w.put(w.b, "cards", right, map[string]string{"phone": phone})
			w.settled("cards")
			if rows := w.a.Rows("cards"); len(rows) != 0 {
				t.Fatalf("what was deleted was made anew: %v", rows)
			}
		}
		quiet(t, w)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 1 || len(b) != 1 || a[0].Fields["phone"] != "2" {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

// R18: one that has left the filter itself, and enters it again, gets a partner, though that one is
// gone which had left it, too.
func TestR18ARecordThatEntersTheFilterAgainIsMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith(`where: { left: "stage != 'lost'", right: "stage != 'lost'" }`, "leave: unlink"))
		w.people("Ann")
		ours, theirs := w.by(w.a, "cards", "name", "Ann").ID, w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.a, "cards", ours, map[string]string{"stage": "lost"})
		w.put(w.b, "cards", theirs, map[string]string{"stage": "lost"})
		w.settled("cards")
		w.remove(w.a, "cards", ours)
		w.settled("cards")
		w.put(w.b, "cards", theirs, map[string]string{"stage": "new"})
		w.settled("cards")
		w.by(w.a, "cards", "name", "Ann")
		quiet(t, w)
	})
}
