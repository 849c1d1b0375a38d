package storetest

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func planCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"Decide moves the marks with the facts":                  marks,
		"dirty records are planned again until they are clean":   dirtyAndClean,
		"R28 a wait ends when the record it waits for is linked": waits,
		"R28 a reopened link ends waits too":                     waitsReopen,
		"R28 a wait and its link may come at once":               waitsAtOnce,
		"R28 a wait that comes after the link is answered once":  waitsLate,
		"facts are all or nothing":                               allOrNothing,
		"facts that name records need a sync":                    spotsNeedSync,
		"standings replace each other and end in scope":          standings,
		"of a link that facts name twice the last word counts":   linkTwice,
	}
}

func marks(b *bench) {
	got, err := b.s.Marks(b.ctx, "contacts")
	b.ok(err)
	b.same("at first", [2]int64{}, got)
	b.ok(b.s.Decide(b.ctx, "contacts", [2]int64{3, 4}, store.Facts{Dirty: []store.Spot{left("1")}}))
	got, err = b.s.Marks(b.ctx, "contacts")
	b.ok(err)
	b.same("marks", [2]int64{3, 4}, got)
	l, _ := b.link("1", "r1")
	err = b.s.Decide(b.ctx, "contacts", [2]int64{9, 9}, store.Facts{Links: []store.Link{l}}) // refused: no journal line
	got, other := b.s.Marks(b.ctx, "contacts")
	b.ok(other)
	if b.same("marks", [2]int64{3, 4}, got); err == nil {
		b.Error("facts without a line were taken")
	}
}

func linkTwice(b *bench) {
	l, e := b.link("1", "r1")
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}})
	first, then := l, l
	first.Diverged, then.Closed = map[string]string{"name": "waits"}, "merged"
	b.decide(store.Facts{Links: []store.Link{first, then}, Journal: []store.Entry{line(l, store.Closed)}})
	links, err := b.s.Links(b.ctx, "contacts", 0, 9)
	b.ok(err)
	b.same("links", 1, len(links))
	b.same("closed", "merged", links[0].Closed)
	b.same("linked", 0, b.tally().Linked)
	b.same("diverged", 0, b.tally().Diverged)
}

func dirtyAndClean(b *bench) {
	b.decide(store.Facts{Dirty: []store.Spot{right("1"), left("2"), left("1"), left("1")}})
	b.same("dirty", []store.Spot{left("1"), left("2"), right("1")}, b.dirty())
	b.decide(store.Facts{Clean: []store.Spot{left("1"), right("1"), right("7")}, Dirty: []store.Spot{left("1")}})
	b.same("dirty", []store.Spot{left("1"), left("2")}, b.dirty())
	one, err := b.s.Dirty(b.ctx, "contacts", 1)
	b.ok(err)
	b.same("limit", []store.Spot{left("1")}, one)
	none, err := b.s.Dirty(b.ctx, "others", 9)
	b.ok(err)
	b.same("of another sync", 0, len(none))
}

func waits(b *bench) {
	b.ok(b.s.SetSync(b.ctx, "companies", store.Object{Connection: "erp", Name: "thirdparties"}, companies))
	wait := store.Wait{Spot: right("5"), On: companies, OnID: "c1"}
	b.decide(store.Facts{Waits: []store.Wait{wait, wait, {Spot: left("6"), On: companies, OnID: "c2"}}})
	b.same("waiting", 2, b.tally().Waiting)
	l := store.Link{ID: b.s.NewID(), Sync: "companies", IDs: [2]string{"t1", "c1"}}
	b.ok(b.s.Decide(b.ctx, "companies", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Linked)}}))
	b.same("dirty", []store.Spot{right("5")}, b.dirty())
	b.same("waiting", 1, b.tally().Waiting)
	// The link changes and stays open: it wakes nobody a second time.
	b.decide(store.Facts{Waits: []store.Wait{wait}})
	b.decide(store.Facts{Clean: []store.Spot{right("5")}})
	l.Diverged = map[string]string{"a": "b"}
	b.ok(b.s.Decide(b.ctx, "companies", [2]int64{}, store.Facts{Links: []store.Link{l}}))
	b.same("dirty", 0, len(b.dirty()))
}

func waitsReopen(b *bench) {
	l := b.linked(1)[0]
	l.Closed = "unlinked"
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Closed)},
		Waits: []store.Wait{{Spot: left("8"), On: erp, OnID: "1"}}})
	b.same("dirty", 0, len(b.dirty()))
	l.Closed = ""
	b.ok(b.s.Settle(b.ctx, nil, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Reopened)}}))
	b.same("dirty", []store.Spot{left("8")}, b.dirty())
	b.same("waiting", 0, b.tally().Waiting)
}

