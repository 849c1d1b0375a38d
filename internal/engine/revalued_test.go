package engine_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

const (
	plainMap  = "values: { new: new, won: won, lost: lost }"
	otherMap  = "values: { new: lost, won: won, lost: new }"
	stageYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    prefer: left
    fields: [name, box, email, { left: stage, right: stage, ` + plainMap + ` }]
`
)

// R19, R7: what was carried over by a value map that was tried and set back is carried over by the
// one that holds, from the side on which a person entered it; a pair that differs for ever would
// pass for one that agrees.
func TestR19WhatAMapThatWasTriedCarriedOverFollowsTheOneThatHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stageYAML)
		for _, n := range []string{"ann", "bob", "eve"} {
			w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr", "stage": "new"})
		}
		w.settled("cards")
		stage := func(tw *toy.Twin, name string) string { return w.by(tw, "cards", "name", name).Fields["stage"] }
		time.Sleep(time.Minute)
		w.configure(strings.Replace(stageYAML, plainMap, otherMap, 1))
		w.put(w.a, "cards", w.by(w.a, "cards", "name", "ann").ID, map[string]string{"stage": "lost"})
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "bob").ID, map[string]string{"stage": "won"})
		w.put(w.b, "cards", "", map[string]string{"name": "joe", "email": "joe@x.gr", "stage": "lost"})
		w.sync("cards")
		if item := w.review(store.ReviewConfiguration); item.Subject == "" || stage(w.b, "ann") != "new" || stage(w.a, "joe") != "new" {
			t.Fatalf("the other map is not at work: %+v", item)
		}
		// An operation of the other map whose outcome is not known when the map is set back.
		lost := w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.put(w.a, "cards", "", map[string]string{"name": "kim", "email": "kim@x.gr", "stage": "lost"})
		w.sync("cards")
		if lost.Hits() != 1 {
			t.Fatal("the answer was not lost")
		}
		down.Remove()
		w.configure(stageYAML)
		time.Sleep(time.Hour)
		w.settled("cards")
		want := map[string]string{"ann": "lost", "bob": "won", "eve": "new", "joe": "lost", "kim": "lost"}
		for name, stands := range want {
			if a, b := stage(w.a, name), stage(w.b, name); a != stands || b != stands {
				t.Errorf("%s is %q and %q, want %q", name, a, b, stands)
			}
		}
		quiet(t, w)
		open, err := w.store.Reviews(t.Context(), store.ReviewQuery{Sync: "cards", Open: true})
		if err != nil || len(open) > 0 {
			t.Errorf("asked: %+v, %v", open, err)
		}
		tried, err := w.store.Tried(t.Context(), "cards")
		if err != nil || len(tried) > 0 {
			t.Errorf("still tried: %v, %v", tried, err)
		}
	})
}

// R19: what a map that was tried carried over, and a person kept under the next one, stays as it is when
// the pair is looked at again before that run could end.
func TestR19WhatWasKeptUnderTheNextMapStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stageYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "eve", "email": "eve@x.gr", "stage": "new"})
		w.settled("cards")
		time.Sleep(time.Minute)
		w.configure(strings.Replace(stageYAML, plainMap, otherMap, 1))
		w.put(w.a, "cards", "", map[string]string{"name": "ann", "email": "ann@x.gr", "stage": "lost"})
		w.sync("cards")
		w.configure(strings.Replace(stageYAML, plainMap, "values: { new: won, lost: lost }", 1))
		w.sync("cards")
		w.decide(w.review(store.ReviewConfiguration), "keep")
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "ann").ID, map[string]string{"name": "Ann"})
		w.a.Inject(twin.Fault{Kind: twin.FaultUnauthorized, Path: "/v1/do", Times: 1}) // what was decided has reached the pair, and the run is not over
		if rep := w.sync("cards"); rep.Status != engine.StatusFailed {
			t.Fatalf("%+v", rep)
		}
		time.Sleep(2 * time.Hour)
		w.settled("cards")
		if a, b := w.by(w.a, "cards", "name", "Ann").Fields["stage"], w.by(w.b, "cards", "name", "Ann").Fields["stage"]; a != "lost" || b != "new" {
			t.Errorf("she is %q and %q", a, b)
		}
		quiet(t, w)
	})
}

// R19, R5: two values that people have entered, and that only a map which was tried took for the
// same, are compared as at a first match: the one that loses is journaled.
func TestR19WhatOnlyAMapThatWasTriedTookForTheSameIsComparedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stageYAML)
		for _, n := range []string{"bob", "eve"} {
			w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr", "stage": "new"})
		}
		w.settled("cards")
		time.Sleep(time.Minute)
		w.configure(strings.Replace(stageYAML, plainMap, otherMap, 1))
		w.put(w.a, "cards", "", map[string]string{"name": "ann", "email": "ann@x.gr", "stage": "lost"})
		right := w.put(w.b, "cards", "", map[string]string{"name": "ann", "email": "ann@x.gr", "stage": "new"})
		bob := w.by(w.b, "cards", "name", "bob").ID
		w.put(w.b, "cards", bob, map[string]string{"stage": "lost"}) // what new is at a, by the other map
		w.sync("cards")
		w.configure(stageYAML)
		w.settled("cards")
		if a, b := w.by(w.a, "cards", "name", "ann").Fields["stage"], w.by(w.b, "cards", "name", "ann").Fields["stage"]; a != "lost" || b != "lost" {
			t.Errorf("she is %q and %q", a, b)
		}
		for id, was := range map[string]string{right: "new", bob: "lost"} {
			if !slices.ContainsFunc(w.history(record.Right, id), func(e store.Entry) bool { return e.Kind == store.Overruled && e.Old.Text() == was }) {
				t.Errorf("%q, which a person entered at b, is nowhere in the journal", was)
			}
		}
		quiet(t, w)
	})
}

// R19, R7: a pair that was out of the filter, or parted by it, while the value map changed follows the
// new map when it is back, from where a person entered the value; what was kept by a person stays.
func TestR19APairThatWasOutOfTheFilterFollowsTheMapThatHoldsNow(t *testing.T) {
	t.Parallel()
	for _, leave := range []string{"keep", "unlink"} {
		synctest.Test(t, func(t *testing.T) {
			yaml := stageYAML + "    where: { left: \"discount != 1\" }\n    leave: " + leave + "\n"
			w := newWorld(t, yaml)
			ann := w.put(w.a, "cards", "", map[string]string{"name": "ann", "email": "ann@x.gr", "stage": "new"})
			w.put(w.b, "cards", "", map[string]string{"name": "bob", "email": "bob@x.gr", "stage": "lost"})
			w.settled("cards")
			bob := w.by(w.a, "cards", "name", "bob").ID
			for _, id := range []string{ann, bob} {
				w.put(w.a, "cards", id, map[string]string{"discount": "1"})
			}
			w.settled("cards")
			w.configure(strings.Replace(yaml, plainMap, otherMap, 1))
			w.settled("cards")
			for _, id := range []string{ann, bob} {
				w.put(w.a, "cards", id, map[string]string{"discount": "2"})
			}
			w.settled("cards")
			for name, want := range map[string][2]string{"ann": {"new", "lost"}, "bob": {"new", "lost"}} {
				if a, b := w.by(w.a, "cards", "name", name).Fields["stage"], w.by(w.b, "cards", "name", name).Fields["stage"]; a != want[0] || b != want[1] {
					t.Errorf("%s: %s is %q and %q, want %q", leave, name, a, b, want)
				}
			}
			quiet(t, w)
		})
	}
}
