package storetest

import (
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func journalCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a line comes back as it was written":                      lineRoundTrip,
		"history of a record shows both sides of its links":        historyOfRecord,
		"history by connection, sync, run and time, newest last":   historyBy,
		"R30 Spent counts distinct records per side and field":     spent,
		"history of a record that nobody knows is empty":           historyUnknown,
		"history goes on over a link that was closed and replaced": historyOverLinks,
	}
}

func lineRoundTrip(b *bench) {
	want := []store.Entry{
		{At: at(1), Run: 7, Sync: "contacts", Link: 3, Side: record.Right, Of: crm, Record: "r1", Kind: store.Created,
			Set: record.Fields{"email": record.Text("a@x"), "fax": {}}, Why: "it was only on the left"},
		{At: at(2), Run: 7, Sync: "contacts", Link: 3, Side: record.Left, Of: erp, Record: "1", Kind: store.Written, Field: "town",
			Old: record.Text("Athens"), New: record.Texts("a", "b"), Why: "right changed", By: "ann"},
	}
	b.decide(store.Facts{Journal: want})
	got, err := b.s.History(b.ctx, store.HistoryQuery{})
	b.ok(err)
	for i := range got {
		if got[i].ID == 0 {
			b.Error("a line has no id")
		}
		got[i].ID = 0
	}
	b.same("lines", want, got)
}

func (b *bench) whys(q store.HistoryQuery) []string {
	b.Helper()
	lines, err := b.s.History(b.ctx, q)
	b.ok(err)
	var whys []string
	for _, e := range lines {
		whys = append(whys, e.Why)
	}
	return whys
}

func historyOfRecord(b *bench) {
	l, e := b.link("1", "r1")
	e.Why = "linked"
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{
		{At: at(0), Sync: "contacts", Of: erp, Record: "1", Why: "before"}, e,
		{At: at(1), Sync: "contacts", Link: l.ID, Side: record.Right, Of: crm, Record: "r1", Why: "right"},
		{At: at(1), Sync: "contacts", Of: erp, Record: "2", Why: "another"},
		{At: at(1), Sync: "contacts", Of: crm, Record: "1", Why: "same id elsewhere"},
	}})
	b.same("left", []string{"before", "linked", "right"}, b.whys(store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"}))
	b.same("right", []string{"linked", "right"}, b.whys(store.HistoryQuery{Connection: "crm", Object: "contacts", Record: "r1"}))
	b.same("newest", []string{"right"}, b.whys(store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1", Limit: 1}))
}

func historyOverLinks(b *bench) {
	old := b.linked(1)[0]
	old.Closed = "merged"
	closed := line(old, store.Closed)
	closed.Why = "closed"
	l, e := b.link("1", "r2")
	e.Why = "linked anew"
	b.decide(store.Facts{Links: []store.Link{old, l}, Journal: []store.Entry{closed, e}})
	b.same("lines", []string{"", "closed", "linked anew"}, b.whys(store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"}))
	b.same("lines of the old partner", []string{"", "closed"}, b.whys(store.HistoryQuery{Connection: "crm", Object: "contacts", Record: "r1"}))
}

func historyUnknown(b *bench) {
	b.linked(1)
	b.same("lines", 0, len(b.whys(store.HistoryQuery{Connection: "nobody", Object: "contacts", Record: "1"})))
	b.same("lines", 0, len(b.whys(store.HistoryQuery{Connection: "nobody"})))
	b.same("lines", 0, len(b.whys(store.HistoryQuery{Sync: "nobody"})))
}

func historyBy(b *bench) {
	b.ok(b.s.StartRun(b.ctx, store.Run{ID: 41, Sync: "contacts", Started: at(1)}))
	b.decide(store.Facts{Journal: []store.Entry{
		{At: at(1), Run: 41, Sync: "contacts", Of: erp, Record: "1", Why: "a"},
		{At: at(2), Run: 41, Sync: "contacts", Of: crm, Record: "1", Why: "b"},
		{At: at(3), Run: 42, Sync: "others", Of: companies, Record: "1", Why: "c"},
	}})
	b.same("all", []string{"a", "b", "c"}, b.whys(store.HistoryQuery{}))
	b.same("newest", []string{"b", "c"}, b.whys(store.HistoryQuery{Limit: 2}))
	b.same("connection", []string{"b", "c"}, b.whys(store.HistoryQuery{Connection: "crm"}))
	b.same("object", []string{"c"}, b.whys(store.HistoryQuery{Connection: "crm", Object: "companies"}))
	b.same("sync", []string{"c"}, b.whys(store.HistoryQuery{Sync: "others"}))
	b.same("run", []string{"a", "b"}, b.whys(store.HistoryQuery{Run: 41}))
	b.same("a run that nobody started", []string{"c"}, b.whys(store.HistoryQuery{Run: 42}))
	b.same("since", []string{"b", "c"}, b.whys(store.HistoryQuery{Since: at(2)}))
}

func spent(b *bench) {
	var lines []store.Entry
	add := func(minutes int, side record.Side, kind store.EntryKind, id, field string) {
		lines = append(lines, store.Entry{At: at(minutes), Sync: "contacts", Side: side, Of: crm, Record: id, Kind: kind, Field: field})
	}
	add(0, record.Right, store.Created, "old", "")
	for _, id := range []string{"1", "2", "2"} {
		add(5, record.Right, store.Created, id, "")
		add(5, record.Right, store.Written, id, "email")
		add(5, record.Right, store.Deleted, id, "")
		add(6, record.Right, store.Archived, id, "")
	}
	add(6, record.Right, store.Written, "3", "town")
	add(6, record.Right, store.Written, "3", "email")
	add(6, record.Right, store.Overruled, "3", "town")
	add(6, record.Left, store.Written, "3", "town")
	lines = append(lines, store.Entry{At: at(6), Sync: "contacts", Side: record.Left, Of: crm, Record: "4", Kind: store.Written, Field: "town", Why: store.ByConfiguration + "x"})
	b.decide(store.Facts{Journal: lines})
	got, err := b.s.Spent(b.ctx, "contacts", record.Right, at(5))
	b.ok(err)
	b.same("right", store.Spent{Created: 2, Deleted: 2, Updated: map[string]int{"email": 3, "town": 1}}, got)
	got, err = b.s.Spent(b.ctx, "contacts", record.Left, at(5))
	b.ok(err)
	b.same("left", store.Spent{Updated: map[string]int{"town": 1}}, got)
	got, err = b.s.Spent(b.ctx, "nobody", record.Left, at(0))
	b.ok(err)
	b.same("nobody", store.Spent{}, got)
	peaks, err := b.s.Peaks(b.ctx, "contacts", at(0))
	b.ok(err)
	b.same("peaks", store.Peaks{Deleted: 2, Created: 3, Updated: 3}, peaks)
}
