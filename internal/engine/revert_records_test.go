package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// R24 and R18: a record that got another partner since is not taken away under it.
func TestACreatedRecordWithAnotherPartnerStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, strings.Replace(archiving("unlink"), "notes]", "notes]\n    where: { left: \"notes != 'out'\" }\n    leave: unlink", 1),
			map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		made := w.line(store.Created, "")
		w.put(w.a, "cards", left, map[string]string{"notes": "out"})
		w.settled("cards")
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.settled("cards")
		w.wants(w.revert(engine.RevertRequest{Change: made.ID, Force: true}), "archive cannot")
		w.holds(w.b, right, "name", "Ann")
		quiet(t, w)
	})
}

func TestARevertedCreateIsArchivedAndComesBackByARevertOfTheRevert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		made := w.line(store.Created, "")
		w.wants(w.rehearse(engine.RevertRequest{Run: made.Run}), "archive revert")
		w.wants(w.revert(engine.RevertRequest{Run: made.Run}), "archive done")
		w.holds(w.b, right, "name", "-")
		w.holds(w.a, left, "name", "Ann")
		quiet(t, w) // it is not made again (R18)
		w.put(w.a, "cards", left, map[string]string{"notes": "edited"})
		quiet(t, w)
		w.holds(w.b, right, "name", "-")

		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Archived, "").ID}), "restore done")
		w.holds(w.b, right, "notes", "old")
		w.settled("cards") // linked again, and the edit of meanwhile travels
		w.holds(w.b, right, "notes", "edited")
		quiet(t, w)
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("%d cards on the right, want 1", n)
		}
	})
}

func TestACreatedRecordThatAPersonTookOverIsLeftAloneUnlessForced(t *testing.T) {
	t.Parallel()
	for _, carried := range []bool{false, true} {
		t.Run(fmt.Sprint("carried ", carried), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				made := w.line(store.Created, "")
				w.put(w.b, "cards", right, map[string]string{"notes": "edited"})
				if carried {
					w.settled("cards")
					w.holds(w.a, left, "notes", "edited")
				}
				w.wants(w.revert(engine.RevertRequest{Change: made.ID}), "archive edited")
				w.holds(w.b, right, "notes", "edited")
				w.wants(w.revert(engine.RevertRequest{Change: made.ID, Force: true}), "archive done")
				w.holds(w.b, right, "name", "-")
				quiet(t, w)
			})
		})
	}
}

// Whoever was edited at its source only is still nothing but our copy.
func TestACreatedRecordThatOnlyWeUpdatedGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		made := w.line(store.Created, "")
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.settled("cards")
		w.wants(w.revert(engine.RevertRequest{Of: made.Of, Record: right}), "archive done")
		w.holds(w.b, right, "name", "-")
		quiet(t, w)
	})
}

func archiving(policy string) string {
	return strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: { left: "+policy+", right: "+policy+" }", 1)
}

func TestARevertedArchiveIsRestoredAndNotArchivedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, archiving("archive"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.remove(w.a, "cards", left)
		w.settled("cards")
		w.holds(w.b, right, "name", "-")
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Archived, "").ID}), "restore done")
		w.holds(w.b, right, "notes", "old")
		quiet(t, w)
		w.holds(w.b, right, "notes", "old")
		if n := len(w.a.Rows("cards")); n != 0 {
			t.Errorf("the deleted record was made anew: %d cards on the left", n)
		}
		// And back: archived once more.
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Restored, "").ID}), "archive done")
		w.holds(w.b, right, "name", "-")
		quiet(t, w)
	})
}

func TestR22ADeleteForGoodIsProposedToBeCreatedAnew(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{"create", "dismiss"} {
		t.Run(decision, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, archiving("delete"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				w.remove(w.a, "cards", left)
				w.settled("cards")
				gone := w.line(store.Deleted, "")
				w.wants(w.rehearse(engine.RevertRequest{Change: gone.ID}), "ask revert")
				w.wants(w.revert(engine.RevertRequest{Change: gone.ID}), "ask done")
				w.holds(w.b, right, "name", "-") // never by itself
				w.decide(w.review(store.ReviewDelete), decision)
				w.settled("cards")
				want := map[string]int{"create": 1, "dismiss": 0}[decision]
				for _, tw := range []*toy.Twin{w.a, w.b} {
					if n := len(tw.Rows("cards")); n != want {
						t.Errorf("%d cards after %s, want %d: %v", n, decision, want, tw.Rows("cards"))
					}
				}
				if want == 1 {
					w.by(w.b, "cards", "notes", "old")
					w.by(w.a, "cards", "notes", "old")
				}
				quiet(t, w)
				// Rules that change have everything planned again: the decision is not carried out twice.
				w.configure(strings.Replace(w.yaml, "match: [email]", "match: [email]\n    prefer: left", 1))
				w.settled("cards")
				if n := len(w.b.Rows("cards")); n != want {
					t.Errorf("%d cards after a change of rules, want %d", n, want)
				}
				if decision == "create" {
					w.wants(w.revert(engine.RevertRequest{Change: gone.ID}), "ask already")
				}
			})
		})
	}
}

func TestALinkThatARunMadeIsClosedAndHoldsAgainByARevertOfTheRevert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "hers"})
		right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		w.holds(w.b, right, "notes", "hers")
		time.Sleep(time.Minute)
		linked := w.line(store.Linked, "")
		w.wants(w.revert(engine.RevertRequest{Run: linked.Run}), "field done", "unlink done")
		w.holds(w.b, right, "notes", "")
		quiet(t, w)
		w.put(w.a, "cards", left, map[string]string{"phone": "7"})
		quiet(t, w)
		w.holds(w.b, right, "phone", "") // they are apart (R18)
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Closed, "").ID}), "relink done")
		w.settled("cards")
		w.holds(w.b, right, "phone", "7")
		w.holds(w.b, right, "notes", "") // reverted by itself, and not fought over
		quiet(t, w)
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Reopened, "").ID}), "unlink done")
		quiet(t, w)
	})
}
