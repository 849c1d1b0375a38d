package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// revert carries a request out and returns its items.
func (w *world) revert(q engine.RevertRequest) []engine.RevertItem {
	w.t.Helper()
	items, done := w.tryRevert(q)
	for _, d := range done {
		if d.Err != nil || d.Report.Status == engine.StatusFailed {
			w.t.Fatalf("revert: %v, %+v", d.Err, d.Report)
		}
	}
	return items
}

func (w *world) tryRevert(q engine.RevertRequest) ([]engine.RevertItem, []engine.Reverted) {
	w.t.Helper()
	var items []engine.RevertItem
	done, err := w.engine.Revert(w.t.Context(), q, func(it engine.RevertItem) error {
		items = append(items, it)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return items, done
}

// rehearse previews a request and proves that it writes nothing.
func (w *world) rehearse(q engine.RevertRequest) []engine.RevertItem {
	w.t.Helper()
	before := apiWrites(w.a, w.b)
	var items []engine.RevertItem
	_, err := w.engine.PreviewRevert(w.t.Context(), q, func(it engine.RevertItem) error {
		items = append(items, it)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if n := apiWrites(w.a, w.b) - before; n != 0 {
		w.t.Errorf("a preview wrote %d times", n)
	}
	return items
}

// states counts the items by kind and state, "field done", without what has nothing to say.
func states(items []engine.RevertItem) map[string]int {
	out := map[string]int{}
	for _, it := range items {
		if it.State != engine.RevertSilent {
			out[string(it.Kind)+" "+string(it.State)]++
		}
	}
	return out
}

func (w *world) wants(items []engine.RevertItem, want ...string) {
	w.t.Helper()
	got := states(items)
	total := 0
	for _, n := range got {
		total += n
	}
	for _, s := range want {
		if got[s] == 0 {
			w.t.Errorf("no item is %q: %+v", s, items)
		}
		got[s]--
		total--
	}
	if total != 0 {
		w.t.Errorf("more was done than %v: %+v", want, items)
	}
}

// line returns the newest line of a kind, about a field if one is named.
func (w *world) line(kind store.EntryKind, field string) store.Entry {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Limit: 10000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range slices.Backward(lines) {
		if e.Kind == kind && (field == "" || e.Field == field) {
			return e
		}
	}
	w.t.Fatalf("no line of kind %s about %q", kind, field)
	return store.Entry{}
}

// cell is what people see of one field; "-" if the record is gone.
func cell(tw *toy.Twin, id, field string) string {
	for _, r := range tw.Rows("cards") {
		if r.ID == id {
			return r.Fields[field]
		}
	}
	return "-"
}

func (w *world) holds(tw *toy.Twin, id, field, want string) {
	w.t.Helper()
	if got := cell(tw, id, field); got != want {
		w.t.Errorf("%s of %s is %q, want %q", field, id, got, want)
	}
}

func TestARevertedFieldStaysAsItWasAndNobodyFightsOverIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "tags": "vip"})
		w.put(w.a, "cards", left, map[string]string{"notes": "new", "tags": "press;vip"})
		w.settled("cards")
		change := w.line(store.Written, "notes")
		items := w.rehearse(engine.RevertRequest{Change: change.ID})
		w.wants(items, "field revert")
		if it := items[0]; it.Now.Text() != "new" || it.To.Text() != "old" || it.Of.Connection != "b" || it.ID != right || it.Change != change.ID {
			t.Errorf("the preview says %+v", it)
		}
		time.Sleep(time.Hour)
		w.wants(w.revert(engine.RevertRequest{Change: change.ID, By: "ann"}), "field done")
		w.holds(w.b, right, "notes", "old")
		w.holds(w.a, left, "notes", "new") // only what we wrote goes back (R7)
		w.holds(w.b, right, "tags", "press;vip")
		if e := w.line(store.Written, "notes"); e.Why != fmt.Sprintf("revert of change %d, by ann", change.ID) || e.Old.Text() != "new" {
			t.Errorf("the journal says %+v", e)
		}
		quiet(t, w)
		if tally, err := w.store.Tally(t.Context(), "cards"); err != nil || tally.Diverged != 1 {
			t.Errorf("%d links diverge, want 1 (%v)", tally.Diverged, err)
		}
		// Again is nothing, and an edit since travels as ever.
		w.wants(w.revert(engine.RevertRequest{Change: change.ID}), "field already")
		w.put(w.b, "cards", right, map[string]string{"notes": "mine"})
		w.settled("cards")
		w.holds(w.a, left, "notes", "mine")
		quiet(t, w)
		if tally, err := w.store.Tally(t.Context(), "cards"); err != nil || tally.Diverged != 0 {
			t.Errorf("%d links diverge still (%v)", tally.Diverged, err)
		}
	})
}

