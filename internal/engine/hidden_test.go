package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// Invariant 6, R16: the outcome of an update stays unknown while its record is out of sight. What
// we wrote does not pass for a person's edit once it is in sight again, against the later one of
// the person from whom it came.
func TestInvariant6WhatWasWrittenBeforeARecordWasHiddenIsNoEdit(t *testing.T) {
	t.Parallel()
	for _, prefer := range []string{"left", "right"} {
		t.Run(prefer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsYAML+"    prefer: "+prefer+"\n", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				w.put(w.b, "cards", right, map[string]string{"notes": "first"})
				lost := w.a.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
				w.a.After(onceAt("/v1/do", func() {
					if err := w.a.Hide("cards", left, true); err != nil {
						t.Error(err)
					}
				}))
				w.sync("cards")
				if lost.Hits() != 1 {
					t.Fatal("the answer was not lost")
				}
				time.Sleep(time.Hour)
				w.sync("cards")
				w.put(w.b, "cards", right, map[string]string{"notes": "second"})
				if err := w.a.Hide("cards", left, false); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				w.settled("cards")
				for _, tw := range []twin.Twin{w.a, w.b} {
					if got := tw.Rows("cards")[0].Fields["notes"]; got != "second" {
						t.Errorf("a side holds %q", got)
					}
				}
				for _, side := range record.Sides() {
					for _, e := range w.history(side, []string{left, right}[side]) {
						if e.Kind == store.Overruled {
							t.Errorf("%q was overruled although only one side's people touched it", e.Old)
						}
					}
				}
				quiet(t, w)
			})
		})
	}
}
