package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func keyCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"FindByKey orders numbers by size, then texts": findOrder,
		"only present rows are found":                  findPresent,
		"a row is found by its present keys only":      findMoved,
		"keys without a value are no keys":             findEmpty,
		"a page without keys leaves none":              findNone,
		"keys of one text and other names differ":      findNames,
		"Reindex makes the index anew once":            reindex,
		"Reindex takes many rows":                      reindexMany,
		"R23 Children are found by a reference":        children,
		"Given-up references are kept until taken up":  strays,
		"R24 merged rows are found by their survivor":  findMerged,
	}
}

func email(v string) store.Key { return store.Key{Name: "email", Value: v} }

func (b *bench) find(keys ...store.Key) map[store.Key][]string {
	b.Helper()
	found, err := b.s.FindByKey(b.ctx, erp, keys)
	b.ok(err)
	return found
}

func findOrder(b *bench) {
	var changes []connector.Change
	for _, id := range []string{"10", "9", "b", "007", "a", "100", "9a", "7"} {
		changes = append(changes, change(id, "email", "a@x"))
	}
	b.save(read(erp, at(0), append(changes, change("5", "email", "b@x"))...))
	b.same("found", map[store.Key][]string{email("a@x"): {"007", "7", "9", "10", "100", "9a", "a", "b"}, email("b@x"): {"5"}},
		b.find(email("a@x"), email("b@x"), email("c@x"), email("a@x")))
	b.same("nothing asked", 0, len(b.find()))
}

func findPresent(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x"), change("2", "email", "a@x")))
	b.save(read(erp, at(1), gone("1", connector.Archived)))
	b.same("one is gone", map[store.Key][]string{email("a@x"): {"2"}}, b.find(email("a@x")))
	b.save(read(erp, at(2), change("1")))
	b.same("back", map[store.Key][]string{email("a@x"): {"1", "2"}}, b.find(email("a@x")))
}

func findMoved(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x", "town", "t")))
	b.save(read(erp, at(1), change("1", "email", "b@x")))
	b.save(read(erp, at(2), change("1", "town", "u")))
	b.same("found", map[store.Key][]string{email("b@x"): {"1"}}, b.find(email("a@x"), email("b@x")))
}

func findEmpty(b *bench) {
	b.save(read(erp, at(0), change("1", "town", "t")))
	b.same("found", 0, len(b.find(email(""))))
}

func findNone(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x")))
	p := read(erp, at(1), change("1", "email", "a@x", "town", "t"))
	p.Keys = nil
	b.save(p)
	b.same("found", 0, len(b.find(email("a@x"))))
}

func findNames(b *bench) {
	p := read(erp, at(0), change("1", "email", "x"))
	p.Keys = func(f record.Fields) []store.Key {
		return []store.Key{{Name: "a", Value: "bc"}, {Name: "ab", Value: "c"}, {Name: "a", Value: "bc"}}
	}
	b.save(p)
	b.same("found", map[store.Key][]string{{Name: "ab", Value: "c"}: {"1"}, {Name: "a", Value: "bc"}: {"1"}},
		b.find(store.Key{Name: "ab", Value: "c"}, store.Key{Name: "a", Value: "bc"}, store.Key{Name: "abc", Value: ""}))
}

func reindex(b *bench) {
	b.save(read(erp, at(0), change("1", "email", "a@x", "town", "t"), change("2", "email", "b@x", "town", "t")))
	b.save(read(erp, at(1), gone("2", connector.Deleted)))
	before, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	calls := 0
	towns := func(f record.Fields) []store.Key {
		calls++
		return []store.Key{{Name: "town", Value: f["town"].Text()}}
	}
	b.ok(b.s.Reindex(b.ctx, erp, "town", towns))
	b.ok(b.s.Reindex(b.ctx, erp, "town", towns))
	b.same("rows asked for keys", 1, calls)
	town := store.Key{Name: "town", Value: "t"}
	b.same("found", map[store.Key][]string{town: {"1"}}, b.find(town, email("a@x")))
	after, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	b.same("an index is no change of content", before, after)
	b.ok(b.s.Reindex(b.ctx, erp, "email", emailKey))
	b.same("found", map[store.Key][]string{email("a@x"): {"1"}}, b.find(town, email("a@x")))
}

