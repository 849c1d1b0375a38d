package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func feedCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"invariant 1: a page and its cursor are stored together": pageAndCursor,
		"a listing is remembered until its last page":            listing,
		"an incremental page moves the cursor only":              incremental,
		"partitions and kinds have places of their own":          feedsApart,
		"a finished sweep begins anew":                           sweepPlace,
		"ResetFeed keeps when it was listed":                     resetFeed,
		"connections come back as they were saved":               connections,
	}
}

func (b *bench) feed(part string, kind store.FeedKind) store.Feed {
	b.Helper()
	f, err := b.s.Feed(b.ctx, erp, part, kind)
	b.ok(err)
	return f
}

func pageAndCursor(b *bench) {
	p := read(erp, at(0), change("1", "email", "a"))
	p.Feed, p.Next = store.FeedChanges, "c1"
	ctx, cancel := context.WithCancel(b.ctx)
	keys := p.Keys
	p.Keys = func(f record.Fields) []store.Key { cancel(); return keys(f) } // struck down in the middle of the transaction
	if _, err := b.s.SavePage(ctx, p); !errors.Is(err, context.Canceled) {
		b.Fatalf("a cancelled page: got %v", err)
	}
	if _, found := b.row(erp, "1"); found {
		b.Error("a row of the page is there")
	}
	b.same("feed", store.Feed{}, b.feed("", store.FeedChanges))
	b.same("rows", 0, b.tally().Rows[0])
	p.Keys = keys
	b.save(p)
	b.same("cursor", connector.Cursor("c1"), b.feed("", store.FeedChanges).Cursor)
	b.same("value", "a", b.text(erp, "1", "email"))
}

func listing(b *bench) {
	p := store.Page{Of: erp, Feed: store.FeedChanges, Began: at(1), Listing: at(1), Next: "p2", Fields: "f1", Total: 70}
	b.save(p)
	b.same("under way", store.Feed{Cursor: "p2", Began: at(1), Fields: "f1", Total: 70}, b.feed("", store.FeedChanges))
	p.Next, p.Done, p.Total = "since", true, 0
	b.save(p)
	b.same("done", store.Feed{Cursor: "since", ListedAt: at(1), Polled: at(1), Fields: "f1", Total: 70}, b.feed("", store.FeedChanges))
}

func incremental(b *bench) {
	b.save(store.Page{Of: erp, Feed: store.FeedChanges, Began: at(1), Listing: at(1), Next: "c1", Fields: "f1", Done: true})
	b.save(store.Page{Of: erp, Feed: store.FeedChanges, Began: at(2), Next: "c2", Fields: "f2", Done: true})
	b.same("feed", store.Feed{Cursor: "c2", ListedAt: at(1), Polled: at(2), Fields: "f1"}, b.feed("", store.FeedChanges))
}

func feedsApart(b *bench) {
	b.save(store.Page{Of: erp, Partition: "a", Feed: store.FeedChanges, Next: "1"})
	b.save(store.Page{Of: erp, Partition: "b", Feed: store.FeedChanges, Next: "2"})
	b.save(store.Page{Of: erp, Partition: "a", Feed: store.FeedSweep, Next: "3"})
	b.save(store.Page{Of: erp, Partition: "a", Next: "4"}) // read by id: no place
	b.same("a", connector.Cursor("1"), b.feed("a", store.FeedChanges).Cursor)
	b.same("b", connector.Cursor("2"), b.feed("b", store.FeedChanges).Cursor)
	b.same("sweep of a", connector.Cursor("3"), b.feed("a", store.FeedSweep).Cursor)
	b.same("never read", store.Feed{}, b.feed("c", store.FeedChanges))
}

func sweepPlace(b *bench) {
	b.save(sweep(10))
	b.same("under way", at(10), b.feed("", store.FeedSweep).Began)
	p := sweep(11)
	p.Next, p.Done = "end", true
	b.save(p)
	b.same("done", store.Feed{ListedAt: at(10), Polled: at(11)}, b.feed("", store.FeedSweep))
}

func resetFeed(b *bench) {
	b.save(store.Page{Of: erp, Feed: store.FeedChanges, Listing: at(1), Next: "c1", Fields: "f", Done: true})
	b.save(store.Page{Of: erp, Feed: store.FeedChanges, Listing: at(5), Next: "c2", Fields: "f"})
	b.ok(b.s.ResetFeed(b.ctx, erp, "", store.FeedChanges))
	b.same("feed", store.Feed{ListedAt: at(1), Fields: "f"}, b.feed("", store.FeedChanges))
}

func connections(b *bench) {
	want := store.Connection{Name: "erp", System: "dolibarr", CheckedAt: at(1), SchemaAt: at(2), Paused: "no rights",
		Identity: connector.Identity{Account: "7", Clock: time.Second, Lacks: []connector.Lack{{What: "read"}}, Facts: map[string]string{"plan": "pro"}},
		Schema:   record.Schema{Objects: []record.Object{{Name: "contacts", Fields: []record.Field{{Name: "email", Kind: record.KindEmail}}}}}}
	if _, found, err := b.s.Connection(b.ctx, "erp"); found || err != nil {
		b.Fatalf("before it is saved: %v %v", found, err)
	}
	b.ok(b.s.SaveConnection(b.ctx, store.Connection{Name: "erp", System: "old"}))
	b.ok(b.s.SaveConnection(b.ctx, want))
	b.ok(b.s.SaveConnection(b.ctx, store.Connection{Name: "crm", System: "hubspot"}))
	got, found, err := b.s.Connection(b.ctx, "erp")
	b.ok(err)
	if d := cmp.Diff(want, got); d != "" || !found {
		b.Fatalf("found %v (-want +got):\n%s", found, d)
	}
	all, err := b.s.Connections(b.ctx)
	b.ok(err)
	b.same("names", []string{"crm", "erp"}, []string{all[0].Name, all[1].Name})
}
