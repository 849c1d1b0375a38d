package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// R24, R27, invariant 8: the create for what remains of a merge, which was planned before anything
// told of the merge and not sent yet, is not sent any more once it is known what was merged into it.
func TestR24WhatRemainsOfAMergeIsNotCreatedOnceTheMergeIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(2)
		w.b.Folds(toy.FoldIntoNew)
		survivor, err := w.b.MergeInto("labels", w.by(w.b, "labels", "name", "N0").ID, w.by(w.b, "labels", "name", "N1").ID)
		if err != nil {
			t.Fatal(err)
		}
		w.put(w.b, "labels", survivor, map[string]string{"code": "new"})
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/do", Times: 1, Wait: time.Hour})
		w.sync("labels") // finds the new label only
		if down.Hits() != 1 {
			t.Fatal("nothing was to be created")
		}
		time.Sleep(2 * time.Hour)
		w.syncWith("labels", engine.SyncOptions{Sweep: true}) // finds that two are gone, and where to
		if rows := w.a.Rows("labels"); len(rows) != 2 {
			t.Errorf("two labels were merged into one, and it was made once more: %v", rows)
		}
		w.review(store.ReviewMerge)
	})
}

// R24, invariant 8: a first run that was cut off has left pairs; what remains of a merge of one of
// them is no new record to the next one.
func TestR24AMergeBetweenTwoHalvesOfAFirstRunMovesThePair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.b.Folds(toy.FoldIntoNew)
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "phone": "1"})
		w.a.Inject(twin.Fault{Kind: twin.FaultUnauthorized, Path: "/v1/do", Times: 1})
		if rep := w.sync("cards"); rep.Status != engine.StatusFailed || rep.Linked != 1 {
			t.Fatalf("%+v", rep)
		}
		bob := w.put(w.b, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		survivor := w.merge(w.b, w.by(w.b, "cards", "name", "Ann").ID, bob)
		w.put(w.b, "cards", survivor, map[string]string{"email": "bob@x.gr"})
		w.settled("cards")
		w.settled("cards")
		if a := w.a.Rows("cards"); len(a) != 1 || a[0].ID != left || a[0].Fields["email"] != "bob@x.gr" || a[0].Fields["phone"] != "1" {
			t.Errorf("left has %v", a)
		}
		quiet(t, w)
	})
}

// R24: two records were merged into a third, and so are their partners, one after the other. The first of
// these merges makes a new record, and that is the survivor's partner from then on: what is to follow the
// second merge does not take its place.
func TestR24TheSecondOfTwoMergesFindsWhatTheFirstHasMade(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"Ann", "Bob", "Cid"}, {"Bob", "Cid", "Ann"}, {"Cid", "Bob", "Ann"}} {
		t.Run(strings.Join(names, " "), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("merge: follow"))
				w.people("Ann", "Bob", "Cid")
				w.b.Folds(toy.FoldIntoNew)
				keep := w.by2(w.a, names[0])
				w.merge(w.a, keep, w.by2(w.a, names[1]), w.by2(w.a, names[2]))
				made := 0
				for range 6 {
					rep := w.settled("cards")
					made += rep.Left.Created + rep.Right.Created
					time.Sleep(time.Minute)
				}
				a, b := w.a.Rows("cards"), w.b.Rows("cards")
				if made > 0 || len(a) != 1 || len(b) != 1 || a[0].ID != keep || b[0].Fields["name"] != names[0] || a[0].Fields["name"] != names[0] {
					t.Fatalf("%d made, left %v, right %v", made, a, b)
				}
				quiet(t, w)
			})
		})
	}
}
