package storetest

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

func sweepCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a sweep marks rows and reports what is unknown":       sweepMarks,
		"a sweep takes over fates of known records":            sweepFates,
		"R3 a sweep's fate does not win over a newer read":     sweepStale,
		"R21 unseen are rows neither seen nor read since":      unseen,
		"R21 a listing sees rows whose content is newer":       staleIsSeen,
		"Unseen goes on after an id":                           unseenPages,
		"a sweep that brings fields is a read":                 sweepWithFields,
		"R21 a record that a sweep shows again is to be read":  sweepReturns,
		"a tombstone of a change feed keeps older reads out":   tombstoneFirst,
		"R21 a row written during the listing is not unseen":   writtenSince,
		"a sweep of records that are all known changes no Seq": sweepKeepsSeq,
	}
}

func sweep(minutes int, changes ...connector.Change) store.Page {
	return store.Page{Of: erp, Feed: store.FeedSweep, Began: at(minutes), Listing: at(10), Changes: changes}
}

func sweepMarks(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a"), change("2", "email", "b")))
	saved := b.save(sweep(11, gone("1", connector.Present), gone("9", connector.Present)))
	b.same("saved", store.Saved{Unknown: []string{"9"}}, saved)
	b.same("untouched", "a", b.text(erp, "1", "email"))
	if _, found := b.row(erp, "9"); found {
		b.Error("a sweep made a row")
	}
}

func sweepFates(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a"), change("2", "email", "b")))
	saved := b.save(sweep(11, gone("1", connector.Deleted), gone("2", connector.Archived), gone("9", connector.Deleted)))
	b.same("saved", store.Saved{Changed: 2}, saved)
	one, _ := b.row(erp, "1")
	two, _ := b.row(erp, "2")
	b.same("fates", []connector.Fate{connector.Deleted, connector.Archived}, []connector.Fate{one.Fate, two.Fate})
	if _, found := b.row(erp, "9"); found {
		b.Error("a sweep made a row of a tombstone")
	}
}

func sweepStale(b *bench) {
	b.save(read(erp, at(12), change("1", "email", "a")))
	b.same("saved", store.Saved{Stale: 1}, b.save(sweep(11, gone("1", connector.Deleted))))
	one, _ := b.row(erp, "1")
	b.same("fate", connector.Present, one.Fate)
}

func (b *bench) unseen(after string) []string {
	b.Helper()
	ids, err := b.s.Unseen(b.ctx, erp, at(10), after, 2)
	b.ok(err)
	return ids
}

func unseen(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a"), change("2", "email", "b"), change("3", "email", "c"), change("4", "email", "d")))
	b.save(read(erp, at(1), gone("4", connector.Deleted))) // known to be gone: not a suspicion
	b.save(sweep(11, gone("2", connector.Present)))
	b.save(read(erp, at(12), change("3", "email", "c")))
	b.same("unseen", []string{"1"}, b.unseen(""))
	later, err := b.s.Unseen(b.ctx, erp, at(20), "", 10)
	b.ok(err)
	b.same("of a later listing", []string{"1", "2", "3"}, later)
}

func staleIsSeen(b *bench) {
	b.save(read(erp, at(5), change("1", "email", "new")))
	p := read(erp, at(4), change("1", "email", "old"))
	p.Listing = at(10)
	b.same("saved", store.Saved{Stale: 1}, b.save(p))
	b.same("unseen", []string{}, b.unseen(""))
	b.same("value", "new", b.text(erp, "1", "email"))
}

func unseenPages(b *bench) {
	b.save(read(erp, at(0), change("a", "email", "a"), change("B", "email", "b"), change("c", "email", "c")))
	first := b.unseen("")
	b.same("first", []string{"B", "a"}, first)
	b.same("second", []string{"c"}, b.unseen(first[1]))
}

func sweepWithFields(b *bench) {
	p := sweep(11, change("5", "email", "e"))
	p.Keys = emailKey
	b.same("unknown to the mirror, so it is read by id", store.Saved{Unknown: []string{"5"}}, b.save(p))
	b.save(read(erp, at(0), change("5", "email", "old")))
	b.same("changed", 1, b.save(p).Changed)
	b.same("value", "e", b.text(erp, "5", "email"))
}

func sweepReturns(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a")))
	b.save(read(erp, at(1), gone("1", connector.Deleted)))
	b.same("unknown", []string{"1"}, b.save(sweep(11, gone("1", connector.Present))).Unknown)
}

func tombstoneFirst(b *bench) {
	p := read(erp, at(5), gone("1", connector.Deleted))
	p.Feed = store.FeedChanges
	b.save(p)
	b.same("saved", store.Saved{Stale: 1}, b.save(read(erp, at(4), change("1", "email", "a"))))
	one, _ := b.row(erp, "1")
	b.same("fate", connector.Deleted, one.Fate)
	b.same("present rows", 0, b.tally().Rows[0])
}

func writtenSince(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a")))
	b.ok(b.s.Settle(b.ctx, nil, store.Facts{Rows: []store.Page{read(erp, at(11), change("1", "email", "b"))}}))
	b.same("unseen", []string{}, b.unseen(""))
}

func sweepKeepsSeq(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a")))
	before, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	b.save(sweep(11, gone("1", connector.Present)))
	after, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	b.same("Seq", before, after)
}
