package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

// smallPages makes a world whose vendors show few records at a time, and whose runs read
// one page of a slice.
func smallPages(t *testing.T, yaml string) *world {
	t.Helper()
	w := newWorld(t, yaml)
	for _, tw := range []**toy.Twin{&w.a, &w.b} {
		small, ok := toy.New(twin.Options{NoLimits: true, PageSize: 2}).(*toy.Twin)
		if !ok {
			t.Fatal("toy.New makes no *toy.Twin")
		}
		*tw = small
	}
	w.restart()
	return w
}

func TestR35SilentFieldsAreReadAgainInSlices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.NewReplacer("tags, notes]", "tags, notes, color]", `"${KEY}" }`+"\n  b:", `"${KEY}", refresh: 6h, sweep: off }`+"\n  b:").Replace(cardsYAML)
		w := smallPages(t, yaml)
		var last string
		for i := range 7 {
			last = w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("N", i), "email": fmt.Sprint("n", i, "@x.gr"), "color": "red"})
		}
		w.settled("cards")
		w.put(w.a, "cards", last, map[string]string{"color": "blue"}) // and the vendor does not tell
		w.engine.SetSlice(1)
		if rep := w.settled("cards"); rep.Left.Refreshed != 0 || w.by(w.b, "cards", "name", "N6").Fields["color"] != "red" {
			t.Errorf("read again before its time: %+v", rep)
		}
		time.Sleep(7 * time.Hour)
		slices := 0
		for ; slices < 10 && w.by(w.b, "cards", "name", "N6").Fields["color"] == "red"; slices++ {
			if rep := w.settled("cards"); rep.Left.Refreshed != 2 && rep.Left.Refreshed != 1 || rep.Left.Read != 0 {
				t.Errorf("slice %d: %+v", slices, rep.Left)
			}
			w.restart()
			w.engine.SetSlice(1)
		}
		if slices != 4 {
			t.Errorf("it took %d slices, want 4", slices)
		}
		if rep := w.settled("cards"); rep.Left.Refreshed != 0 {
			t.Errorf("it began again at once: %+v", rep.Left)
		}
		quiet(t, w)
	})
}

func TestR35DeletesAreLookedForInSlices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := smallPages(t, header+`
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code], delete: delete }
`)
		var ids []string
		for i := range 7 {
			ids = append(ids, w.put(w.a, "labels", "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("c", i)}))
		}
		w.settled("labels")
		w.remove(w.a, "labels", ids[1])
		w.engine.SetSlice(2)
		time.Sleep(25 * time.Hour)
		if rep := w.settled("labels"); rep.Left.Swept != 4 || rep.Right.Deleted != 0 {
			t.Errorf("first slice: %+v", rep)
		}
		if rep := w.settled("labels"); rep.Left.Swept != 2 || rep.Right.Deleted != 1 {
			t.Errorf("second slice: %+v", rep)
		}
		w.remove(w.a, "labels", ids[2])
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Right.Deleted != 1 { // all at once
			t.Errorf("asked for: %+v", rep)
		}
		quiet(t, w)
	})
}

// R35: what no list of changes has told is noticed by a sweep, on whichever of its pages.
func TestR35WhatWasNeverToldIsFoundOnEveryPageOfASweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := smallPages(t, header+`
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code] }
`)
		for i := range 6 {
			w.put(w.a, "labels", "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("c", i)})
		}
		w.a.Rewind("labels", 3)
		w.settled("labels")
		w.a.Unwind("labels")
		if w.settled("labels"); len(w.b.Rows("labels")) != 3 {
			t.Fatalf("right has %v before any sweep", w.b.Rows("labels"))
		}
		w.syncWith("labels", engine.SyncOptions{Sweep: true})
		w.settled("labels")
		for i := range 6 {
			w.by(w.b, "labels", "name", fmt.Sprint("N", i))
		}
		quiet(t, w)
	})
}
