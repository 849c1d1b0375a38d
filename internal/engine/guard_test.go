package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

func TestR30AnApprovalIsGoodForWhatWasShownOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newDisasterWorld(t, disaster{})
		every("seen", of("seen", moved(2*time.Hour)))(w)
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked {
			t.Fatalf("%+v", rep)
		}
		w.decide(w.review(store.ReviewGuard), "approve")
		share("name", 4, of("name", strings.ToUpper))(w)
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked {
			t.Fatalf("what nobody has seen went through with it: %+v", rep)
		}
		item := w.review(store.ReviewGuard)
		if fields := fieldsOf(item); !slices.Contains(fields, "name") || !slices.Contains(fields, "seen") {
			t.Errorf("the new question is about %q", fields)
		}
		w.decide(item, "approve")
		w.settled("cards")
	})
}

func fieldsOf(item store.Review) []string {
	var fields []string
	for _, a := range engine.Alarms(item) {
		fields = append(fields, a.Field)
	}
	return fields
}

func TestR30TheQuestionGoesWithItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newDisasterWorld(t, disaster{})
		every("seen", of("seen", moved(2*time.Hour)))(w)
		w.sync("cards")
		w.review(store.ReviewGuard)
		every("seen", of("seen", moved(-2*time.Hour)))(w) // the vendor has mended it
		writes := apiWrites(w.a, w.b)
		w.settled("cards")
		if got := w.reviews(); len(got) != 0 || apiWrites(w.a, w.b) != writes {
			t.Errorf("%d writes, and still asked: %v", apiWrites(w.a, w.b)-writes, got)
		}
	})
}

func TestTakingBackKeepsWhatTheOtherSideEditedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newDisasterWorld(t, disaster{})
		share("notes", 4, becomes(""))(w)
		w.sync("cards")
		theirs := w.by(w.b, "cards", "email", "p0@x.gr").ID
		w.put(w.b, "cards", theirs, map[string]string{"notes": "edited meanwhile"})
		other := w.by(w.a, "cards", "email", "p4@x.gr").ID
		w.put(w.a, "cards", other, map[string]string{"name": "Renamed"})
		w.sync("cards")
		w.decide(w.review(store.ReviewGuard), "revert")
		w.settled("cards")
		for _, tw := range []string{"p0@x.gr"} {
			if a, b := w.by(w.a, "cards", "email", tw), w.by(w.b, "cards", "email", tw); a.Fields["notes"] != "edited meanwhile" || b.Fields["notes"] != "edited meanwhile" {
				t.Errorf("the edit is lost: %v, %v", a, b)
			}
		}
		if b := w.by(w.b, "cards", "email", "p4@x.gr"); b.Fields["name"] != "Renamed" || b.Fields["notes"] == "" {
			t.Errorf("an edit beside the disaster was taken back with it: %v", b)
		}
	})
}

func TestAFieldThatGoesBackAndForthEndsAsAPersonSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new"})
		for n := 0; len(w.reviews()) == 0; n++ {
			if n > 20 {
				t.Fatal("nobody is asked")
			}
			time.Sleep(10 * time.Minute)
			if n%2 == 0 {
				w.put(w.a, "cards", left, map[string]string{"stage": "won"})
			} else {
				w.put(w.b, "cards", right, map[string]string{"stage": "lost"})
			}
			w.sync("cards")
		}
		item := w.review(store.ReviewConflict)
		writes := apiWrites(w.a, w.b)
		w.put(w.a, "cards", left, map[string]string{"name": "Ann Lee"})
		w.sync("cards")
		if n := apiWrites(w.a, w.b) - writes; n != 1 {
			t.Errorf("%d writes while a person is asked, want the name only", n)
		}
		time.Sleep(time.Minute)
		w.decide(item, "right")
		want := cell(w.b, right, "stage")
		w.settled("cards")
		w.holds(w.a, left, "stage", want)
		w.holds(w.b, right, "stage", want)
	})
}

// R30: an approval of changed values lets no deletes through.
func TestR30AnApprovalOfChangesIsNoneOfDeletes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete", "guard: { update: 10, delete: 10 }"))
		var ids []string
		for i := range 30 {
			ids = append(ids, w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprint("n", i, "@x.gr"), "notes": "old"}))
		}
		w.settled("cards")
		time.Sleep(25 * time.Hour)
		for _, id := range ids[:20] {
			w.put(w.a, "cards", id, map[string]string{"notes": "new"})
		}
		w.sync("cards")
		w.decide(w.review(store.ReviewGuard), "approve")
		for _, id := range ids[:20] {
			w.remove(w.a, "cards", id)
		}
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked || len(w.b.Rows("cards")) != 30 {
			t.Fatalf("approved were 20 changed notes; %d cards were deleted: %+v", 30-len(w.b.Rows("cards")), rep)
		}
		w.decide(w.review(store.ReviewGuard), "approve")
		w.settled("cards") // and the question goes
		if n := len(w.b.Rows("cards")); n != 10 {
			t.Errorf("right has %d cards", n)
		}
	})
}

// R32: who says that a mass change was not meant takes back no no; what came with it goes back.
func TestR32TakingBackWhatTheGuardStoppedLiftsNoNo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(mailYAML("both", "ignore"), "match: [email]", "match: [email]\n    guard: { update: 10 }", 1)
		w := newWorld(t, yaml)
		w.a.NoForms()
		var ids []string
		for i := range 30 {
			ids = append(ids, w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprint("n", i, "@x.gr"), "mail": "in", "notes": "old"}))
		}
		w.settled("cards")
		time.Sleep(25 * time.Hour)
		for _, id := range ids[:20] {
			w.put(w.a, "cards", id, map[string]string{"mail": "out", "notes": "unsubscribed"})
		}
		w.sync("cards")
		item := w.review(store.ReviewGuard)
		if !strings.Contains(item.Fix, "a no to mail is not put back") {
			t.Errorf("the item says %q", item.Fix)
		}
		w.decide(item, "revert")
		w.sync("cards")
		count := func(tw *toy.Twin, field, value string) (n int) {
			for _, row := range tw.Rows("cards") {
				if row.Fields[field] == value {
					n++
				}
			}
			return n
		}
		if n := count(w.a, "mail", "out"); n != 20 {
			t.Fatalf("%d of 20 say no after the rest was taken back", n)
		}
		time.Sleep(time.Minute)
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked || len(rep.Gaps) != 1 || !strings.Contains(rep.Gaps[0], "changed in mail") {
			t.Fatalf("the no is not asked about: %+v", rep)
		}
		w.decide(w.review(store.ReviewGuard), "approve")
		w.settled("cards")
		if a, b := count(w.a, "mail", "out"), count(w.b, "mail", "out"); a != 20 || b != 20 {
			t.Errorf("%d and %d of 20 say no at last", a, b)
		}
		if n := count(w.a, "notes", "unsubscribed"); n != 0 {
			t.Errorf("%d notes were not taken back", n)
		}
		quiet(t, w)
	})
}
