package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
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

func TestSeveralLinesAreTakenBackAndTheRestStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "tags": "vip"})
		w.put(w.a, "cards", left, map[string]string{"name": "Anna", "notes": "new", "tags": "press;vip"})
		w.settled("cards")
		q := engine.RevertRequest{Change: w.line(store.Written, "notes").ID, Also: []int64{w.line(store.Written, "name").ID}}
		w.wants(w.rehearse(q), "field revert", "field revert")
		w.wants(w.revert(q), "field done", "field done")
		w.holds(w.b, right, "notes", "old")
		w.holds(w.b, right, "name", "Ann")
		w.holds(w.b, right, "tags", "press;vip")
		if e := w.line(store.Written, "notes"); e.Why != fmt.Sprintf("revert of change %d and 1 more", q.Change) {
			t.Errorf("the journal says %+v", e)
		}
		var unknown *engine.NoChangeError
		if _, err := w.engine.PreviewRevert(t.Context(), engine.RevertRequest{Change: q.Change, Also: []int64{99999}}, func(engine.RevertItem) error { return nil }); !errors.As(err, &unknown) {
			t.Errorf("a line that is not there: %v", err)
		}
	})
}
