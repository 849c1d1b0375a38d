package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func wordCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"records are found by the beginnings of words":       words,
		"words follow their records":                         wordsMove,
		"a search of too many says that there may be more":   wordsMany,
		"the latest rows come by pages":                      latest,
		"objects tell what the mirror has and when it read":  objectStates,
		"what was written is counted by day and in its zone": writtenByDay,
	}
}

// wordKeys makes every word of a field "name" one of the index.
func wordKeys(f record.Fields) []store.Key {
	keys := []store.Key{email(f["email"].Text())}
	for w := range strings.FieldsSeq(f["name"].Text()) {
		keys = append(keys, store.WordKey(w))
	}
	return keys
}

func (b *bench) saveWords(p store.Page) {
	b.Helper()
	p.Keys = wordKeys
	b.save(p)
}

func (b *bench) words(limit int, beginnings ...string) string {
	b.Helper()
	ids, more, err := b.s.FindWords(b.ctx, erp, beginnings, limit)
	b.ok(err)
	text := strings.Join(ids, " ")
	if more {
		text += " …"
	}
	return text
}

func words(b *bench) {
	long := strings.Repeat("ΐ", 100)
	b.saveWords(read(erp, at(0), change("1", "name", "ann papadopoulou"), change("2", "name", "anna pappas anna"),
		change("3", "name", "παπαδοπουλου μαρια"), change("4", "name", long), change("5", "name", "anne", "email", "a@x")))
	b.same("one", "1 2 5", b.words(9, "ann"))
	b.same("two", "1 2", b.words(9, "ann", "pap"))
	b.same("in the other order", "1", b.words(9, "papado", "an"))
	b.same("of another alphabet", "3", b.words(9, "παπα"))
	b.same("a long one", "4", b.words(9, long))
	b.same("some", "1 2 …", b.words(2, "ann"))
	b.same("none", "", b.words(9, "anz"))
	b.same("nothing asked", "", b.words(9))
	b.same("an empty beginning", "", b.words(9, "ann", ""))
	b.same("keys are no words", "", b.words(9, "a@"))
	found, err := b.s.FindByKey(b.ctx, erp, []store.Key{email("a@x"), store.WordKey("ann")})
	b.ok(err)
	b.same("words are no keys", map[store.Key][]string{email("a@x"): {"5"}}, found)
	ids, _, err := b.s.FindWords(b.ctx, store.Object{Connection: "erp", Name: "nothing"}, []string{"ann"}, 9)
	b.ok(err)
	b.same("of an object that is not known", 0, len(ids))
}

func wordsMove(b *bench) {
	b.saveWords(read(erp, at(0), change("1", "name", "ann smith"), change("2", "name", "ann jones")))
	b.saveWords(read(erp, at(1), change("1", "name", "ann miller")))
	b.same("renamed", "", b.words(9, "smith"))
	b.same("to this", "1", b.words(9, "mill"))
	b.saveWords(read(erp, at(2), gone("2", connector.Deleted)))
	b.same("gone", "1", b.words(9, "ann"))
	b.ok(b.s.Reindex(b.ctx, erp, "none", func(record.Fields) []store.Key { return nil }))
	b.same("no longer indexed", "", b.words(9, "ann"))
	b.ok(b.s.Reindex(b.ctx, erp, "words", wordKeys))
	b.same("indexed anew", "1", b.words(9, "ann"))
}

func wordsMany(b *bench) {
	p := read(erp, at(0))
	for i := range 4100 {
		p.Changes = append(p.Changes, change(fmt.Sprint(i), "name", fmt.Sprintf("common same%04d", i)))
	}
	b.saveWords(p)
	b.same("a rare one among them", "4099", b.words(9, "common", "same4099"))
	ids, more, err := b.s.FindWords(b.ctx, erp, []string{"common"}, 25)
	b.ok(err)
	b.same("of many", 25, len(ids))
	b.same("there are more", true, more)
	_, more, err = b.s.FindWords(b.ctx, erp, []string{"com", "comm"}, 5000)
	b.ok(err)
	b.same("not all were looked at", true, more)
}

func latest(b *bench) {
	for i := range 5 {
		b.save(read(erp, at(i), change(fmt.Sprint(i), "name", "x")))
	}
	b.save(read(erp, at(6), gone("3", connector.Deleted), change("0", "name", "y")))
	var got []string
	before := int64(0)
	for {
		rows, err := b.s.Latest(b.ctx, erp, before, 2)
		b.ok(err)
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			got = append(got, r.ID)
			before = r.Seq
		}
		got = append(got, "|")
	}
	b.same("pages", []string{"0", "4", "|", "2", "1", "|"}, got)
}

func objectStates(b *bench) {
	p := read(erp, at(0), change("1", "name", "x"), change("2", "name", "y"))
	p.Feed, p.Listing, p.Total = store.FeedChanges, at(0), 40
	b.save(p)
	all, err := b.s.Objects(b.ctx)
	b.ok(err)
	b.same("while it is listed", store.ObjectState{Present: 2, Listing: at(0), Total: 40}, all[erp])
	p = read(erp, at(5), gone("2", connector.Deleted))
	p.Feed, p.Listing, p.Done = store.FeedChanges, at(0), true
	b.save(p)
	all, err = b.s.Objects(b.ctx)
	b.ok(err)
	b.same("once it was", store.ObjectState{Present: 1, Read: at(5), Total: 40}, all[erp])
}

func writtenByDay(b *bench) {
	run := func(id int64, at time.Time, left, right store.Counts) {
		b.Helper()
		b.ok(b.s.StartRun(b.ctx, store.Run{ID: id, Sync: "contacts", Started: at}))
		b.ok(b.s.FinishRun(b.ctx, store.Run{ID: id, Sync: "contacts", Started: at, Ended: at, Status: "ok", Sides: [2]store.Counts{left, right}}))
	}
	day := time.Date(2026, 3, 4, 23, 30, 0, 0, time.UTC)
	run(1, day.Add(-72*time.Hour), store.Counts{Created: 100}, store.Counts{})
	run(2, day, store.Counts{Read: 9, Created: 1}, store.Counts{Updated: 2})
	run(3, day.Add(-time.Hour), store.Counts{}, store.Counts{Deleted: 4, Calls: 2})
	run(4, day, store.Counts{Read: 50}, store.Counts{Calls: 3})
	zone := time.FixedZone("EET", 2*60*60)
	got, err := b.s.WrittenByDay(b.ctx, day.Add(-24*time.Hour), zone)
	b.ok(err)
	b.same("by the days of the zone", map[string]store.DayCounts{"2026-03-05": {Created: 1, Updated: 2, Deleted: 4}}, got)
	got, err = b.s.WrittenByDay(b.ctx, day.Add(-24*time.Hour), time.UTC)
	b.ok(err)
	b.same("of UTC", map[string]store.DayCounts{"2026-03-04": {Created: 1, Updated: 2, Deleted: 4}}, got)
}