func waitsAtOnce(b *bench) {
	l, e := b.link("1", "r1")
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}, Waits: []store.Wait{{Spot: left("8"), On: crm, OnID: "r1"}}})
	b.same("dirty", []store.Spot{left("8")}, b.dirty())
}

func waitsLate(b *bench) {
	b.linked(1)
	wait := store.Wait{Spot: left("8"), On: erp, OnID: "1"}
	b.decide(store.Facts{Clean: []store.Spot{left("8")}, Waits: []store.Wait{wait, {Spot: left("9"), On: erp, OnID: "2"}}})
	b.same("dirty", []store.Spot{left("8")}, b.dirty())
	b.same("waiting", 1, b.tally().Waiting)
	b.decide(store.Facts{Clean: []store.Spot{left("8")}, Waits: []store.Wait{wait}}) // the link did not help
	b.same("dirty", 0, len(b.dirty()))
}

// allOrNothing lets the last part of large facts fail, as a crash in the middle would.
func allOrNothing(b *bench) {
	op := b.op(connector.Update, "r1", "1")
	b.decide(store.Facts{Ops: []store.Op{op}})
	before := b.tally()
	l, e := b.link("1", "r1")
	f := store.Facts{
		Sync: "contacts", Rows: []store.Page{read(crm, at(0), change("r1", "email", "x"))}, Links: []store.Link{l},
		Journal: []store.Entry{e}, Reviews: []store.Review{{Sync: "contacts", Kind: store.ReviewParked, Subject: "s"}},
		Standing: []store.Standing{{Side: record.Left, ID: "2", Reason: "filtered"}}, Dirty: []store.Spot{left("3")},
		Waits: []store.Wait{{Spot: left("4"), On: crm, OnID: "z"}}, Ops: []store.Op{b.op(connector.Create, "", "9"), b.op(connector.Create, "", "9")},
	}
	if err := b.s.Settle(b.ctx, []store.Settlement{{Op: op.ID}}, f); err == nil {
		b.Fatal("two creates of one record were taken")
	}
	b.same("tally", before, b.tally())
	lines, err := b.s.History(b.ctx, store.HistoryQuery{})
	b.ok(err)
	b.same("journal", 0, len(lines))
	ops, err := b.s.Ops(b.ctx, "")
	b.ok(err)
	b.same("outbox", []int64{op.ID}, []int64{ops[0].ID})
	reviews, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	b.same("reviews", 0, len(reviews))
	f.Ops = f.Ops[:1]
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: op.ID}}, f))
	b.same("tally", store.Tally{Linked: 1, Review: 1, Outbox: 1, Dirty: 1, Waiting: 1, Rows: [2]int{0, 1},
		Standing: map[string]int{"left filtered": 1}}, b.tally())
}

func spotsNeedSync(b *bench) {
	if err := b.s.Settle(b.ctx, nil, store.Facts{Dirty: []store.Spot{left("1")}}); err == nil {
		b.Error("a dirty record of no sync was taken")
	}
	op := b.op(connector.Update, "r1", "1")
	b.decide(store.Facts{Ops: []store.Op{op}})
	b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: op.ID}}, store.Facts{Dirty: []store.Spot{left("1")}}))
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
}

func standings(b *bench) {
	one := store.Standing{Side: record.Left, ID: "1", Reason: "filtered", Detail: "where"}
	two := store.Standing{Side: record.Right, ID: "1", Reason: "ambiguous"}
	b.decide(store.Facts{Standing: []store.Standing{two, one, one}})
	got, err := b.s.Standings(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("standings", []store.Standing{one, two}, got)
	for want, reasons := range map[string][]string{"ambiguous": {"gone", "ambiguous"}, "filtered": {"filtered"}, "": {"gone"}} {
		got, err = b.s.Standings(b.ctx, "contacts", 9, reasons...)
		b.ok(err)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || got[0].Reason != want) {
			b.Errorf("of %v: %+v", reasons, got)
		}
	}
	one.Reason = "duplicate"
	b.decide(store.Facts{Standing: []store.Standing{one}, InScope: []store.Spot{right("1"), right("2")}})
	got, err = b.s.Standings(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("standings", []store.Standing{one}, got)
	b.same("tally", map[string]int{"left duplicate": 1}, b.tally().Standing)
}
