package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// R2, invariant 7: what was written, and was gone before it could be read back, is agreed on: should
// the record come back with it, it does not pass for its people's, against the later edit of the
// person from whom it came.
func TestR2WhatWasWrittenIntoARecordThatIsGoneIsNoEditWhenItIsBack(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} { // the write is of a first match, or a later one
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML+"    prefer: left\n")
			left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
			right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
			if !first {
				w.settled("cards")
			}
			w.put(w.b, "cards", right, map[string]string{"notes": "first"})
			time.Sleep(time.Minute)
			w.a.After(onceAt("/v1/do", func() {
				if err := w.a.Archive("cards", left); err != nil {
					t.Error(err)
				}
			}))
			w.sync("cards")
			time.Sleep(time.Minute)
			w.put(w.b, "cards", right, map[string]string{"notes": "second"})
			if err := w.a.Restore("cards", left); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			w.sync("cards")
			w.settled("cards")
			a, b := w.a.Rows("cards"), w.b.Rows("cards")
			if len(a) != 1 || len(b) != 1 || a[0].Fields["notes"] != "second" || b[0].Fields["notes"] != "second" {
				t.Errorf("a has %v, b has %v", a, b)
			}
			for _, e := range w.history(record.Right, right) {
				if e.Kind == store.Overruled {
					t.Errorf("%q was overruled although only one side's people touched it", e.Old)
				}
			}
			quiet(t, w)
		})
	}
}

// R2: it comes back, and its people set it to what it held before that write, which was answered: that is
// their edit, and not a write that never arrived.
func TestR2WhatIsPutBackInARecordThatIsBackIsAnEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsWith("prefer: ask"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.b, "cards", right, map[string]string{"notes": "new"})
		w.a.After(onceAt("/v1/do", func() {
			if err := w.a.Archive("cards", left); err != nil {
				t.Error(err)
			}
		}))
		w.sync("cards")
		time.Sleep(time.Minute)
		if err := w.a.Restore("cards", left); err != nil {
			t.Fatal(err)
		}
		w.put(w.a, "cards", left, map[string]string{"notes": "old"})
		time.Sleep(time.Hour)
		w.settled("cards")
		if got := w.by(w.b, "cards", "name", "Ann").Fields["notes"]; got != "old" {
			t.Errorf("right has %q", got)
		}
		quiet(t, w)
	})
}

// R2, R16, invariant 7: a record is hidden before what was written can be read back, for longer than is
// waited. In sight again, it holds what was written: that does not pass for its people's edit, against the
// later one of the person from whom it came.
func TestR2WhatWasWrittenIntoARecordThatWasOutOfSightForLongIsNoEdit(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w, left, right := pairOf(t, cardsWith("prefer: left"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
			hide := func(hidden bool) {
				if err := w.a.Hide("cards", left, hidden); err != nil {
					t.Error(err)
				}
			}
			w.put(w.b, "cards", right, map[string]string{"notes": "first"})
			time.Sleep(time.Minute)
			if !arrived {
				w.a.Kit().Inject(twin.Fault{Kind: twin.FaultUnavailable, Method: "POST", Path: "/v1/do", Times: 1})
			}
			w.a.After(onceAt("/v1/do", func() { hide(true) }))
			w.sync("cards")
			time.Sleep(30 * 24 * time.Hour)
			w.sync("cards")
			w.put(w.b, "cards", right, map[string]string{"notes": "second"})
			hide(false)
			time.Sleep(time.Hour)
			w.sync("cards")
			w.settled("cards")
			a, b := w.a.Rows("cards"), w.b.Rows("cards")
			if len(a) != 1 || len(b) != 1 || a[0].Fields["notes"] != "second" || b[0].Fields["notes"] != "second" {
				t.Errorf("arrived %t: a has %v, b has %v", arrived, a, b)
			}
			for _, e := range w.history(record.Right, right) {
				if e.Kind == store.Overruled {
					t.Errorf("arrived %t: %q was overruled although only one side's people touched it", arrived, e.Old)
				}
			}
			quiet(t, w)
		})
	}
}
