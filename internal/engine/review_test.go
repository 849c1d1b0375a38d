package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// picky is a system that refuses some writes.
type picky struct {
	connector.Connection
	connector.Source
	connector.Reader
	connector.Finder
	connector.Partitioner
	inner  connector.Writer
	refuse func(connector.Op) *connector.Error
}

func (p picky) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	results := make([]connector.Result, len(ops))
	var pass []connector.Op
	var at []int
	for i, op := range ops {
		if e := p.refuse(op); e != nil {
			results[i].Err = e
			continue
		}
		pass, at = append(pass, op), append(at, i)
	}
	if len(pass) == 0 {
		return results, nil
	}
	done, err := p.inner.Write(ctx, pass)
	for i, res := range done {
		results[at[i]] = res
	}
	return results, err
}

// refusing has both systems refuse notes that begin with "bad"; whole refuses the record.
func (w *world) refusing(whole bool) {
	w.wrap = func(c connector.Connection) connector.Connection {
		a := connector.AbilitiesOf(c)
		return picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(op connector.Op) *connector.Error {
			if !strings.HasPrefix(op.Set["notes"].Text(), "bad") {
				return nil
			}
			e := &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: "notes", Err: errors.New("rude words are not allowed")}
			if whole {
				e.Field = ""
			}
			return e
		}}
	}
	w.configure(w.yaml)
}

// enter lets a person enter values for an item.
func (w *world) enter(item store.Review, field, value string) engine.EditPlan {
	w.t.Helper()
	p, err := w.engine.PlanEdit(w.t.Context(), item, []engine.Assignment{{Field: field, Value: value}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.EditReview(w.t.Context(), item.ID, p.Edit, "ann", time.Now()); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) wantBoth(field, value string) {
	w.t.Helper()
	for name, tw := range map[string]*toy.Twin{"a": w.a, "b": w.b} {
		for _, row := range tw.Rows("cards") {
			if row.Fields[field] != value {
				w.t.Errorf("%s of %s is %q, want %q", field, name, row.Fields[field], value)
			}
		}
	}
}

// carried wants nothing that a person entered to be pending.
func (w *world) carried() {
	w.t.Helper()
	pending, err := w.store.PendingEdits(w.t.Context(), "cards")
	if err != nil || len(pending) > 0 {
		w.t.Errorf("still to be carried out: %v %v", pending, err)
	}
}

func (w *world) lines(kind store.EntryKind, side record.Side, id string) []store.Entry {
	w.t.Helper()
	return slices.DeleteFunc(w.history(side, id), func(e store.Entry) bool { return e.Kind != kind || e.Side != side })
}

func TestR29WhatAPersonEntersForAParkedRecordIsWrittenAndTheRecordTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.refusing(true)
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "bad luck"})
		w.sync("cards")
		item := w.review(store.ReviewParked)
		if item.Cause != "rude words are not allowed" {
			t.Errorf("its cause is %q", item.Cause)
		}
		p := w.enter(item, "notes", "good luck")
		if len(p.Writes) != 2 || p.Writes[0].Side != record.Left || p.Writes[0].Old.Text() != "bad luck" || p.Writes[1].ID != "" || !p.Writes[1].Then {
			t.Errorf("what would be written: %+v", p.Writes)
		}
		w.settled("cards")
		w.wantBoth("notes", "good luck")
		w.carried()
		if n := len(w.b.Rows("cards")); n != 1 { // invariant 8
			t.Errorf("%d cards were created", n)
		}
		if got := w.lines(store.Written, record.Left, left); len(got) != 1 || got[0].By != "ann" || got[0].Old.Text() != "bad luck" {
			t.Errorf("the journal says %+v", got)
		}
		if got := w.lines(store.Decided, record.Left, left); len(got) != 1 || got[0].New.Text() != "good luck" || got[0].By != "ann" {
			t.Errorf("the journal says of the decision %+v", got)
		}
		quiet(t, w)
	})
}

func TestR2ARefusedFieldIsSentAgainOnceAPersonSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.refusing(false)
		w.put(w.a, "cards", left, map[string]string{"notes": "bad luck", "phone": "1"})
		w.sync("cards")
		w.decide(w.review(store.ReviewParked), "retry")
		w.sync("cards")
		first := w.review(store.ReviewParked) // refused anew: a question of its own
		w.put(w.a, "cards", left, map[string]string{"phone": "2"})
		w.sync("cards")
		if got := w.lines(store.Refused, record.Right, w.b.Rows("cards")[0].ID); len(got) != 2 {
			t.Errorf("it was sent %d times, want 2: one retry is one retry", len(got))
		}
		w.wrap = nil // the vendor takes it now
		w.configure(w.yaml)
		w.decide(first, "retry")
		w.settled("cards")
		w.wantBoth("notes", "bad luck")
		quiet(t, w)
	})
}

