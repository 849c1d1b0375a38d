package engine_test

import (
	"fmt"
	"net/http"
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

// verified verifies the cards and returns the report and what was found.
func (w *world) verified(o engine.VerifyOptions) (engine.VerifyReport, []engine.Finding) {
	w.t.Helper()
	var found []engine.Finding
	o.Found = func(f engine.Finding) error {
		found = append(found, f)
		return nil
	}
	reports, err := w.engine.Verify(w.t.Context(), []string{"cards"}, o)
	if err != nil {
		w.t.Fatal(err)
	}
	if reports[0].Err != nil {
		w.t.Fatal(reports[0].Err)
	}
	return reports[0], found
}

func only(found []engine.Finding, kinds ...engine.FindingKind) []engine.Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f engine.Finding) bool { return !slices.Contains(kinds, f.Kind) })
}

// crowd starts a world in which so many cards are linked and settled.
func crowd(t *testing.T, n int) *world {
	t.Helper()
	w := newWorld(t, cardsYAML)
	w.workers = 0
	w.configure(w.yaml)
	for i := range n {
		w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprintf("Person %d", i), "email": fmt.Sprintf("p%d@x.gr", i), "notes": "as agreed", "phone": fmt.Sprint(1000 + i)})
	}
	w.settled("cards")
	time.Sleep(time.Minute)
	w.settled("cards") // reads what it has written itself
	time.Sleep(time.Minute)
	return w
}

func (w *world) drift(tw *toy.Twin, id string, cells map[string]string) {
	w.t.Helper()
	if err := tw.Drift("cards", id, cells); err != nil {
		w.t.Fatal(err)
	}
}

// TestVerifyFindsEverySilentCorruptionAndNoEdit is the drift bench: a thousand values change
// behind everybody's back on both sides, while people edit all the time.
func TestVerifyFindsEverySilentCorruptionAndNoEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const corrupted, people = 1000, 40
		w := crowd(t, corrupted/2+people)
		left, right := w.a.Rows("cards"), w.b.Rows("cards")
		want := map[string]bool{}
		for i := range corrupted / 2 {
			w.drift(w.a, left[i].ID, map[string]string{"notes": "broken"})
			w.drift(w.b, right[i].ID, map[string]string{"phone": ""})
			want["a.cards/"+left[i].ID+" notes"], want["b.cards/"+right[i].ID+" phone"] = true, true
		}
		calls := 0
		edit := func(*http.Request) { // a person edits the others, and corrupted ones in other fields
			calls++
			some := left[corrupted/2+calls%people]
			if _, err := w.a.Put("cards", some.ID, map[string]string{"notes": fmt.Sprint("edit ", calls)}); err != nil {
				t.Error(err)
			}
			other := right[corrupted/2+calls%people]
			if _, err := w.b.Put("cards", other.ID, map[string]string{"phone": fmt.Sprint(calls)}); err != nil {
				t.Error(err)
			}
		}
		w.a.Before(edit)
		w.b.After(edit)
		rep, found := w.verified(engine.VerifyOptions{})
		if calls == 0 {
			t.Fatal("nobody edited anything")
		}
		for _, f := range only(found, engine.Drifted, engine.Gone) {
			key := f.Of.String() + "/" + f.ID + " " + f.Field
			if !want[key] {
				t.Errorf("a false report: %+v", f)
			}
			delete(want, key)
		}
		if len(want) > 0 {
			t.Errorf("%d of %d corruptions were not found", len(want), corrupted)
		}
		if rep.Counts.Drifted != corrupted || rep.Counts.Pairs != corrupted/2+people || !rep.Whole {
			t.Errorf("report %+v", rep)
		}
		if n := apiWrites(w.a, w.b); n != corrupted/2+people {
			t.Errorf("verifying wrote to a vendor: %d writes", n)
		}
	})
}

func TestVerifyOfAQuietPairIsEqualAndCountsWhatIsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    create: right", 1))
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Lone", "email": "lone@x.gr"})
		w.settled("cards")
		time.Sleep(time.Hour)
		rep, found := w.verified(engine.VerifyOptions{})
		if len(found) != 0 || rep.Counts != (store.VerifyCounts{Pairs: 1, Equal: 1}) || rep.Unlinked != [2]int{0, 1} || rep.Linked != 1 {
			t.Errorf("report %+v, found %v", rep, found)
		}
		if kept, err := w.store.Verification(t.Context(), "cards"); err != nil || kept.Last != rep.Counts || !kept.Ended.Equal(time.Now()) {
			t.Errorf("remembered %+v: %v", kept, err)
		}
	})
}

func TestR7VerifyTellsRefusedAndDivergedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1))
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "source"})
		w.settled("cards")
		time.Sleep(time.Minute)
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"notes": "follower"})
		w.settled("cards")
		time.Sleep(time.Hour)
		w.put(w.a, "cards", w.a.Rows("cards")[0].ID, map[string]string{"phone": "5"}) // not synced yet
		rep, found := w.verified(engine.VerifyOptions{})
		if rep.Counts != (store.VerifyCounts{Pairs: 1, Diverged: 1, Changed: 1}) {
			t.Errorf("report %+v, found %v", rep.Counts, found)
		}
		if d := only(found, engine.Diverged); len(d) != 1 || d[0].Field != "notes" || d[0].Side != record.Right || d[0].Found.Text() != "follower" {
			t.Errorf("diverged %+v", d)
		}
	})
}

