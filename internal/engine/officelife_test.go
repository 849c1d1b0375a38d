package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// officeDays is how long an office works in the simulation.
const officeDays = 75

// An office is people who work on both sides, and have days on which much happens.
type office struct {
	*world
	rnd  *rand.Rand
	made int
}

// TestAnOrdinaryLifeIsNeverStopped lives through a quarter of a year of office work with its
// bulk days, with the guards and detectors as they are by default: none may say a word.
func TestAnOrdinaryLifeIsNeverStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &office{world: newDisasterWorld(t, disaster{}), rnd: rand.New(rand.NewPCG(1, 1)), made: 1000}
		for day := range officeDays {
			o.day(day)
		}
		if a, b := content(o.a, "cards"), content(o.b, "cards"); !slices.Equal(a, b) {
			t.Errorf("%d and %d cards are not the same: %d differ", len(a), len(b), harm(a, b))
		}
		if n := len(o.b.Rows("cards")); n < 300 {
			t.Errorf("there are %d cards only: nobody worked", n)
		}
	})
}

// day is one day: a bulk day's work, and what happens every day, with a run every two hours.
func (o *office) day(day int) {
	if work := o.bulk()[day]; work != nil {
		work()
	}
	for range 5 {
		if day%7 < 5 && (day < 42 || day > 49) { // neither at the week's end nor in the holidays
			o.work()
		}
		time.Sleep(2 * time.Hour)
		rep := o.sync("cards")
		if rep.Status == engine.StatusBlocked || rep.Status == engine.StatusFailed {
			o.t.Fatalf("day %d: %+v\n%v", day, rep, o.reviews())
		}
		items, err := o.store.Reviews(o.t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewGuard, store.ReviewIdentity}})
		if err != nil || len(items) > 0 {
			o.t.Fatalf("day %d: %v, %v", day, items, err)
		}
	}
	time.Sleep(14 * time.Hour)
}

// bulk says on which days much is done at once.
func (o *office) bulk() map[int]func() {
	return map[int]func(){
		3:  func() { o.importing(50) },
		8:  func() { o.some(o.a, 5, "tags", becomes("press;vip")) },                                   // a campaign
		15: func() { o.some(o.b, 5, "stage", becomes("won")) },                                        // an owner leaves
		22: func() { o.some(o.a, 5, "tags", becomes("")) },                                            // the campaign is over
		24: func() { o.some(o.a, 3, "discount", of("discount", o.dearer)) },                           // new prices
		29: func() { o.some(o.b, 20, "born", of("born", moved(24*time.Hour))) },                       // what is due is put off
		31: func() { o.some(o.b, 12, "phone", of("phone", o.dialled)) },                               // a company has new lines
		36: func() { o.some(o.a, 8, "notes", of("notes", func(s string) string { return s + "!" })) }, // a remark for many
		38: func() { o.clearing(12) },
		50: func() { o.importing(60) },
		52: func() { o.some(o.a, 4, "seen", of("seen", o.later)) }, // a day on the phone
		57: func() { o.merging(5) },
		60: func() { o.some(o.b, 6, "stage", becomes("")) },
		64: func() { o.some(o.a, 3, "stage", becomes("new")) },
		68: func() { o.clearing(14) },
		71: func() { o.importing(30) },
	}
}

func (o *office) dearer(s string) string {
	return scaledBy(s, 1.05+float64(o.rnd.IntN(3))/100)
}

func (o *office) dialled(string) string { return fmt.Sprintf("+49308%07d", o.rnd.IntN(10_000_000)) }

func (o *office) later(string) string {
	return time.Now().Add(-time.Duration(o.rnd.IntN(600)) * time.Minute).UTC().Truncate(time.Second).Format(time.RFC3339)
}

func (o *office) importing(n int) {
	for range n {
		o.create(o.a)
	}
}

func (o *office) create(tw *toy.Twin) {
	o.made++
	o.put(tw, "cards", "", newCard(o.made))
}

// some changes a field of one in so many.
func (o *office) some(tw *toy.Twin, in int, field string, change func(int, map[string]string) string) {
	for i, row := range tw.Rows("cards") {
		if i%in == 0 && row.Fields[field] != "" {
			o.put(tw, "cards", row.ID, map[string]string{field: change(i, row.Fields)})
		}
	}
}

// clearing is somebody who clears up for an hour.
func (o *office) clearing(n int) {
	rows := o.a.Rows("cards")
	for i := range n {
		o.remove(o.a, "cards", rows[i*7].ID)
	}
}

func (o *office) merging(n int) {
	rows := o.a.Rows("cards")
	for i := range n {
		if err := o.a.Merge("cards", rows[i*9].ID, rows[i*9+1].ID); err != nil {
			o.t.Fatal(err)
		}
	}
	o.sync("cards")
	for _, item := range o.open(store.ReviewMerge) {
		o.decide(item, "merge") // on the other side too
	}
}

func (o *office) open(kind store.ReviewKind) []store.Review {
	items, err := o.store.Reviews(o.t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{kind}, Open: true})
	if err != nil {
		o.t.Fatal(err)
	}
	return items
}

// work is two hours of an office.
func (o *office) work() {
	for range o.rnd.IntN(6) {
		tw := []*toy.Twin{o.a, o.b}[o.rnd.IntN(2)]
		rows := tw.Rows("cards")
		row := rows[o.rnd.IntN(len(rows))]
		field, text := "notes", "Called on "+time.Now().Format(time.DateTime)
		switch o.rnd.IntN(9) {
		case 0:
			o.create(tw)
			continue
		case 1:
			if o.rnd.IntN(8) == 0 {
				o.remove(tw, "cards", row.ID)
			}
			continue
		case 2:
			field, text = "phone", o.dialled("")
		case 3:
			field, text = "stage", []string{"new", "won", "lost"}[o.rnd.IntN(3)]
		case 4:
			field, text = "seen", o.later("")
		case 5:
			field, text = "name", strings.TrimSuffix(row.Fields["name"], " GmbH")
		case 6:
			field, text = "notes", ""
		}
		o.put(tw, "cards", row.ID, map[string]string{field: text})
	}
}
