package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/internal/store"
)

// A value map in which lost is what the other side calls new: what is called new there, and lost here,
// cannot be told.
const narrowYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    delete: delete
    fields: [name, box, email, phone, { left: stage, right: stage, values: { new: lost } }]
`

// R22: an edit that could not be told to the other side is an edit: nobody there has seen it, and it
// would be lost with the record. What is noted of it may be older than the last edit.
func TestR22AnEditThatCannotBeToldHoldsTheDelete(t *testing.T) {
	t.Parallel()
	oneWay := strings.Replace(narrowYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1)
	for name, c := range map[string]struct {
		yaml         string
		source, then string // the stage at the left, and at the right, before the first run of two
		last         string // and at the right when the left record is deleted
		held         string // what a person is told of; "" = the record goes, too
	}{
		"not told":                      {narrowYAML, "won", "new", "new", `from "won" to "new"`},
		"not told, and edited since":    {narrowYAML, "won", "new", "lost", `from "won" to "lost"`},
		"not told, and taken back":      {narrowYAML, "won", "new", "won", ""},
		"a follower's":                  {oneWay, "won", "new", "new", ""},
		"a follower's, of what is lost": {oneWay, "lost", "new", "new", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, left, right := pairOf(t, c.yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "won"})
			w.put(w.a, "cards", left, map[string]string{"stage": c.source})
			w.put(w.b, "cards", right, map[string]string{"stage": c.then})
			w.sync("cards")
			w.put(w.b, "cards", right, map[string]string{"stage": c.last})
			w.remove(w.a, "cards", left)
			w.sync("cards")
			if n := len(w.b.Rows("cards")); (n == 1) != (c.held != "") {
				t.Fatalf("%s: %d cards are left", name, n)
			}
			if c.held != "" {
				if got := w.review(store.ReviewDelete).Text; !strings.Contains(got, c.held) {
					t.Errorf("%s: a person is asked %q", name, got)
				}
			}
			quiet(t, w)
		})
	}
}

// noted is why fields of the only pair differ.
func noted(w *world) map[string]string {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), "cards", 0, 2)
	if err != nil || len(links) != 1 {
		w.t.Fatalf("links: %v, %v", links, err)
	}
	return links[0].Diverged
}

// R7: what could not be told, and was taken back, is in step again and nothing is noted of it.
func TestR7AnEditThatCouldNotBeToldAndWasTakenBackDivergesNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, right := pairOf(t, narrowYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "won"})
		w.put(w.b, "cards", right, map[string]string{"stage": "new"})
		w.sync("cards")
		if why := noted(w); why["stage=stage"] == "" {
			t.Fatal("nothing tells of the stage that cannot be told")
		}
		w.put(w.b, "cards", right, map[string]string{"stage": "won"})
		w.settled("cards")
		if why := noted(w); len(why) > 0 {
			t.Errorf("it is in step, and noted is %q", why)
		}
		quiet(t, w)
	})
}
