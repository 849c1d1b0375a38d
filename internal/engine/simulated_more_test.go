package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// More that the simulation found: merges, moves, families and operators.

// R27, R24: a lost record and the one that it went into may be looked at together. The merge
// of their partners is planned once, or nothing of the batch could ever be stored.
func TestR24AMergeIsPlannedOnceThoughBothItsRecordsAreLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("merge: follow"))
		w.people("Ann", "Bob", "Cy")
		id := func(tw *toy.Twin, name string) string { return w.by(tw, "cards", "name", name).ID }
		w.remove(w.b, "cards", id(w.b, "Cy"))
		w.sync("cards")
		w.merge(w.b, id(w.b, "Bob"), id(w.b, "Ann"))
		w.a.Folds(toy.FoldIntoNew) // the survivor has no partner yet: it asks for its loser's
		w.merge(w.a, id(w.a, "Cy"), id(w.a, "Ann"))
		for range 4 {
			w.sync("cards")
		}
		w.settled("cards")
		for _, tw := range []*toy.Twin{w.a, w.b} {
			if rows := tw.Rows("cards"); len(rows) != 1 {
				t.Errorf("Ann, Bob and Cy are one, and a side has %v", rows)
			}
		}
		quiet(t, w)
	})
}

// R24, invariant 8: what a person merged at a vendor that does not say into what is not made
// again when the pair is unlinked.
func TestR24WhatWasMergedIntoAnUnnamedRecordIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.people("Ann", "Bob")
		w.a.Folds(toy.FoldNowhere)
		w.merge(w.a, w.by(w.a, "cards", "name", "Bob").ID, w.by(w.a, "cards", "name", "Ann").ID)
		w.sync("cards")
		w.decide(w.review(store.ReviewMerge), "unlink")
		w.sync("cards")
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID, map[string]string{"phone": "1"})
		w.sync("cards")
		if rows := w.a.Rows("cards"); len(rows) != 1 {
			t.Errorf("a person merged Ann into Bob, and there are %v", rows)
		}
		// It is still free to find the record that it went into.
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 2 {
			t.Errorf("right has %d cards: Ann did not find her partner", n)
		}
		quiet(t, w)
	})
}

// Invariant 7: what a write overruled is in the journal even if its record is deleted before what
// came of the write could be read back, and restored later.
func TestInvariant7WhatLostIsJournaledThoughTheRecordIsDeletedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: left", "delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.b.After(onceAt("/v1/do", func() {
			if err := w.b.Archive("cards", right); err != nil {
				t.Error(err)
			}
		}))
		w.sync("cards")
		w.sync("cards")
		w.settled("cards")
		if got := w.by(w.b, "cards", "notes", "from a"); got.ID != right {
			t.Fatalf("the edit at a did not bring back the card at b: %v", got)
		}
		for _, e := range w.history(record.Right, right) {
			if e.Kind == store.Overruled && e.Old.Text() == "from b" {
				return
			}
		}
		t.Errorf("%q is nowhere: %v", "from b", w.history(record.Right, right))
	})
}

// R20, R14: a record that only another one's key keeps from a partner is looked at again, and
// needs nobody's edit when that one is gone or has another key.
func TestR20WhatAnotherRecordsKeyHeldBackGoesOnWhenThatIsGone(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]func(w *world, one string){
		"another key": func(w *world, one string) { w.put(w.a, "cards", one, map[string]string{"email": "other@x.gr"}) },
		"gone":        func(w *world, one string) { w.remove(w.a, "cards", one) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // of two cards with one address the first is linked
				w := newWorld(t, cardsWith("delete: delete"))
				one := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
				w.settled("cards")
				w.put(w.a, "cards", "", map[string]string{"name": "Another Ann", "email": "ann@x.gr"})
				w.sync("cards")
				w.review(store.ReviewDuplicate)
				free(w, one)
				for range 3 {
					w.sync("cards")
				}
				if name == "gone" { // R24: it may have been merged into the other one
					w.decide(w.review(store.ReviewMerge), "delete")
					w.sync("cards")
				}
				w.settled("cards")
				if got := w.by(w.b, "cards", "email", "ann@x.gr"); got.Fields["name"] != "Another Ann" {
					t.Errorf("right has %v", got)
				}
				quiet(t, w)
			})
			synctest.Test(t, func(t *testing.T) { // the card with the same address is not in the sync
				w := newWorld(t, cardsWith(`where: { left: "stage != 'lost'" }`))
				one := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "lost"})
				w.put(w.b, "cards", "", map[string]string{"name": "Another Ann", "email": "ann@x.gr"})
				w.settled("cards")
				free(w, one)
				w.settled("cards")
				w.by(w.a, "cards", "name", "Another Ann")
				quiet(t, w)
			})
		})
	}
}