func reindexMany(b *bench) {
	const n = 2300
	p := store.Page{Of: erp, Began: at(0)}
	for i := range n {
		p.Changes = append(p.Changes, change(fmt.Sprint(i), "email", "A@x"))
	}
	b.save(p)
	ctx, cancel := context.WithCancel(b.ctx)
	calls := 0
	lower := func(f record.Fields) []store.Key {
		if calls++; calls == n-10 {
			cancel() // cut short in the last transaction
		}
		return []store.Key{email(strings.ToLower(f["email"].Text()))}
	}
	if err := b.s.Reindex(ctx, erp, "lower", lower); err == nil {
		b.Fatal("a cancelled Reindex reported no error")
	}
	b.ok(b.s.Reindex(b.ctx, erp, "lower", lower))
	b.same("found", n, len(b.find(email("a@x"))[email("a@x")]))
}

func children(b *bench) {
	p := read(erp, at(0), change("1", "company", "c1"), change("3", "company", "c1"), change("2", "company", "c1"), change("4", "company", "c2"))
	p.Keys = func(f record.Fields) []store.Key { return []store.Key{{Name: "company", Value: f["company"].Text()}} }
	b.save(p)
	got, err := b.s.Children(b.ctx, erp, store.Key{Name: "company", Value: "c1"}, 2)
	b.ok(err)
	b.same("children", []string{"1", "2"}, got)
}

// strays keeps to what a record referred before, for syncs that look into its object, and until
// all of them have taken it up.
func strays(b *bench) {
	refer := func(at time.Time, changes ...connector.Change) {
		p := read(erp, at, changes...)
		p.Keys = func(f record.Fields) []store.Key {
			return []store.Key{store.RefKey("company", f["company"].Text()), email("a@x")}
		}
		b.save(p)
	}
	refer(at(0), change("1", "company", "c1"))
	refer(at(1), change("1", "company", "c2"))
	got, err := b.s.Strays(b.ctx, erp, 0, 1<<40)
	b.ok(err)
	b.same("given up where nobody looks", 0, len(got))

	b.ok(b.s.TakeUp(b.ctx, "contacts", erp, 1, nil))
	b.ok(b.s.TakeUp(b.ctx, "others", erp, 1, nil))
	refer(at(2), change("1", "company", "c3"), change("2", "company", "c3"))
	refer(at(3), gone("2", connector.Deleted))
	refer(at(4), change("1", "company", "c3"))
	top, err := b.s.MaxSeq(b.ctx, erp)
	b.ok(err)
	got, err = b.s.Strays(b.ctx, erp, 1, top)
	b.ok(err)
	b.same("given up", []store.Key{store.RefKey("company", "c2"), store.RefKey("company", "c3")}, got)
	later, err := b.s.Strays(b.ctx, erp, top, top+9)
	b.ok(err)
	b.same("given up later", 0, len(later))

	b.ok(b.s.TakeUp(b.ctx, "contacts", erp, top, nil))
	got, err = b.s.Strays(b.ctx, erp, 1, top)
	b.ok(err)
	b.same("kept for the other sync", 2, len(got))
	b.ok(b.s.TakeUp(b.ctx, "others", erp, top, nil))
	got, err = b.s.Strays(b.ctx, erp, 0, top)
	b.ok(err)
	b.same("taken up by all", 0, len(got))
}

func findMerged(b *bench) {
	lost := gone("2", connector.Merged)
	lost.Into = []record.Ref{{Object: erp.Name, ID: "1"}}
	b.save(read(erp, at(0), change("1", "email", "a@x"), change("2", "email", "a@x")))
	b.save(read(erp, at(1), lost))
	want := map[store.Key][]string{store.IntoKey("1"): {"2"}, email("a@x"): {"1"}}
	b.same("merged", want, b.find(store.IntoKey("1"), email("a@x")))
	b.ok(b.s.Reindex(b.ctx, erp, "anew", func(record.Fields) []store.Key { return []store.Key{email("b@x")} }))
	b.same("reindexed", map[store.Key][]string{store.IntoKey("1"): {"2"}, email("b@x"): {"1"}}, b.find(store.IntoKey("1"), email("b@x")))
	b.save(read(erp, at(2), change("2", "email", "a@x")))
	b.same("back", 0, len(b.find(store.IntoKey("1"))))
}