func TestARevertCanBeReverted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.settled("cards")
		w.revert(engine.RevertRequest{Run: w.line(store.Written, "notes").Run})
		w.holds(w.b, right, "notes", "old")
		runs, err := w.store.Runs(t.Context(), "cards", 1)
		if err != nil || runs[0].Sides[1].Updated != 1 || runs[0].Status != engine.StatusOK || runs[0].Complete {
			t.Fatalf("the log of runs says %+v, %v", runs, err)
		}
		time.Sleep(time.Minute)
		w.wants(w.revert(engine.RevertRequest{Run: runs[0].ID}), "field done")
		w.holds(w.b, right, "notes", "new")
		if tally, err := w.store.Tally(t.Context(), "cards"); err != nil || tally.Diverged != 0 {
			t.Errorf("both hold the same again, and %d links diverge (%v)", tally.Diverged, err)
		}
		quiet(t, w)
	})
}

func TestWhatWasEditedSinceIsLeftAloneUnlessForced(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"target", "source", "later run"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				w.put(w.a, "cards", left, map[string]string{"notes": "new"})
				w.settled("cards")
				change := w.line(store.Written, "notes").ID
				now := "new"
				switch where {
				case "target":
					w.put(w.b, "cards", right, map[string]string{"notes": "edited"})
					now = "edited"
				case "source":
					w.put(w.a, "cards", left, map[string]string{"notes": "edited"})
				default:
					w.put(w.a, "cards", left, map[string]string{"notes": "edited"})
					w.settled("cards")
					now = "edited"
				}
				w.wants(w.rehearse(engine.RevertRequest{Change: change}), "field edited")
				items := w.revert(engine.RevertRequest{Change: change})
				w.wants(items, "field edited")
				w.holds(w.b, right, "notes", now)
				if where == "later run" && !strings.Contains(items[0].Why, "changed again by r") {
					t.Errorf("it does not say which run changed it: %s", items[0].Why)
				}
				w.wants(w.revert(engine.RevertRequest{Change: change, Force: true}), "field done")
				w.holds(w.b, right, "notes", "old")
				if where == "target" { // invariant 7: the edit is in the drawer
					if e := w.line(store.Overruled, "notes"); e.Old.Text() != "edited" {
						t.Errorf("the overruled edit is not in the journal: %+v", e)
					}
				}
				quiet(t, w)
				w.holds(w.b, right, "notes", "old")
				if where == "source" { // invariant 7: it stays where it is, and the journal says so
					w.holds(w.a, left, "notes", "edited")
					e := w.line(store.Overruled, "notes")
					if e.Old.Text() != "edited" || e.Side != record.Left {
						t.Errorf("the edit that is not carried over is not in the journal: %+v", e)
					}
					w.wants(w.revert(engine.RevertRequest{Change: e.ID}), "field already", "field done")
					w.holds(w.b, right, "notes", "edited")
					quiet(t, w)
				}
			})
		})
	}
}

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

func TestAnOverruledValueComesBackOnBothSides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: left", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.settled("cards")
		w.holds(w.b, right, "notes", "from a")
		lost := w.line(store.Overruled, "notes")
		w.wants(w.rehearse(engine.RevertRequest{Change: lost.ID}), "field revert", "field revert")
		w.wants(w.revert(engine.RevertRequest{Change: lost.ID}), "field done", "field done")
		w.holds(w.a, left, "notes", "from b")
		w.holds(w.b, right, "notes", "from b")
		quiet(t, w)
		if tally, err := w.store.Tally(t.Context(), "cards"); err != nil || tally.Diverged != 0 {
			t.Errorf("both sides agree, and %d links diverge (%v)", tally.Diverged, err)
		}
	})
}

