package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// cards that two sides may hold: what they agreed on first, and what people made of it.
type drawnPair struct {
	agreed bool // they were in step once
	base   map[string]string
	now    [2]map[string]string
}

func drawCells(t *rapid.T, label string) map[string]string {
	return map[string]string{
		"phone":    rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, label+" phone"),
		"notes":    rapid.SampledFrom([]string{"", "a", "b", " a "}).Draw(t, label+" notes"),
		"discount": rapid.SampledFrom([]string{"", "1", "1.50", "2"}).Draw(t, label+" discount"),
		"stage":    rapid.SampledFrom([]string{"", "new", "won"}).Draw(t, label+" stage"),
		"tags":     rapid.SampledFrom([]string{"", "vip", "trade", "vip;trade"}).Draw(t, label+" tags"),
	}
}

// plays lets people do what was drawn, with the fields in an order of the configuration, and
// returns what both sides hold when it is settled.
func plays(t *testing.T, p drawnPair, prefer string, fields []string) (cells [2]map[string]string, rounds int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		yaml := header + "\n  cards:\n    left: a.cards\n    right: b.cards\n    match: [email]\n    prefer: " + prefer +
			"\n    fields: [name, box, email, " + strings.Join(fields, ", ") + "]\n"
		w := newWorld(t, yaml)
		known := map[string]string{"name": "Ann", "email": "ann@x.gr"}
		with := func(more map[string]string) map[string]string {
			all := map[string]string{}
			for _, m := range []map[string]string{known, more} {
				maps.Copy(all, m)
			}
			return all
		}
		if p.agreed {
			w.put(w.a, "cards", "", with(p.base))
			w.settled("cards")
			time.Sleep(time.Minute)
		}
		for side, tw := range []twin.Twin{w.a, w.b} {
			id := ""
			if rows := tw.Rows("cards"); len(rows) > 0 {
				id = rows[0].ID
			}
			fields := with(p.now[side])
			fields["box"] = "sales"
			if _, err := tw.Put("cards", id, fields); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		for rounds = 1; rounds <= 8; rounds++ {
			before := apiWrites(w.a, w.b)
			w.sync("cards")
			open, err := w.store.Reviews(t.Context(), store.ReviewQuery{Open: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range open {
				w.decide(item, "right")
			}
			if apiWrites(w.a, w.b) == before && len(open) == 0 {
				break
			}
			time.Sleep(time.Minute)
		}
		if rep := w.sync("cards"); rep.Status != engine.StatusOK || !rep.Reconciled || rep.Linked != 1 {
			t.Errorf("%+v", rep)
		}
		for side, tw := range []twin.Twin{w.a, w.b} {
			rows := tw.Rows("cards")
			if len(rows) != 1 {
				t.Fatalf("%d cards", len(rows))
			}
			cells[side] = rows[0].Fields
			delete(cells[side], "serial")
			delete(cells[side], engine.KeyField)
			cells[side]["tags"] = strings.Join(slices.Sorted(slices.Values(strings.Split(cells[side]["tags"], ";"))), ";")
			cells[side]["discount"] = strings.TrimSuffix(cells[side]["discount"], "0")
		}
	})
	return cells, rounds
}

// Whatever two sides hold, with a base or without: they settle within eight runs on the same,
// and in which order the fields are configured makes no difference.
func TestPropertyPairsSettleWhateverTheOrderOfFields(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := drawnPair{agreed: rapid.Bool().Draw(rt, "agreed"), base: drawCells(rt, "base"),
			now: [2]map[string]string{drawCells(rt, "left"), drawCells(rt, "right")}}
		prefer := rapid.SampledFrom([]string{"left", "right", "newest", "ask"}).Draw(rt, "prefer")
		fields := []string{"phone", "notes", "discount", "stage", "tags"}
		first, rounds := plays(t, p, prefer, fields)
		if rounds > 8 {
			rt.Fatalf("not settled within 8 runs: %v", first)
		}
		if d := cmp.Diff(first[0], first[1]); d != "" {
			rt.Fatalf("the sides differ (-left +right):\n%s", d)
		}
		second, _ := plays(t, p, prefer, rapid.Permutation(fields).Draw(rt, "order"))
		if d := cmp.Diff(first, second); d != "" {
			rt.Fatalf("another order of fields gives another outcome:\n%s", d)
		}
	})
}
