package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func mirrorCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"R9 a row knows between which moments it was edited": editTimes,
		"a row comes back as it was saved":                   rowRoundTrip,
		"R3 a stale read never wins":                         staleRead,
		"a page with part of the fields leaves the others":   partOfFields,
		"Seq moves for content and fate, not for stamps":     seqMoves,
		"R33 another created time moves Seq":                 createdMoves,
		"a record twice on a page counts once, the last":     twiceOnPage,
		"Changed walks rows in the order of Seq":             changedInOrder,
		"a deleted row keeps its fields":                     deletedKeeps,
		"rows of two objects do not mix":                     objectsApart,
		"a page of a thousand records is saved":              bigPage,
		"texts that databases dislike are kept or replaced":  oddTexts,
	}
}

func rowRoundTrip(b *bench) {
	c := change("7", "email", "ann@example.com")
	c.Fields["fax"] = record.Value{}
	c.Fields["tags"] = record.Texts("a", "b")
	c.Version, c.ModifiedBy, c.Created, c.Modified = "v1", "api", at(-60), at(-30)
	c.Into = []record.Ref{{Object: "contacts", ID: "9"}}
	c.Fate = connector.Merged
	b.same("saved", store.Saved{Changed: 1}, b.save(read(erp, at(0), c)))
	got, _ := b.row(erp, "7")
	want := store.Row{Record: c.Record, Fate: connector.Merged, Into: c.Into, ReadAt: at(0), Edited: [2]time.Time{at(-30), at(-30)}, Seq: got.Seq}
	b.same("row", want, got)
	if got.Seq == 0 {
		b.Error("the row has no Seq")
	}
	if _, found := b.row(erp, "8"); found {
		b.Error("a row was found that nobody saved")
	}
}

func editTimes(b *bench) {
	see := func(minutes int, value string, stamp time.Time, own bool) [2]time.Time {
		b.Helper()
		c := change("1", "email", value)
		c.Modified = stamp
		p := read(erp, at(minutes), c)
		p.Own, p.After = own, at(minutes-2)
		b.save(p)
		row, _ := b.row(erp, "1")
		return row.Edited
	}
	exactly := func(minutes int) [2]time.Time { return [2]time.Time{at(minutes), at(minutes)} }
	b.same("the vendor's stamp", exactly(1), see(10, "a", at(1), false))
	b.same("a stamp that moves alone was another field's", exactly(1), see(20, "a", at(15), false))
	b.same("our own write, between the last look and its answer", [2]time.Time{at(28), at(30)}, see(30, "ours", at(30), true))
	b.same("the stamp of our own write tells nobody's edit", [2]time.Time{at(38), at(40)}, see(40, "b", at(30), false))
	b.same("a stamp of its own", exactly(45), see(50, "c", at(45), false))
	b.same("no stamp at all", [2]time.Time{at(58), at(60)}, see(60, "d", time.Time{}, false))
	b.same("read by id a moment ago", [2]time.Time{at(60), at(61)}, see(61, "e", time.Time{}, false))
}

func staleRead(b *bench) {
	b.save(read(erp, at(2), change("1", "email", "second")))
	saved := b.save(read(erp, at(1), change("1", "email", "first"), change("2", "email", "new")))
	b.same("saved", store.Saved{Changed: 1, Stale: 1}, saved)
	b.same("value", "second", b.text(erp, "1", "email"))
	// A write that was answered at 5 is not undone by a read that began at 4.
	b.ok(b.s.Settle(b.ctx, nil, store.Facts{Rows: []store.Page{read(erp, at(5), change("1", "email", "written"))}}))
	b.same("stale", 1, b.save(read(erp, at(4), gone("1", connector.Deleted))).Stale)
	b.same("value", "written", b.text(erp, "1", "email"))
	// The same moment is not stale, and a read that brings nothing new counts as a read.
	b.same("changed", 1, b.save(read(erp, at(5), change("1", "email", "later"))).Changed)
	b.same("nothing new", store.Saved{}, b.save(read(erp, at(8), change("1", "email", "later"))))
	b.same("stale", 1, b.save(read(erp, at(7), change("1", "email", "old"))).Stale)
}

func partOfFields(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x", "town", "Athens")))
	b.save(read(erp, at(1), change("1", "town", "Patras")))
	got, _ := b.row(erp, "1")
	b.same("fields", record.Fields{"email": record.Text("a@x"), "town": record.Text("Patras")}, got.Fields)
	c := change("1", "town", "Patras")
	c.Version, c.Modified, c.ModifiedBy = "v2", at(0), "bob"
	b.save(read(erp, at(2), c))
	b.save(read(erp, at(3), change("1", "town", "Volos")))
	got, _ = b.row(erp, "1")
	b.same("version stays when it is not told", "v2", got.Version)
	b.same("modified stays when it is not told", at(0), got.Modified)
	b.same("modified by", "bob", got.ModifiedBy)
}

