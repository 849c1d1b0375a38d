package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// cardsWith is cardsYAML with more rules for the sync.
func cardsWith(rules ...string) string {
	return strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    "+strings.Join(rules, "\n    "), 1)
}

// people makes cards of those names on the left and settles them.
func (w *world) people(names ...string) {
	w.t.Helper()
	for _, n := range names {
		w.put(w.a, "cards", "", map[string]string{"name": n, "email": strings.ToLower(n) + "@x.gr", "notes": "of " + n})
	}
	w.settled("cards")
	time.Sleep(time.Minute)
}

func (w *world) merge(tw interface {
	MergeInto(object, keep string, lose ...string) (string, error)
}, keep string, lose ...string) string {
	w.t.Helper()
	id, err := tw.MergeInto("cards", keep, lose...)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// foldsInto are the ways of a vendor whose merges end in a new record, and of one whose do not.
var foldsInto = map[bool]toy.Folding{true: toy.FoldIntoNew}

// closed counts the links that were closed for a reason, and wants the open ones to join
// records of these names.
func (w *world) links(closed string, want int) {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), "cards", 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, l := range links {
		if l.Closed == closed {
			n++
		}
	}
	if n != want {
		w.t.Errorf("%d links are closed as %s, want %d: %+v", n, closed, want, links)
	}
}

func TestR24AMergeIntoAnUnlinkedRecordMovesThePair(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"delete: ignore", "delete: delete"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith(policy, `where: { left: "stage != 'lost'" }`))
				w.put(w.a, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr", "stage": "lost"}) // not in step
				w.people("Ann")
				ann, annie, right := w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Annie").ID, w.by(w.b, "cards", "name", "Ann").ID
				w.put(w.a, "cards", annie, map[string]string{"stage": "new"})
				w.merge(w.a, annie, ann)
				w.put(w.b, "cards", right, map[string]string{"phone": "1"})
				rep := w.settled("cards")
				b := w.by(w.b, "cards", "name", "Annie")
				if rep.Linked != 1 || b.ID != right || b.Fields["email"] != "annie@x.gr" || b.Fields["notes"] != "of Ann" {
					t.Errorf("the partner is %v; %+v", b, rep)
				}
				if a := w.by(w.a, "cards", "name", "Annie"); a.Fields["phone"] != "1" || len(w.a.Rows("cards")) != 1 {
					t.Errorf("left has %v", w.a.Rows("cards"))
				}
				w.links("merged", 1)
				quiet(t, w)
			})
		})
	}
}

// What the survivor lacks was nobody's wish to empty.
func TestR24AMoveWipesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete"))
		w.people("Ann")
		ann := w.by(w.a, "cards", "name", "Ann").ID
		annie := w.put(w.a, "cards", "", map[string]string{"name": "Annie", "email": "annie@x.gr"})
		w.merge(w.a, annie, ann)
		w.put(w.a, "cards", annie, map[string]string{"notes": ""}) // this vendor keeps nothing of the lost one
		w.settled("cards")
		for _, tw := range []twin.Twin{w.a, w.b} {
			if rows := tw.Rows("cards"); len(rows) != 1 || rows[0].Fields["name"] != "Annie" || rows[0].Fields["notes"] != "of Ann" {
				t.Errorf("a side has %v", rows)
			}
		}
		quiet(t, w)
	})
}

func TestR24PartnersOfMergedRecordsWaitForAPerson(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{"merge", "leave", "by hand"} {
		t.Run(decision, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: delete"))
				w.people("Ann", "Bob")
				ann, bob := w.by(w.b, "cards", "name", "Ann").ID, w.by(w.b, "cards", "name", "Bob").ID
				w.merge(w.a, w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Bob").ID)
				rep := w.sync("cards")
				if rep.Status != engine.StatusReview || !rep.Reconciled || len(w.b.Rows("cards")) != 2 {
					t.Fatalf("%+v, right has %v", rep, w.b.Rows("cards"))
				}
				item := w.review(store.ReviewMerge)
				if item.Record != bob || item.Candidates[0] != ann {
					t.Errorf("%+v", item)
				}
				want := 1
				switch decision {
				case "by hand":
					w.merge(w.b, ann, bob)
				case "leave":
					want = 2
					fallthrough
				default:
					w.decide(item, decision)
				}
				rep = w.settled("cards")
				if rep.Linked != 1 || len(w.b.Rows("cards")) != want || len(w.a.Rows("cards")) != 1 {
					t.Errorf("%+v, right has %v", rep, w.b.Rows("cards"))
				}
				w.links("merged", 1)
				quiet(t, w)
			})
		})
	}
}

