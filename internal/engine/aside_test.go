package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// countsYAML computes of each label how its cards stand; no sync reads the cards themselves.
const countsYAML = "rates: { EUR: 1, USD: 0.9 }\n" + header + `
  labels:
    left: a.labels
    right: b.labels
    match: [code]
    direction: left-to-right
    guard: { update: 100% }
    fields:
      - code
      - { right: name, from: 'name + " " + count(cards, .stage == "won") + "/" + len(cards) + " " + (latest(cards, "seen").name ?? "-")' }
      - { right: weight, from: 'sum(filter(cards, .stage == "won"), convert(.discount, .notes))' }
`

// a card of a label: its stage, an amount and the currency of that.
func (w *world) card(id, label, stage, amount, currency, seen string) string {
	w.t.Helper()
	f := map[string]string{"label": label, "stage": stage, "discount": amount, "notes": currency, "seen": seen}
	if id == "" {
		f["name"] = "Card " + amount
	}
	return w.put(w.a, "cards", id, f)
}

func (w *world) label(code, name, weight string) {
	w.t.Helper()
	got := w.by(w.b, "labels", "code", code).Fields
	if got["name"] != name || got["weight"] != weight {
		w.t.Errorf("%s is %q with %q, want %q with %q", code, got["name"], got["weight"], name, weight)
	}
}

func TestFieldsAreComputedOfTheRecordsThatRefer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		tin := w.put(w.a, "labels", "", map[string]string{"name": "Tin", "code": "t"})
		one := w.card("", gold, "won", "10", "EUR", "2026-01-01T00:00:00Z")
		w.card("", gold, "won", "0.5", "USD", "2026-01-03T00:00:00Z")
		w.card("", gold, "lost", "99", "EUR", "2026-01-02T00:00:00Z")
		w.settled("labels")
		w.label("g", "Gold 2/3 Card 0.5", "10.45")
		w.label("t", "Tin 0/0 -", "0")
		quiet(t, w)

		w.card(one, tin, "won", "10", "EUR", "") // it is given to another label
		rep := w.settled("labels")
		w.label("g", "Gold 1/2 Card 0.5", "0.45")
		w.label("t", "Tin 1/1 -", "10")
		if rep.Unchanged != 0 || rep.Right.Updated != 2 {
			t.Errorf("%d pairs were looked at in vain and %d updated, want the two labels of the card", rep.Unchanged, rep.Right.Updated)
		}
		w.card(one, "", "won", "10", "EUR", "")
		w.settled("labels")
		w.label("t", "Tin 0/0 -", "0")
		quiet(t, w)
	})
}

// A changed child recomputes its parent and nobody else, however many there are.
func TestAChangedChildRecomputesItsParentOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		var labels, cards []string
		for i := range 40 {
			labels = append(labels, w.put(w.a, "labels", "", map[string]string{"name": "L", "code": "c" + strconv.Itoa(i)}))
			cards = append(cards, w.card("", labels[i], "new", "1", "EUR", ""))
		}
		w.settled("labels")
		w.card(cards[7], labels[7], "won", "1", "EUR", "")
		rep := w.settled("labels")
		if looked := rep.Unchanged + rep.Right.Updated; looked != 1 {
			t.Errorf("%d pairs were planned, want the one whose card has changed", looked)
		}
		w.label("c7", "L 1/1 -", "1")
		w.remove(w.a, "cards", cards[9])
		rep = w.settled("labels")
		if looked := rep.Unchanged + rep.Right.Updated; looked != 1 {
			t.Errorf("%d pairs were planned, want the one whose card is gone", looked)
		}
		w.label("c9", "L 0/0 -", "0")
	})
}

// R11: an amount in a currency without a rate makes the sum absent, and says why; the rest of
// the record is kept in step.
func TestASumWithoutARateIsAbsentAndShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		one := w.card("", gold, "won", "10", "EUR", "")
		w.settled("labels")
		w.card(one, gold, "won", "12", "JPY", "")
		w.put(w.a, "labels", gold, map[string]string{"name": "Gilt"})
		w.settled("labels")
		w.label("g", "Gilt 1/1 -", "10")
		of := store.Object{Connection: "b", Name: "labels"}
		whys, err := w.engine.Why(t.Context(), of, w.by(w.b, "labels", "code", "g").ID, "weight")
		if err != nil || len(whys) != 1 || len(whys[0].Fields) != 1 {
			t.Fatalf("why says %+v, %v", whys, err)
		}
		f := whys[0].Fields[0]
		if f.State != "differs" || f.Reason.Rule.Number != "" || !strings.Contains(f.Reason.Text, `no rate for "JPY"`) || !strings.Contains(f.Origin.Text, "1 of cards that refer to it by label") {
			t.Errorf("the weight is %q because %q, from %q", f.State, f.Reason.Text, f.Origin.Text)
		}
		w.card(one, gold, "won", "10", "EUR", "")
		w.settled("labels")
		whys, err = w.engine.Why(t.Context(), of, w.by(w.b, "labels", "code", "g").ID, "weight")
		if err != nil || whys[0].Fields[0].State != "agreed" || !strings.Contains(whys[0].Fields[0].Origin.Text, `comes to "10"`) {
			t.Errorf("why says %+v, %v", whys, err)
		}
	})
}