func TestARunThatOverruledIsUndoneOnTheSideThatItWrote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: left", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b", "phone": "7"})
		w.settled("cards")
		w.wants(w.revert(engine.RevertRequest{Run: w.line(store.Overruled, "notes").Run}), "field done", "field done")
		w.holds(w.a, left, "notes", "from a")
		w.holds(w.b, right, "notes", "from b")
		w.holds(w.a, left, "phone", "")
		w.holds(w.b, right, "phone", "7")
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

func TestSinceATimeEverythingGoesBackToWhatItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "0"})
		for i := 1; i < 4; i++ {
			w.put(w.a, "cards", left, map[string]string{"notes": fmt.Sprint(i)})
			w.settled("cards")
			time.Sleep(time.Hour)
		}
		w.put(w.b, "cards", right, map[string]string{"phone": "7"})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.settled("cards")
		since := time.Now().Add(-150 * time.Minute) // before the second edit
		w.wants(w.revert(engine.RevertRequest{Since: since}), "field done", "field done", "archive done")
		w.holds(w.b, right, "notes", "1")
		w.holds(w.a, left, "phone", "")
		quiet(t, w)
		w.holds(w.b, right, "phone", "7")
		w.wants(w.revert(engine.RevertRequest{Since: since, Sync: "cards"}), "field already", "field already", "archive already")
	})
}

func TestLinesThatAreNoActOfOursSayWhyNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: ask", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "a", "phone": "3", "code": "ABC"})
		w.put(w.b, "cards", right, map[string]string{"notes": "b", "phone": "3"})
		w.sync("cards")
		w.decide(w.review(store.ReviewConflict), "left")
		w.settled("cards")
		for _, kind := range []store.EntryKind{store.Agreed, store.Decided} {
			items := w.revert(engine.RevertRequest{Change: w.line(kind, "").ID})
			w.wants(items, "nothing cannot")
			if items[0].Why == "" {
				t.Errorf("a line of kind %s does not say why it stays", kind)
			}
		}
		quiet(t, w)
	})
}

func TestALineOfAFieldThatIsNoLongerMappedSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.settled("cards")
		change := w.line(store.Written, "notes")
		w.configure(strings.Replace(cardsYAML, ", notes]", "]", 1))
		items := w.revert(engine.RevertRequest{Change: change.ID})
		w.wants(items, "field cannot")
		if !strings.Contains(items[0].Why, "no longer mapped") {
			t.Errorf("it says %q", items[0].Why)
		}
	})
}

// many starts a world with n pairs of which every right one was changed by one run.
func many(t *testing.T, n int) (w *world, run int64) {
	t.Helper()
	w = newWorld(t, cardsYAML)
	for i := range n {
		w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("P", i), "email": fmt.Sprintf("p%d@x.gr", i), "notes": "old"})
	}
	w.settled("cards")
	for _, r := range w.a.Rows("cards") {
		w.put(w.a, "cards", r.ID, map[string]string{"notes": "new"})
	}
	w.yaml = strings.Replace(w.yaml, "match: [email]", "match: [email]\n    guard: { update: 100% }", 1)
	w.configure(w.yaml)
	w.settled("cards")
	time.Sleep(time.Minute)
	return w, w.line(store.Written, "notes").Run
}

func (w *world) allHold(want string) {
	w.t.Helper()
	for _, r := range w.b.Rows("cards") {
		if r.Fields["notes"] != want {
			w.t.Errorf("card %s holds %q, want %q", r.ID, r.Fields["notes"], want)
		}
	}
}

func TestARevertGoesOnThroughRateLimitsAndFailures(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultRateLimit, twin.FaultErrorAfterCommit, twin.FaultLostReply, twin.FaultUnavailable} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, run := many(t, 35)
				w.b.Inject(twin.Fault{Kind: kind, Method: "POST", Path: "/v1/do", Every: 2, Times: 2, Wait: 20 * time.Second})
				items := w.revert(engine.RevertRequest{Run: run})
				if got := states(items)["field done"]; got != 35 {
					t.Errorf("%d of 35 are reverted: %v", got, states(items))
				}
				w.allHold("old")
				quiet(t, w)
				w.allHold("old")
			})
		})
	}
}