func TestR24MergeFollowMergesThePartners(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprintf("into a new record %t", fresh), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("merge: follow"))
				w.people("Ann", "Bob")
				w.b.Folds(foldsInto[fresh])
				w.put(w.a, "cards", w.by(w.a, "cards", "name", "Ann").ID, map[string]string{"phone": "1"})
				w.put(w.b, "cards", w.by(w.b, "cards", "name", "Bob").ID, map[string]string{"discount": "5"})
				w.merge(w.a, w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Bob").ID)
				seen, err := w.engine.Preview(t.Context(), nil)
				if err != nil || seen[0].Counts[engine.WouldMerge] != 1 {
					t.Errorf("the plan shows %+v: %v", seen[0].Counts, err)
				}
				rep := w.settled("cards")
				a, b := w.a.Rows("cards"), w.b.Rows("cards")
				if rep.Linked != 1 || rep.Right.Deleted != 1 || len(a) != 1 || len(b) != 1 {
					t.Fatalf("%+v, left %v, right %v", rep, a, b)
				}
				for _, f := range []map[string]string{a[0].Fields, b[0].Fields} {
					if f["name"] != "Ann" || f["phone"] != "1" || f["discount"] != "5" {
						t.Errorf("a side has %v", f)
					}
				}
				quiet(t, w)
			})
		})
	}
}

func TestR24AMergeOfUnknownOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("merge: follow"))
		w.people("Ann", "Bob")
		w.merge(w.a, w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Bob").ID)
		fault := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Method: "POST", Path: "/v1/fold", Times: 1})
		rep := w.settled("cards")
		if fault.Hits() != 1 || rep.Linked != 1 || len(w.b.Rows("cards")) != 1 {
			t.Errorf("%d faults, %+v, right has %v", fault.Hits(), rep, w.b.Rows("cards"))
		}
		quiet(t, w)
	})
}

// Some vendors make a new record of all that are merged.
func TestR24AThirdRecordTakesOver(t *testing.T) {
	t.Parallel()
	for _, changed := range []bool{false, true} { // the new record may be read before the old ones, and after
		t.Run(fmt.Sprintf("changed %t", changed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: delete", "merge: follow"))
				w.people("Ann", "Bob")
				w.a.Folds(toy.FoldIntoNew)
				third := w.merge(w.a, w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Bob").ID)
				if changed {
					w.put(w.a, "cards", third, map[string]string{"name": "Ann and Bob", "email": "both@x.gr"})
				}
				rep := w.settled("cards")
				a, b := w.a.Rows("cards"), w.b.Rows("cards")
				if rep.Right.Created != 0 || rep.Linked != 1 || len(a) != 1 || len(b) != 1 || a[0].ID != third || a[0].Fields["name"] != b[0].Fields["name"] {
					t.Errorf("%+v, left %v, right %v", rep, a, b)
				}
				quiet(t, w)
			})
		})
	}
}

func TestR24MergedOnBothSidesIsRelinkedOnly(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprintf("into new records %t", fresh), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: delete", "merge: follow"))
				w.people("Ann", "Bob")
				w.a.Folds(foldsInto[fresh])
				w.b.Folds(foldsInto[fresh])
				for _, tw := range []interface {
					MergeInto(object, keep string, lose ...string) (string, error)
					twin.Twin
				}{w.a, w.b} {
					w.merge(tw, w.by2(tw, "Ann"), w.by2(tw, "Bob"))
				}
				before := apiWrites(w.a, w.b)
				rep := w.settled("cards")
				if rep.Linked != 1 || apiWrites(w.a, w.b) != before {
					t.Errorf("%+v, %d writes", rep, apiWrites(w.a, w.b)-before)
				}
				quiet(t, w)
			})
		})
	}
}

// by2 returns the id of the card of that name.
func (w *world) by2(tw twin.Twin, name string) string {
	w.t.Helper()
	for _, r := range tw.Rows("cards") {
		if r.Fields["name"] == name {
			return r.ID
		}
	}
	w.t.Fatalf("there is no card of %s", name)
	return ""
}

