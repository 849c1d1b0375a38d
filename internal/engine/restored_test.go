package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

const labelsYAML = header + `
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code] }
`

func (w *world) labels(n int) {
	w.t.Helper()
	for i := range n {
		w.put(w.a, "labels", "", map[string]string{"name": fmt.Sprint("N", i), "code": fmt.Sprint("c", i)})
	}
	w.settled("labels")
	time.Sleep(time.Hour)
}

func TestR33AVendorThatWasRestoredStopsTheSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(15)
		w.a.Rewind("labels", 3)
		for range 2 { // it stays stopped
			rep := w.syncWith("labels", engine.SyncOptions{Sweep: true})
			if rep.Status != engine.StatusBlocked || rep.Linked != 15 {
				t.Fatalf("%+v", rep)
			}
		}
		w.put(w.a, "labels", "", map[string]string{"name": "Other", "code": "other"}) // with an id that was another's
		if rep := w.sync("labels"); rep.Status != engine.StatusBlocked || len(w.b.Rows("labels")) != 15 {
			t.Errorf("%+v", rep)
		}
		w.decide(w.review(store.ReviewIdentity), "deleted")
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Linked > 4 {
			t.Errorf("after the decision: %+v", rep)
		}
	})
}

func TestR33DeletingAFewNewRecordsStopsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, labelsYAML)
		w.labels(15)
		for i, row := range w.a.Rows("labels") {
			if i < 7 { // none of the newest, and less than half
				w.remove(w.a, "labels", row.ID)
			}
		}
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusOK || rep.Linked != 8 {
			t.Errorf("%+v %v", rep, w.reviews())
		}
		w.labels(5)
		for _, row := range w.a.Rows("labels")[8:] { // the newest, and only a few of them
			w.remove(w.a, "labels", row.ID)
		}
		if rep := w.syncWith("labels", engine.SyncOptions{Sweep: true}); rep.Status != engine.StatusOK || rep.Linked != 8 {
			t.Errorf("%+v %v", rep, w.reviews())
		}
	})
}