func TestInvariant11ARevertThatIsKilledIsRepeatedAndNothingIsRedone(t *testing.T) {
	t.Parallel()
	for _, again := range []string{"revert", "sync first"} {
		for after := range 8 {
			t.Run(fmt.Sprint(again, " after ", after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, run := many(t, 25)
					w.killRevert(run, after)
					w.restart()
					time.Sleep(time.Minute)
					if again == "sync first" {
						w.sync("cards")
					}
					w.revert(engine.RevertRequest{Run: run})
					w.allHold("old")
					for _, r := range w.a.Rows("cards") {
						if r.Fields["notes"] != "new" {
							t.Errorf("the source was touched: %v", r)
						}
					}
					quiet(t, w)
					w.allHold("old")
				})
			})
		}
	}
}

// killRevert ends a revert as a killed process would, when that many requests were answered.
func (w *world) killRevert(run int64, after int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	n := 0
	for _, tw := range []*toy.Twin{w.a, w.b} {
		tw.After(func(*http.Request) {
			if n++; n == after+1 {
				if err := w.store.Close(); err != nil {
					w.t.Error(err)
				}
				cancel()
			}
		})
	}
	_, err := w.engine.Revert(ctx, engine.RevertRequest{Run: run}, func(engine.RevertItem) error { return nil })
	if err == nil && n > after {
		w.t.Errorf("the kill after %d calls went unnoticed", after)
	}
}

// The guard of a sync neither stops a revert nor counts it later.
func TestR30ARevertIsNotGuardedAndItsSizeIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := many(t, 25)
		made := w.line(store.Created, "").Run
		_, done := w.tryRevert(engine.RevertRequest{Run: made})
		if len(done) != 1 || done[0].Counts[engine.RevertDone] != 25 || len(done[0].Beyond) != 1 || !strings.Contains(done[0].Beyond[0], "25 records") {
			t.Fatalf("the revert came to %+v", done)
		}
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("%d cards are left", n)
		}
		quiet(t, w)
		w.configure(archiving("archive"))
		id := w.put(w.b, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr"})
		w.settled("cards")
		w.remove(w.b, "cards", id)
		if rep := w.sync("cards"); rep.Status == engine.StatusBlocked || rep.Left.Deleted != 1 {
			t.Errorf("the revert counts in the guard of a later run: %+v", rep)
		}
	})
}

func TestARevertOfNothingKnownIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		for _, q := range []engine.RevertRequest{{Change: 9999}, {Run: 9999}, {Of: store.Object{Connection: "a", Name: "bricks"}, Record: "1"}} {
			if _, err := w.engine.Revert(t.Context(), q, func(engine.RevertItem) error { return nil }); err == nil {
				t.Errorf("%+v reverts", q)
			}
		}
		if items := w.revert(engine.RevertRequest{Since: time.Now()}); len(items) != 0 {
			t.Errorf("nothing happened since, and %v goes back", items)
		}
	})
}

// A value that the system does not take back is shown, journaled, and not sent for ever.
func TestAValueThatIsNotTakenBackIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "one"})
		w.put(w.a, "cards", left, map[string]string{"code": "two"})
		w.settled("cards")
		change := w.line(store.Written, "code")
		w.yaml = strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1)
		w.configure(w.yaml)
		w.put(w.b, "cards", "", map[string]string{"name": "Thief", "email": "t@x.gr", "code": "one"}) // codes are unique
		items := w.revert(engine.RevertRequest{Change: change.ID})
		w.wants(items, "field cannot")
		w.holds(w.b, right, "code", "two")
		if item := w.review(store.ReviewParked); !strings.Contains(item.Text, "does not take code") {
			t.Errorf("the review item says %q", item.Text)
		}
		if e := w.line(store.Refused, "code"); e.Side != record.Right {
			t.Errorf("the journal says %+v", e)
		}
		quiet(t, w)
	})
}
