package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// wonYAML carries cards of one stage over, and makes none on the side that has the filter.
const wonYAML = header + `
  cards:
    left: a.cards
    right: b.cards
    direction: left-to-right
    match: [email]
    where: { left: "stage == 'won'" }
    fields: [name, box, email, stage, notes]
`

// unseen is a filter of the same meaning that no vendor can be asked for.
func unseen(yaml string) string {
	return strings.ReplaceAll(yaml, "stage == 'won'", "upper(stage) == 'WON'")
}

func (w *world) fill(n, won int) {
	w.t.Helper()
	for i := range n {
		stage := "new"
		if i < won {
			stage = "won"
		}
		w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprintf("Card %d", i), "email": fmt.Sprintf("c%d@x.gr", i), "stage": stage})
	}
}

func TestTheFirstListingBringsOnlyWhatCanPassTheFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wonYAML)
		w.fill(120, 7)
		rep := w.settled("cards")
		if rep.Left.Read != 7 || rep.Right.Created != 7 {
			t.Fatalf("read %d and created %d of 7 that are won", rep.Left.Read, rep.Right.Created)
		}
		// What enters the filter later comes as a change.
		late := w.by(w.a, "cards", "name", "Card 100")
		w.put(w.a, "cards", late.ID, map[string]string{"stage": "won"})
		if rep := w.settled("cards"); rep.Left.Read != 1 || rep.Right.Created != 1 {
			t.Errorf("a card that became won: read %d, created %d", rep.Left.Read, rep.Right.Created)
		}
		// R21: a narrowed listing proves nothing, and a sweep does not fetch what nobody asked for.
		if rep := w.syncWith("cards", engine.SyncOptions{Sweep: true}); rep.Right.Deleted != 0 || rep.Linked != 8 || !rep.Reconciled {
			t.Errorf("after a sweep: %+v %v", rep, rep.Gaps)
		}
		if n := len(w.mirrored("a")); n != 8 {
			t.Errorf("the mirror has %d cards, want the 8 that were asked for", n)
		}
		quiet(t, w)
	})
}

func TestAnotherFilterListsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wonYAML)
		w.fill(20, 5)
		w.settled("cards")
		w.configure(strings.Replace(wonYAML, "stage == 'won'", "stage in ['won', 'new']", 1))
		if rep := w.settled("cards"); rep.Left.Read < 20 || rep.Right.Created != 15 {
			t.Errorf("read %d, created %d after the filter was widened", rep.Left.Read, rep.Right.Created)
		}
		w.configure(wonYAML) // once everything is known, nothing is listed again
		if rep := w.sync("cards"); rep.Left.Read != 0 || rep.Error != "" {
			t.Errorf("read %d after the filter was narrowed again, error %q", rep.Left.Read, rep.Error)
		}
	})
}

func TestAnExpiredPlaceListsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wonYAML)
		w.fill(20, 5)
		w.settled("cards")
		time.Sleep(8 * 24 * time.Hour) // the vendor's tokens live for a week
		left := w.by(w.a, "cards", "name", "Card 0").ID
		w.put(w.a, "cards", left, map[string]string{"stage": "lost"})
		if rep := w.settled("cards"); rep.Left.Read < 20 {
			t.Errorf("read %d of 20: a card that left the filter meanwhile would pass for a won one", rep.Left.Read)
		}
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Card 1").ID, map[string]string{"notes": "x"})
		quiet(t, w)
	})
}

func TestAListingThatExpiresHalfwayListsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wonYAML)
		w.fill(120, 80)
		w.crash(8) // identity and fields of both, the boxes, the first page
		w.restart()
		if n := len(w.mirrored("a")); n == 0 || n >= 80 {
			t.Fatalf("%d cards were read before the crash, want a part", n)
		}
		time.Sleep(8 * 24 * time.Hour)
		w.put(w.a, "cards", w.by(w.a, "cards", "name", "Card 0").ID, map[string]string{"stage": "lost"})
		if rep := w.settled("cards"); rep.Right.Created != 79 {
			t.Errorf("%d created, want the 79 that are still won", rep.Right.Created)
		}
		quiet(t, w)
	})
}

func TestAListingGoesOnNarrowedAfterACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, wonYAML)
		w.fill(120, 80)
		w.crash(8)
		w.restart()
		had := len(w.mirrored("a"))
		if rep := w.settled("cards"); had == 0 || rep.Left.Read != 80-had || rep.Right.Created != 80 {
			t.Errorf("read %d after %d, created %d of 80", rep.Left.Read, had, rep.Right.Created)
		}
	})
}

func TestTheListingIsNarrowedOnlyWhereItIsSafe(t *testing.T) {
	t.Parallel()
	second := strings.Replace(wonYAML[len(header):], "  cards:", "  more:", 1)
	for name, c := range map[string]struct {
		yaml string
		read int
	}{
		"R15: what creates there must know all":       {strings.Replace(wonYAML, "left-to-right", "both", 1), 20},
		"both ways, nothing created there":            {strings.Replace(wonYAML, "left-to-right", "both\n    create: right", 1), 5},
		"a second sync wants others":                  {wonYAML + strings.Replace(second, "stage == 'won'", "stage == 'new'", 1), 20},
		"a second sync wants the same and more":       {wonYAML + strings.Replace(second, "stage == 'won'", "stage == 'won' and name != 'Card 0'", 1), 5},
		"an expression that the vendor cannot select": {unseen(wonYAML), 20},
		"a condition on a field that moves no stamp":  {strings.Replace(wonYAML, "stage == 'won'", "stage == 'won' and color == ''", 1), 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.yaml)
			w.fill(20, 5)
			if rep := w.sync("cards"); rep.Left.Read != c.read {
				t.Errorf("read %d, want %d; %s", rep.Left.Read, c.read, rep.Error)
			}
		})
	}
}

