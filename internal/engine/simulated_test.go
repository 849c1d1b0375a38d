package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// What the simulation found, each as small as it can be told.

// R12: elements that both sides changed are written to both. If only one of the two writes
// takes effect, nothing is agreed yet: the other one is still owed.
func TestR12ElementsForBothSidesAreAgreedOnlyWhenBothHoldThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "press;vip"})
		w.put(w.a, "cards", left, map[string]string{"tags": "press;trade;vip"})
		w.put(w.b, "cards", right, map[string]string{"tags": "vip"})
		once := false
		w.b.Before(func(r *http.Request) { // the second write is refused as stale
			if !once && r.URL.Path == "/v1/do" {
				once = true
				w.put(w.b, "cards", right, map[string]string{"notes": "meanwhile"})
			}
		})
		w.settled("cards")
		for _, tw := range []twin.Twin{w.a, w.b} {
			if got := tw.Rows("cards")[0].Fields; got["tags"] != "trade;vip" || got["notes"] != "meanwhile" {
				t.Errorf("a side holds %v", got)
			}
		}
		quiet(t, w)
	})
}

// R22: a value that never was agreed, because its question is still open or its write has
// not got through, would be lost with the record.
func TestR22WhatTheDeletedSideNeverHadHoldsTheDelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: ask\n    delete: delete", 1)
		w := newWorld(t, yaml)
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Anna", "email": "ann@x.gr"})
		w.sync("cards")
		w.remove(w.a, "cards", left)
		w.sync("cards")
		if len(w.b.Rows("cards")) != 1 {
			t.Error("the name Anna was deleted with its record while the question about it was open")
		}
		want := "a.cards/1 was deleted before name was in step with b.cards/1, which has \"Anna\": nothing is deleted" // nobody changed it
		if got := w.review(store.ReviewDelete).Text; got != want {
			t.Errorf("a person is asked %q, want %q", got, want)
		}
		quiet(t, w)
	})
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: ask\n    delete: delete", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.sync("cards")
		w.remove(w.a, "cards", left)
		w.sync("cards")
		if len(w.b.Rows("cards")) != 1 {
			t.Error("the notes from b were deleted with their record while the question about them was open")
		}
		quiet(t, w)
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: delete", 1))
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "asked for a call"})
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/do"})
		w.sync("cards")
		w.remove(w.a, "cards", left)
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		if len(w.b.Rows("cards")) != 1 {
			t.Error("the notes were deleted with their record although they had never been carried over")
		}
		quiet(t, w)
	})
}

// R27: a record may be what a create of unknown outcome has made. If that create's source
// has been deleted meanwhile, it is not created anew at the side where a person deleted it.
func TestR27ADeletedRecordDoesNotComeBackByACreateOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		lost := w.a.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("cards")
		if lost.Hits() != 1 || len(w.a.Rows("cards")) != 1 {
			t.Fatal("the create did not take effect, or its answer was not lost")
		}
		w.remove(w.b, "cards", right)
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("a person deleted the card, and there are %d again", n)
		}
		quiet(t, w)
	})
}

// Invariant 8: a person deletes what a create of unknown outcome has made, after we have read it
// and before we look it up: what the mirror still has of it is not made anew at its source.
func TestInvariant8WhatWasDeletedBeforeItsCreateWasLookedUpIsNotMadeAtItsSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		lost := w.a.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("cards")
		if lost.Hits() != 1 || len(w.a.Rows("cards")) != 1 {
			t.Fatal("the create did not take effect, or its answer was not lost")
		}
		w.put(w.a, "cards", w.a.Rows("cards")[0].ID, map[string]string{"stage": "won"})
		w.remove(w.b, "cards", right)
		down.Remove()
		time.Sleep(time.Hour)
		w.a.Before(onceAt("/v1/find", func() { w.remove(w.a, "cards", w.a.Rows("cards")[0].ID) }))
		w.sync("cards")
		w.settled("cards")
		if n := len(w.b.Ledger().Acts()); n != 2 {
			t.Errorf("b has seen %d acts, want a person's two: %+v", n, w.b.Ledger().Acts())
		}
		quiet(t, w)
	})
}

// Invariant 8: what a create of unknown outcome has made is not taken for somebody else's new
// record, even if a person has given it another key before it could be looked up.
func TestInvariant8AnUnknownCreatesRecordWithAnotherKeyIsNotDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("cards")
		if lost.Hits() != 1 || len(w.b.Rows("cards")) != 1 {
			t.Fatal("the create did not take effect, or its answer was not lost")
		}
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"email": "ann.new@x.gr", "notes": "new address"})
		down.Remove()
		time.Sleep(time.Hour)
		w.settled("cards")
		for _, tw := range []*toy.Twin{w.a, w.b} {
			if got := w.by(tw, "cards", "name", "Ann").Fields; got["email"] != "ann.new@x.gr" || got["notes"] != "new address" {
				t.Errorf("a side holds %v", got)
			}
		}
		quiet(t, w)
	})
}

// R2, invariant 6: of an update of unknown outcome, the fields that nobody has touched since
// are ours, and those that a person has are theirs.
func TestR2APersonsEditOfOneFieldDoesNotMakeOurOthersForeign(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
		w.put(w.a, "cards", left, map[string]string{"notes": "ours", "phone": "2"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"})
		w.sync("cards")
		if lost.Hits() != 1 {
			t.Fatal("the answer was not lost")
		}
		w.put(w.b, "cards", right, map[string]string{"phone": "3"})
		time.Sleep(time.Minute)
		w.put(w.a, "cards", left, map[string]string{"notes": "newer"})
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		rep := w.settled("cards")
		for _, tw := range []twin.Twin{w.a, w.b} {
			if got := tw.Rows("cards")[0].Fields; got["notes"] != "newer" || got["phone"] != "3" {
				t.Errorf("a side holds %v: %+v", got, rep)
			}
		}
		for _, e := range w.history(record.Left, left) {
			if e.Kind == store.Overruled {
				t.Errorf("%q was overruled although only one side's people touched %s", e.Old, e.Field)
			}
		}
		quiet(t, w)
	})
}

// R15: a record that may be the outcome of an unfinished create is not given to another one
// with the same key.
func TestR15WhatAnUnfinishedCreateMayHaveMadeIsNobodyElsesPartner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("cards")
		other := w.put(w.a, "cards", "", map[string]string{"name": "Another Ann", "email": "ann@x.gr"})
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		w.sync("cards")
		if lost.Hits() != 1 {
			t.Fatal("the answer was not lost")
		}
		if got := w.by(w.b, "cards", "email", "ann@x.gr").Fields["name"]; got != "Ann" {
			t.Errorf("the card at b is called %q", got)
		}
		for _, e := range w.history(record.Left, other) {
			if e.Kind == store.Linked {
				t.Error("the card that was made from Ann was given to another Ann")
			}
		}
		quiet(t, w)
	})
}