func TestVerifyFindsWhatIsGoneAndWhatIsOutOfSight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 3)
		rows := w.b.Rows("cards")
		w.remove(w.b, "cards", rows[0].ID)
		if err := w.b.Hide("cards", rows[1].ID, true); err != nil {
			t.Fatal(err)
		}
		rep, found := w.verified(engine.VerifyOptions{Repair: true})
		if rep.Counts.Gone != 2 || rep.Counts.Equal != 1 || rep.Repaired != 1 {
			t.Errorf("report %+v, found %v", rep, found)
		}
		row, err := w.store.Rows(t.Context(), store.Object{Connection: "b", Name: "cards"}, []string{rows[1].ID})
		if err != nil || row[rows[1].ID].Fate != "" {
			t.Errorf("what is out of sight was taken for gone: %+v %v", row, err) // R21
		}
	})
}

func TestVerifyRepairLosesNobodysSilentEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 2)
		row := w.a.Rows("cards")[0]
		w.drift(w.a, row.ID, map[string]string{"notes": "typed into the database"})
		if rep, _ := w.verified(engine.VerifyOptions{}); rep.Counts.Drifted != 1 || rep.Repaired != 0 {
			t.Errorf("report %+v", rep)
		}
		w.settled("cards") // nothing told of it: it stays
		if w.by(w.b, "cards", "email", row.Fields["email"]).Fields["notes"] != "as agreed" {
			t.Fatal("the value travelled without a repair")
		}
		if rep, _ := w.verified(engine.VerifyOptions{Repair: true}); rep.Repaired != 1 {
			t.Errorf("report %+v", rep)
		}
		w.settled("cards")
		if got := w.by(w.b, "cards", "email", row.Fields["email"]).Fields["notes"]; got != "typed into the database" {
			t.Errorf("the edit was not merged: %q", got)
		}
		time.Sleep(time.Hour)
		if rep, found := w.verified(engine.VerifyOptions{}); rep.Counts.Equal != 2 {
			t.Errorf("after the repair: %+v %v", rep, found)
		}
		quiet(t, w)
	})
}

func TestVerifyInSlicesComesRoundOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 10)
		w.drift(w.a, w.a.Rows("cards")[9].ID, map[string]string{"notes": "broken"})
		for i, want := range []struct{ pairs, drifted int }{{4, 0}, {4, 0}, {2, 1}} {
			w.restart() // it goes on where it was
			w.workers = 1
			rep, _ := w.verified(engine.VerifyOptions{Slice: 4})
			if rep.Counts.Pairs != want.pairs || rep.Whole != (i == 2) {
				t.Errorf("slice %d: %+v", i, rep)
			}
		}
		kept, err := w.store.Verification(t.Context(), "cards")
		if err != nil || kept.Last.Pairs != 10 || kept.Last.Drifted != 1 || kept.Place != 0 {
			t.Errorf("remembered %+v: %v", kept, err)
		}
	})
}

func TestVerifySaysWhyItCannotLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 1)
		w.b.Close("cards")
		reports, err := w.engine.Verify(t.Context(), nil, engine.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if connector.KindOf(reports[0].Err) != connector.Forbidden || reports[0].Counts.Pairs != 0 || reports[0].Whole {
			t.Errorf("a table that may not be seen: %+v", reports[0])
		}
		if _, err := w.engine.Verify(t.Context(), []string{"nope"}, engine.VerifyOptions{}); err == nil {
			t.Error("an unknown sync verifies")
		}
	})
}

// TestVerifyDisturbsNoOwner verifies, and repairs, from a process of its own while another
// one owns the database and goes on.
func TestVerifyDisturbsNoOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := crowd(t, 3)
		beside := &world{t: t, a: w.a, b: w.b, path: w.path, workers: 1}
		st, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + w.path})
		if err != nil {
			t.Fatal(err)
		}
		beside.store = st
		defer beside.stop()
		beside.configure(w.yaml)
		w.drift(w.a, w.a.Rows("cards")[0].ID, map[string]string{"notes": "silent"})
		for range 2 {
			if rep, _ := beside.verified(engine.VerifyOptions{Repair: true}); rep.Counts.Pairs != 3 {
				t.Errorf("report %+v", rep)
			}
			w.put(w.a, "cards", "", map[string]string{"name": "More", "email": fmt.Sprint(time.Now().Unix(), "@x.gr")})
			w.settled("cards")
			time.Sleep(time.Minute)
			w.settled("cards")
			w.remove(w.a, "cards", w.by(w.a, "cards", "name", "More").ID)
			w.sync("cards")
			time.Sleep(time.Minute)
		}
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "silent" {
			t.Errorf("the repair was not merged by the owner: %q", got)
		}
	})
}

func TestR35VerifyKnowsThatSilentFieldsChangeSilently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "tags, notes]", "tags, notes, color]", 1))
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "color": "red"})
		w.settled("cards")
		time.Sleep(time.Hour)
		w.put(w.a, "cards", id, map[string]string{"color": "blue"}) // a person's edit, of which no stamp tells
		rep, found := w.verified(engine.VerifyOptions{Repair: true})
		if rep.Counts.Drifted != 0 || rep.Counts.Changed != 1 || rep.Repaired != 1 {
			t.Errorf("report %+v, found %v", rep.Counts, found)
		}
		w.settled("cards")
		if got := w.b.Rows("cards")[0].Fields["color"]; got != "blue" {
			t.Errorf("the color is %q", got)
		}
	})
}
