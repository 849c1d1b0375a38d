package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// R24, invariant 5: people merge the same two on both sides, in opposite directions, and one vendor says
// that what was merged away is deleted: the survivor of the other side is no delete's partner.
func TestR24OppositeMergesOfWhichOneLooksLikeADelete(t *testing.T) {
	t.Parallel()
	for _, unseen := range []int{0, 1} {
		t.Run(fmt.Sprintf("side %d", unseen), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: archive"))
				w.people("Ann", "Bob")
				[]*toy.Twin{w.a, w.b}[unseen].Folds(toy.FoldUnseen)
				ann, bob := w.by2(w.a, "Ann"), w.by2(w.b, "Bob")
				w.merge(w.a, ann, w.by2(w.a, "Bob"))
				w.merge(w.b, bob, w.by2(w.b, "Ann"))
				time.Sleep(time.Minute)
				rep := w.settled("cards")
				a, b := w.a.Rows("cards"), w.b.Rows("cards")
				if rep.Linked != 1 || rep.Left.Deleted+rep.Right.Deleted > 0 || len(a) != 1 || len(b) != 1 || a[0].ID != ann || b[0].ID != bob {
					t.Fatalf("%+v, left %v, right %v", rep, a, b)
				}
				if a[0].Fields["email"] != b[0].Fields["email"] {
					t.Errorf("left %v, right %v", a[0].Fields, b[0].Fields)
				}
				quiet(t, w)
			})
		})
	}
}

// R24, invariant 5: the same, and what was merged away went into a new record first, which has no pair and
// was merged in its turn.
func TestR24OppositeMergesByWayOfAThirdRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: archive"))
		w.people("Ann", "Bob")
		w.a.Folds(toy.FoldUnseen)
		ann, bob := w.by2(w.a, "Ann"), w.by2(w.b, "Bob")
		third := w.put(w.b, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr"})
		w.merge(w.b, third, w.by2(w.b, "Ann"))
		w.merge(w.b, bob, third)
		w.merge(w.a, ann, w.by2(w.a, "Bob"))
		time.Sleep(time.Minute)
		rep := w.settled("cards")
		a, b := w.a.Rows("cards"), w.b.Rows("cards")
		if rep.Linked != 1 || rep.Left.Deleted+rep.Right.Deleted > 0 || len(a) != 1 || len(b) != 1 || a[0].ID != ann || b[0].ID != bob {
			t.Fatalf("%+v, left %v, right %v", rep, a, b)
		}
		quiet(t, w)
	})
}

// R24: a merge goes into a record while its delete is under way. What is there belongs to the survivor,
// which comes back: that it went was nobody's wish.
func TestR24ASurvivorThatWasArchivedMeanwhileComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: archive", "prefer: left"))
		w.people("Ann", "Bob")
		ann, bob := w.by2(w.a, "Ann"), w.by2(w.b, "Bob")
		w.remove(w.a, "cards", w.by2(w.a, "Bob"))
		w.b.Before(onceAt("/v1/do", func() { w.merge(w.b, bob, w.by2(w.b, "Ann")) }))
		time.Sleep(time.Minute)
		w.sync("cards")
		time.Sleep(time.Minute)
		rep := w.settled("cards")
		a, b := w.a.Rows("cards"), w.b.Rows("cards")
		if rep.Linked != 1 || len(a) != 1 || len(b) != 1 || a[0].ID != ann || b[0].ID != bob {
			t.Fatalf("%+v, left %v, right %v", rep, a, b)
		}
		quiet(t, w)
	})
}

// R22, R24: what a record was merged into is deleted, and so is the partner: that the survivor had fewer
// tags is no edit that keeps it.
func TestR22TheDeleteOfASurvivorIsCarriedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete", `where: { left: "stage != 'lost'" }`))
		other := w.put(w.a, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr", "stage": "lost"}) // not in step
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "vip"})
		w.settled("cards")
		time.Sleep(time.Minute)
		w.merge(w.a, other, ann)
		w.remove(w.a, "cards", other)
		rep := w.settled("cards")
		if rows := w.b.Rows("cards"); len(rows) != 0 {
			t.Errorf("right has %v; %+v", rows, rep)
		}
		quiet(t, w)
	})
}

// R18, R24: people merge the same two records into new ones on both sides; what remains on one side is out
// of sight or deleted when the hub learns of it, and comes back with another key. It finds its
// partner, and is not created once more.
func TestR24ASurvivorThatWasGoneWhenItsMergeWasLearntFindsItsPartner(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"delete: ignore", "delete: archive"} {
		for side := range 2 {
			for _, both := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, side %d, both %t", policy, side, both), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { survivorsComeBack(t, policy, side, both) })
				})
			}
		}
	}
}

func survivorsComeBack(t *testing.T, policy string, side int, both bool) {
	w := newWorld(t, cardsWith(policy, "prefer: left"))
	w.people("Ann", "Bob")
	var left [2]string
	for i, tw := range []*toy.Twin{w.a, w.b} {
		tw.Folds(toy.FoldIntoNew)
		left[i] = w.merge(tw, w.by2(tw, "Ann"), w.by2(tw, "Bob"))
	}
	back := map[*toy.Twin]string{}
	for i, tw := range []*toy.Twin{w.a, w.b} {
		if both || i == side {
			back[tw] = left[i]
			w.remove(tw, "cards", left[i])
		}
	}
	time.Sleep(time.Minute)
	w.settled("cards")
	w.links("merged", 2) // each once
	first := true
	for _, i := range []int{side, 1 - side} {
		tw := []*toy.Twin{w.a, w.b}[i]
		if back[tw] == "" {
			continue
		}
		time.Sleep(time.Minute)
		if err := tw.Restore("cards", back[tw]); err != nil {
			t.Fatal(err)
		}
		if first {
			w.put(tw, "cards", back[tw], map[string]string{"email": "anna@x.gr"})
			first = false
		}
		w.settled("cards")
	}
	a, b := w.a.Rows("cards"), w.b.Rows("cards")
	if len(a) != 1 || len(b) != 1 || a[0].ID != left[0] || b[0].ID != left[1] {
		t.Fatalf("left %v, right %v", a, b)
	}
	if rep := w.settled("cards"); rep.Linked != 1 || a[0].Fields["email"] != "anna@x.gr" || b[0].Fields["email"] != "anna@x.gr" {
		t.Errorf("%+v, left %v, right %v", rep, a[0].Fields, b[0].Fields)
	}
	quiet(t, w)
}

