package connectortest

import (
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// pageSize is what the twins' pages are shrunk to, and what queries ask for.
const pageSize = 3

func pagingScenarios() []scenario {
	small := twin.Options{PageSize: pageSize}
	return []scenario{
		{name: "an empty object lists as empty", needs: needAll(needSource()), run: emptyObject},
		{name: "pages of every length show every record", needs: needAll(needSource()), options: small, run: pagesWhole},
		{name: "a sweep shows every id", needs: needAll(needSource()), options: small, run: sweepWhole},
		{name: "nothing that happens while paging is lost", needs: needAll(needSource(), needEdit()), options: small, run: pagingLosesNothing},
		{name: "a cursor survives a restart", needs: needAll(needSource(), needEdit()), options: small, run: cursorSurvives},
		{name: "an expired cursor says so", needs: needAll(needSource(), needExpire()), run: cursorExpires},
		{name: "parts are read one by one", needs: needAll(needParts()), options: small, run: partsApart},
	}
}

func emptyObject(b *Bench) {
	b.prepare()
	b.empty()
	if rows := b.rows(); len(rows) > 0 {
		b.Fatalf("people cannot remove %v; if so, declare a lack", rows)
	}
	b.later()
	for _, r := range []*reading{b.reading(), b.sweep()} {
		r.more()
		b.same("an empty object", r.present(), nil)
		if got := r.more(); len(got) > 0 && len(r.present()) > 0 {
			b.Errorf("an empty object changes: %v", got)
		}
	}
	id := b.put()
	b.later()
	r := b.list()
	b.same("the first record", r.present(), []string{id})
}

// pagesWhole lists none, one, a page, a page and one, and more records.
func pagesWhole(b *Bench) {
	b.prepare()
	for n := 0; n <= 2*pageSize+1; n++ {
		if n > 0 {
			b.put()
			b.later()
		}
		for _, limit := range []int{0, 2} {
			r := b.reading()
			r.limit = limit
			r.more()
			b.same("a listing", r.present(), b.rows())
			if all := len(b.rows()); r.total != 0 && r.total != all {
				b.Errorf("of %d records in all the pages say %d", all, r.total)
			}
			if limit > 0 && n > pageSize && r.pages < 2 {
				b.Errorf("%d records came on one page, where neither the twin nor the query wants more than %d", n, pageSize)
			}
		}
	}
}

// sweepWhole holds a listing of ids, and what it proves (R21). Where the bin is the
// evidence a sweep lists that, and nothing that is there may be in it.
func sweepWhole(b *Bench) {
	b.prepare()
	b.puts(2*pageSize + 1)
	b.later()
	r := b.sweep()
	r.more()
	if b.shape.Deletes == record.EvidenceBin {
		for _, id := range b.rows() {
			if fate := r.known[id].Fate; fate != connector.Present {
				b.Errorf("a sweep shows %s, which is there, with fate %q", id, fate)
			}
		}
		return
	}
	b.same("a sweep", r.present(), b.rows())
	if b.shape.Deletes != record.EvidenceListing {
		return
	}
	for part, complete := range r.complete {
		if !complete {
			b.Errorf("deletes are proven by listing, and the last page of %q does not say that it is complete", part)
		}
	}
}

// pagingLosesNothing lets people work between the pages of a listing: on records that were
// shown and on some that were not, changing, making and deleting. What the listing and the
// changes after it tell must be what people see. Offsets fail here: a delete on a page that
// was shown moves a record from the next page to the one before.
func pagingLosesNothing(b *Bench) {
	b.prepare()
	ids := b.puts(4 * pageSize)
	b.later()
	texts := map[string]string{}
	var removed []string
	r := b.reading()
	r.limit = pageSize // a connector may gather several of the vendor's pages
	r.between = func(page int) {
		time.Sleep(2 * time.Second)
		shown := func(id string) bool { _, ok := r.known[id]; return ok }
		seen := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !shown(id) })
		unseen := slices.DeleteFunc(slices.Clone(ids), shown)
		switch {
		case len(removed) == 0 && len(seen) > 1 && len(unseen) > 1:
			removed = append(removed, seen[0], unseen[len(unseen)-1])
			b.remove(seen[0])
			b.remove(unseen[len(unseen)-1])
			texts[seen[1]] = b.edit(seen[1])
			texts[unseen[0]] = b.edit(unseen[0])
		case page <= 3:
			ids = append(ids, b.put())
		}
	}
	r.more()
	r.between = nil
	if len(removed) == 0 {
		b.Fatalf("the listing came on one page: neither the twin nor the query wants more than %d on one", pageSize)
	}
	b.later()
	r.more()
	b.agrees(r, removed, texts)
}

