package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

const labelsYAML = header + `
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code] }
`

func (w *world) labels(n int) {
	w.t.Helper()
	for i := range n {
		w.put(w.a, "labels", "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("c", i)})
	}
	w.settled("labels")
	time.Sleep(time.Hour)
}

func TestR33AVendorThatWasRestoredStopsTheSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(15)
		w.a.Rewind("labels", 3)
		for range 2 { // it stays stopped
			rep := w.syncWith("labels", engine.SyncOptions{Sweep: true})
			if rep.Status != engine.StatusBlocked || rep.Linked != 15 {
				t.Fatalf("%+v", rep)
			}
		}
		w.put(w.a, "labels", "", map[string]string{"name": "Other", "code": "other"}) // with an id that was another's
		if rep := w.sync("labels"); rep.Status != engine.StatusBlocked || len(w.b.Rows("labels")) != 15 {
			t.Errorf("%+v", rep)
		}
		w.decide(w.review(store.ReviewIdentity), "deleted")
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Linked > 4 {
			t.Errorf("after the decision: %+v", rep)
		}
	})
}

func TestR33DeletingAFewNewRecordsStopsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(15)
		for i, row := range w.a.Rows("labels") {
			if i < 7 { // none of the newest, and less than half
				w.remove(w.a, "labels", row.ID)
			}
		}
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusOK || rep.Linked != 8 {
			t.Errorf("%+v %v", rep, w.reviews())
		}
		w.labels(5)
		for _, row := range w.a.Rows("labels")[8:] { // the newest, and only a few of them
			w.remove(w.a, "labels", row.ID)
		}
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusOK || rep.Linked != 8 {
			t.Errorf("%+v %v", rep, w.reviews())
		}
	})
}

// R33: both sides may find at once that their vendor was restored.
func TestR33TwoVendorsThatWereRestoredStopTheSyncToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.workers = 4
		w.restart()
		w.labels(15)
		w.a.Rewind("labels", 3)
		w.b.Rewind("labels", 3)
		time.Sleep(30 * 24 * time.Hour) // both cursors are forgotten: both sides are listed, side by side
		for _, tw := range []*toy.Twin{w.a, w.b} {
			tw.Before(func(*http.Request) { time.Sleep(time.Second) }) // in step, so that the race detector sees what they share
		}
		if rep := w.sync("labels"); rep.Status != engine.StatusBlocked || rep.Linked != 15 {
			t.Fatalf("%+v", rep)
		}
	})
}

// A forgetful connection leaves cards out of what it lists, although it has them.
type forgetful struct {
	readingWriter
	leaves *bool
}

func (c forgetful) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	page, err := c.readingWriter.Changes(ctx, q)
	if *c.leaves && q.Object == "cards" {
		page.Changes = nil
	}
	return page, err
}

// R23, R21: children that are read for the run of another sync, and are not all listed, leave
// the place up to which their own sync has planned.
func TestR23ReadingChildrenForAnotherSyncHasNothingPlannedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, familyYAML)
		leaves := false
		w.wrap = func(c connector.Connection) connector.Connection {
			return forgetful{readingWriter{readingOf(c), connector.AbilitiesOf(c).Writer}, &leaves}
		}
		w.configure(w.yaml)
		label := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		for i := range 15 {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprint("n", i, "@x.gr")})
		}
		w.settled("cards")
		before, err := w.store.Marks(t.Context(), "cards")
		if err != nil || before[0] == 0 || before[1] == 0 {
			t.Fatalf("marks %v: %v", before, err)
		}
		time.Sleep(30 * 24 * time.Hour)
		leaves = true
		w.remove(w.a, "labels", label)
		if _, err := w.engine.Sync(t.Context(), []string{"labels"}, engine.SyncOptions{Sweep: true}); err != nil {
			t.Fatal(err)
		}
		if item := w.review(store.ReviewIdentity); item.Sync != "cards" {
			t.Fatalf("asked: %+v", item)
		}
		if after, err := w.store.Marks(t.Context(), "cards"); err != nil || after != before {
			t.Errorf("planned up to %v, before up to %v: %v", after, before, err)
		}
	})
}

