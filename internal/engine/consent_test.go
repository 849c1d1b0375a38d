package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// mailYAML keeps cards with their consent in step, one way: a is a CRM, b hears from people.
func mailYAML(direction, del string) string {
	return strings.NewReplacer("match: [email]", "match: [email]\n    direction: "+direction+"\n    delete: "+del,
		"fields: [name", "fields: [mail, name").Replace(cardsYAML)
}

// mailing starts with one pair; what its two records say is given.
func mailing(t *testing.T, yaml, left, right string) (w *world, l, r string) {
	t.Helper()
	w = newWorld(t, yaml)
	w.a.NoForms()
	l = w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": left})
	r = w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "mail": right})
	w.settled("cards")
	return w, l, r
}

func (w *world) says(left, right string) {
	w.t.Helper()
	l, r := w.a.Rows("cards")[0].Fields["mail"], w.b.Rows("cards")[0].Fields["mail"]
	if l != left || r != right {
		w.t.Errorf("left says %q and right %q, want %q and %q", l, r, left, right)
	}
}

func TestR32ANoReachesBothSidesAndIsNeverTakenAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("left-to-right", "ignore"), "in", "in")
		w.put(w.b, "cards", r, map[string]string{"mail": "out"}) // the link in a newsletter
		w.settled("cards")
		w.says("out", "out")
		quiet(t, w)
		w.put(w.a, "cards", l, map[string]string{"mail": "in"}) // a salesperson's idea
		if rep := w.sync("cards"); rep.Status != engine.StatusReview {
			t.Errorf("status %s", rep.Status)
		}
		w.says("in", "out")
		if item := w.review(store.ReviewConflict); !strings.Contains(item.Text, "did not come from the person") {
			t.Errorf("asked: %s", item.Text)
		}
		w.decide(w.review(store.ReviewConflict), "right")
		w.settled("cards")
		w.says("out", "out")
		w.put(w.b, "cards", r, map[string]string{"mail": "in"}) // the person subscribes again; nothing is written to the left
		w.settled("cards")
		w.says("out", "in")
	})
}

func TestR32AFirstMatchTakesTheStrictest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ left, right, want string }{{"in", "out", "out"}, {"out", "in", "out"}, {"", "in", "in"}, {"", "out", "out"}, {"in", "", "in"}} {
		synctest.Test(t, func(t *testing.T) {
			w, _, _ := mailing(t, mailYAML("both", "ignore"), row.left, row.right)
			w.says(row.want, row.want)
		})
	}
}

func TestR32ANoIsNeitherRevertedNorLiftedByARule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, _ := mailing(t, mailYAML("both", "ignore"), "in", "in")
		w.put(w.a, "cards", l, map[string]string{"mail": "out"})
		w.settled("cards")
		w.says("out", "out")
		items := w.revert(engine.RevertRequest{Change: w.line(store.Written, "mail").ID, Force: true})
		w.wants(items, "field cannot")
		w.settled("cards")
		w.says("out", "out")
	})
}

func TestR32AnOptedOutRecordIsUnlinkedAndNotDeleted(t *testing.T) {
	t.Parallel()
	for _, del := range []string{"delete", "archive"} {
		synctest.Test(t, func(t *testing.T) {
			w, l, _ := mailing(t, mailYAML("both", del), "out", "")
			w.remove(w.a, "cards", l)
			w.settled("cards")
			if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].Fields["mail"] != "out" {
				t.Errorf("right has %v", rows)
			}
			quiet(t, w)
		})
	}
}

func TestR32AnotherAddressOfAnOptedOutPersonIsAQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "ignore"), "out", "")
		w.put(w.a, "cards", l, map[string]string{"email": "new@x.gr", "phone": "+302105550001"})
		w.sync("cards")
		if got := cell(w.b, r, "email"); got != "ann@x.gr" {
			t.Errorf("the address is %s", got)
		}
		if got := cell(w.b, r, "phone"); got != "+302105550001" {
			t.Errorf("the phone waits too: %q", got)
		}
		w.decide(w.review(store.ReviewConflict), "left")
		w.settled("cards")
		if got := cell(w.b, r, "email"); got != "new@x.gr" {
			t.Errorf("the address is %s", got)
		}
	})
}

func TestR32AnErasedPersonDoesNotComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mailYAML("both", "ignore"))
		if err := w.store.Bury(t.Context(), time.Now(), "email ann@x.gr"); err != nil {
			t.Fatal(err)
		}
		l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "Ann@X.gr"})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "imported again"})
		w.sync("cards")
		if n := len(w.b.Rows("cards")); n != 2 {
			t.Errorf("right has %d cards, want Bob and the one that was there", n)
		}
		if got := cell(w.a, l, "name"); got != "Ann" {
			t.Errorf("the erased person was matched: %q", got)
		}
		for range 2 { // one item for each side's record
			items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewErased}, Open: true, Limit: 9})
			if err != nil || len(items) == 0 {
				t.Fatalf("nobody is told: %v", err)
			}
			w.decide(items[0], "admit")
			w.sync("cards")
		}
		w.settled("cards")
		links, err := w.store.LinksOf(t.Context(), "cards", record.Left, []string{l})
		if err != nil || links[l].ID == 0 {
			t.Errorf("admitted, and not linked: %v %v", links, err)
		}
	})
}

// R32: whom a record is matched with may have been erased, too.
func TestR32ARecordIsNotMatchedWithThatOfAnErasedPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [code, email]", 1))
		if err := w.store.Bury(t.Context(), time.Now(), "email ann@x.gr"); err != nil {
			t.Fatal(err)
		}
		l := w.put(w.a, "cards", "", map[string]string{"name": "A.", "code": "k1"})
		r := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "code": "k1", "email": "ann@x.gr"})
		w.sync("cards")
		w.holds(w.a, l, "email", "")
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("right has %d cards", n)
		}
		w.review(store.ReviewErased)
		w.remove(w.b, "cards", r) // as the item says
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("what was held back has no partner: right has %d cards", n)
		}
	})
}

// R32, R18: what was deleted when a person was erased does not hold again when it comes back.
func TestR32ARecordOfAnErasedPersonThatReturnsIsNotLinkedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "ignore"), "", "")
		w.remove(w.a, "cards", l)
		w.settled("cards")
		if err := w.store.Bury(t.Context(), time.Now(), "email ann@x.gr"); err != nil {
			t.Fatal(err)
		}
		if err := w.a.Restore("cards", l); err != nil {
			t.Fatal(err)
		}
		w.put(w.b, "cards", r, map[string]string{"notes": "hers"})
		w.sync("cards")
		w.holds(w.a, l, "notes", "")
	})
}

// R32, R22: nobody's decision to create a record anew is one about a person who was erased since.
func TestR32ARecordOfAnErasedPersonIsNotCreatedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete"))
		l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		w.remove(w.a, "cards", l)
		w.settled("cards")
		if err := w.store.Bury(t.Context(), time.Now(), "email ann@x.gr"); err != nil {
			t.Fatal(err)
		}
		w.revert(engine.RevertRequest{Change: w.line(store.Deleted, "").ID})
		w.decide(w.review(store.ReviewDelete), "create")
		w.sync("cards")
		if rows := w.b.Rows("cards"); len(rows) != 0 {
			t.Errorf("made again: %v", rows)
		}
		w.decide(w.review(store.ReviewErased), "admit")
		w.sync("cards")
		if rows := w.b.Rows("cards"); len(rows) != 1 {
			t.Errorf("right has %v", rows)
		}
	})
}
