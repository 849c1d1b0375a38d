package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func linkCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a link comes back as it was stored":                   linkRoundTrip,
		"R18 LinksOf prefers the open link, else the newest":   openLinkFirst,
		"one open link of a record in a sync":                  oneOpenLink,
		"R26 members share the record of one main link":        membersShare,
		"a link is closed and another opened at once":          relink,
		"Links walks a sync's links by id":                     linksWalk,
		"invariant 2: a base moves only with a journal line":   baseNeedsLine,
		"a link of a sync without objects is refused":          unregistered,
		"R18 the records of a link never change":               recordsStay,
		"a sync may change its objects":                        setSyncAgain,
		"a link of one sync cannot be moved to another":        otherSync,
		"R18 a closed link is kept and can be reopened":        reopen,
		"what is expected and diverged may move without lines": expectedMoves,
	}
}

func linkRoundTrip(b *bench) {
	l, e := b.link("1", "r1")
	l.Expected[1] = record.Fields{"town=city": record.Text("Athens")}
	l.Base[0]["fax=fax"] = record.Value{}
	l.Diverged = map[string]string{"email=email": "one way", "a=b": "refused"}
	l.Created = [2]time.Time{at(-5), {}}
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}})
	got, err := b.s.LinksByID(b.ctx, []int64{l.ID, 999})
	b.ok(err)
	b.same("links", map[int64]store.Link{l.ID: l}, got)
	if got[l.ID].Base[1] == nil || got[l.ID].Expected[0] != nil {
		b.Error("nil fields and fields without names are mixed up")
	}
}

func openLinkFirst(b *bench) {
	closed, e1 := b.link("1", "r1")
	closed.Closed = "unlinked"
	newer, e2 := b.link("1", "r2")
	newer.Closed = "deleted"
	b.decide(store.Facts{Links: []store.Link{closed, newer}, Journal: []store.Entry{e1, e2}})
	of, err := b.s.LinksOf(b.ctx, "contacts", record.Left, []string{"1", "2"})
	b.ok(err)
	b.same("closed ones", map[string]store.Link{"1": newer}, of)
	open, e3 := b.link("1", "r3")
	b.decide(store.Facts{Links: []store.Link{open}, Journal: []store.Entry{e3}})
	of, err = b.s.LinksOf(b.ctx, "contacts", record.Left, []string{"1", "2", "1"})
	b.ok(err)
	b.same("open one", map[string]store.Link{"1": open}, of)
	of, err = b.s.LinksOf(b.ctx, "contacts", record.Right, []string{"r1", "r3"})
	b.ok(err)
	b.same("by right", map[string]store.Link{"r1": closed, "r3": open}, of)
	of, err = b.s.LinksOf(b.ctx, "others", record.Left, []string{"1"})
	b.ok(err)
	b.same("of a sync that nobody knows", 0, len(of))
}

func oneOpenLink(b *bench) {
	b.linked(1)
	for _, ids := range [][2]string{{"1", "other"}, {"other", "r1"}} {
		l, e := b.link(ids[0], ids[1])
		if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}}); !errors.Is(err, store.ErrLinked) {
			b.Errorf("a second open link %v: %v", ids, err)
		}
	}
	b.same("linked", 1, b.tally().Linked)
}

func membersShare(b *bench) {
	main := b.linked(1)[0]
	var all []store.Link
	for _, id := range []string{"r2", "r3"} {
		m, e := b.link("1", id)
		m.Role = store.MemberRight
		b.decide(store.Facts{Links: []store.Link{m}, Journal: []store.Entry{e}})
		all = append(all, m)
	}
	of, err := b.s.LinksOf(b.ctx, "contacts", record.Left, []string{"1"})
	b.ok(err)
	b.same("the main link is the record's", map[string]store.Link{"1": main}, of)
	of, err = b.s.LinksOf(b.ctx, "contacts", record.Right, []string{"r2"})
	b.ok(err)
	b.same("a member is its copy's", map[string]store.Link{"r2": all[0]}, of)
	members, err := b.s.Members(b.ctx, "contacts", record.Left, []string{"1", "2"})
	b.ok(err)
	b.same("members", map[string][]store.Link{"1": all}, members)
	b.same("a thing counts once", 1, b.tally().Linked)
	for _, bad := range []struct {
		left, right string
		role        store.Role
	}{{"1", "r9", store.Main}, {"1", "r2", store.MemberRight}, {"9", "r2", store.Main}} {
		l, e := b.link(bad.left, bad.right)
		l.Role = bad.role
		if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}}); !errors.Is(err, store.ErrLinked) {
			b.Errorf("a second open link %+v: %v", bad, err)
		}
	}
	turned := all[0]
	turned.Role = store.Main
	if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{turned}, Journal: []store.Entry{line(turned, store.Linked)}}); err == nil {
		b.Error("a member became a main link")
	}
	all[0].Closed = "deleted"
	b.decide(store.Facts{Links: all[:1], Journal: []store.Entry{line(all[0], store.Closed)}})
	members, err = b.s.Members(b.ctx, "contacts", record.Left, []string{"1"})
	b.ok(err)
	b.same("open ones", map[string][]store.Link{"1": all[1:]}, members)
	b.same("linked", 1, b.tally().Linked)
}