// R33: a vendor is restored as a whole. An object whose deletions its feed tells is looked at too
// when everything has to be listed anew, and what one object shows stops the others.
func TestR33ARestoredVendorStopsAllSyncsOfItsConnection(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"labels", "cards"} { // of which the newest are gone
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, familyYAML)
			w.put(w.a, "labels", "", map[string]string{"name": "Old", "code": "old"})
			card := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "before"})
			w.settled("cards")
			backup := w.a.Remember()
			time.Sleep(time.Hour)
			w.put(w.a, "cards", card, map[string]string{"notes": "since"})
			for i := range 15 {
				w.put(w.a, object, "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("n", i)})
			}
			w.settled("labels")
			w.settled("cards")
			time.Sleep(time.Hour)
			today, before := w.a.Remember(), apiWrites(w.a, w.b)
			backup()
			for range 2 {
				if _, err := w.engine.Sync(t.Context(), nil, engine.SyncOptions{Sweep: true}); err != nil {
					t.Fatal(err)
				}
				if n := apiWrites(w.a, w.b) - before; n > 0 {
					t.Errorf("%s: %d writes", object, n)
				}
				time.Sleep(time.Hour)
			}
			today()
			w.decide(w.review(store.ReviewIdentity), "deleted")
			w.settled("labels")
			w.settled("cards")
			if got := w.by(w.b, "cards", "email", "ann@x.gr").Fields["notes"]; got != "since" {
				t.Errorf("%s: notes are %q", object, got)
			}
			quiet(t, w)
		})
	}
}

// R33: when the records are back of which a vendor seemed to have lost all, the sync goes on by
// itself, and reads what they were changed to behind its back. Others under their ids are not they.
func TestR33RecordsThatAreBackLetTheSyncGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(15)
		w.a.Rewind("labels", 3)
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusBlocked {
			t.Fatalf("%+v", rep)
		}
		for i := range 12 {
			w.put(w.a, "labels", "", map[string]string{"name": "Other", "code": fmt.Sprint("other", i)})
		}
		if rep := w.sync("labels"); rep.Status != engine.StatusBlocked || len(w.reviews()) != 1 {
			t.Errorf("with other records under the same ids: %+v %v", rep, w.reviews())
		}
		w.a.Unwind("labels")
		if err := w.a.Drift("labels", "15", map[string]string{"name": "Changed"}); err != nil {
			t.Fatal(err)
		}
		if rep := w.settled("labels"); rep.Linked != 15 || len(w.reviews()) != 0 {
			t.Errorf("when they are back: %+v %v", rep, w.reviews())
		}
		w.by(w.b, "labels", "name", "Changed")
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Linked != 15 {
			t.Errorf("%+v", rep)
		}
	})
}

// R21: that records were out of sight is no longer told when they are in sight, whichever sync of
// the object has told it; and what was deleted meanwhile is proven then.
func TestR21WhatIsInSightAgainIsNoLongerAskedAbout(t *testing.T) {
	t.Parallel()
	for name, object := range map[string]string{"found by a sweep": "labels", "found after a cursor expired": "cards"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, labelsYAML+cardsYAML[len(header):])
				w.labels(15)
				for i := range 15 {
					w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Ann ", i), "email": fmt.Sprintf("a%d@x.gr", i)})
				}
				w.settled("cards")
				time.Sleep(8 * 24 * time.Hour) // the cursors are forgotten
				rows := w.a.Rows(object)
				hide := func(hidden bool) {
					for _, row := range rows[:3] {
						if err := w.a.Hide(object, row.ID, hidden); err != nil {
							t.Fatal(err)
						}
					}
				}
				hide(true)
				w.remove(w.a, object, rows[3].ID)
				w.sync(object)
				if it := w.review(store.ReviewIdentity); it.Subject != "sight of a."+object {
					t.Fatalf("asked about %q", it.Subject)
				}
				w.sync(object)
				w.review(store.ReviewIdentity) // they are still hidden
				hide(false)
				w.settled(object)
				if items := w.reviews(); len(items) != 0 {
					t.Errorf("still asked: %v", items)
				}
				if rep := w.settled(object); rep.Linked != 14 {
					t.Errorf("%+v linked: what was deleted meanwhile was not noticed %v", rep, w.reviews())
				}
			})
		})
	}
}

