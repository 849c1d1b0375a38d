package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A deciding is a time in which people work on both sides and decide at random whatever is
// asked.
type deciding struct {
	*world
	rnd  *rand.Rand
	said int
	owed map[string]string // texts that people wrote, by side and card
}

func (d *deciding) text() string {
	d.said++
	if d.rnd.IntN(4) == 0 {
		return fmt.Sprintf("bad %d", d.said)
	}
	return fmt.Sprintf("good %d", d.said)
}

func (d *deciding) twin() (string, *toy.Twin) {
	if d.rnd.IntN(2) == 0 {
		return "a", d.a
	}
	return "b", d.b
}

// step lets something happen.
func (d *deciding) step() {
	side, tw := d.twin()
	rows := tw.Rows("cards")
	switch n := d.rnd.IntN(10); {
	case n < 3 || len(rows) == 0:
		text := d.text()
		email := fmt.Sprintf("p%d@x.gr", d.rnd.IntN(6)) // some share it
		id := d.put(tw, "cards", "", map[string]string{"name": fmt.Sprintf("P %d", d.said), "email": email, "notes": text})
		d.owed[side+id] = text
	case n < 6:
		text := d.text()
		row := rows[d.rnd.IntN(len(rows))]
		d.put(tw, "cards", row.ID, map[string]string{"notes": text})
		d.owed[side+row.ID] = text
	case n < 7:
		row := rows[d.rnd.IntN(len(rows))]
		d.remove(tw, "cards", row.ID)
		delete(d.owed, side+row.ID)
	default:
		if d.rnd.IntN(3) == 0 { // and some answers are lost
			tw.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		}
		d.sync("cards")
		d.decideSome()
	}
	time.Sleep(time.Duration(1+d.rnd.IntN(90)) * time.Second)
}

// decideSome decides what is asked, or enters a value.
func (d *deciding) decideSome() int {
	items, err := d.store.Reviews(d.t.Context(), store.ReviewQuery{Open: true, Limit: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, item := range items {
		if d.rnd.IntN(3) == 0 {
			p, err := d.engine.PlanEdit(d.t.Context(), item, []engine.Assignment{{Field: "notes", Value: d.text()}})
			if err == nil {
				if err := d.store.EditReview(d.t.Context(), item.ID, p.Edit, "ann", time.Now()); err != nil {
					d.t.Fatal(err)
				}
				continue
			}
		}
		if len(item.Choices) > 0 {
			d.decide(item, item.Choices[d.rnd.IntN(len(item.Choices))])
		}
	}
	return len(items)
}

// judge holds what came of it against the invariants 5 to 8.
func (d *deciding) judge() {
	t := d.t
	journal, err := d.store.History(t.Context(), store.HistoryQuery{Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, e := range journal {
		told[e.Old.Text()], told[e.New.Text()], told[e.Set["notes"].Text()] = true, true, true
	}
	deleted := map[string]int{}
	for side, tw := range map[string]*toy.Twin{"a": d.a, "b": d.b} {
		names := map[string]bool{}
		for _, row := range tw.Rows("cards") {
			told[row.Fields["notes"]] = true
			if name := row.Fields["name"]; names[name] {
				t.Errorf("invariant 8: %s has %q twice", side, name)
			}
			names[row.Fields["name"]] = true
		}
		for _, act := range tw.Ledger().Acts() {
			if act.Verb == "delete" || act.Verb == "archive" {
				deleted[act.By]++
			}
		}
	}
	if deleted["api"] > deleted["person"] {
		t.Errorf("invariant 5: %d deletes of ours after %d of people", deleted["api"], deleted["person"])
	}
	for where, text := range d.owed {
		if !told[text] {
			t.Errorf("invariant 7: %q, written at %s, is neither on a side nor in the journal", text, where)
		}
	}
}

// Whatever people decide, in whatever order, invariants 5 to 8 hold.
func TestRandomDecisionsBreakNoInvariant(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, cardsWith("prefer: "+[]string{"ask", "left", "newest"}[seed%3], "delete: delete"))
				w.refusing(seed%2 == 0)
				d := &deciding{world: w, rnd: rand.New(rand.NewPCG(seed, 1)), owed: map[string]string{}}
				for range 30 {
					d.step()
				}
				w.wrap = nil // in the end the systems take all, and everything is decided
				w.configure(w.yaml)
				for range 12 {
					time.Sleep(time.Hour)
					w.sync("cards")
					if d.decideSome() == 0 {
						break
					}
				}
				w.sync("cards")
				quiet(t, w) // invariant 6
				w.carried()
				d.judge()
			})
		})
	}
}

// R10: what a person answers about a field that was put back too often is done, once.
func TestR10WhatWasPutBackTooOftenEndsAsAPersonSays(t *testing.T) {
	t.Parallel()
	for decision, want := range map[string]string{"left": "mine", "right": "theirs"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsWith("direction: left-to-right", "enforce: true"))
			l := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "mine"})
			w.settled("cards")
			r := w.b.Rows("cards")[0].ID
			again := func() {
				time.Sleep(time.Minute)
				w.put(w.b, "cards", r, map[string]string{"notes": "theirs"})
				w.sync("cards")
			}
			for range 4 {
				again()
			}
			w.decide(w.review(store.ReviewConflict), decision)
			w.settled("cards")
			w.holds(w.a, l, "notes", "mine")
			w.holds(w.b, r, "notes", want)
			quiet(t, w)
			if decision == "left" {
				again()
				w.review(store.ReviewConflict) // the next time is another question
			}
		})
	}
}