// R18, R25: a record whose partner in the sync that it came from is gone does not wait for it.
func TestR25AMovedRecordDoesNotWaitForAPartnerThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, twoSyncs("customers", "leads"))
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "stage": "new"})
		w.settled("leads")
		w.remove(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID)
		w.put(w.a, "cards", left, map[string]string{"stage": "won"})
		for range 3 {
			w.sync("leads")
		}
		w.settled("customers")
		quiet(t, w)
	})
}

// R24: two pairs of which people made one on either side, each the other way round, are one pair
// in the end, and what the two sides hold is decided as at a first match.
func TestR24MergesInOppositeDirectionsEndAsOnePair(t *testing.T) {
	t.Parallel()
	for name, ways := range map[string][2]toy.Folding{
		"both told": {}, "right does not name": {toy.FoldTold, toy.FoldNowhere}, "left does not tell": {toy.FoldUnseen, toy.FoldTold},
		"left anew": {toy.FoldIntoNew, toy.FoldTold}, "right anew": {toy.FoldTold, toy.FoldIntoNew}, "both anew": {toy.FoldIntoNew, toy.FoldIntoNew},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("merge: follow", "prefer: left"))
				w.people("Ann", "Bob")
				id := func(tw *toy.Twin, name string) string { return w.by(tw, "cards", "name", name).ID }
				w.a.Folds(ways[0])
				w.merge(w.a, id(w.a, "Ann"), id(w.a, "Bob"))
				w.b.Folds(ways[1])
				w.merge(w.b, id(w.b, "Bob"), id(w.b, "Ann"))
				for range 4 {
					w.sync("cards")
				}
				want := "Ann"
				if name == "left does not tell" || name == "both anew" {
					want = w.a.Rows("cards")[0].Fields["name"] // either will do: it does not look like two wishes
				}
				for _, tw := range []*toy.Twin{w.a, w.b} {
					if rows := tw.Rows("cards"); len(rows) != 1 || rows[0].Fields["name"] != want {
						t.Errorf("a side has %v, want %s alone: %v", rows, want, w.reviews())
					}
				}
				quiet(t, w)
			})
		})
	}
}

// R23: children are read before a parent's delete is decided, however often it is looked at
// before that.
func TestR23ADeleteThatIsLookedAtTwiceWaitsForTheChildrenAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := family(t, 0)
		w.put(w.a, "labels", "", map[string]string{"name": "Silver", "code": "s"})
		w.settled("labels")
		for _, code := range []string{"g", "s"} { // whichever is decided about first has the cards read
			w.put(w.b, "cards", "", map[string]string{"name": code, "email": code + "@x.gr"})
		}
		w.settled("cards")
		for _, code := range []string{"g", "s"} {
			w.put(w.b, "cards", w.by(w.b, "cards", "name", code).ID, map[string]string{"notes": "call her", "label": w.by(w.b, "labels", "code", code).ID})
			w.remove(w.a, "labels", w.by(w.a, "labels", "code", code).ID)
		}
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		if n := len(w.b.Rows("cards")); n != 2 {
			t.Errorf("of two cards that were edited since, %d are left: %v", n, w.reviews())
		}
	})
}

// R21: what was deleted before a cursor expired is told by no feed any more. The listing that
// is made in its place proves it.
func TestR21WhatWasDeletedBeforeACursorExpiredIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsWith("delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.a, "cards", left)
		time.Sleep(30 * 24 * time.Hour)
		w.settled("cards")
		if rows := w.b.Rows("cards"); len(rows) != 0 {
			t.Errorf("right still has %v", rows)
		}
		quiet(t, w)
	})
}

// R36, R3: what people fill in before the outcome of a create is known is not taken for empty.
func TestR36ARecordThatWasMadeLaterIsNotTakenForEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.b.Slow(time.Hour)
		w.sync("cards")
		w.b.Slow(0)
		time.Sleep(2 * time.Hour)
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"notes": "call her"})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"})
		w.sync("cards")
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		w.settled("cards")
		w.by(w.a, "cards", "notes", "call her")
		quiet(t, w)
	})
}

