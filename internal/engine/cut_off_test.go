package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/twin"
)

// R16, invariant 8: the vendor's clock is minutes behind ours, and no key tells what a create of
// unknown outcome has made: it is found all the same by what it holds.
func TestR16WhatAnUnknownCreateMadeIsFoundWhenTheVendorsClockIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, familyYAML)
		w.b.Skew(-4 * time.Minute)
		w.put(w.a, "labels", "", map[string]string{"name": "Gold"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		w.sync("labels")
		if lost.Hits() != 1 {
			t.Fatal("no answer was lost")
		}
		time.Sleep(time.Hour)
		w.settled("labels")
		for _, tw := range []*toy.Twin{w.a, w.b} {
			w.by(tw, "labels", "name", "Gold")
		}
		quiet(t, w)
	})
}

// R21: the listing after a cursor has expired ends only when all that it did not show has been
// asked for: cut off in between, the next run does that.
func TestR21WhatWasDeletedBeforeACursorExpiredIsNoticedThoughItsProofFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsWith("delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.a, "cards", left)
		time.Sleep(30 * 24 * time.Hour)
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get", After: 1}) // the newest are seen
		if w.sync("cards"); down.Hits() == 0 {
			t.Fatal("nothing was asked for by its id")
		}
		down.Remove()
		time.Sleep(time.Hour)
		w.settled("cards")
		if rows := w.b.Rows("cards"); len(rows) != 0 {
			t.Errorf("right still has %v", rows)
		}
		quiet(t, w)
	})
}

// R21: a listing that is cut off at its first page begins anew, and so does what counts as seen by it:
// what that page showed and is gone by the time of the next one is nobody's tombstone any more.
func TestR21WhatIsDeletedBetweenAListingCutOffAndTheNextIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsWith("delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.a, "cards", left)
		time.Sleep(30 * 24 * time.Hour)
		bob := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get", After: 1}) // the newest are seen
		if w.sync("cards"); down.Hits() == 0 {
			t.Fatal("nothing was asked for by its id")
		}
		w.remove(w.a, "cards", bob)
		down.Remove()
		time.Sleep(time.Hour)
		w.settled("cards")
		if rows := w.b.Rows("cards"); len(rows) != 0 {
			t.Errorf("right has %v", rows)
		}
		quiet(t, w)
	})
}
