package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// lineOf returns the last line of a kind about a link, or about any link but members' ones.
func (w *world) lineOf(kind store.EntryKind, link int64) store.Entry {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range lines {
		if e.Kind == kind && (e.Link == link || link == 0 && !strings.Contains(e.Why, "participant")) {
			return e
		}
	}
	w.t.Fatalf("no line of kind %s about link %d", kind, link)
	return store.Entry{}
}

// R26: a meeting that was parted and is linked again has its members again.
func TestR26AMeetingThatIsLinkedAgainHasItsMembers(t *testing.T) {
	t.Parallel()
	for _, between := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, visitsYAML)
			w.put(w.b, "meetings", "", map[string]string{"name": "Plan", "box": mail("ann"), "guests": fiveGuests()})
			w.put(w.a, "visits", "", map[string]string{"name": "Plan", "guests": fiveGuests()})
			time.Sleep(time.Minute)
			w.settled("visits")
			linked := w.lineOf(store.Linked, 0)
			w.wants(w.revert(engine.RevertRequest{Change: linked.ID}), "unlink done")
			if between {
				w.answers("bob", "yes")
				w.settled("visits")
			}
			w.wants(w.revert(engine.RevertRequest{Change: w.lineOf(store.Closed, linked.Link).ID}), "relink done")
			w.settled("visits")
			if n := len(w.members()); n != 5 {
				t.Errorf("%d members, want 5", n)
			}
			if got := said(w.visit().Fields["guests"]); between && !strings.HasPrefix(got, "bob:yes") {
				t.Errorf("the visit says %q", got)
			}
			w.still("visits")
		})
	}
}

// R26, R38: a member that is parted leaves the record that it shared in its own pair.
func TestR26AMemberThatIsPartedLeavesTheMeetingLinked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.wants(w.revert(engine.RevertRequest{Change: w.line(store.Linked, "").ID}), "unlink done")
		w.settled("visits")
		standing, err := w.store.Standings(t.Context(), "visits", 10)
		if err != nil || len(standing) != 1 || standing[0].Side != 1 {
			t.Errorf("alone are %+v, want the copy: %v", standing, err)
		}
		if n := len(w.members()); n != 4 {
			t.Errorf("%d members, want 4", n)
		}
	})
}
