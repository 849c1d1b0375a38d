package storetest

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func overviewCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"open items are counted by sync and kind":       countReviews,
		"open items are paged, and found by their link": pageReviews,
		"items of one cause are one group":              openCauses,
		"runs are summed up by the days of a zone":      runsByDay,
		"runs that failed are grouped by their error":   runErrors,
		"what was spent is told by hour":                spendings,
		"operations are found by where they come from":  opsFrom,
	}
}

func countReviews(b *bench) {
	parked := b.review("parked")
	parked.Kind = store.ReviewParked
	b.ok(b.s.SetSync(b.ctx, "companies", erp, companies))
	other := b.review("other")
	other.Sync = "companies"
	items := b.open(b.review("one"), b.review("two"), b.review("three"), parked, other)
	b.ok(b.s.DecideReview(b.ctx, items[0].ID, "left", "ann", at(2)))
	got, err := b.s.CountReviews(b.ctx)
	b.ok(err)
	b.same("counts", []store.ReviewCount{
		{Sync: "contacts", Kind: store.ReviewConflict, N: 2},
		{Sync: "contacts", Kind: store.ReviewParked, N: 1},
		{Sync: "companies", Kind: store.ReviewConflict, N: 1},
	}, got)
}

func pageReviews(b *bench) {
	var all []store.Review
	for i := range 5 {
		r := b.review(fmt.Sprint(i))
		r.Link = int64(i % 2)
		all = append(all, r)
	}
	all = b.open(all...)
	got, err := b.s.Reviews(b.ctx, store.ReviewQuery{Open: true, After: all[1].ID, Limit: 2})
	b.ok(err)
	b.same("a page", all[2:4], got)
	got, err = b.s.Reviews(b.ctx, store.ReviewQuery{Open: true, Before: all[3].ID, Limit: 2})
	b.ok(err)
	b.same("backwards", []store.Review{all[2], all[1]}, got)
	got, err = b.s.Reviews(b.ctx, store.ReviewQuery{Open: true, Link: 1})
	b.ok(err)
	b.same("of a link", []store.Review{all[1], all[3]}, got)
}

func openCauses(b *bench) {
	var some []store.Review
	for i, cause := range []string{"invalid country", "too long", "too long"} {
		r := b.review(fmt.Sprint(i))
		r.Kind, r.Cause, r.Field = store.ReviewParked, cause, "country"
		some = append(some, r)
	}
	items := b.open(append(some, b.review("conflict"))...)
	got, err := b.s.OpenCauses(b.ctx, 9, store.ReviewParked, store.ReviewEvents)
	b.ok(err)
	group := store.OpenCause{Sync: "contacts", Kind: store.ReviewParked, Field: "country", Cause: "too long", Fix: "f", N: 2, First: items[1].ID}
	other := group
	other.Cause, other.N, other.First = "invalid country", 1, items[0].ID
	b.same("groups", []store.OpenCause{group, other}, got)
	got, err = b.s.OpenCauses(b.ctx, 1, store.ReviewParked)
	b.ok(err)
	b.same("the largest", []store.OpenCause{group}, got)
}

// ran stores a run that has ended.
func (b *bench) ran(minutes int, status, why string, sides [2]store.Counts) int64 {
	b.Helper()
	r := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(minutes)}
	b.ok(b.s.StartRun(b.ctx, r))
	r.Ended, r.Status, r.Error, r.Sides = at(minutes+1), status, why, sides
	b.ok(b.s.FinishRun(b.ctx, r))
	return r.ID
}

func runsByDay(b *bench) {
	const day = 24 * 60
	b.ran(-1, "ok", "", [2]store.Counts{{Created: 99}})
	b.ran(0, "ok", "", [2]store.Counts{{Read: 7, Created: 1}, {Created: 2, Updated: 3, Deleted: 4}})
	b.ran(14*60+29, "failed", "", [2]store.Counts{{Deleted: 1}, {}}) // 23:29
	b.ran(14*60+30, "ok", "", [2]store.Counts{{Updated: 5}, {}})     // midnight, half an hour east
	b.ran(day, "cut short", "", [2]store.Counts{})
	b.ran(day+1, "ok", "", [2]store.Counts{{Created: 99}})
	got, err := b.s.RunsByDay(b.ctx, at(0), at(day+1), time.FixedZone("half", 30*60))
	b.ok(err)
	b.same("days", []store.RunDay{
		{Day: "2026-03-04", Sync: "contacts", Runs: 2, Failed: 1, Sides: [2]store.Counts{{Created: 1, Deleted: 1}, {Created: 2, Updated: 3, Deleted: 4}}},
		{Day: "2026-03-05", Sync: "contacts", Runs: 2, Failed: 1, Sides: [2]store.Counts{{Updated: 5}, {}}},
	}, got)
	got, err = b.s.RunsByDay(b.ctx, at(2*day), at(3*day), time.UTC)
	b.ok(err)
	b.same("nothing", []store.RunDay{}, got)
}

func runErrors(b *bench) {
	b.ran(-5, "failed", "timeout", [2]store.Counts{})
	b.ran(0, "failed", "timeout", [2]store.Counts{})
	last := b.ran(5, "failed", "timeout", [2]store.Counts{})
	blocked := b.ran(6, "blocked", "guard", [2]store.Counts{})
	b.ran(7, "ok", "", [2]store.Counts{})
	got, err := b.s.RunErrors(b.ctx, at(0), 9)
	b.ok(err)
	b.same("errors", []store.RunError{
		{Sync: "contacts", Status: "failed", Error: "timeout", Runs: 2, Last: at(5), LastID: last},
		{Sync: "contacts", Status: "blocked", Error: "guard", Runs: 1, Last: at(6), LastID: blocked},
	}, got)
}

func spendings(b *bench) {
	x := store.Spending{Name: "tokens", Per: time.Hour, Hour: at(0), Units: 10}
	early := x
	early.Hour = at(-60)
	b.ok(b.s.AddSpent(b.ctx, "crm", []store.Spending{early, x}, at(60)))
	b.ok(b.s.AddSpent(b.ctx, "erp", []store.Spending{x}, at(60)))
	got, err := b.s.Spendings(b.ctx, "crm", at(0))
	b.ok(err)
	b.same("since", []store.Spending{x}, got)
}

func opsFrom(b *bench) {
	held, ready, other := b.op(connector.Create, "", "1"), b.op(connector.Create, "", "2"), b.op(connector.Create, "", "3")
	held.State, other.State = store.OpHeld, store.OpHeld
	b.decide(store.Facts{Ops: []store.Op{held, ready, other}})
	got, err := b.s.OpsFrom(b.ctx, "contacts", held.Side, []string{"1", "2"}, store.OpHeld)
	b.ok(err)
	if len(got) != 1 || got["1"].ID != held.ID || got["1"].Verb != connector.Create {
		b.Errorf("held: %+v", got)
	}
	for side, sources := range map[record.Side][]string{held.Side.Other(): {"1"}, held.Side: nil} {
		if got, err = b.s.OpsFrom(b.ctx, "contacts", side, sources, store.OpHeld); err != nil || len(got) > 0 {
			b.Errorf("of side %s from %v: %v %v", side, sources, got, err)
		}
	}
}