func seqMoves(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x"), change("2", "email", "b@x")))
	first, _ := b.row(erp, "1")
	c := change("1", "email", "a@x")
	c.Version, c.Modified = "v2", at(1)
	b.same("stamps only", store.Saved{}, b.save(read(erp, at(1), c)))
	again, _ := b.row(erp, "1")
	b.same("Seq", first.Seq, again.Seq)
	b.same("version", "v2", again.Version)
	b.same("read at", at(1), again.ReadAt)
	b.save(read(erp, at(2), gone("1", connector.Archived)))
	archived, _ := b.row(erp, "1")
	second, _ := b.row(erp, "2")
	if archived.Seq <= second.Seq {
		b.Errorf("a new fate did not move Seq beyond %d: %d", second.Seq, archived.Seq)
	}
	top, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	b.same("highest Seq", archived.Seq, top)
}

func createdMoves(b *bench) {
	c := change("1", "email", "a@x")
	c.Created = at(-100)
	b.save(read(erp, at(0), c))
	c.Created = at(-50)
	b.same("changed", 1, b.save(read(erp, at(1), c)).Changed)
}

func twiceOnPage(b *bench) {
	saved := b.save(read(erp, at(0), change("1", "email", "a@x"), change("2", "email", "b@x"), change("1", "email", "c@x")))
	b.same("saved", store.Saved{Changed: 2}, saved)
	b.same("value", "c@x", b.text(erp, "1", "email"))
	b.same("rows", 2, b.tally().Rows[record.Left])
	found, err := b.s.FindByKey(b.ctx, erp, []store.Key{{Name: "email", Value: "a@x"}, {Name: "email", Value: "c@x"}})
	b.ok(err)
	b.same("found", map[store.Key][]string{{Name: "email", Value: "c@x"}: {"1"}}, found)
}

func changedInOrder(b *bench) {
	b.save(read(erp, at(0), change("3", "email", "c"), change("1", "email", "a"), change("2", "email", "b")))
	b.save(read(erp, at(1), change("3", "email", "c2"), gone("2", connector.Deleted)))
	rows, err := b.s.Changed(b.ctx, erp, 0, 2)
	b.ok(err)
	var ids []string
	for len(rows) > 0 {
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		rows, err = b.s.Changed(b.ctx, erp, rows[len(rows)-1].Seq, 2)
		b.ok(err)
	}
	b.same("order", []string{"1", "3", "2"}, ids)
}

func deletedKeeps(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x")))
	b.save(read(erp, at(1), gone("1", connector.Deleted)))
	got, _ := b.row(erp, "1")
	b.same("fate", connector.Deleted, got.Fate)
	b.same("fields", record.Fields{"email": record.Text("a@x")}, got.Fields)
	b.same("present rows", 0, b.tally().Rows[record.Left])
	b.save(read(erp, at(2), change("1", "email", "a@x")))
	b.same("present again", 1, b.tally().Rows[record.Left])
}

func objectsApart(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "erp@x")))
	b.save(read(crm, at(0), change("1", "email", "crm@x")))
	b.same("erp", "erp@x", b.text(erp, "1", "email"))
	b.same("crm", "crm@x", b.text(crm, "1", "email"))
	rows, err := b.s.Rows(b.ctx, companies, []string{"1"})
	b.ok(err)
	b.same("of an object that nobody read", 0, len(rows))
	b.same("rows", [2]int{1, 1}, b.tally().Rows)
}

func bigPage(b *bench) {
	p := store.Page{Of: erp, Began: at(0), Keys: emailKey}
	var ids []string
	for i := range 1000 {
		ids = append(ids, fmt.Sprint(i))
		p.Changes = append(p.Changes, change(fmt.Sprint(i), "email", fmt.Sprintf("p%d@x", i%10)))
	}
	b.same("changed", 1000, b.save(p).Changed)
	rows, err := b.s.Rows(b.ctx, erp, ids)
	b.ok(err)
	b.same("rows", 1000, len(rows))
	found, err := b.s.FindByKey(b.ctx, erp, []store.Key{{Name: "email", Value: "p3@x"}})
	b.ok(err)
	b.same("found", 100, len(found[store.Key{Name: "email", Value: "p3@x"}]))
}

func oddTexts(b *bench) {
	odd := "quote ' \" \\ ? $1 \u0000 \x1f 😀 é"
	b.save(read(erp, at(0), change("a'?$1 😀", "email", odd)))
	b.same("field", odd, b.text(erp, "a'?$1 😀", "email"))
	ids, err := b.s.Unseen(b.ctx, erp, at(9), "", 10)
	b.ok(err)
	if !slices.Equal(ids, []string{"a'?$1 😀"}) {
		b.Errorf("id: got %q", ids)
	}
}