func TestR29AFieldThatACreateLeftOutIsShownUntilItIsCorrected(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"at the system", "through Tandem"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				w.refusing(false)
				left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "bad luck"})
				w.sync("cards")
				if got := w.by(w.b, "cards", "name", "Ann").Fields["notes"]; got != "" {
					t.Errorf("notes arrived as %q", got)
				}
				item := w.review(store.ReviewParked)
				time.Sleep(time.Minute)
				if how == "at the system" {
					w.put(w.a, "cards", left, map[string]string{"notes": "good luck"})
				} else {
					w.enter(item, "notes", "good luck")
				}
				w.settled("cards") // the item is gone
				w.wantBoth("notes", "good luck")
				w.carried()
				quiet(t, w)
			})
		})
	}
}

func TestR8AConflictCanBeDecidedWithAValueOfOnesOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.sync("cards")
		w.enter(w.review(store.ReviewConflict), "notes", "from ann")
		w.settled("cards")
		w.wantBoth("notes", "from ann")
		w.carried()
		lost := map[string]bool{} // invariant 7: both people's edits gave way
		for side, id := range []string{left, right} {
			for _, e := range w.lines(store.Overruled, record.Side(side), id) {
				lost[e.Old.Text()] = e.By == "ann"
			}
		}
		if !lost["from a"] || !lost["from b"] {
			t.Errorf("the journal does not tell what gave way: %v", lost)
		}
		quiet(t, w)
	})
}

// A correction is an edit like any other: one that somebody made at a system since is younger.
func TestR27AnEditAtASystemOvertakesWhatWasEnteredBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.sync("cards")
		w.enter(w.review(store.ReviewConflict), "notes", "from ann")
		w.put(w.b, "cards", right, map[string]string{"notes": "b once more"})
		w.sync("cards")
		w.carried()
		if item := w.review(store.ReviewConflict); item.Values[1].Text() != "b once more" {
			t.Errorf("asked about %v", item.Values)
		}
		if got := w.lines(store.Overruled, record.Left, left); len(got) != 1 || got[0].Old.Text() != "from ann" {
			t.Errorf("the journal does not tell of the correction: %+v", got)
		}
		quiet(t, w)
	})
}

func TestR10WhatIsEnteredGoesToTheFollowerAloneWhereTheSourceIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, parked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsWith("direction: left-to-right"))
			w.refusing(parked)
			left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "bad luck"})
			w.sync("cards")
			time.Sleep(time.Minute)
			w.enter(w.review(store.ReviewParked), "notes", "good luck")
			w.settled("cards")
			if a, b := w.a.Rows("cards")[0].Fields["notes"], w.by(w.b, "cards", "name", "Ann").Fields["notes"]; a != "bad luck" || b != "good luck" {
				t.Errorf("left holds %q, right %q", a, b)
			}
			w.carried()
			quiet(t, w)
			w.put(w.a, "cards", left, map[string]string{"notes": "new"})
			w.settled("cards")
			w.wantBoth("notes", "new") // the source goes on as ever
		})
	}
}

func TestR29AValueThatIsNotTakenEitherIsAQuestionAgain(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML)
			w.refusing(whole)
			w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "bad luck"})
			w.sync("cards")
			w.enter(w.review(store.ReviewParked), "notes", "bad weather")
			w.sync("cards")
			w.carried()
			item := w.review(store.ReviewParked)
			if !strings.Contains(item.Text, "does not take what ann entered: rude words") {
				t.Errorf("it says %q", item.Text)
			}
			w.enter(item, "notes", "good weather")
			w.settled("cards")
			w.wantBoth("notes", "good weather")
			w.carried()
			quiet(t, w)
		})
	}
}

func TestWhatCannotBeEnteredIsSaidWithTheNearest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new"})
		w.put(w.a, "cards", left, map[string]string{"stage": "won"})
		w.put(w.b, "cards", right, map[string]string{"stage": "lost"})
		w.sync("cards")
		item := w.review(store.ReviewConflict)
		for _, c := range []struct{ field, value, want string }{
			{"stag", "new", `did you mean "stage"?`},
			{"nothing like it", "new", "it keeps name, "},
			{"stage", "wonn", `did you mean "won"?`},
			{"notes", "x", "the question is about stage, not about notes"},
			{"stage", "won", "left holds that already: decide left"},
			{"stage", "lost", "right holds that already: decide right"},
		} {
			_, err := w.engine.PlanEdit(t.Context(), item, []engine.Assignment{{Field: c.field, Value: c.value}})
			var wrong *engine.EditError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s=%s: %v, want %q", c.field, c.value, err, c.want)
			}
		}
	})
}