func TestAReferenceToWhatWasNotListedIsAbsentNotEmpty(t *testing.T) {
	t.Parallel()
	const yaml = header + `
  labels:
    left: a.labels
    right: b.labels
    direction: left-to-right
    match: [name]
    where: { left: "code in ['k', 'l']" }
    fields: [name, code]
  cards:
    left: a.cards
    right: b.cards
    direction: left-to-right
    match: [email]
    fields: [name, box, email, label, notes]
`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, yaml)
		known := w.put(w.a, "labels", "", map[string]string{"name": "Known", "code": "k"})
		hidden := w.put(w.a, "labels", "", map[string]string{"name": "Hidden", "code": "h"})
		card := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": known})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "label": hidden})
		w.settled("cards")
		if n := len(w.b.Rows("labels")); n != 1 {
			t.Fatalf("%d labels arrived, want the one that passes", n)
		}
		theirs := w.by(w.b, "labels", "name", "Known").ID
		if got := w.by(w.b, "cards", "name", "Bob").Fields["label"]; got != "" {
			t.Errorf("Bob has label %q", got)
		}
		// R11: what cannot be told does not wipe what is there.
		w.put(w.a, "cards", card, map[string]string{"label": hidden, "notes": "moved"})
		w.settled("cards")
		if got := w.by(w.b, "cards", "name", "Ann").Fields; got["label"] != theirs || got["notes"] != "moved" {
			t.Errorf("Ann is %v, want the label kept and the notes written", got)
		}
		// The label enters the filter: both references follow.
		w.put(w.a, "labels", hidden, map[string]string{"code": "l"})
		w.settled("cards")
		now := w.by(w.b, "labels", "name", "Hidden").ID
		for _, name := range []string{"Ann", "Bob"} {
			if got := w.by(w.b, "cards", "name", name).Fields["label"]; got != now {
				t.Errorf("%s has label %q, want %q", name, got, now)
			}
		}
		quiet(t, w)
	})
}

// TestNarrowedOrNotComesToTheSame is C4: whoever applies the filter first, the other side looks
// the same in the end.
func TestNarrowedOrNotComesToTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			yaml := wonYAML
			if seed%2 == 1 {
				yaml = strings.Replace(yaml, "match: [email]", "match: [code, email]", 1)
			}
			var ends [2][]string
			var listed [2]int
			for i, y := range []string{yaml, unseen(yaml)} {
				synctest.Test(t, func(t *testing.T) { ends[i], listed[i] = people(t, y, seed) })
			}
			if diff := cmp.Diff(ends[1], ends[0]); diff != "" {
				t.Errorf("narrowing makes a difference:\n%s", diff)
			}
			if listed[0] >= listed[1] {
				t.Errorf("nothing was narrowed: %d and %d cards read", listed[0], listed[1])
			}
		})
	}
}

// people lets some act on both sides, and returns how it ends and what the first run read.
func people(t *testing.T, yaml string, seed uint64) (end []string, listed int) {
	w := newWorld(t, yaml)
	rnd := rand.New(rand.NewPCG(seed, 1))
	act := func(n int) {
		for range n {
			tw := []*toy.Twin{w.a, w.a, w.b}[rnd.IntN(3)]
			who := rnd.IntN(12)
			fields := map[string]string{"name": fmt.Sprint("P", who), "email": fmt.Sprintf("p%d@x.gr", who), "notes": fmt.Sprint(rnd.IntN(9)),
				"stage": []string{"new", "won", "lost"}[rnd.IntN(3)]}
			id := ""
			if rows := tw.Rows("cards"); len(rows) > 0 && rnd.IntN(2) == 0 {
				row := rows[rnd.IntN(len(rows))]
				id, fields["name"], fields["email"] = row.ID, row.Fields["name"], row.Fields["email"]
			}
			if id != "" && rnd.IntN(8) == 0 {
				w.remove(tw, "cards", id)
				continue
			}
			w.put(tw, "cards", id, fields)
		}
		time.Sleep(time.Minute)
	}
	act(40)
	listed = w.sync("cards").Left.Read
	for range 4 {
		act(6)
		w.sync("cards")
	}
	for _, tw := range []*toy.Twin{w.a, w.b} {
		for _, row := range tw.Rows("cards") {
			delete(row.Fields, "tandem_key")
			var cells []string
			for _, k := range slices.Sorted(maps.Keys(row.Fields)) {
				cells = append(cells, k+"="+row.Fields[k])
			}
			end = append(end, row.ID+": "+strings.Join(cells, " "))
		}
	}
	return end, listed
}

// mirrored are the present rows of a connection's cards.
func (w *world) mirrored(conn string) []store.Row {
	w.t.Helper()
	rows, err := w.store.Changed(w.t.Context(), store.Object{Connection: conn, Name: "cards"}, 0, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(rows, func(r store.Row) bool { return r.Fate != "" })
}
