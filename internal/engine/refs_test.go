package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// R11, R28: the partner of a label is deleted, and a person is asked, since the label was edited. Nothing
// can refer to what is gone: a reference to the label is absent there, and told when it is back.
func TestR11AReferenceToWhatIsGoneIsAbsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, familyYAML)
		label := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		time.Sleep(time.Hour)
		back := w.b.Remember()
		w.remove(w.b, "labels", w.b.Rows("labels")[0].ID)
		w.put(w.a, "labels", label, map[string]string{"name": "Golden"})
		w.put(w.a, "cards", ann, map[string]string{"label": label})
		w.sync("cards")
		w.review(store.ReviewDelete)
		for _, act := range w.b.Ledger().Acts() {
			if act.Object == "cards" && act.Fields["label"] != "" {
				t.Errorf("it was told to refer to what is gone: %+v", act)
			}
		}
		if got := w.by(w.a, "cards", "name", "Ann").Fields["label"]; got != label {
			t.Errorf("left refers to %q", got)
		}
		quiet(t, w)
		back()
		time.Sleep(time.Hour)
		w.settled("cards")
		if got, want := w.by(w.b, "cards", "name", "Ann").Fields["label"], w.by(w.b, "labels", "name", "Golden").ID; got != want {
			t.Errorf("right refers to %q, want %q", got, want)
		}
		quiet(t, w)
	})
}
