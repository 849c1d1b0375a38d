package storetest

import (
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func revertCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a selection names its links once, and its other lines": selectLinks,
		"a line and a run are found by their numbers":           byNumber,
		"R30 Spent leaves out what a revert did":                spentWithoutReverts,
	}
}

func selectLinks(b *bench) {
	one, e1 := b.link("1", "r1")
	two, e2 := b.link("2", "r2")
	e1.Run, e2.Run = 7, 8
	e1.At, e2.At = at(1), at(2)
	written := store.Entry{At: at(3), Run: 8, Sync: "contacts", Link: one.ID, Side: record.Right, Of: crm, Record: "r1", Kind: store.Written, Field: "town"}
	decided := store.Entry{At: at(4), Run: 8, Sync: "contacts", Kind: store.Decided, Why: "guard"}
	b.decide(store.Facts{Links: []store.Link{one, two}, Journal: []store.Entry{e1, e2, written, written, decided}})
	b.ok(b.s.StartRun(b.ctx, store.Run{ID: 8, Sync: "contacts", Started: at(2)}))
	end, err := b.s.JournalEnd(b.ctx)
	b.ok(err)
	for _, x := range []struct {
		h    store.HistoryQuery
		want []int64
	}{
		{store.HistoryQuery{Sync: "contacts"}, []int64{one.ID, two.ID}},
		{store.HistoryQuery{Run: 8}, []int64{one.ID, two.ID}},
		{store.HistoryQuery{Sync: "contacts", Since: at(3)}, []int64{one.ID}},
		{store.HistoryQuery{Sync: "contacts", UpTo: end - 4}, []int64{one.ID}},
		{store.HistoryQuery{Connection: "crm", Object: "contacts", Record: "r2"}, []int64{two.ID}},
		{store.HistoryQuery{Sync: "contacts", Kinds: []store.EntryKind{store.Written}}, []int64{one.ID}},
	} {
		got, err := b.s.LinksIn(b.ctx, x.h)
		b.ok(err)
		b.same("links", x.want, got)
	}
	loose, err := b.s.Loose(b.ctx, store.HistoryQuery{Run: 8})
	b.ok(err)
	if len(loose) != 1 || loose[0].Kind != store.Decided {
		b.Errorf("lines of no link: %+v", loose)
	}
	lines, err := b.s.LinesOf(b.ctx, []int64{one.ID})
	b.ok(err)
	if len(lines) != 3 || lines[0].Kind != e1.Kind || lines[2].Field != "town" {
		b.Errorf("lines of one link: %+v", lines)
	}
}

func byNumber(b *bench) {
	b.decide(store.Facts{Journal: []store.Entry{{At: at(1), Sync: "contacts", Of: erp, Record: "1", Kind: store.Decided, Why: "first"}}})
	end, err := b.s.JournalEnd(b.ctx)
	b.ok(err)
	line, ok, err := b.s.Line(b.ctx, end)
	b.ok(err)
	if !ok || line.Why != "first" || line.ID != end {
		b.Errorf("line %d: %+v, %t", end, line, ok)
	}
	_, ok, err = b.s.Line(b.ctx, end+1)
	b.ok(err)
	if ok {
		b.Error("there is a line that nobody wrote")
	}
	run := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(1), Status: "ok"}
	b.ok(b.s.StartRun(b.ctx, run))
	got, ok, err := b.s.RunByID(b.ctx, run.ID)
	b.ok(err)
	if !ok {
		b.Error("the run is not found")
	}
	b.same("run", run, got)
	_, ok, err = b.s.RunByID(b.ctx, run.ID+1)
	b.ok(err)
	if ok {
		b.Error("there is a run that nobody started")
	}
}

func spentWithoutReverts(b *bench) {
	line := store.Entry{At: at(1), Sync: "contacts", Side: record.Right, Of: crm, Record: "r1", Kind: store.Archived, Why: "left was deleted"}
	undone := line
	undone.Record, undone.Why = "r2", store.RevertOf+"r12"
	b.decide(store.Facts{Journal: []store.Entry{line, undone}})
	spent, err := b.s.Spent(b.ctx, "contacts", record.Right, at(0))
	b.ok(err)
	b.same("deleted", 1, spent.Deleted)
}