// agrees fails unless the reading knows what people see. Where reading does not tell
// deletes, those deleted may still look as they did.
func (b *Bench) agrees(r *reading, removed []string, texts map[string]string) {
	b.Helper()
	present := r.present()
	if b.shape.Deletes != record.EvidenceFeed {
		present = slices.DeleteFunc(present, func(id string) bool { return slices.Contains(removed, id) })
	}
	b.same("what was read", present, b.rows())
	f := b.editable()
	for id, text := range texts {
		if got := r.known[id].Fields[f.Name]; got.Text() != text {
			b.Errorf("%s of %s was edited while paging to %q and is known as %q", f.Name, id, text, got)
		}
	}
}

// cursorSurvives makes a new connection after every page.
func cursorSurvives(b *Bench) {
	b.prepare()
	ids := b.puts(2*pageSize + 1)
	b.later()
	r := b.reading()
	r.limit = pageSize
	r.between = func(int) { b.reopen() }
	r.more()
	b.same("a listing with restarts", r.present(), b.rows())
	text := b.edit(ids[1])
	created := b.put()
	b.later()
	b.reopen()
	r.more()
	b.same("what was read with restarts", r.present(), b.rows())
	if got := r.known[ids[1]].Fields[b.editable().Name].Text(); got != text {
		b.Errorf("an edit is read as %q after a restart, not %q", got, text)
	}
	if _, ok := r.known[created]; !ok {
		b.Errorf("a new record is not read after a restart")
	}
}

// cursorExpires insists on Expired: the hub then lists everything.
func cursorExpires(b *Bench) {
	b.prepare()
	b.puts(2)
	b.later()
	r := b.list()
	if err := b.suite.Expire(b.Twin); err != nil {
		b.Fatalf("expire the cursors: %v", err)
	}
	b.reopen()
	_, err := r.ask(b.parts()[0])
	e := b.classified("changes from an expired cursor", err, connector.Expired)
	if e.Scope == connector.ScopeRecord || e.Scope == "" {
		b.Errorf("an expired cursor concerns more than one record")
	}
	b.same("a listing after that", b.list().present(), b.rows())
}

// partsApart holds that the parts are disjoint and together all there is.
func partsApart(b *Bench) {
	b.prepare()
	parts := b.parts()
	created := map[string]string{}
	for _, part := range parts {
		for range pageSize + 1 {
			created[b.putInto(part)] = part
		}
	}
	b.later()
	r := b.reading()
	for _, part := range parts {
		from := len(r.shown)
		for r.page(part) {
			continue
		}
		for _, c := range r.shown[from:] {
			if home, ok := created[c.ID]; ok && home != part {
				b.Errorf("%s of part %q is shown in part %q", c.ID, home, part)
			}
		}
	}
	b.same("all parts", r.present(), b.rows())
	slices.Sort(parts)
	if again := b.parts(); !slices.Equal(parts, slices.Sorted(slices.Values(again))) {
		b.Errorf("the parts were %v and are %v", parts, again)
	}
}

// putInto lets a person make a record in a part: the value of a choice that is named like
// the parts.
func (b *Bench) putInto(part string) string {
	b.Helper()
	i := slices.IndexFunc(b.shape.Fields, func(f record.Field) bool {
		return f.Kind == record.KindChoice && offered(f, part) && !f.Open
	})
	if i < 0 {
		b.Fatalf("no choice of %s says in which part a record is", b.shape.Name)
	}
	fields := b.people()
	n := b.next()
	for name, text := range fields {
		fields[name] = fill(record.Text(text), n).Text()
	}
	fields[b.shape.Fields[i].Name] = part
	id, err := b.Twin.Put(b.shape.Name, "", fields)
	if err != nil {
		b.Fatalf("a person's new record in %q: %v", part, err)
	}
	return id
}
