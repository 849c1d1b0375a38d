package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"net/http"

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
