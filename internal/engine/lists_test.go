package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

const listsYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    prefer: right
    fields: [name, box, email, phones, lines]
`

// lines writes a list as a person enters it: "number use" per line.
func lines(first, second string, rows ...string) string {
	var list []map[string]string
	for _, r := range rows {
		a, b, _ := strings.Cut(r, " ")
		line := map[string]string{first: a, second: b}
		if number, id, named := strings.Cut(a, "#"); named {
			line[first], line["id"] = number, id
		}
		list = append(list, line)
	}
	b, _ := json.Marshal(list)
	return string(b)
}

func phones(rows ...string) string { return lines("number", "use", rows...) }

// told is a list without its ids, and its ids by the first part.
func told(cell, first, second string) (rows []string, ids map[string]string) {
	ids = map[string]string{}
	for _, l := range toy.Lines(cell) {
		rows = append(rows, l[first]+" "+l[second])
		ids[l[first]] = l["id"]
	}
	return rows, ids
}

func TestR12KeyedListsMergePerElement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, listsYAML)
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "phones": phones("+302101234567 desk", "+302100000009 fax")})
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "phones": phones("210-1234567 ", "+302107777777 home")})
		w.settled("cards") // R5: each side gets the other's, and what is empty is filled
		a, idsA := told(w.a.Rows("cards")[0].Fields["phones"], "number", "use")
		b, idsB := told(w.b.Rows("cards")[0].Fields["phones"], "number", "use")
		if diff := cmp.Diff([]string{"210-1234567 desk", "+302107777777 home", "+302100000009 fax"}, a); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"+302101234567 desk", "+302100000009 fax", "+302107777777 home"}, b); diff != "" {
			t.Error(diff)
		}
		// Both sides edit the list: one removes and changes, the other adds and changes.
		id := w.a.Rows("cards")[0].ID
		w.put(w.a, "cards", id, map[string]string{"phones": phones("210-1234567#"+idsA["210-1234567"]+" work", "+302107777777 home")})
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"phones": phones("+302101234567#"+idsB["+302101234567"]+" desk", "+302100000009#"+idsB["+302100000009"]+" fax",
			"+302107777777#"+idsB["+302107777777"]+" cottage", "+302105555555 new")})
		rep := w.settled("cards")
		a, after := told(w.a.Rows("cards")[0].Fields["phones"], "number", "use")
		b, afterB := told(w.b.Rows("cards")[0].Fields["phones"], "number", "use")
		if diff := cmp.Diff([]string{"210-1234567 work", "+302107777777 cottage", "+302105555555 new"}, a); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"+302101234567 work", "+302107777777 cottage", "+302105555555 new"}, b); diff != "" {
			t.Error(diff)
		}
		if after["210-1234567"] != idsA["210-1234567"] || afterB["+302107777777"] != idsB["+302107777777"] {
			t.Errorf("elements lost their ids: %v, were %v; %v, were %v", after, idsA, afterB, idsB)
		}
		if rep.Conflicts != 0 {
			t.Errorf("%d conflicts", rep.Conflicts)
		}
		quiet(t, w)
	})
}

func TestR12OneElementChangedOnBothSidesIsAConflict(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]string{"left": "left", "right": "right", "ask": ""} {
		t.Run(prefer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, strings.Replace(listsYAML, "prefer: right", "prefer: "+prefer, 1),
					map[string]string{"name": "Ann", "email": "ann@x.gr", "phones": phones("1 old", "2 old")})
				w.put(w.a, "cards", left, map[string]string{"phones": phones("1 left", "2 old")})
				w.put(w.b, "cards", right, map[string]string{"phones": phones("1 right", "2 other")})
				rep := w.sync("cards")
				if rep.Conflicts != 1 || !rep.Reconciled {
					t.Errorf("%+v", rep)
				}
				if want == "" {
					w.decide(w.review(store.ReviewConflict), "left")
					w.settled("cards")
					want = "left"
				}
				for _, tw := range []*toy.Twin{w.a, w.b} {
					if got, _ := told(tw.Rows("cards")[0].Fields["phones"], "number", "use"); !slices.Equal(got, []string{"1 " + want, "2 other"}) {
						t.Errorf("phones are %v", got)
					}
				}
				quiet(t, w)
			})
		})
	}
}

func TestR12LinesOfADocumentAreOneValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bill := func(rows ...string) string { return lines("text", "price", rows...) }
		w, left, right := pairOf(t, listsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "lines": bill("nut 1", "bolt 2")})
		_, before := told(w.by(w.b, "cards", "name", "Ann").Fields["lines"], "text", "price")
		w.put(w.a, "cards", left, map[string]string{"lines": bill("nut 1", "bolt 2")}) // the same lines with new ids
		if rep := w.settled("cards"); rep.Right.Updated != 0 {
			t.Errorf("new ids are no change: %+v", rep)
		}
		w.put(w.a, "cards", left, map[string]string{"lines": bill("bolt 2", "screw 3")})
		w.put(w.b, "cards", right, map[string]string{"phones": phones("1 x")})
		w.settled("cards")
		got, after := told(w.by(w.b, "cards", "name", "Ann").Fields["lines"], "text", "price")
		if !slices.Equal(got, []string{"bolt 2", "screw 3"}) || after["bolt"] != before["bolt"] {
			t.Errorf("lines are %v with ids %v, were %v", got, after, before)
		}
		w.put(w.a, "cards", left, map[string]string{"lines": bill("left 1")})
		w.put(w.b, "cards", right, map[string]string{"lines": bill("right 1", "right 2")})
		if rep := w.settled("cards"); rep.Conflicts != 1 || rep.Status != engine.StatusOK {
			t.Errorf("%+v", rep)
		}
		if got, _ := told(w.by(w.a, "cards", "name", "Ann").Fields["lines"], "text", "price"); !slices.Equal(got, []string{"right 1", "right 2"}) {
			t.Errorf("lines are %v", got)
		}
		quiet(t, w)
	})
}
