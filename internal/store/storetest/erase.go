package storetest

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func eraseCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"R32 an erasure closes, drops and buries at once, and twice is once": eraseBegun,
		"R32 of a forgotten record only its lines are left, without values":  eraseForgets,
	}
}

const eva = "email eva@x.gr"

// known stores a pair with a journal line, an operation and a question about it.
func (b *bench) known() store.Link {
	b.Helper()
	b.save(read(erp, at(1), change("1", "email", "eva@x.gr"), change("2", "email", "bob@x.gr")))
	b.save(read(crm, at(1), change("r1", "email", "eva@x.gr"), change("r2", "email", "eva@y.gr")))
	link, linked := b.link("1", "r1")
	link.Base[record.Left] = record.Fields{"email": record.Text("eva@x.gr")}
	written := store.Entry{At: at(2), Sync: "contacts", Link: link.ID, Side: record.Right, Of: crm, Record: "r1", Kind: store.Written, Field: "email",
		Old: record.Text("e@x.gr"), New: record.Text("eva@x.gr"), Why: "eva changed"}
	op := store.Op{ID: b.s.NewID(), Sync: "contacts", Link: link.ID, Side: record.Right, Target: crm, Verb: connector.Update, TargetID: "r1", SourceID: "1", State: store.OpHeld}
	b.decide(store.Facts{Links: []store.Link{link}, Journal: []store.Entry{linked, written}, Ops: []store.Op{op}, Reviews: []store.Review{
		{Sync: "contacts", Kind: store.ReviewConflict, Subject: "link email", Link: link.ID, Text: "eva or e?", Opened: at(2)},
		{Sync: "contacts", Kind: store.ReviewAmbiguous, Subject: "match left 2", Side: record.Left, Record: "2", Candidates: []string{"r1", "r2"}, Text: "eva?", Opened: at(2)},
	}})
	return link
}

func (b *bench) begin() {
	b.Helper()
	b.ok(b.s.BeginErasure(b.ctx, eva, []string{eva}, []store.Erasure{{Of: erp, Record: "1", Asked: "delete"}, {Of: crm, Record: "r1", Asked: "erase"}}, at(3), "ann"))
}

func eraseBegun(b *bench) {
	link := b.known()
	b.begin()
	b.begin()
	links, err := b.s.LinksByID(b.ctx, []int64{link.ID})
	b.ok(err)
	if l := links[link.ID]; l.Closed != store.ByErasure || len(l.Base[record.Left]) != 0 {
		b.Errorf("the link: %+v", l)
	}
	tally, err := b.s.Tally(b.ctx, "contacts")
	b.ok(err)
	if tally.Linked != 0 || tally.Outbox != 0 {
		b.Errorf("counted: %+v", tally)
	}
	buried, err := b.s.Buried(b.ctx, []string{eva, "email bob@x.gr"})
	b.ok(err)
	if len(buried) != 1 || buried[eva].IsZero() {
		b.Errorf("buried: %v", buried)
	}
	open, err := b.s.Erasures(b.ctx, eva)
	b.ok(err)
	if len(open) != 2 || open[0].Answer != "" || open[1].Of != crm || open[1].By != "ann" {
		b.Errorf("noted: %+v", open)
	}
	if other, err := b.s.Erasures(b.ctx, "email bob@x.gr"); err != nil || len(other) != 0 {
		b.Errorf("of somebody else: %v %v", other, err)
	}
}

func eraseForgets(b *bench) {
	link := b.known()
	b.begin()
	receipt := store.Erasure{Of: crm, Record: "r1", Asked: "erase", Answer: "erased for good", Fate: connector.Deleted, At: at(4), By: "ann"}
	b.ok(b.s.Forget(b.ctx, receipt))
	b.ok(b.s.Forget(b.ctx, receipt)) // repeated: nothing is lost or doubled
	row, _ := b.row(crm, "r1")
	if row.Fate != connector.Deleted || len(row.Fields) != 0 {
		b.Errorf("the row: %+v", row)
	}
	if b.save(read(crm, at(2), change("r1", "email", "eva@x.gr"))).Stale != 1 {
		b.Error("R3: a page that began before fills the row again")
	}
	found, err := b.s.FindByKey(b.ctx, crm, []store.Key{{Name: "email", Value: "eva@x.gr"}})
	b.ok(err)
	b.same("by key", map[store.Key][]string{}, found)
	lines, err := b.s.LinesOf(b.ctx, []int64{link.ID})
	b.ok(err)
	if len(lines) != 3 {
		b.Errorf("%d lines, want linked, written and closed", len(lines))
	}
	for _, e := range lines {
		if !e.Old.IsEmpty() || !e.New.IsEmpty() || len(e.Set) != 0 || e.Why != "erased on 2026-03-04: its values were taken away" {
			b.Errorf("a line: %+v", e)
		}
	}
	items, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	dirty, err := b.s.Dirty(b.ctx, "contacts", 9)
	b.ok(err)
	if len(items) != 0 || len(dirty) != 1 || dirty[0].ID != "2" {
		b.Errorf("items %+v, dirty %v: who was offered her as a partner is to be planned again", items, dirty)
	}
	done, err := b.s.Erasures(b.ctx, eva)
	b.ok(err)
	if len(done) != 2 || done[1].Answer != "erased for good" || !done[1].At.Equal(at(4)) || done[0].Answer != "" {
		b.Errorf("receipts: %+v", done)
	}
	tally, err := b.s.Tally(b.ctx, "contacts")
	b.ok(err)
	b.same("present rows", [2]int{2, 1}, tally.Rows)
}
