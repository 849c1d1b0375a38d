package storetest

import (
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func accountCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"Completed tells the first and the last complete run": completed,
		"R38 Unaccounted finds records that nothing explains": unaccounted,
		"an installation keeps its name":                      installation,
		"other rules take the marks back to the beginning":    replan,
		"R19 the approved rules of each sync are kept":        approvals,
	}
}

func completed(b *bench) {
	got, err := b.s.Completed(b.ctx, "contacts")
	b.ok(err)
	b.same("none", [2]time.Time{}, got)
	for i, complete := range []bool{false, true, true, false} {
		r := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(i), Ended: at(i + 1), Complete: complete}
		b.ok(b.s.StartRun(b.ctx, r))
		b.ok(b.s.FinishRun(b.ctx, r))
	}
	got, err = b.s.Completed(b.ctx, "contacts")
	b.ok(err)
	b.same("complete", [2]time.Time{at(2), at(3)}, got)
}

func unaccounted(b *bench) {
	b.save(read(erp, at(0), change("1"), change("2"), change("3"), change("4"), gone("5", connector.Deleted)))
	b.linked(1)
	b.decide(store.Facts{Standing: []store.Standing{{Side: record.Left, ID: "2", Reason: "filtered"}}, Ops: []store.Op{b.op(connector.Create, "", "3")}})
	got, err := b.s.Unaccounted(b.ctx, "contacts", record.Left, 9)
	b.ok(err)
	b.same("left", []string{"4"}, got)
	b.decide(store.Facts{Standing: []store.Standing{{Side: record.Left, ID: "4", Reason: "filtered"}, {Side: record.Left, ID: "3", Reason: "waiting"}}})
	got, err = b.s.Unaccounted(b.ctx, "contacts", record.Left, 9)
	b.ok(err)
	b.same("none", 0, len(got))
}

func installation(b *bench) {
	one, err := b.s.Installation(b.ctx)
	b.ok(err)
	two, err := b.s.Installation(b.ctx)
	b.ok(err)
	if one == "" || one != two {
		b.Errorf("names %q and %q", one, two)
	}
}

func approvals(b *bench) {
	for i, want := range []string{"", "one", "two"} {
		if want != "" {
			b.ok(b.s.Approve(b.ctx, "contacts", want, at(i)))
		}
		got, since, err := b.s.Approved(b.ctx, "contacts")
		b.ok(err)
		b.same("rules", want, got)
		if want != "" {
			b.same("since", at(i), since)
		}
	}
	got, _, err := b.s.Approved(b.ctx, "companies")
	b.ok(err)
	b.same("of another sync", "", got)
}

func replan(b *bench) {
	again, err := b.s.Replan(b.ctx, "contacts", "one")
	b.ok(err)
	b.same("the first rules", false, again)
	b.ok(b.s.Decide(b.ctx, "contacts", [2]int64{5, 6}, store.Facts{}))
	again, err = b.s.Replan(b.ctx, "contacts", "one")
	b.ok(err)
	b.same("the same rules", false, again)
	again, err = b.s.Replan(b.ctx, "contacts", "two")
	b.ok(err)
	b.same("other rules", true, again)
	marks, err := b.s.Marks(b.ctx, "contacts")
	b.ok(err)
	b.same("marks", [2]int64{}, marks)
}
