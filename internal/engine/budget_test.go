package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

func TestC5AnExhaustedBudgetIsAWaitAndNotAFailureAndLiveEditsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.NewReplacer("tags, notes]", "tags, notes, color]", `"${KEY}" }`+"\n  b:", `"${KEY}", refresh: 6h }`+"\n  b:").Replace(cardsYAML)
		w := newWorld(t, yaml)
		w.a.NoForms()
		for i := range 10 {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Ann ", i), "email": fmt.Sprintf("ann%d@x.gr", i)})
		}
		w.limits = []connector.Limit{{Units: 1000, Per: 24 * time.Hour}}
		w.yaml = strings.Replace(w.yaml, "timezone: UTC", "timezone: Europe/Athens", 1)
		athens, _ := time.LoadLocation("Europe/Athens")
		w.restart()
		for range 40 {
			w.settled("cards")
		}
		time.Sleep(7 * time.Hour) // a refresh of the left side is due
		spent, err := w.store.SpentAt(t.Context(), "a", time.Now())
		used := 0
		for _, s := range spent {
			used += s.Units
		}
		if err != nil || used == 0 {
			t.Fatalf("%d calls are remembered: %v", used, err)
		}

		// More than four fifths are spent: the rest is for what people do.
		w.limits = []connector.Limit{{Units: used * 5 / 4, Per: 24 * time.Hour}}
		w.restart() // what another process has spent counts
		card := w.by(w.a, "cards", "email", "ann1@x.gr").ID
		w.put(w.a, "cards", card, map[string]string{"notes": "news"})
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview || rep.Until == nil || time.Until(*rep.Until) < 16*time.Hour || rep.Err != nil || !strings.Contains(rep.Error, "budget") {
			t.Errorf("%d of %d spent: %+v", used, w.limits[0].Units, rep)
		}
		if want := "until " + record.Moment(*rep.Until, athens); !strings.Contains(rep.Error, want) || !strings.HasSuffix(rep.Error, "there is room in about 17 hours") {
			t.Errorf("people read %q, not %q", rep.Error, want)
		}
		if got := w.by(w.b, "cards", "email", "ann1@x.gr").Fields["notes"]; got != "news" || rep.Left.Refreshed != 0 {
			t.Errorf("the edit was carried over: %q; %d were refreshed", got, rep.Left.Refreshed)
		}
		for n := 0; n < 30 && rep.Err == nil && rep.Left.Calls > 0; n++ { // and then it is used up for them, too
			rep = w.sync("cards")
		}
		if rep.Status != engine.StatusReview || rep.Waiting == 0 || rep.Err != nil {
			t.Errorf("used up: %+v", rep)
		}
		time.Sleep(25 * time.Hour)
		w.limits[0].Units = 1000
		w.restart()
		if rep := w.settled("cards"); rep.Left.Refreshed == 0 {
			t.Errorf("the refresh is made up for: %+v", rep)
		}
	})
}
