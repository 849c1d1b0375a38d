package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
)

func TestFirstSyncCreatesBothWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ελένη Παπαδοπούλου", "email": "eleni@x.gr", "tags": "trade;vip", "discount": "12.5"})
		w.put(w.b, "cards", "", map[string]string{"name": "สมชาย ใจดี", "email": "somchai@x.th", "box": "support"})
		w.put(w.a, "cards", "", map[string]string{"name": "Jürgen Müller", "email": "J.Mueller@x.de ", "phone": "+30 210 1234567"})
		w.put(w.b, "cards", "", map[string]string{"name": "Jürgen Müller", "email": "j.mueller@x.de"})

		rep := w.settled("cards")
		if rep.Left.Created != 1 || rep.Right.Created != 1 || rep.Right.Updated != 1 || rep.Linked != 3 {
			t.Errorf("report %+v", rep)
		}
		eleni := w.by(w.b, "cards", "email", "eleni@x.gr")
		want := map[string]string{"name": "Ελένη Παπαδοπούλου", "email": "eleni@x.gr", "tags": "trade;vip", "discount": "12.5", "box": "sales"}
		for k, v := range want {
			if eleni.Fields[k] != v {
				t.Errorf("%s arrived as %q, want %q", k, eleni.Fields[k], v)
			}
		}
		if got := w.by(w.b, "cards", "name", "Jürgen Müller").Fields["phone"]; got != "+30 210 1234567" {
			t.Errorf("the first match did not fill the empty phone: %q", got)
		}
		quiet(t, w)
	})
}

// quiet proves that a further run writes nothing and is reconciled (invariant 6).
func quiet(t *testing.T, w *world) {
	t.Helper()
	time.Sleep(10 * time.Minute)
	before := apiWrites(w.a, w.b)
	reports, err := w.engine.Sync(t.Context(), nil, engine.SyncOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rep := range reports {
		if !rep.Reconciled {
			t.Errorf("%s is not reconciled: %v %s", rep.Sync, rep.Gaps, rep.Error)
		}
	}
	if diff := cmp.Diff(before, apiWrites(w.a, w.b)); diff != "" {
		t.Errorf("a further run wrote (-before +after): %s", diff)
	}
	for _, tw := range []interface{ Unknowns() []string }{w.a, w.b} {
		if u := tw.Unknowns(); len(u) > 0 {
			t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

func TestEditsOnBothSidesSurvive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "phone": "1", "notes": "old"})
		w.settled("cards")
		other := w.by(w.b, "cards", "email", "ann@x.gr").ID

		w.put(w.a, "cards", id, map[string]string{"phone": "2"})
		w.put(w.b, "cards", other, map[string]string{"notes": "", "stage": "won"})
		w.settled("cards")
		for _, got := range []map[string]string{w.by(w.a, "cards", "email", "ann@x.gr").Fields, w.by(w.b, "cards", "email", "ann@x.gr").Fields} {
			if got["phone"] != "2" || got["notes"] != "" || got["stage"] != "won" {
				t.Errorf("a side lost an edit: %v", got)
			}
		}
		quiet(t, w)
	})
}

func TestAPlanShowsWhatChangedRulesWouldDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		oneWay := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1)
		w := newWorld(t, oneWay)
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		w.configure(strings.Replace(oneWay, "left-to-right", "both", 1))
		for range 2 { // looking does not use it up
			seen, err := w.engine.Preview(t.Context(), nil)
			if err != nil || seen[0].Counts[engine.WouldCreate] != 1 {
				t.Errorf("the plan shows %+v: %v", seen[0].Counts, err)
			}
		}
		if rep := w.settled("cards"); rep.Left.Created != 1 {
			t.Errorf("report %+v", rep)
		}
		quiet(t, w)
	})
}

// Invariant 6, R2: what a vendor makes of a value that we have written is nobody's edit: it is not
// carried back to where the value came from, now or when another field is edited.
func TestInvariant6WhatAVendorMakesOfAValueIsNotCarriedBack(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} { // written with the record, or later
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML)
			w.b.NoQuotes()
			const said, kept = `she said "yes"`, "she said yes"
			id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
			if !first {
				w.settled("cards")
			}
			w.put(w.a, "cards", id, map[string]string{"notes": said})
			w.settled("cards")
			w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"phone": "2101234567"})
			w.settled("cards")
			w.put(w.a, "cards", id, map[string]string{"discount": "5"})
			w.settled("cards")
			if a, b := w.a.Rows("cards")[0].Fields["notes"], w.b.Rows("cards")[0].Fields["notes"]; a != said || b != kept {
				t.Errorf("a has %q, b has %q", a, b)
			}
			quiet(t, w)
		})
	}
}
