package storetest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func runCases() map[string]func(*bench) {
	return map[string]func(*bench){"runs come back newest first": runs}
}

func runs(b *bench) {
	one := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(0)}
	two := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(5)}
	other := store.Run{ID: b.s.NewID(), Sync: "others", Started: at(6)}
	for _, r := range []store.Run{one, two, other} {
		b.ok(b.s.StartRun(b.ctx, r))
	}
	one.Ended, one.Status, one.Reconciled, one.Complete, one.Error = at(1), "failed", true, true, "why"
	one.Sides = [2]store.Counts{{Read: 1, Calls: 5}, {Created: 2, Updated: 3, Deleted: 4}}
	one.Linked, one.Unchanged, one.Conflicts, one.Review, one.Failed = 1, 2, 3, 4, 5
	b.ok(b.s.FinishRun(b.ctx, one))
	got, err := b.s.Runs(b.ctx, "contacts", 5)
	b.ok(err)
	b.same("runs", []store.Run{two, one}, got)
	got, err = b.s.Runs(b.ctx, "", 1)
	b.ok(err)
	b.same("all, one", []store.Run{other}, got)
	if err := b.s.FinishRun(b.ctx, store.Run{ID: 999}); err == nil {
		b.Error("a run that nobody started was finished")
	}
}

func tallyCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a tally is what a recount gives": tallyRecount,
		"a tally of a sync that nobody knows": func(b *bench) {
			got, err := b.s.Tally(b.ctx, "nobody")
			b.ok(err)
			b.same("tally", store.Tally{}, got)
		},
	}
}

// tallyRecount does random things and compares the counts that the store keeps with what
// is there.
func tallyRecount(b *bench) {
	minutes := 0
	rapid.Check(b.T, func(t *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			minutes++
			step(b, t, minutes)
			b.same("tally", recount(b), b.tally())
		}
	})
}

func step(b *bench, t *rapid.T, minutes int) {
	id := rapid.StringMatching(`[1-6]`)
	switch rapid.SampledFrom([]string{"page", "page", "link", "link", "op", "settle", "standing", "spots", "unplan", "review"}).Draw(t, "step") {
	case "page":
		of := rapid.SampledFrom([]store.Object{erp, crm}).Draw(t, "of")
		c := change(id.Draw(t, "id"), "email", id.Draw(t, "email"))
		c.Fate = rapid.SampledFrom([]connector.Fate{connector.Present, connector.Present, connector.Deleted, connector.Left}).Draw(t, "fate")
		began := at(minutes - rapid.IntRange(0, 3).Draw(t, "stale"))
		b.save(read(of, began, c, change(id.Draw(t, "second"), "town", "x")))
	case "link":
		l, e := b.link(id.Draw(t, "left"), id.Draw(t, "right"))
		if rapid.Bool().Draw(t, "again") {
			if some, err := b.s.Links(b.ctx, "contacts", 0, 50); err == nil && len(some) > 0 {
				l = rapid.SampledFrom(some).Draw(t, "link")
				e = line(l, store.Agreed)
			}
		}
		l.Closed = rapid.SampledFrom([]string{"", "", "unlinked"}).Draw(t, "closed")
		l.Diverged = rapid.SampledFrom([]map[string]string{nil, {"a": "b"}}).Draw(t, "diverged")
		// It may be refused, as the record has an open link already: then nothing has changed.
		_ = b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e}})
	case "op":
		o := b.op(connector.Update, id.Draw(t, "target"), id.Draw(t, "source"))
		o.State = rapid.SampledFrom([]store.OpState{store.OpHeld, store.OpReady}).Draw(t, "state")
		_ = b.s.Decide(b.ctx, "contacts", [2]int64{}, store.Facts{Ops: []store.Op{o}}) // refused if the target is busy
	case "settle":
		ops, err := b.s.Ops(b.ctx, "contacts")
		b.ok(err)
		for _, o := range ops {
			if rapid.Bool().Draw(t, "settled") {
				b.ok(b.s.Settle(b.ctx, []store.Settlement{{Op: o.ID, State: rapid.SampledFrom([]store.OpState{"", store.OpHeld}).Draw(t, "to")}}, store.Facts{}))
			}
		}
	default:
		spotStep(b, t)
	}
}

func spotStep(b *bench, t *rapid.T) {
	spot := func(label string) store.Spot {
		return store.Spot{Side: record.Side(rapid.IntRange(0, 1).Draw(t, label+" side")), ID: rapid.StringMatching(`[1-6]`).Draw(t, label)}
	}
	var f store.Facts
	switch rapid.SampledFrom([]string{"standing", "spots", "unplan", "review"}).Draw(t, "step") {
	case "standing":
		for range rapid.IntRange(0, 3).Draw(t, "standings") {
			p := spot("standing")
			f.Standing = append(f.Standing, store.Standing{Side: p.Side, ID: p.ID, Reason: rapid.SampledFrom([]string{"filtered", "waits"}).Draw(t, "reason")})
		}
		f.InScope = []store.Spot{spot("in scope")}
	case "spots":
		f.Dirty, f.Clean = []store.Spot{spot("dirty")}, []store.Spot{spot("clean")}
		f.Waits = []store.Wait{{Spot: spot("waits"), On: crm, OnID: spot("on").ID}}
	case "unplan":
		_, err := b.s.Unplan(b.ctx, "contacts")
		b.ok(err)
		return
	case "review":
		f.Reviews = []store.Review{b.review(spot("subject").ID)}
		f.Close = []string{spot("close").ID}
	}
	b.decide(f)
}

// recount counts what the other methods show.
func recount(b *bench) store.Tally {
	b.Helper()
	t := store.Tally{Standing: map[string]int{}}
	links, err := b.s.Links(b.ctx, "contacts", 0, 1000)
	b.ok(err)
	for _, l := range links {
		t.Linked += count(l.Closed == "")
		t.Diverged += count(l.Closed == "" && len(l.Diverged) > 0)
	}
	ops, err := b.s.Ops(b.ctx, "contacts")
	b.ok(err)
	reviews, err := b.s.Reviews(b.ctx, store.ReviewQuery{Sync: "contacts", Open: true})
	b.ok(err)
	standings, err := b.s.Standings(b.ctx, "contacts", 1000)
	b.ok(err)
	for _, x := range standings {
		t.Standing[fmt.Sprintf("%s %s", x.Side, x.Reason)]++
	}
	t.Outbox, t.Review, t.Dirty = len(ops), len(reviews), len(b.dirty())
	for side, of := range [2]store.Object{erp, crm} {
		rows, err := b.s.Rows(b.ctx, of, strings.Split("1 2 3 4 5 6", " "))
		b.ok(err)
		for _, r := range rows {
			t.Rows[side] += count(r.Fate == connector.Present)
		}
	}
	t.Waiting = b.tally().Waiting // counted at the moment of asking, and shown by nothing else
	return t
}
