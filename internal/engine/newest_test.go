package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// down runs everything while one account answers nothing to requests of that path.
func (w *world) down(tw *toy.Twin, path string) {
	w.t.Helper()
	in := tw.Inject(twin.Fault{Kind: twin.FaultRefuse, Path: path})
	reports, err := w.engine.Sync(w.t.Context(), nil, engine.SyncOptions{})
	in.Remove()
	if err != nil || reports[0].Status == engine.StatusOK {
		w.t.Fatalf("%v %v: the fault went unnoticed", reports, err)
	}
}

func TestR9AStampThatAnotherFieldMovedIsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a"})
		w.down(w.b, "/v1/feed") // the left edit is read, the right side is not
		time.Sleep(time.Minute)
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		time.Sleep(time.Minute)
		w.put(w.a, "cards", left, map[string]string{"active": "true"}) // nobody maps it
		if rep := w.settled("cards"); rep.Conflicts != 1 {
			t.Errorf("%d conflicts", rep.Conflicts)
		}
		if got := w.a.Rows("cards")[0].Fields["notes"]; got != "from b" {
			t.Errorf("notes are %q: the left stamp was moved by another field, its edit was the older", got)
		}
		quiet(t, w)
	})
}

func TestR9WithoutStampsTheTimeBetweenTwoReadsCounts(t *testing.T) {
	t.Parallel()
	const yaml = header + `
  labels:
    left: a.labels
    right: b.labels
    match: [name]
    fields: [name, weight]
`
	for name, c := range map[string]struct {
		again bool // the right side is looked at between the two edits
		want  string
	}{
		"one after the other": {true, "2"},
		"nobody can tell":     {false, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, yaml)
				left := w.put(w.a, "labels", "", map[string]string{"name": "L", "weight": "0"})
				w.settled("labels")
				right := w.by(w.b, "labels", "name", "L").ID
				time.Sleep(time.Minute)
				w.put(w.a, "labels", left, map[string]string{"weight": "1"})
				if !c.again {
					w.put(w.b, "labels", right, map[string]string{"weight": "2"})
				} else {
					w.down(w.b, "/v1/do") // read, decided, and not written
					time.Sleep(time.Minute)
					w.put(w.b, "labels", right, map[string]string{"weight": "2"})
				}
				time.Sleep(time.Hour)
				w.settled("labels")
				if got := w.by(w.a, "labels", "name", "L").Fields["weight"]; got != c.want {
					t.Errorf("weight is %s, want %s", got, c.want)
				}
				said := false
				for _, e := range w.journal("labels") {
					said = said || strings.Contains(e.Why, "times not comparable")
				}
				if said == c.again {
					t.Errorf("the journal says that times are not comparable: %t", said)
				}
			})
		})
	}
}

func (w *world) journal(sync string) []store.Entry {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Sync: sync})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}