// A record that a person parted from its partner is nobody's by itself, so nobody has to be
// asked which of several it belongs to: once it was planned again in every run.
func TestR18SeveralRecordsWithTheKeyOfAPartedOneLeaveNothingToBePlanned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		for _, tw := range []*toy.Twin{w.a, w.b} {
			w.put(tw, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		}
		w.settled("cards")
		w.revert(engine.RevertRequest{Change: w.line(store.Linked, "").ID})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann too", "email": "ann@x.gr"})
		w.settled("cards")
		quiet(t, w)
	})
}

// R36, invariant 8: what a job has made, and a person has given another key before anybody asked
// for its outcome, is nobody's new record and nobody else's partner.
func TestR36WhatAJobHasMadeIsKnownByItsKeyBeforeItsOutcomeIs(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"a key of its own": "ann.new@x.gr", "another one's key": "zoe@x.gr"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				w.b.Slow(time.Hour)
				w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
				w.sync("cards")
				w.b.Slow(0)
				time.Sleep(2 * time.Hour)
				w.put(w.a, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr"})
				w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"email": email})
				w.sync("cards")
				w.sync("cards")
				for _, tw := range []*toy.Twin{w.a, w.b} {
					if got := w.by(tw, "cards", "name", "Ann").Fields["email"]; got != email {
						t.Errorf("Ann has %s", got)
					}
				}
				quiet(t, w)
			})
		})
	}
}

// R36, invariant 8: where the vendor keeps no key of ours, what a job has made and a person has
// changed wholly is nobody's new record: what was made since waits until the outcome is known.
func TestR36WhatAJobHasMadeIsNotMadeAgainWhereNoKeyOfOursIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, familyYAML)
		w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		w.b.Slow(time.Hour)
		w.sync("labels")
		w.b.Slow(0)
		time.Sleep(2 * time.Hour)
		w.put(w.b, "labels", "", map[string]string{"name": "Silver", "code": "s"}) // the job is done when anybody calls
		w.put(w.b, "labels", w.by(w.b, "labels", "name", "Gold").ID, map[string]string{"name": "Bronze", "code": "b"})
		w.sync("labels")
		w.settled("labels")
		for _, tw := range []*toy.Twin{w.a, w.b} {
			w.by(tw, "labels", "name", "Silver")
			w.by(tw, "labels", "name", "Bronze")
			if n := len(tw.Rows("labels")); n != 2 {
				t.Errorf("%d labels, want 2: %v", n, tw.Rows("labels"))
			}
		}
		quiet(t, w)
	})
}

// R12, R22: choices have no order. That a vendor keeps them in one of its own is nobody's edit,
// and holds no delete: where an answer was lost it cannot be told from one.
func TestR12TheOrderInWhichAVendorKeepsChoicesIsNobodysEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsWith("delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "trade"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		w.put(w.a, "cards", left, map[string]string{"notes": "new", "tags": "trade;press;vip"})
		w.sync("cards")
		w.remove(w.a, "cards", left)
		w.settled("cards")
		if rows := w.b.Rows("cards"); lost.Hits() != 1 || len(rows) != 0 {
			t.Errorf("right still has %v", rows)
		}
		quiet(t, w)
	})
}

// R36, R3: what a job has made may have been merged or deleted before its outcome is asked for.
// The answer to it is no news of the record.
func TestR36WhatAJobHasMadeAndIsGoneByNowIsNotTakenForPresent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("merge: follow"))
		w.people("Bob")
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.sync("cards")
		w.b.Slow(0)
		time.Sleep(2 * time.Hour)
		w.merge(w.b, w.by(w.b, "cards", "name", "Bob").ID, w.by(w.b, "cards", "name", "Ann").ID)
		w.sync("cards")
		w.settled("cards")
		if rows := w.a.Rows("cards"); len(rows) != 1 || rows[0].Fields["name"] != "Bob" {
			t.Errorf("a person merged Ann into Bob, and there are %v", rows)
		}
		quiet(t, w)
	})
}

// Invariant 7: what a write of unknown outcome overruled is in the journal even if people have
// changed the same field again before it could be looked up: they saw what had been written.
func TestInvariant7WhatLostIsJournaledThoughTheFieldIsChangedAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: left"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		w.b.After(onceAt("/v1/do", func() { w.put(w.b, "cards", right, map[string]string{"notes": "later"}) }))
		w.sync("cards")
		w.settled("cards")
		if lost.Hits() != 1 {
			t.Fatal("the answer was not lost")
		}
		for _, e := range w.history(record.Right, right) {
			if e.Kind == store.Overruled && e.Old.Text() == "from b" {
				return
			}
		}
		t.Errorf("%q is nowhere: %v", "from b", w.history(record.Right, right))
	})
}