// R18, R24: what was kept alone when its partner was deleted is merged into a new record. That stands alone
// as well, and is the partner of the deleted one should it come back.
func TestR24WhatSurvivesRecordsThatWereKeptAloneStaysAlone(t *testing.T) {
	t.Parallel()
	for side := range 2 {
		for _, told := range []bool{false, true} { // the hub has seen the merge before the deleted record is back
			for _, keep := range []string{"Ann", "Bob"} {
				t.Run(fmt.Sprintf("side %d, told %t, %s", side, told, keep), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { keptAlone(t, side, told, keep) })
				})
			}
		}
	}
}

func keptAlone(t *testing.T, side int, told bool, keep string) {
	w := newWorld(t, cardsWith("delete: ignore", "prefer: left"))
	w.people("Ann", "Bob")
	w.a.Folds(toy.FoldIntoNew)
	w.b.Folds(toy.FoldIntoNew)
	here, there := w.a, w.b
	if side == 1 {
		here, there = w.b, w.a
	}
	lose := map[string]string{"Ann": "Bob", "Bob": "Ann"}[keep]
	gone := w.merge(here, w.by2(here, keep), w.by2(here, lose))
	w.remove(here, "cards", gone)
	time.Sleep(time.Minute)
	w.settled("cards")
	kept := w.merge(there, w.by2(there, "Ann"), w.by2(there, "Bob"))
	time.Sleep(time.Minute)
	if told {
		w.settled("cards")
		if rows := here.Rows("cards"); len(rows) != 0 {
			t.Fatalf("%v was created anew", rows)
		}
	}
	if err := here.Restore("cards", gone); err != nil {
		t.Fatal(err)
	}
	w.put(here, "cards", gone, map[string]string{"email": "anna@x.gr"})
	time.Sleep(time.Minute)
	rep := w.settled("cards")
	h, o := here.Rows("cards"), there.Rows("cards")
	if rep.Linked != 1 || len(h) != 1 || len(o) != 1 || h[0].ID != gone || o[0].ID != kept || o[0].Fields["email"] != h[0].Fields["email"] {
		t.Fatalf("%+v, here %v, there %v", rep, h, o)
	}
	quiet(t, w)
}

// R18, R24: a deleted record comes back, and another one is merged into it before the hub, which was killed
// meanwhile, has decided about that: the merge must know that it has its partner again.
func TestR24AMergeIntoARecordThatHasJustComeBackKnowsItsPartner(t *testing.T) {
	t.Parallel()
	for side := range 2 {
		t.Run(fmt.Sprintf("side %d", side), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: ignore", "merge: ask"))
				w.people("Ann", "Bob")
				tw := []*toy.Twin{w.a, w.b}[side]
				ann, bob := w.by2(tw, "Ann"), w.by2(tw, "Bob")
				w.remove(tw, "cards", ann)
				w.settled("cards")
				time.Sleep(time.Minute)
				if err := tw.Restore("cards", ann); err != nil {
					t.Fatal(err)
				}
				w.crash(2 + 3*side) // it has been read
				w.restart()
				w.merge(tw, ann, bob)
				time.Sleep(time.Minute)
				if rep := w.sync("cards"); rep.Status != engine.StatusReview {
					t.Fatalf("%+v", rep)
				}
				w.links("", 2)
				w.decide(w.review(store.ReviewMerge), "merge")
				w.settled("cards")
				time.Sleep(time.Minute)
				w.settled("cards")
				if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 1 || len(b) != 1 || a[0].Fields["name"] != b[0].Fields["name"] {
					t.Errorf("left %v, right %v", a, b)
				}
				quiet(t, w)
			})
		})
	}
}

// R22, R24: a partner is merged into a record that is out of sight, and which people delete later. What its
// pair waited for is known by then, and nobody has to touch it to be heard.
func TestR24ASurvivorThatGoesWhileItIsOutOfSightIsNoticed(t *testing.T) {
	t.Parallel()
	for side := range 2 {
		t.Run(fmt.Sprintf("side %d", side), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: archive"))
				w.people("Ann")
				tw, other := []*toy.Twin{w.a, w.b}[side], []*toy.Twin{w.b, w.a}[side]
				survivor := w.put(tw, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr"})
				w.merge(tw, survivor, w.by2(tw, "Ann"))
				if err := tw.Hide("cards", survivor, true); err != nil {
					t.Fatal(err)
				}
				w.settled("cards")
				w.links("", 1)
				time.Sleep(time.Minute)
				w.remove(tw, "cards", survivor)
				w.settled("cards")
				w.links("", 0)
				if rows := other.Rows("cards"); len(rows) != 0 {
					t.Errorf("the other side keeps %v", rows)
				}
				quiet(t, w)
			})
		})
	}
}