// A vendor that gives no pointer: the merged record is simply deleted.
func TestR24ASuspectedMergeIsHeld(t *testing.T) {
	t.Parallel()
	for _, decision := range []string{"merged", "delete", "unlink"} {
		t.Run(decision, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("delete: delete"))
				w.people("Ann")
				ann, right := w.by(w.a, "cards", "name", "Ann").ID, w.by(w.b, "cards", "name", "Ann").ID
				annie := w.put(w.a, "cards", "", map[string]string{"name": "Annie", "email": "ann@x.gr"})
				w.remove(w.a, "cards", ann)
				rep := w.sync("cards")
				if rep.Status != engine.StatusReview || len(w.b.Rows("cards")) != 1 {
					t.Fatalf("%+v, right has %v", rep, w.b.Rows("cards"))
				}
				item := w.review(store.ReviewMerge)
				if decision == "merged" {
					w.decide(item, annie)
					rep = w.settled("cards")
					if got := w.b.Rows("cards"); len(got) != 1 || got[0].ID != right || got[0].Fields["name"] != "Annie" || rep.Linked != 1 {
						t.Errorf("right has %v, %+v", got, rep)
					}
				} else {
					w.decide(item, decision)
					w.sync("cards")
					w.sync("cards") // R20: Annie's address is free now
				}
				for _, r := range w.b.Rows("cards") {
					if decision == "delete" && r.ID == right {
						t.Error("the record is still there")
					}
				}
				quiet(t, w)
			})
		})
	}
}

// R24: the survivor is read when the merge is learnt from a read by id only.
func TestR24ASurvivorThatIsNotKnownIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete"))
		w.people("Ann")
		ann, right := w.by(w.a, "cards", "name", "Ann").ID, w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.b, "cards", right, map[string]string{"notes": "new"})
		w.a.Folds(toy.FoldIntoNew)
		other := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.a.Before(func(r *http.Request) {
			if r.URL.Path == "/v1/do" && other != "" { // right before the note is written
				w.merge(w.a, ann, other)
				other = ""
			}
		})
		w.sync("cards")
		w.settled("cards")
		if a := w.a.Rows("cards"); len(a) != 1 || a[0].Fields["notes"] != "new" || len(w.b.Rows("cards")) != 1 {
			t.Errorf("left %v, right %v", a, w.b.Rows("cards"))
		}
		quiet(t, w)
	})
}

func TestR24AConvertedRecordIsUnlinkedAndItsSuccessorMatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, header+`
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    delete: delete
    fields: [name, box, email]
  labels:
    left: a.labels
    right: b.labels
    match: [code]
    fields: [name, code]
`)
		w.people("Ann")
		w.put(w.b, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		label := w.put(w.a, "labels", "", map[string]string{"name": "Ann's", "code": "g"})
		if err := w.a.Convert("cards", w.by(w.a, "cards", "name", "Ann").ID, [2]string{"labels", label}); err != nil {
			t.Fatal(err)
		}
		w.sync("cards")
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("%d cards are left of the partner", n)
		}
		if rep := w.sync("labels"); rep.Linked != 1 || len(w.b.Rows("labels")) != 1 {
			t.Errorf("%+v", rep)
		}
		w.links("converted", 1)
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID, map[string]string{"name": "Ann B"})
		w.sync("cards")
		if n := len(w.a.Rows("cards")); n != 0 {
			t.Errorf("%d cards were created for a converted one", n)
		}
	})
}

// R18, R36: a deleted record comes back whose partner, the survivor of a merge, has got another
// one meanwhile, from a job that had been under way: it stays alone, and nothing stops.
func TestR18ARecordThatComesBackFindsItsPartnerTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		lost := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		partner := w.b.Rows("cards")[0].ID
		w.b.Slow(20 * time.Minute)
		survivor := w.put(w.a, "cards", "", map[string]string{"name": "Ann Z", "email": "z@x.gr"})
		w.sync("cards")
		if _, err := w.a.MergeInto("cards", survivor, lost); err != nil {
			t.Fatal(err)
		}
		w.remove(w.b, "cards", partner)
		time.Sleep(time.Minute)
		w.sync("cards")
		w.b.Slow(0)
		time.Sleep(time.Hour)
		w.settled("cards")
		if err := w.b.Restore("cards", partner); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if rep := w.sync("cards"); rep.Status == engine.StatusFailed || rep.Linked != 1 {
			t.Errorf("%+v", rep)
		}
		if n := len(w.b.Rows("cards")); n != 2 {
			t.Errorf("%d cards at b", n)
		}
		quiet(t, w)
	})
}
