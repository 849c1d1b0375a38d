package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// R27: two syncs may write fields of one record. While the outcome of one's write is unknown the
// other waits, and writes when that has settled.
func TestR27AnUnfinishedWriteOfOneSyncHoldsThatOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, header+`
  names: { left: a.cards, right: b.cards, match: [email], fields: [name, box, email] }
  remarks: { left: a.cards, right: b.cards, match: [code], create: none, fields: [notes] }
`)
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "A1"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "A1"})
		for range 2 {
			w.settled("names")
			w.settled("remarks")
			time.Sleep(10 * time.Minute)
		}
		w.put(w.a, "cards", id, map[string]string{"name": "Anna", "notes": "calls on Mondays"})
		var away *twin.Injected
		w.b.After(onceAt("/v1/do", func() { away = w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"}) }))
		if _, err := w.engine.Sync(t.Context(), []string{"names"}, engine.SyncOptions{}); err != nil || away == nil || away.Hits() == 0 {
			t.Fatalf("it was written and could be read back, or was not written: %v", err)
		}
		away.Remove()
		before := w.b.Count("POST", "/v1/do")
		reports, err := w.engine.Sync(t.Context(), []string{"remarks"}, engine.SyncOptions{})
		if err != nil || reports[0].Err != nil {
			t.Fatalf("%v %+v", err, reports)
		}
		if n := w.b.Count("POST", "/v1/do") - before; n != 0 {
			t.Errorf("%d writes to a record while nobody knows what became of another one's", n)
		}
		time.Sleep(10 * time.Minute)
		for range 2 {
			w.settled("names")
			w.settled("remarks")
			time.Sleep(time.Minute)
		}
		if got := w.b.Rows("cards")[0].Fields; got["name"] != "Anna" || got["notes"] != "calls on Mondays" {
			t.Errorf("%v", got)
		}
		quiet(t, w)
	})
}

// Invariant 12: what was written and could not be read back is compared field by field, in one
// order, whatever the process.
func TestInvariant12WhatIsReadBackLaterIsToldInOneOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "phone": "+302105550000", "code": "A1", "discount": "5", "stage": "won", "notes": "calls"})
		var away *twin.Injected
		w.b.After(onceAt("/v1/do", func() { away = w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"}) }))
		w.sync("cards")
		if away == nil || away.Hits() == 0 {
			t.Fatal("what was written could be read back at once")
		}
		away.Remove()
		time.Sleep(10 * time.Minute)
		w.settled("cards")
		var told []string
		for _, e := range w.history(record.Right, w.b.Rows("cards")[0].ID) {
			if e.Why == "read back" && e.Side == record.Right {
				told = append(told, e.Field)
			}
		}
		if len(told) < 7 || !slices.IsSorted(told) {
			t.Errorf("told of in the order %q", told)
		}
		quiet(t, w)
	})
}
