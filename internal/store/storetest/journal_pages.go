package storetest

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func journalPageCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"pages of the journal, put together, are all of it, the newest first": journalPages,
		"a page says where a long search goes on":                             journalSearch,
		"runs by sync and status, page by page":                               runPages,
		"review items of a time are summed up by their causes":                reviewCauses,
	}
}

// paged walks all pages and returns why each line was written.
func (b *bench) paged(h store.HistoryQuery) []string {
	b.Helper()
	var whys []string
	var before int64
	for range 50 {
		page, next, err := b.s.Journal(b.ctx, h, before)
		b.ok(err)
		if len(page) > h.Limit {
			b.Fatalf("a page of %d lines", len(page))
		}
		for _, e := range page {
			whys = append(whys, e.Why)
		}
		if next == 0 {
			return whys
		}
		before = next
	}
	b.Fatal("it has no end")
	return nil
}

func journalPages(b *bench) {
	b.ok(b.s.StartRun(b.ctx, store.Run{ID: 41, Sync: "contacts", Started: at(1)}))
	b.ok(b.s.FinishRun(b.ctx, store.Run{ID: 41, Sync: "contacts", Started: at(1), Ended: at(9), Status: "ok"}))
	b.ok(b.s.StartRun(b.ctx, store.Run{ID: 42, Sync: "contacts", Started: at(20)}))
	l, linked := b.link("1", "r1")
	linked.Why, linked.At, linked.Run = "linked", at(1), 41
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{
		linked,
		{At: at(2), Run: 41, Sync: "contacts", Link: l.ID, Side: record.Right, Of: crm, Record: "r1", Kind: store.Written, Field: "town", Why: "town"},
		{At: at(2), Run: 41, Sync: "contacts", Link: l.ID, Side: record.Left, Of: erp, Record: "1", Kind: store.Overruled, Field: "town", Why: "lost"},
		{At: at(2), Run: 41, Sync: "contacts", Of: erp, Record: "2", Kind: store.Deleted, Why: "gone"},
		{At: at(15), Sync: "contacts", Kind: store.Decided, By: "ann", Why: "ann"},
		{At: at(21), Run: 42, Sync: "contacts", Of: crm, Record: "r2", Kind: store.Written, Field: "email", By: "ann", Why: "email"},
		{At: at(22), Run: 43, Sync: "others", Of: companies, Record: "9", Kind: store.Written, Field: "town", Why: "other"},
	}})
	for _, x := range []struct {
		h    store.HistoryQuery
		want []string
	}{
		{store.HistoryQuery{}, []string{"other", "email", "ann", "gone", "lost", "town", "linked"}},
		{store.HistoryQuery{Run: 41}, []string{"gone", "lost", "town", "linked"}},
		{store.HistoryQuery{Run: 42}, []string{"email"}},
		{store.HistoryQuery{Run: 41, Field: "town"}, []string{"lost", "town"}},
		{store.HistoryQuery{Sync: "contacts"}, []string{"email", "ann", "gone", "lost", "town", "linked"}},
		{store.HistoryQuery{Sync: "nobody"}, nil},
		{store.HistoryQuery{Field: "town"}, []string{"other", "lost", "town"}},
		{store.HistoryQuery{By: "ann"}, []string{"email", "ann"}},
		{store.HistoryQuery{By: "ann", Kinds: []store.EntryKind{store.Decided}}, []string{"ann"}},
		{store.HistoryQuery{Kinds: store.LostKinds()}, []string{"gone", "lost"}},
		{store.HistoryQuery{Kinds: []store.EntryKind{store.Overruled}, Sync: "contacts"}, []string{"lost"}},
		{store.HistoryQuery{Kinds: []store.EntryKind{store.Overruled, store.Written}}, []string{"other", "email", "lost", "town"}},
		{store.HistoryQuery{Connection: "crm"}, []string{"other", "email", "town"}},
		{store.HistoryQuery{Connection: "crm", Object: "contacts"}, []string{"email", "town"}},
		{store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"}, []string{"lost", "town", "linked"}},
		{store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1", Field: "town", Sync: "contacts"}, []string{"lost", "town"}},
		{store.HistoryQuery{Since: at(15)}, []string{"other", "email", "ann"}},
		{store.HistoryQuery{Since: at(15), Sync: "others"}, []string{"other"}},
		{store.HistoryQuery{Since: at(2), Kinds: store.LostKinds()}, []string{"gone", "lost"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			x.h.Limit = limit
			b.same(fmt.Sprintf("%+v", x.h), x.want, b.paged(x.h))
		}
	}
}

func journalSearch(b *bench) {
	lines := make([]store.Entry, 450)
	for i := range lines {
		lines[i] = store.Entry{At: at(i), Sync: "contacts", Of: erp, Record: "2", Kind: store.Written, Field: "name"}
	}
	lines[0].Field, lines[0].Why = "town", "first"
	lines[440].Field, lines[440].Why = "town", "last"
	b.decide(store.Facts{Journal: lines})
	page, next, err := b.s.Journal(b.ctx, store.HistoryQuery{Field: "town", Limit: 5, Look: 80}, 0)
	b.ok(err)
	if len(page) != 1 || page[0].Why != "last" || next == 0 {
		b.Errorf("%d lines, next %d", len(page), next)
	}
	b.same("all", []string{"last", "first"}, b.paged(store.HistoryQuery{Field: "town", Limit: 5, Look: 80}))
	if page, next, err = b.s.Journal(b.ctx, store.HistoryQuery{Field: "town", Since: at(440), Limit: 5, Look: 80}, 0); err != nil || len(page) != 1 || next != 0 {
		b.Errorf("it looked further back than asked: %d lines, next %d, %v", len(page), next, err)
	}
}

func runPages(b *bench) {
	for i, r := range []store.Run{
		{ID: 1, Sync: "contacts", Status: "ok", Ended: at(1)}, {ID: 2, Sync: "others", Status: "failed", Ended: at(2)},
		{ID: 3, Sync: "contacts", Status: "failed", Ended: at(3)}, {ID: 4, Sync: "contacts"}, {ID: 5, Sync: "contacts", Status: store.RunCutShort},
	} {
		r.Started = at(i)
		b.ok(b.s.StartRun(b.ctx, r))
	}
	for _, x := range []struct {
		q    store.RunQuery
		want []int64
	}{
		{store.RunQuery{}, []int64{5, 4, 3, 2, 1}},
		{store.RunQuery{Limit: 2}, []int64{5, 4}},
		{store.RunQuery{Limit: 2, Before: 4}, []int64{3, 2}},
		{store.RunQuery{Sync: "contacts", Before: 4}, []int64{3, 1}},
		{store.RunQuery{Sync: "nobody"}, nil},
		{store.RunQuery{Status: "failed"}, []int64{3, 2}},
		{store.RunQuery{Status: store.StatusRunning}, []int64{4}},
		{store.RunQuery{Status: store.RunCutShort, Sync: "contacts"}, []int64{5}},
	} {
		runs, err := b.s.RunsPage(b.ctx, x.q)
		b.ok(err)
		var got []int64
		for _, r := range runs {
			got = append(got, r.ID)
		}
		b.same(fmt.Sprintf("%+v", x.q), x.want, got)
	}
}

func reviewCauses(b *bench) {
	item := func(subject, cause string, minute int) store.Review {
		r := b.review(subject)
		r.Kind, r.Cause, r.Opened = store.ReviewParked, cause, at(minute)
		return r
	}
	open := b.open(item("a", "no name", 5), item("b", "no name", 6), item("c", "too long", 6), item("d", "no name", 20), item("e", "", 4))
	other := item("a", "no name", 5)
	other.Sync = "others"
	b.decide(store.Facts{Reviews: []store.Review{other}})
	b.ok(b.s.DecideReview(b.ctx, open[1].ID, "left", "ann", at(7)))
	got, err := b.s.ReviewCauses(b.ctx, "contacts", at(5), at(10), 10)
	b.ok(err)
	want := []store.ReviewCause{
		{Kind: store.ReviewParked, Cause: "no name", Items: 2, Open: 1, First: open[0]},
		{Kind: store.ReviewParked, Cause: "too long", Items: 1, Open: 1, First: open[2]},
	}
	b.same("causes", want, got)
	got, err = b.s.ReviewCauses(b.ctx, "contacts", at(50), at(60), 10)
	b.ok(err)
	b.same("none", 0, len(got))
	got, err = b.s.ReviewCauses(b.ctx, "nobody", time.Time{}, at(60), 10)
	b.ok(err)
	b.same("of nobody", 0, len(got))
}