// R33: whichever sync comes first looks at what others would find too, before it takes in what its
// own object was restored to: here the cards, of which few are new, run before the labels, and of the
// labels none is left that would show where the ids went back to, or that one is out of sight.
func TestR33WhatOneSyncReadsFirstIsNotTakenInBeforeTheConnectionIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, deletes := range []string{"delete", "unlink", "ignore"} {
		for _, hidden := range []bool{true, false} {
			t.Run(fmt.Sprint(deletes, " ", hidden), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, header+`
  cards: { left: a.cards, right: b.cards, match: [email], fields: [name, box, email, notes], guard: { delete: 1000 }, delete: `+deletes+` }
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code], guard: { delete: 1000 }, delete: `+deletes+` }
`)
					old := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "before"})
					if hidden {
						label := w.put(w.a, "labels", "", map[string]string{"name": "Old", "code": "old"})
						w.settled("labels")
						if err := w.a.Hide("labels", label, true); err != nil {
							t.Fatal(err)
						}
					}
					w.settled("cards")
					backup := w.a.Remember()
					time.Sleep(time.Hour)
					w.put(w.a, "cards", old, map[string]string{"notes": "since"})
					w.put(w.a, "cards", "", map[string]string{"name": "New", "email": "new@x.gr"})
					w.labels(15)
					w.settled("cards")
					time.Sleep(time.Hour)
					before := apiWrites(w.a, w.b)
					backup()
					for range 3 {
						for _, sync := range []string{"cards", "labels"} {
							if rep := w.syncWith(sync, engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusBlocked {
								t.Errorf("%s: %+v", sync, rep)
							}
						}
						time.Sleep(time.Hour)
					}
					if n := apiWrites(w.a, w.b) - before; n > 0 {
						t.Errorf("%d writes", n)
					}
					if links, err := w.store.Links(t.Context(), "cards", 0, 10); err != nil || len(links) != 2 || links[0].Closed != "" || links[1].Closed != "" {
						t.Errorf("links of cards: %+v %v", links, err)
					}
					if item := w.review(store.ReviewIdentity); item.Subject != "restored a.labels" || len(item.Candidates) != 15 {
						t.Errorf("asked: %+v", item)
					}
				})
			})
		}
	}
}

// R33: a few of the newest of each object are many together.
func TestR33AFewOfEachObjectAreARestoreTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, familyYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Old", "email": "old@x.gr"})
		w.settled("cards")
		backup := w.a.Remember()
		for i := range 6 {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprintf("n%d@x.gr", i)})
		}
		w.labels(5)
		w.settled("cards")
		time.Sleep(time.Hour)
		before := apiWrites(w.a, w.b)
		backup()
		for range 2 {
			if _, err := w.engine.Sync(t.Context(), nil, engine.SyncOptions{Sweep: true}); err != nil {
				t.Fatal(err)
			}
		}
		if n := apiWrites(w.a, w.b) - before; n > 0 {
			t.Errorf("%d writes", n)
		}
		w.decide(w.review(store.ReviewIdentity), "deleted") // of the cards: what is left of the labels is a day's work
		w.settled("cards")
		w.settled("labels")
		if n := len(w.b.Rows("labels")); n != 0 {
			t.Errorf("%d labels are left after a person said that they were deleted", n)
		}
	})
}

// R33: a write that finds its record gone does not take that for a deletion either, and stays in the
// outbox; nor does a report of the vendor's.
func TestR33AWriteThatFindsItsRecordGoneLooksAtTheConnection(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"write", "report"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, familyYAML)
			w.put(w.a, "cards", "", map[string]string{"name": "Old", "email": "old@x.gr"})
			w.settled("cards")
			backup := w.a.Remember()
			card := w.put(w.a, "cards", "", map[string]string{"name": "New", "email": "new@x.gr"})
			w.labels(15)
			w.settled("cards")
			time.Sleep(time.Hour)
			before := apiWrites(w.b)
			at := func(path string, do func()) { // once, when the run comes to there
				done := false
				w.a.Before(func(r *http.Request) {
					if !done && r.URL.Path == path {
						done = true
						do()
					}
				})
			}
			switch how {
			case "write":
				w.put(w.b, "cards", w.by(w.b, "cards", "email", "new@x.gr").ID, map[string]string{"notes": "hello"})
				at("/v1/get", backup) // both sides have been read by then
				w.sync("cards")
			case "report":
				backup()
				w.hint("a", card)
				time.Sleep(3 * time.Second)
				w.hinted()
			}
			if item := w.review(store.ReviewIdentity); item.Subject != "restored a.labels" {
				t.Errorf("%s: asked: %+v", how, item)
			}
			if rep := w.sync("cards"); rep.Status != engine.StatusBlocked || rep.Linked != 2 {
				t.Errorf("%s: %+v", how, rep)
			}
			if n := apiWrites(w.b) - before; n > 0 {
				t.Errorf("%s: %d writes at the other side", how, n)
			}
		})
	}
}
