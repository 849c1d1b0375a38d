package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// R32: a no that was said once more after the person's yes elsewhere looks like the old one where
// nobody read the yes between them. It is asked about, and stays so whatever else is edited.
func TestR32ANoIsNotLiftedByAYesThatMayBeOlder(t *testing.T) {
	t.Parallel()
	for _, choice := range []string{"left", "right"} {
		synctest.Test(t, func(t *testing.T) {
			w, l, r := mailing(t, mailYAML("both", "ignore"), "out", "out")
			time.Sleep(time.Minute)
			w.put(w.b, "cards", r, map[string]string{"mail": "in"})
			time.Sleep(time.Minute)
			w.put(w.a, "cards", l, map[string]string{"mail": "in"})
			w.put(w.a, "cards", l, map[string]string{"mail": "out"}) // all that is left of it is a stamp
			w.sync("cards")
			w.says("out", "in")
			if item := w.review(store.ReviewConflict); !strings.Contains(item.Text, "may have said no again") {
				t.Errorf("asked: %s", item.Text)
			}
			time.Sleep(time.Minute)
			w.put(w.b, "cards", r, map[string]string{"notes": "newer than the no, and no yes"})
			w.sync("cards")
			w.says("out", "in")
			w.decide(w.review(store.ReviewConflict), choice)
			w.settled("cards")
			if want := map[string]string{"left": "out", "right": "in"}[choice]; true {
				w.says(want, want)
			}
			quiet(t, w)
		})
	}
}

// R32: what was changed before the yes, and what Tandem wrote itself, keeps no yes from lifting a no.
func TestR32AYesLiftsANoOfARecordThatNobodyChangedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "ignore"), "out", "out")
		time.Sleep(time.Minute)
		w.put(w.b, "cards", r, map[string]string{"notes": "ours there"})
		w.put(w.a, "cards", l, map[string]string{"phone": "+302105550001"})
		time.Sleep(time.Minute)
		said := false
		w.a.Before(onceAt("/v1/do", func() {
			time.Sleep(time.Second)
			w.put(w.b, "cards", r, map[string]string{"mail": "in"})
			time.Sleep(time.Second)
			said = true
		}))
		w.settled("cards")
		w.says("in", "in")
		if !said {
			t.Error("the yes was not said before Tandem wrote")
		}
		quiet(t, w)
	})
}

// R32, R34: after a restore nobody knows what came between the backup and now, and in which order.
func TestR32AfterARestoreAYesLiftsNoNoOfARecordThatWasChangedSinceTheBackup(t *testing.T) {
	t.Parallel()
	for _, changed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w, l, r := mailing(t, mailYAML("both", "ignore"), "out", "out")
			time.Sleep(time.Minute)
			file := w.backup()
			time.Sleep(time.Hour)
			want := "in"
			if changed {
				want = "out"
				w.put(w.a, "cards", l, map[string]string{"mail": "in"})
				w.put(w.a, "cards", l, map[string]string{"mail": "out"})
			}
			time.Sleep(time.Hour)
			w.put(w.b, "cards", r, map[string]string{"mail": "in"})
			w.restore(file)
			for range 2 {
				w.sync("cards")
				w.says(want, "in")
				time.Sleep(time.Hour)
			}
			if changed {
				w.review(store.ReviewConflict)
			}
		})
	}
}

// R32: what somebody decided of a no and a yes holds for these, and not for those that come later.
func TestR32ADecisionThatAYesHoldsIsNoneAboutALaterNo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l, r := mailing(t, mailYAML("both", "ignore"), "out", "out")
		for n := range 2 {
			time.Sleep(time.Minute)
			w.put(w.b, "cards", r, map[string]string{"mail": "in"})
			time.Sleep(time.Minute)
			w.put(w.a, "cards", l, map[string]string{"mail": "in"})
			w.put(w.a, "cards", l, map[string]string{"mail": "out"})
			w.sync("cards")
			w.says("out", "in")
			if n > 0 {
				w.review(store.ReviewConflict)
				return
			}
			w.decide(w.review(store.ReviewConflict), "right")
			w.settled("cards")
			w.says("in", "in")
			w.put(w.a, "cards", l, map[string]string{"mail": "out"})
			w.settled("cards")
			w.says("out", "out")
		}
	})
}
