package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

const goldYAML = header + `
  labels:
    left: a.labels
    right: b.labels
    match: [code]
    prefer: left
    fields: [name, code, weight]
`

// Invariant 7, R16: a person's own record, which has the key that a create of unknown outcome had,
// is not taken for what was created: its values would pass for changes, and replace without a
// word what people have entered on the other side.
func TestInvariant7WhatAPersonMadeIsNotTakenForTheOutcomeOfACreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, goldYAML)
		w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g", "weight": "1"})
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("labels")
		if lost.Hits() != 1 || len(w.b.Rows("labels")) != 1 {
			t.Fatal("the create did not take effect, or its answer was not lost")
		}
		w.remove(w.b, "labels", w.b.Rows("labels")[0].ID)
		w.put(w.b, "labels", "", map[string]string{"name": "Silver", "code": "g"})
		down.Remove()
		time.Sleep(time.Minute)
		w.settled("labels")
		for _, tw := range []twin.Twin{w.a, w.b} {
			if rows := tw.Rows("labels"); len(rows) != 1 || rows[0].Fields["name"] != "Gold" || rows[0].Fields["weight"] != "1" {
				t.Errorf("a side has %v", rows)
			}
		}
		lines, err := w.store.History(t.Context(), store.HistoryQuery{Sync: "labels", Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		overruled := false
		for _, e := range lines {
			if e.Kind == store.Created {
				t.Errorf("it is said that we made what a person did: %+v", e)
			}
			overruled = overruled || e.Kind == store.Overruled && e.Old.Text() == "Silver"
		}
		if !overruled {
			t.Error("the name that lost is nowhere in the journal")
		}
		quiet(t, w)
	})
}