// R22: a held delete goes by itself when the record is back, and a decision counts for what it
// was made about.
func TestR22AHeldDeleteGoesWhenTheRecordIsBackAndIsAskedAnewAfterAnotherEdit(t *testing.T) {
	t.Parallel()
	rules := cardsWith("delete: delete", "direction: left-to-right")
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, rules, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.b, "cards", right, map[string]string{"notes": "follower's"})
		w.settled("cards")
		w.put(w.b, "cards", right, map[string]string{"phone": "7"})
		w.remove(w.a, "cards", left)
		w.sync("cards")
		item := w.review(store.ReviewDelete)
		w.put(w.b, "cards", right, map[string]string{"phone": "8"}) // after the person has looked
		w.decide(item, "delete")
		w.sync("cards")
		if len(w.b.Rows("cards")) != 1 { // invariant 5
			t.Fatal("an edit that nobody was asked about was deleted")
		}
		w.decide(w.review(store.ReviewDelete), "delete")
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("%d cards are left", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, rules, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", right, map[string]string{"phone": "7"})
		w.put(w.a, "cards", left, map[string]string{"notes": "x"})
		if err := w.a.Archive("cards", left); err != nil {
			t.Fatal(err)
		}
		w.sync("cards")
		w.review(store.ReviewDelete)
		if err := w.a.Restore("cards", left); err != nil {
			t.Fatal(err)
		}
		w.settled("cards")
		quiet(t, w)
	})
}

func TestR14CandidatesAreRankedWithTheirReasons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.b, "cards", "", map[string]string{"name": "Somebody Else", "email": "ann@x.gr", "phone": "2"})
		like := w.put(w.b, "cards", "", map[string]string{"name": "Meyer Ann", "email": "ann@x.gr"})
		best := w.put(w.b, "cards", "", map[string]string{"name": "Ann Meyer", "email": "ann@x.gr", "phone": "1"})
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann Meyer", "email": "ann@x.gr", "phone": "1"})
		w.sync("cards")
		items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewAmbiguous}, Open: true})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(items, func(r store.Review) bool { return r.Side == record.Left && r.Record == left })
		if i < 0 {
			t.Fatalf("nothing is asked about the card: %v", w.reviews())
		}
		if got := items[i].Candidates; len(got) != 3 || got[0] != best || got[1] != like {
			t.Errorf("candidates %v, want %s, then %s", got, best, like)
		}
		ranked, err := w.engine.Candidates(t.Context(), items[i])
		if err != nil || len(ranked) != 3 {
			t.Fatalf("%v %v", ranked, err)
		}
		if why := strings.Join(ranked[0].Why, ", "); !strings.Contains(why, "same email (+100)") || !strings.Contains(why, "same phone (+10)") {
			t.Errorf("the first is first because of %q", why)
		}
		if !strings.Contains(strings.Join(ranked[1].Why, ", "), "the names are alike") || ranked[0].Score <= ranked[1].Score || ranked[1].Score <= ranked[2].Score {
			t.Errorf("the others: %+v", ranked[1:])
		}
		// None of them is an answer about these; one more is a new question.
		w.decide(items[i], "none")
		w.put(w.b, "cards", "", map[string]string{"name": "Ann Meyer", "email": "ann@x.gr"})
		w.sync("cards")
		again, err := w.store.Reviews(t.Context(), store.ReviewQuery{Open: true, About: items[i].Subject})
		if err != nil || len(again) != 1 || len(again[0].Candidates) != 4 {
			t.Errorf("asked anew: %+v %v", again, err)
		}
	})
}

// What is asked about a record goes with the reason to ask, whatever that is.
func TestItemsOfARecordGoWhenARuleLeavesItAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith(`where: { left: 'stage != "lost"' }`))
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "won"})
		w.put(w.b, "cards", "", map[string]string{"name": "Anna", "email": "ann@x.gr", "stage": "won"})
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann M", "email": "ann@x.gr", "stage": "new"})
		w.sync("cards")
		about := "match left " + left
		if open, err := w.store.Reviews(t.Context(), store.ReviewQuery{Open: true, About: about}); err != nil || len(open) != 1 {
			t.Fatalf("%v %v", open, err)
		}
		w.put(w.a, "cards", left, map[string]string{"stage": "lost"})
		w.sync("cards")
		if open, err := w.store.Reviews(t.Context(), store.ReviewQuery{Open: true, About: about}); err != nil || len(open) != 0 {
			t.Errorf("still asked: %v %v", open, err)
		}
	})
}

// A record that was dismissed rests until it changes, and what was dismissed is not asked again.
func TestR29WhatAPersonHasDismissedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.refusing(true)
		w.put(w.a, "cards", left, map[string]string{"notes": "bad luck"})
		w.sync("cards")
		w.decide(w.review(store.ReviewParked), "dismiss")
		if rep := w.sync("cards"); rep.Review != 0 {
			t.Errorf("asked again: %v", w.reviews())
		}
		w.put(w.a, "cards", left, map[string]string{"notes": "bad again"})
		w.sync("cards")
		w.review(store.ReviewParked) // new facts
		w.put(w.a, "cards", left, map[string]string{"notes": "good"})
		w.settled("cards") // and it goes by itself
		if got := w.by(w.b, "cards", "name", "Ann"); got.ID != right || got.Fields["notes"] != "good" {
			t.Errorf("right holds %v", got)
		}
	})
}

// R5: the one question about all first matches goes when no pair waits for it any more.
func TestR5TheQuestionAboutFirstMatchesGoesWithTheLastOfThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("prefer: ask"))
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Anna", "email": "ann@x.gr"})
		w.sync("cards")
		w.review(store.ReviewConflict)
		w.put(w.a, "cards", left, map[string]string{"name": "Anna"})
		w.settled("cards")
	})
}
