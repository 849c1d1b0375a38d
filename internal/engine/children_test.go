package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// familyYAML keeps labels and their cards in step; a vendor deletes the cards with the label.
const familyYAML = header + `
  cards: { left: a.cards, right: b.cards, match: [email], delete: delete, fields: [name, box, email, notes, label] }
  labels: { left: a.labels, right: b.labels, match: [code], delete: delete, fields: [name, code] }
`

// family makes a world in which a label with so many cards is linked.
func family(t *testing.T, cards int) (w *world, label string) {
	t.Helper()
	w = newWorld(t, familyYAML)
	label = w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
	for i := range cards {
		w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprint("n", i, "@x.gr"), "label": label})
	}
	w.settled("cards")
	time.Sleep(time.Hour)
	return w, label
}

func TestR23ChildrenThatPeopleDeletedGoWithTheirParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, label := family(t, 3)
		right := w.b.Rows("labels")[0].ID
		w.remove(w.a, "labels", label) // and its cards
		rep := w.syncWith("labels", engine.SyncOptions{Sweep: true})
		if rep.Status != engine.StatusOK || rep.Right.Deleted != 4 || len(w.b.Rows("labels")) != 0 || len(w.b.Rows("cards")) != 0 {
			t.Errorf("%+v, %v, right has %v", rep, w.reviews(), w.b.Rows("cards"))
		}
		lines, err := w.store.History(t.Context(), store.HistoryQuery{Connection: "b"})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range lines {
			if e.Kind == store.Deleted && e.Why == "went with b.labels/"+right {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%d of 3 cards are in the journal", n)
		}
		quiet(t, w)
	})
}

func TestR23ChildrenCountInTheGuard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, label := family(t, 12)
		w.remove(w.a, "labels", label)
		rep := w.syncWith("labels", engine.SyncOptions{Sweep: true})
		if rep.Status != engine.StatusBlocked || len(w.b.Rows("cards")) != 12 {
			t.Errorf("%+v, right has %d", rep, len(w.b.Rows("cards")))
		}
	})
}

func TestR23AChildHoldsTheDelete(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, card string){
		"changed": func(w *world, card string) { w.put(w.b, "cards", card, map[string]string{"notes": "call her"}) },
		"linked to nothing": func(w *world, _ string) {
			w.put(w.b, "cards", "", map[string]string{"name": "New", "email": "new@x.gr", "label": w.b.Rows("labels")[0].ID})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, label := family(t, 1)
				w.remove(w.a, "labels", label)
				act(w, w.b.Rows("cards")[0].ID)
				if _, err := w.engine.Sync(t.Context(), []string{"labels"}, engine.SyncOptions{Sweep: true}); err != nil {
					t.Fatal(err)
				}
				held := 0
				items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Sync: "labels", Open: true})
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range items {
					if item.Kind == store.ReviewDelete {
						held++
					}
				}
				if held != 1 || len(w.b.Rows("labels")) != 1 {
					t.Errorf("%d held, %v, right has %v", held, w.reviews(), w.b.Rows("cards"))
				}
			})
		})
	}
}

// R4: what was unchanged when the delete was decided may be changed when it is sent.
func TestR23AnEditRightBeforeTheDeleteHoldsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, label := family(t, 1)
		w.remove(w.a, "labels", label)
		card, reads := w.b.Rows("cards")[0].ID, 0
		w.b.Before(onceAt("/v1/get", func() { reads++ })) // the child is read before it is judged
		w.b.After(onceAt("/v1/get", func() { w.put(w.b, "cards", card, map[string]string{"notes": "call her"}) }))
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		if len(w.b.Rows("labels")) != 1 || len(w.b.Rows("cards")) != 1 || reads != 1 {
			t.Errorf("an edit went with the label: %v, %v", w.b.Rows("cards"), w.reviews())
		}
	})
}

// R4: all that is to be written comes before a delete, and people go on meanwhile. What they have
// made under the record, or put there, since its delete was decided holds it.
func TestR23WhatComesUnderARecordBeforeItsDeleteIsSentHoldsIt(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(w *world, label string){
		"made": func(w *world, label string) {
			w.put(w.b, "cards", "", map[string]string{"name": "New", "email": "new@x.gr", "label": label})
		},
		"put there": func(w *world, label string) {
			w.put(w.b, "cards", w.by(w.b, "cards", "name", "Other").ID, map[string]string{"label": label})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, label := family(t, 1)
				w.put(w.a, "labels", "", map[string]string{"name": "Silver", "code": "s"})
				w.put(w.b, "cards", "", map[string]string{"name": "Other", "email": "o@x.gr"})
				w.settled("cards")
				right := w.by(w.b, "labels", "name", "Gold").ID
				w.remove(w.a, "labels", label)
				w.put(w.a, "labels", w.by(w.a, "labels", "code", "s").ID, map[string]string{"name": "Argent"})
				w.b.After(onceAt("/v1/do", func() { act(w, right) })) // the label's new name has just been written
				w.syncWith("labels", engine.SyncOptions{Sweep: true})
				if n := len(w.b.Rows("labels")); n != 2 {
					t.Errorf("right has %d of 2 labels and %v, %v", n, w.b.Rows("cards"), w.reviews())
				}
			})
		})
	}
}

// R23: a person who is asked about a record alone says nothing of what goes with it.
func TestR23ADecisionToDeleteTakesOnlyTheChildrenThatItWasAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, label := family(t, 1)
		right := w.b.Rows("labels")[0].ID
		w.put(w.b, "labels", right, map[string]string{"name": "Silver"}) // an edit against the delete
		w.remove(w.a, "labels", label)
		child := w.put(w.b, "cards", "", map[string]string{"name": "New", "email": "new@x.gr", "label": right})
		ask := func(sweep bool) store.Review {
			w.syncWith("labels", engine.SyncOptions{Sweep: sweep})
			if n := len(w.b.Rows("labels")); n != 1 {
				t.Fatalf("the label went, and %v are left", w.b.Rows("cards"))
			}
			return w.review(store.ReviewDelete)
		}
		w.decide(ask(true), "delete")
		about := ask(false)
		if !slices.Contains(about.Candidates, child) {
			t.Errorf("asked about %v: %s", about.Candidates, about.Text)
		}
		w.decide(about, "delete")
		w.put(w.b, "cards", "", map[string]string{"name": "Newer", "email": "newer@x.gr", "label": right})
		about = ask(false)
		w.decide(about, "delete")
		w.syncWith("labels", engine.SyncOptions{})
		if len(w.b.Rows("labels")) != 0 || len(w.b.Rows("cards")) != 0 {
			t.Errorf("right has %v, %v; %v", w.b.Rows("labels"), w.b.Rows("cards"), w.reviews())
		}
		lines, err := w.store.History(t.Context(), store.HistoryQuery{Connection: "b", Object: "cards", Record: child})
		if err != nil || !slices.ContainsFunc(lines, func(e store.Entry) bool { return e.Kind == store.Deleted }) {
			t.Errorf("%v, %v: what went with the label is not told", lines, err)
		}
	})
}
