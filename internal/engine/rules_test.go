package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// pairOf starts a world in which one card is linked, and returns its two ids.
func pairOf(t *testing.T, yaml string, fields map[string]string) (w *world, left, right string) {
	t.Helper()
	w = newWorld(t, yaml)
	left = w.put(w.a, "cards", "", fields)
	w.settled("cards")
	rows := w.b.Rows("cards")
	if len(rows) != 1 {
		t.Fatalf("%d cards arrived", len(rows))
	}
	time.Sleep(time.Minute)
	return w, left, rows[0].ID
}

func TestR8ConflictIsSolvedByPreference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefer  string
		laterB  bool
		want    string
		asks    bool
		overrul string
	}{
		{"left", true, "from a", false, "from b"},
		{"right", false, "from b", false, "from a"},
		{"newest", true, "from b", false, "from a"},
		{"newest", false, "from a", false, "from b"},
	} {
		t.Run(c.prefer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: "+c.prefer, 1)
				w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				first, second := w.a, w.b
				ids, texts := []string{left, right}, []string{"from a", "from b"}
				if !c.laterB {
					first, second, ids, texts = w.b, w.a, []string{right, left}, []string{"from b", "from a"}
				}
				w.put(first, "cards", ids[0], map[string]string{"notes": texts[0]})
				time.Sleep(time.Minute)
				w.put(second, "cards", ids[1], map[string]string{"notes": texts[1]})
				rep := w.settled("cards")
				if rep.Conflicts != 1 {
					t.Errorf("%d conflicts counted, want 1", rep.Conflicts)
				}
				for _, tw := range []twin.Twin{w.a, w.b} {
					if got := tw.Rows("cards")[0].Fields["notes"]; got != c.want {
						t.Errorf("notes are %q, want %q", got, c.want)
					}
				}
				lost := false // invariant 7: the loser is in the journal
				for _, e := range append(w.history(record.Left, left), w.history(record.Right, right)...) {
					lost = lost || e.Kind == store.Overruled && e.Old.Text() == c.overrul
				}
				if !lost {
					t.Errorf("the journal does not have the overruled %q", c.overrul)
				}
				quiet(t, w)
			})
		})
	}
}

func TestR8AskWaitsForAPersonAndDoesWhatTheySay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: ask", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a", "phone": "2"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview || !rep.Reconciled {
			t.Fatalf("status %s, reconciled %t (%v), want review and true", rep.Status, rep.Reconciled, rep.Gaps)
		}
		if got := w.b.Rows("cards")[0].Fields; got["notes"] != "from b" || got["phone"] != "2" {
			t.Errorf("the question held back more, or less, than its field: %v", got)
		}
		w.decide(w.review(store.ReviewConflict), "right")
		w.settled("cards")
		if got := w.a.Rows("cards")[0].Fields["notes"]; got != "from b" {
			t.Errorf("notes are %q after the decision for the right side", got)
		}
		quiet(t, w)
	})
}

func TestR10OneWayDoesNotFightTheFollower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.b, "cards", right, map[string]string{"notes": "follower"})
		w.settled("cards")
		if got := w.a.Rows("cards")[0].Fields["notes"]; got != "old" {
			t.Errorf("the follower's edit was carried back: %q", got)
		}
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "follower" {
			t.Errorf("the follower's edit was fought over: %q", got)
		}
		w.put(w.a, "cards", left, map[string]string{"notes": "source"})
		w.settled("cards")
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "source" {
			t.Errorf("the source did not win when it changed again: %q", got)
		}
		quiet(t, w)
	})
}

func TestR14AndR20DuplicatesGoToReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.a, "cards", "", map[string]string{"name": "Ann again", "email": "ANN@x.gr"})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Bob one", "email": "bob@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview || !rep.Reconciled {
			t.Fatalf("%+v\n%v", rep, w.reviews())
		}
		if got := w.by(w.b, "cards", "email", "ann@x.gr").Fields["name"]; got != "Ann" {
			t.Errorf("the first of two was %q, want Ann", got)
		}
		item := w.review(store.ReviewAmbiguous)
		if len(item.Candidates) != 2 {
			t.Fatalf("candidates %v", item.Candidates)
		}
		best := item.Candidates[0]
		w.decide(item, best)
		w.sync("cards")
		if rep := w.sync("cards"); rep.Linked != 2 || !rep.Reconciled {
			t.Errorf("after the decision: %+v %v", rep, w.reviews())
		}
		quiet(t, w)
	})
}

func TestR18ADeletedPartnerIsNotCreatedAgainAndComesBackLinked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.b, "cards", right)
		rep := w.settled("cards")
		if rep.Left.Deleted != 0 || len(w.a.Rows("cards")) != 1 {
			t.Errorf("delete: ignore deleted the other side: %+v", rep)
		}
		w.put(w.a, "cards", left, map[string]string{"notes": "still here"})
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("%d cards were created again for a closed link", n)
		}
		quiet(t, w)
	})
}

func TestR22DeletesAreCarriedOutAsConfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: { left: delete, right: archive }", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		_ = right
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.settled("cards")
		w.remove(w.a, "cards", left)
		rep := w.settled("cards")
		if rep.Right.Deleted != 1 || len(w.b.Rows("cards")) != 1 {
			t.Errorf("the partner of a deleted card was not archived: %+v", rep)
		}
		w.remove(w.b, "cards", w.by(w.b, "cards", "name", "Bob").ID)
		rep = w.settled("cards")
		if rep.Left.Deleted != 1 || len(w.a.Rows("cards")) != 0 {
			t.Errorf("the partner of a deleted card was not deleted: %+v", rep)
		}
		quiet(t, w)
	})
}

func TestR22AnEditWinsOverADelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: delete", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.remove(w.a, "cards", left)
		w.put(w.b, "cards", right, map[string]string{"notes": "just called her"})
		w.sync("cards")
		if len(w.b.Rows("cards")) != 1 {
			t.Fatal("a record that a person had just edited was deleted")
		}
		if rows := w.a.Rows("cards"); len(rows) == 1 {
			if rows[0].ID != left || rows[0].Fields["notes"] != "just called her" {
				t.Errorf("restored as %+v, want the same id with the edit", rows[0])
			}
		} else if item := w.review(store.ReviewDelete); item.Link == 0 {
			t.Errorf("neither restored nor in review: %+v", item)
		}
		quiet(t, w)
	})
}

func TestR29AnInvalidFieldIsLeftOutAndTheRestIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "taken"})
		w.put(w.b, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr", "code": "taken"})
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview {
			t.Fatalf("%+v", rep)
		}
		if len(w.reviews()) == 0 {
			t.Error("nothing tells of the code that could not be written")
		}
		quiet(t, w)
	})
}

func TestR30TheGuardStopsAMassDeleteUntilAPersonApproves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: delete", 1)
		w := newWorld(t, yaml)
		var ids []string
		for i := range 30 {
			ids = append(ids, w.put(w.a, "cards", "", map[string]string{"name": "N" + string(rune('A'+i)), "email": string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "@x.gr"}))
		}
		w.settled("cards")
		for _, id := range ids[:20] {
			w.remove(w.a, "cards", id)
		}
		rep := w.sync("cards")
		if rep.Status != engine.StatusBlocked || len(w.b.Rows("cards")) != 30 {
			t.Fatalf("status %s, %d cards left: the guard let %d deletes pass", rep.Status, len(w.b.Rows("cards")), 30-len(w.b.Rows("cards")))
		}
		item := w.review(store.ReviewGuard)
		if !strings.Contains(item.Text, "20 records of b.cards") {
			t.Errorf("the guard says %q", item.Text)
		}
		if again := w.sync("cards"); again.Status != engine.StatusBlocked {
			t.Errorf("a second run got through: %+v", again)
		}
		for range 2 { // a person looks before approving
			seen, err := w.engine.Preview(t.Context(), nil)
			if err != nil || seen[0].Counts[engine.WouldDelete] != 20 || seen[0].Blown == "" {
				t.Errorf("the plan shows %+v, guard %q: %v", seen[0].Counts, seen[0].Blown, err)
			}
		}
		w.decide(w.review(store.ReviewGuard), "approve")
		if seen, err := w.engine.Preview(t.Context(), nil); err != nil || seen[0].Blown != "" {
			t.Errorf("approved, the plan shows a guard that says %q: %v", seen[0].Blown, err)
		}
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 10 {
			t.Errorf("%d cards left after the approval, want 10", n)
		}
		quiet(t, w)
	})
}

func TestR16ALostReplyNeverDoublesARecord(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultErrorAfterCommit, twin.FaultTruncate} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsYAML)
				for _, n := range []string{"ann", "bob", "eve"} {
					w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr"})
				}
				fault := w.b.Inject(twin.Fault{Kind: kind, Method: "POST", Path: "/v1/do", Times: 1})
				rep := w.sync("cards")
				if fault.Hits() != 1 {
					t.Fatal("the fault did not strike")
				}
				if n := len(w.b.Rows("cards")); n != 3 {
					t.Errorf("%d cards, want 3", n)
				}
				if !rep.Reconciled || rep.Linked != 3 {
					t.Errorf("%+v", rep)
				}
				quiet(t, w)
			})
		})
	}
}

func TestR28AReferenceIsFilledInASecondStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, header+`
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    fields: [name, box, email, label]
  labels:
    left: a.labels
    right: b.labels
    match: [code]
    fields: [name, code, weight]
    where: { left: "weight != ''" }
`)
		label := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": label})
		w.settled("cards")
		if got := w.by(w.b, "cards", "name", "Ann").Fields["label"]; got != "" {
			t.Fatalf("the card points to %q although its label has no partner", got)
		}
		w.put(w.a, "labels", label, map[string]string{"weight": "3"})
		w.settled("cards")
		if got, want := w.by(w.b, "cards", "name", "Ann").Fields["label"], w.by(w.b, "labels", "code", "g").ID; got != want {
			t.Errorf("the card points to %q, want %q", got, want)
		}
		quiet(t, w)
	})
}

func TestR33AnotherAccountBehindTheAddressPausesTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		known, _, err := w.store.Connection(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		known.Identity.Account = "somebody else's"
		known.CheckedAt = time.Now().Add(-2 * time.Hour)
		if err := w.store.SaveConnection(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		w.restart()
		rep := w.sync("cards")
		if rep.Status != engine.StatusFailed || !strings.Contains(rep.Error, "another account") {
			t.Errorf("status %s, error %q", rep.Status, rep.Error)
		}
	})
}

func TestACrashAtAnyVendorCallLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for after := range 14 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML)
			for _, n := range []string{"ann", "bob", "eve"} {
				w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr"})
			}
			w.put(w.b, "cards", "", map[string]string{"name": "zoe", "email": "zoe@x.gr"})
			w.crash(after)
			w.restart()
			rep := w.sync("cards")
			if len(w.a.Rows("cards")) != 4 || len(w.b.Rows("cards")) != 4 || !rep.Reconciled || rep.Linked != 4 {
				t.Errorf("crash after %d calls: a has %d, b has %d, %+v\n%v", after, len(w.a.Rows("cards")), len(w.b.Rows("cards")), rep, w.reviews())
			}
			quiet(t, w)
		})
	}
}

// A write whose answer shows no record is read back. If that fails, nobody knows what the
// vendor holds: the old value in the mirror must not be taken for a person's edit.
func TestR2AFailedReadBackCarriesNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
		w.put(w.a, "cards", left, map[string]string{"notes": "new", "phone": "2"})
		var fault *twin.Injected
		w.b.After(func(r *http.Request) { // down from the moment at which the write has been applied
			if fault == nil && r.URL.Path == "/v1/do" {
				fault = w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Method: "POST", Path: "/v1/get", Times: 8})
			}
		})
		w.sync("cards")
		if fault == nil || fault.Hits() == 0 {
			t.Fatal("the fault did not strike")
		}
		fault.Remove()
		time.Sleep(5 * time.Minute)
		w.settled("cards")
		for _, tw := range []twin.Twin{w.a, w.b} {
			if got := tw.Rows("cards")[0].Fields; got["notes"] != "new" || got["phone"] != "2" {
				t.Errorf("a side holds %v", got)
			}
		}
		quiet(t, w)
	})
}

// R17: a vendor that is down while the record is looked at that a create collided with is no
// reason to ask a person.
func TestR17ALookThatFailsIsRepeatedNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [code]", 1)
		w := newWorld(t, yaml)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "k1"})
		w.settled("cards")
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "code": "k2"})
		var once bool
		w.b.Before(func(r *http.Request) { // somebody is quicker by a moment
			if !once && r.URL.Path == "/v1/do" {
				once = true
				w.put(w.b, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "code": "k2"})
			}
		})
		fault := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Method: "POST", Path: "/v1/get", Times: 6})
		w.sync("cards")
		if !once || fault.Hits() == 0 {
			t.Fatalf("the create did not collide, or its look did not fail: %t, %d", once, fault.Hits())
		}
		time.Sleep(5 * time.Minute)
		w.sync("cards")
		rep := w.settled("cards")
		if rep.Linked != 2 || len(w.b.Rows("cards")) != 2 {
			t.Errorf("%+v, %d cards, review %v", rep, len(w.b.Rows("cards")), w.reviews())
		}
		quiet(t, w)
	})
}

func TestRecordsThatCouldNotBeWrittenAreCountedAsFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		for _, n := range []string{"ann", "bob", "eve"} {
			w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr"})
		}
		down := w.b.Inject(twin.Fault{Kind: twin.FaultRefuse, Method: "POST", Path: "/v1/do"})
		rep := w.sync("cards")
		if rep.Failed != 3 || rep.Reconciled || rep.Status != engine.StatusReview || rep.Waiting != 3 {
			t.Errorf("%+v", rep)
		}
		down.Remove()
		time.Sleep(time.Hour)
		if rep := w.settled("cards"); rep.Failed != 0 || rep.Right.Created != 3 {
			t.Errorf("%+v", rep)
		}
		quiet(t, w)
	})
}