func relink(b *bench) {
	old := b.linked(1)[0]
	old.Closed = "merged"
	l, e := b.link("1", "r9")
	b.decide(store.Facts{Links: []store.Link{l, old}, Journal: []store.Entry{e, line(old, store.Closed)}})
	of, err := b.s.LinksOf(b.ctx, "contacts", record.Left, []string{"1"})
	b.ok(err)
	b.same("open", l.ID, of["1"].ID)
	b.same("linked", 1, b.tally().Linked)
}

func linksWalk(b *bench) {
	all := b.linked(5)
	all[1].Closed = "unlinked"
	b.decide(store.Facts{Links: all[1:2], Journal: []store.Entry{line(all[1], store.Closed)}})
	var ids []int64
	for after := int64(0); ; {
		some, err := b.s.Links(b.ctx, "contacts", after, 2)
		b.ok(err)
		if len(some) == 0 {
			break
		}
		for _, l := range some {
			ids, after = append(ids, l.ID), l.ID
		}
	}
	b.same("ids", []int64{all[0].ID, all[1].ID, all[2].ID, all[3].ID, all[4].ID}, ids)
}

func baseNeedsLine(b *bench) {
	l := b.linked(1)[0]
	moved := l
	moved.Base[1] = record.Fields{"email=email": record.Text("b@x")}
	err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{moved}})
	if err == nil || !strings.Contains(err.Error(), "invariant 2") {
		b.Errorf("a base moved without a line: %v", err)
	}
	b.decide(store.Facts{Links: []store.Link{moved}, Journal: []store.Entry{line(l, store.Agreed)}})
	fresh, _ := b.link("2", "r2")
	if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{fresh}}); err == nil {
		b.Error("a link was made without a line")
	}
}

func expectedMoves(b *bench) {
	l := b.linked(1)[0]
	l.Expected[0] = record.Fields{"email=email": record.Text("sent")}
	l.Diverged = map[string]string{"email=email": "refused"}
	b.decide(store.Facts{Links: []store.Link{l}})
	b.same("diverged", 1, b.tally().Diverged)
}

func unregistered(b *bench) {
	l, e := b.link("1", "r1")
	l.Sync, e.Sync = "nobody", "nobody"
	err := b.s.Decide(b.ctx, "nobody", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}})
	if err == nil || !strings.Contains(err.Error(), "not registered") {
		b.Errorf("got %v", err)
	}
}

func recordsStay(b *bench) {
	l := b.linked(1)[0]
	l.IDs[1] = "r2"
	err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Linked)}})
	if err == nil {
		b.Error("a link took another record")
	}
}

func setSyncAgain(b *bench) {
	b.save(read(companies, at(0), change("1", "email", "a")))
	b.ok(b.s.SetSync(b.ctx, "contacts", erp, companies))
	b.same("rows", [2]int{0, 1}, b.tally().Rows)
}

func otherSync(b *bench) {
	l := b.linked(1)[0]
	b.ok(b.s.SetSync(b.ctx, "others", erp, companies))
	l.Sync = "others"
	if err := b.s.Decide(b.ctx, "others", [2]int64{}, store.Facts{Links: []store.Link{l}}); err == nil {
		b.Error("a link moved to another sync")
	}
}

func reopen(b *bench) {
	l := b.linked(1)[0]
	l.Closed = "deleted"
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Closed)}})
	b.same("linked", 0, b.tally().Linked)
	l.Closed = ""
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{line(l, store.Reopened)}})
	b.same("linked", 1, b.tally().Linked)
	if err := b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{{Sync: "contacts"}}}); err == nil || errors.Is(err, store.ErrBusy) {
		b.Errorf("a link without an id: %v", err)
	}
}
