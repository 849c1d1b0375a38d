package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// R16, invariant 8: what a create of unknown outcome has made, without any key, and a person has
// changed before we looked, is nobody's new record: a person says whether it is that, and until
// then nothing is made of it on the side that it came from.
func TestR16WhatResemblesACreateThatWasCutOffIsAskedAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from func(w *world) (here, there *toy.Twin)
		says string // "" = that it is the one
		each int    // labels on either side in the end
	}{
		"it is, from the left":      {from: func(w *world) (*toy.Twin, *toy.Twin) { return w.a, w.b }, each: 1},
		"it is, from the right":     {from: func(w *world) (*toy.Twin, *toy.Twin) { return w.b, w.a }, each: 1},
		"it is not, from the left":  {from: func(w *world) (*toy.Twin, *toy.Twin) { return w.a, w.b }, says: "none", each: 2},
		"it is not, from the right": {from: func(w *world) (*toy.Twin, *toy.Twin) { return w.b, w.a }, says: "none", each: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, goldYAML)
				here, there := c.from(w)
				w.put(here, "labels", "", map[string]string{"name": "Gold", "weight": "1"})
				lost := there.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
				there.After(onceAt("/v1/do", func() { w.put(there, "labels", there.Rows("labels")[0].ID, map[string]string{"weight": "2"}) }))
				w.sync("labels")
				w.sync("labels")
				if n := len(here.Rows("labels")); lost.Hits() != 1 || n != 1 {
					t.Fatalf("%d labels on the side that it came from, lost %d", n, lost.Hits())
				}
				item := w.review(store.ReviewAmbiguous)
				made := there.Rows("labels")[0].ID
				if len(item.Candidates) != 1 || item.Candidates[0] != made {
					t.Fatalf("%+v", item)
				}
				if c.says == "" {
					c.says = made
				}
				w.decide(item, c.says)
				time.Sleep(time.Minute)
				w.settled("labels")
				for _, tw := range []*toy.Twin{here, there} {
					if rows := tw.Rows("labels"); len(rows) != c.each {
						t.Errorf("a side has %v", rows)
					}
				}
				quiet(t, w)
			})
		})
	}
}

// R16, R18: the same, but people have deleted what it was made for: that does not come back.
func TestR16WhatWasMadeForADeletedRecordDoesNotBringItBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, goldYAML)
		w.put(w.a, "labels", "", map[string]string{"name": "Gold", "weight": "1"})
		w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		w.b.After(onceAt("/v1/do", func() {
			w.put(w.b, "labels", w.b.Rows("labels")[0].ID, map[string]string{"weight": "2"})
			w.remove(w.a, "labels", w.a.Rows("labels")[0].ID)
		}))
		w.sync("labels")
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		w.decide(w.review(store.ReviewAmbiguous), w.b.Rows("labels")[0].ID)
		w.settled("labels")
		if a, b := w.a.Rows("labels"), w.b.Rows("labels"); len(a) != 0 || len(b) != 1 {
			t.Errorf("left has %v, right has %v", a, b)
		}
		quiet(t, w)
	})
}

// R16, invariant 8: nobody knows whether a record was created, and a person says that this rests: whatever
// becomes of it then, it is not created once more, until a person asks for that.
func TestR16WhatNobodyKnowsOfIsNotRepeatedWhenItsRecordChanges(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]int{"dismiss": 0, "retry": 1} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, goldYAML)
				left := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "weight": "1"})
				w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
				w.b.After(onceAt("/v1/do", func() { w.remove(w.b, "labels", w.b.Rows("labels")[0].ID) }))
				w.sync("labels")
				w.decide(w.review(store.ReviewUnknown), says)
				w.put(w.a, "labels", left, map[string]string{"weight": "2"})
				time.Sleep(time.Hour)
				w.settled("labels")
				if b := w.b.Rows("labels"); len(b) != want {
					t.Errorf("right has %v", b)
				}
				quiet(t, w)
			})
		})
	}
}

// R16, invariant 8: of many records that resemble what was sent the likeliest are named, and how many
// there are; nothing is made of the others either until a person has said which one it is.
func TestR16OfManyRecordsThatResembleACreateTheLikeliestAreNamed(t *testing.T) {
	t.Parallel()
	const named, others = 50, 60
	for name, c := range map[string]struct {
		says string // "" = the one that was made
		same bool   // they hold all that was sent
		asks string
	}{
		"one of them":      {asks: "61 resemble it, and the 50 likeliest are named"},
		"none of them":     {says: "none", asks: "61 resemble it, and the 50 likeliest are named"},
		"one of the equal": {same: true, asks: "and 61 records could be the outcome, and the 50 likeliest are named"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, goldYAML)
				w.put(w.a, "labels", "", map[string]string{"name": "Gold", "weight": "1"})
				w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
				var made string
				w.b.After(onceAt("/v1/do", func() {
					made = w.b.Rows("labels")[0].ID
					weight := func(n int) string { return fmt.Sprint(n) }
					if c.same {
						weight = func(int) string { return "1" }
					}
					w.put(w.b, "labels", made, map[string]string{"weight": weight(2)})
					for i := range others {
						time.Sleep(time.Second)
						w.put(w.b, "labels", "", map[string]string{"name": "Gold", "weight": weight(i + 3)})
					}
				}))
				w.sync("labels")
				w.sync("labels") // of another process, as far as it matters: it remembers what is asked only
				item := w.review(store.ReviewAmbiguous)
				if len(item.Candidates) != named || !slices.Contains(item.Candidates, made) || len(item.Choices) != named+1 {
					t.Errorf("%d are named, %s among them? %v", len(item.Candidates), made, item.Candidates)
				}
				if !strings.Contains(item.Text, c.asks) {
					t.Errorf("asked: %s", item.Text)
				}
				w.put(w.b, "labels", "", map[string]string{"name": "Silver", "weight": "1000"}) // what resembles nothing goes on
				w.sync("labels")
				if a := w.a.Rows("labels"); len(a) != 2 {
					t.Errorf("%d labels on the side that it came from", len(a))
				}
				if c.same {
					return // so many copies are a detector's affair (R30)
				}
				want := 1 + others + 1
				if c.says == "" {
					c.says = made
				} else {
					want++
				}
				w.decide(item, c.says)
				time.Sleep(time.Minute)
				w.settled("labels")
				if a, b := len(w.a.Rows("labels")), len(w.b.Rows("labels")); a != want || b != want {
					t.Errorf("left has %d labels, right %d, want %d", a, b, want)
				}
				quiet(t, w)
			})
		})
	}
}
