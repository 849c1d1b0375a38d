package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// R2, R16: a write of unknown outcome, of which the record is deleted before anybody could look, and
// brought back later. What it shows then of that write is ours: what people have entered on the other side
// since is newer, and is carried over; and what was never written is no edit either.
func TestR16WhatAWriteLeftInARecordThatComesBackIsNoEdit(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultRefuse} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsWith("prefer: left"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				w.put(w.b, "cards", right, map[string]string{"phone": "2101000001", "notes": "new"})
				lost := w.a.Inject(twin.Fault{Kind: kind, Path: "/v1/do", Times: 1})
				w.a.After(onceAt("/v1/do", func() { w.remove(w.a, "cards", left) })) // before its outcome is looked up
				w.sync("cards")
				if lost.Hits() != 1 {
					t.Fatal("no answer was lost")
				}
				time.Sleep(time.Hour)
				w.sync("cards")
				if err := w.a.Restore("cards", left); err != nil {
					t.Fatal(err)
				}
				w.put(w.b, "cards", right, map[string]string{"phone": "2101000002", "notes": "newer"})
				time.Sleep(time.Hour)
				w.sync("cards")
				for _, tw := range []twin.Twin{w.a, w.b} {
					if f := tw.Rows("cards")[0].Fields; f["phone"] != "2101000002" || f["notes"] != "newer" {
						t.Errorf("a side has %v", f)
					}
				}
				quiet(t, w)
			})
		})
	}
}