// What is computed step by step is what a fresh installation computes at once, wherever the
// process was killed on the way (Invariant 1).
func TestComputedStepByStepIsComputedAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type move struct{ card, label, stage, amount, crash int }
		moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
			return move{rapid.IntRange(0, 3).Draw(t, "card"), rapid.IntRange(-1, 2).Draw(t, "label"), rapid.IntRange(0, 2).Draw(t, "stage"),
				rapid.IntRange(0, 9).Draw(t, "amount"), rapid.IntRange(-3, 9).Draw(t, "crash")}
		}), 1, 5).Draw(rt, "moves")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, countsYAML)
			labels, cards := []string{""}, make([]string, 4)
			for i := range 3 {
				labels = append(labels, w.put(w.a, "labels", "", map[string]string{"name": "L", "code": "c" + strconv.Itoa(i)}))
			}
			w.settled("labels")
			for _, m := range moves {
				if m.label == -1 && m.stage == 0 && cards[m.card] != "" {
					w.remove(w.a, "cards", cards[m.card])
					cards[m.card] = ""
				} else {
					cards[m.card] = w.card(cards[m.card], labels[m.label+1], []string{"new", "won", "lost"}[m.stage], strconv.Itoa(m.amount), "USD", "")
				}
				if m.crash >= 0 {
					w.crash(m.crash)
					w.restart()
				} else if m.crash == -1 {
					w.sync("labels")
				}
			}
			w.settled("labels")
			for i, id := range labels[1:] {
				won, all, sum := 0, 0, decimal.Zero
				for _, c := range w.a.Rows("cards") {
					if c.Fields["label"] != id {
						continue
					}
					all++
					if c.Fields["stage"] == "won" {
						won++
						sum = sum.Add(decimal.RequireFromString(c.Fields["discount"]).Mul(decimal.RequireFromString("0.9")))
					}
				}
				w.label("c"+strconv.Itoa(i), fmt.Sprintf("L %d/%d -", won, all), sum.String())
			}
			quiet(t, w)
		})
	})
}

// What is reported of a card recomputes its label, without a listing.
func TestAReportedChildRecomputesItsParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		one := w.card("", gold, "new", "10", "EUR", "")
		w.settled("labels")
		w.card(one, gold, "won", "10", "EUR", "")
		w.hint("a", one)
		time.Sleep(3 * time.Second)
		reports, err := w.engine.SyncHinted(t.Context(), nil, nil)
		if err != nil || len(reports) != 1 || reports[0].Right.Updated != 1 {
			t.Fatalf("reports are %+v, %v", reports, err)
		}
		w.label("g", "Gold 1/1 -", "10")
		quiet(t, w)
	})
}

// R19: what other rates would write to linked records waits for approval.
func TestOtherRatesWaitForApproval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		w.card("", gold, "won", "10", "USD", "")
		w.settled("labels")
		w.label("g", "Gold 1/1 -", "9")
		w.configure(strings.Replace(countsYAML, "0.9 ", "0.5 ", 1))
		w.sync("labels")
		w.label("g", "Gold 1/1 -", "9")
		w.syncWith("labels", engine.SyncOptions{Approve: true})
		w.label("g", "Gold 1/1 -", "5")
	})
}

func TestAPreviewShowsComputedValues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, countsYAML)
		gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
		w.card("", gold, "won", "10", "EUR", "")
		all, err := w.engine.Preview(t.Context(), nil)
		if err != nil || len(all) != 1 || len(all[0].Items) != 1 {
			t.Fatalf("the preview is %+v, %v", all, err)
		}
		fields := all[0].Items[0].Fields
		if !slices.ContainsFunc(fields, func(f engine.PreviewField) bool { return f.Name == "weight" && f.New.Text() == "10" }) {
			t.Errorf("the preview shows %+v", fields)
		}
	})
}

// A filter may look at those that refer to a record: it is created when one of them lets it in,
// however many workers there are.
func TestAFilterLooksAtTheRecordsThatRefer(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, strings.Replace(countsYAML, "    match: [code]\n", "    match: [code]\n    where: { left: \"count(cards, .stage == 'won') > 0\" }\n", 1))
			w.workers = workers
			w.configure(w.yaml)
			gold := w.put(w.a, "labels", "", map[string]string{"name": "Gold", "code": "g"})
			one := w.card("", gold, "new", "1", "EUR", "")
			for i := range 30 {
				id := w.put(w.a, "labels", "", map[string]string{"name": "L", "code": "c" + strconv.Itoa(i)})
				w.card("", id, "won", "1", "EUR", "")
			}
			w.settled("labels")
			if n := len(w.b.Rows("labels")); n != 30 {
				t.Errorf("%d labels were created, want those with a won card", n)
			}
			w.card(one, gold, "won", "2", "EUR", "")
			w.settled("labels")
			w.label("g", "Gold 1/1 -", "2")
			quiet(t, w)
		})
	}
}
