package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/store"
)

// R24: of three that people made one of, two of the partners are merged into a new record, and the third
// one into that: no pair is broken up because the record that it was to go into is another one by now.
func TestR24ThePartnersOfThreeThatWereMergedBecomeOne(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"merge: follow", "merge: ask"} {
		for _, first := range []string{"Ann", "Cid"} {
			t.Run(fmt.Sprintf("%s, %s first", policy, first), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, cardsWith(policy))
					w.people("Ann", "Bob", "Cid")
					keep := w.by(w.a, "cards", "name", "Bob").ID
					last := map[string]string{"Ann": "Cid", "Cid": "Ann"}[first]
					w.b.Folds(toy.FoldIntoNew)
					for _, name := range []string{first, last} {
						w.merge(w.a, keep, w.by(w.a, "cards", "name", name).ID)
					}
					w.sync("cards")
					items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewMerge}, Open: true, Limit: 10})
					if err != nil {
						t.Fatal(err)
					}
					for _, item := range items {
						w.decide(item, "merge")
					}
					w.sync("cards") // a merge may wait for the next run, as the one before it has moved the pair
					rep := w.settled("cards")
					if a, b := w.a.Rows("cards"), w.b.Rows("cards"); rep.Linked != 1 || len(a) != 1 || len(b) != 1 {
						t.Errorf("%+v, left %v, right %v", rep, a, b)
					}
					quiet(t, w)
				})
			})
		}
	}
}
