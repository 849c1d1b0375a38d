package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// labelled makes Ann, who has one of two labels on both sides. It returns her ids, that label and the other.
func labelled(t *testing.T, prefer string) (w *world, ids [2]string, had, other string) {
	t.Helper()
	w = newWorld(t, strings.Replace(familyYAML, "cards: {", "cards: { prefer: "+prefer+",", 1))
	had = w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
	other = w.put(w.a, "labels", "", map[string]string{"name": "Silver", "code": "s"})
	ids[0] = w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": had})
	w.settled("cards")
	time.Sleep(time.Hour)
	ids[1] = w.by(w.b, "cards", "name", "Ann").ID
	return w, ids, w.by(w.b, "labels", "code", "g").ID, other
}

// R8, R23, invariant 7: a reference that its vendor has emptied, because what it led to was deleted, is no
// edit: what people chose on the other side holds, whatever is preferred, and nobody is asked. The journal
// tells of it.
func TestR8WhatAVendorHasEmptiedIsNoEdit(t *testing.T) {
	t.Parallel()
	for _, prefer := range []string{"right", "newest", "ask"} {
		for _, sweep := range []bool{false, true} { // the delete is noticed by asking for it, or by itself
			t.Run(fmt.Sprintf("prefer %s, swept %t", prefer, sweep), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, ids, had, gets := labelled(t, prefer)
					w.remove(w.b, "labels", had) // Ann goes with it,
					if err := w.b.Restore("cards", ids[1]); err != nil {
						t.Fatal(err) // and comes back without
					}
					w.put(w.a, "cards", ids[0], map[string]string{"label": gets})
					w.syncWith("cards", engine.SyncOptions{Sweep: sweep})
					w.settled("cards")
					if got, want := cell(w.b, ids[1], "label"), w.by(w.b, "labels", "code", "s").ID; got != want || cell(w.a, ids[0], "label") != gets {
						t.Errorf("right has %q, want %q; left has %q", got, want, cell(w.a, ids[0], "label"))
					}
					told := ""
					for _, e := range w.history(record.Right, ids[1]) {
						if e.Kind == store.Overruled {
							told = e.Why
						}
					}
					if told != "right is empty because what it led to was deleted" {
						t.Errorf("the journal says %q", told)
					}
					quiet(t, w)
				})
			})
		}
	}
}

// R8: it is an edit if what the reference led to is still there.
func TestR8AnEmptiedReferenceToWhatIsThereIsAnEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, ids, _, gets := labelled(t, "right")
		w.put(w.b, "cards", ids[1], map[string]string{"label": ""})
		w.put(w.a, "cards", ids[0], map[string]string{"label": gets})
		w.settled("cards")
		if got := cell(w.a, ids[0], "label"); got != "" {
			t.Errorf("right is preferred, and left has %q", got)
		}
		quiet(t, w)
	})
}

// R8: and what a person has decided between the two holds, though the label goes after that.
func TestR8WhatAPersonDecidedOfAnEmptyReferenceHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, ids, had, gets := labelled(t, "ask")
		w.put(w.b, "cards", ids[1], map[string]string{"label": ""})
		w.put(w.a, "cards", ids[0], map[string]string{"label": gets})
		w.sync("cards")
		w.decide(w.review(store.ReviewConflict), "right")
		w.remove(w.b, "labels", had)
		time.Sleep(time.Hour)
		w.syncWith("cards", engine.SyncOptions{Sweep: true})
		w.settled("cards")
		if got := cell(w.a, ids[0], "label"); got != "" {
			t.Errorf("a person decided for right, and left has %q", got)
		}
		quiet(t, w)
	})
}
