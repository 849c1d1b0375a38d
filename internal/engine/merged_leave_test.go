package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// R18, R24: a record is merged into one that does not pass the filter. Its pair follows and leaves the
// filter at once, as leave says: one that was unlinked once stayed open, and differed with nothing noted.
func TestR24APairThatFollowsAMergeOutOfTheFilterLeavesIt(t *testing.T) {
	t.Parallel()
	for _, leave := range []string{"keep", "unlink", "archive"} {
		t.Run(leave, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, ann, right := leaving(t, leave)
				bob := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "stage": "lost"})
				w.settled("cards")
				w.merge(w.a, bob, ann)
				w.settled("cards")
				if n, want := len(w.b.Rows("cards")), map[string]int{"keep": 1, "unlink": 1, "archive": 0}[leave]; n != want {
					t.Errorf("%d cards remain on the right, want %d", n, want)
				}
				if open := w.isOpen(right); open != (leave == "keep") {
					t.Errorf("the link is open: %t", open)
				}
				var kinds []string
				for _, e := range w.history(record.Left, bob) {
					if e.Kind == store.Linked || e.Kind == store.Closed {
						kinds = append(kinds, string(e.Kind))
					}
				}
				if got, want := strings.Join(kinds, " "), map[string]string{"keep": "linked", "unlink": "linked closed", "archive": "linked"}[leave]; got != want {
					t.Errorf("the journal says %q of the survivor, want %q", got, want)
				}
				quiet(t, w)
				// Back in the filter they are a pair, of which the survivor's values are the newer ones.
				w.put(w.a, "cards", bob, map[string]string{"stage": "won"})
				w.settled("cards")
				w.settled("cards")
				if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].ID != right || rows[0].Fields["name"] != "Bob" {
					t.Errorf("the right has %v", rows)
				}
				quiet(t, w)
			})
		})
	}
}

// R24, R25: customers are merged into a lead, which has a partner of its own in its sync: the pairs of the
// customers are closed, nothing is carried from one partner to another, and nothing is created.
func TestR25APairThatFollowsAMergeIntoAnotherSyncIsUnlinked(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "won"})
		cat := w.put(w.a, "cards", "", map[string]string{"name": "Cat", "email": "cat@x.gr", "stage": "won"})
		bob := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "stage": "new"})
		w.moved()
		anns, cats, bobs := w.by(w.b, "cards", "name", "Ann").ID, w.by(w.b, "cards", "name", "Cat").ID, w.by(w.b, "cards", "name", "Bob").ID
		w.merge(w.a, bob, ann, cat)
		w.moved()
		w.unlinked("customers")
		w.put(w.a, "cards", bob, map[string]string{"notes": "ours"})
		w.put(w.b, "cards", anns, map[string]string{"notes": "theirs"})
		w.moved()
		w.unlinked("customers")
		if n := len(w.a.Rows("cards")); n != 1 {
			t.Errorf("%d cards at a, want the survivor", n)
		}
		got := map[string]string{}
		for _, row := range w.b.Rows("cards") {
			got[row.ID] = row.Fields["name"] + " " + row.Fields["notes"]
		}
		if diff := cmp.Diff(map[string]string{anns: "Ann theirs", cats: "Cat ", bobs: "Bob ours"}, got); diff != "" {
			t.Error(diff)
		}
		w.settled("leads")
		w.settled("customers")
	})
}

func (w *world) unlinked(sync string) {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), sync, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range links {
		if l.Closed == "" {
			w.t.Errorf("a pair of %s is open: %+v", sync, l)
		}
	}
}
