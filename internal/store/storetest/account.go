package storetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func accountCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"Completed tells the first and the last complete run":   completed,
		"R38 Unaccounted finds records that nothing explains":   unaccounted,
		"an installation keeps its name":                        installation,
		"other rules take the marks back to the beginning":      replan,
		"what is old is removed, as far as nothing rests on it": prunes,
		"lines of the journal stay that something rests on":     prunesUnneeded,
		"the journal is walked from its beginning once a day":   prunesInRounds,
		"runs without an end are marked":                        cutShort,
		"R32 who was erased is known by a hash only":            graves,
		"R30 creates that are held are counted, not loaded":     heldCreates,
		"R19 the approved rules of each sync are kept":          approvals,
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

func graves(b *bench) {
	const ann, bob = "email ann@example.com", "email bob@example.com"
	b.ok(b.s.Bury(b.ctx, at(1), ann, "phone +30210"))
	b.ok(b.s.Bury(b.ctx, at(2), ann))
	got, err := b.s.Buried(b.ctx, []string{ann, bob})
	b.ok(err)
	b.same("erased", map[string]time.Time{ann: at(1)}, got)
	n, err := b.s.Graves(b.ctx)
	b.ok(err)
	b.same("marks", 2, n)
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
	b.ok(b.s.Try(b.ctx, "contacts", "three"))
	b.ok(b.s.Try(b.ctx, "companies", "theirs"))
	tried, err := b.s.Tried(b.ctx, "contacts")
	b.ok(err)
	b.same("tried", []string{"three"}, tried)
	b.ok(b.s.Approve(b.ctx, "contacts", "three", at(3)))
	tried, err = b.s.Tried(b.ctx, "contacts")
	b.ok(err)
	b.same("tried since", 0, len(tried))
}

func prunes(b *bench) {
	var runs []int64
	for i := range 6 { // complete are the second, the third and the fifth
		r := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(i), Ended: at(i + 1), Status: "ok", Complete: i == 1 || i == 2 || i == 4}
		b.ok(b.s.StartRun(b.ctx, r))
		b.ok(b.s.FinishRun(b.ctx, r))
		runs = append(runs, r.ID)
		b.decide(store.Facts{Journal: []store.Entry{{At: at(i), Sync: "contacts", Of: erp, Record: "1", Kind: store.Written, Why: "w" + strconv.Itoa(i)}}})
	}
	dismissed := b.review("dismissed")
	dismissed.Choices = []string{"dismiss"}
	items := b.open(b.review("old"), dismissed, b.review("first match email"), b.review("new"), b.review("open"))
	for i, decision := range []string{"left", "dismiss", "left", "left"} {
		when := at(0)
		if i == 3 {
			when = at(9)
		}
		b.ok(b.s.DecideReview(b.ctx, items[i].ID, decision, "ann", when))
	}
	b.same("the journal's lines", 10, len(b.whys(store.HistoryQuery{Sync: "contacts"})))
	n, err := b.s.Prune(b.ctx, store.Ages{}, 9)
	b.ok(err)
	b.same("kept for ever", 0, n.Removed)
	n, err = b.s.Prune(b.ctx, store.Ages{Journal: at(3)}, 2)
	b.ok(err)
	b.same("a portion of the journal", 2, n.Removed)
	n, err = b.s.Prune(b.ctx, store.Ages{Journal: at(3), Runs: at(6), Reviews: at(5)}, 9)
	b.ok(err)
	b.same("removed", 1+3+1, n.Removed) // w2; the first, the third and the fourth run; old. What was decided then comes after younger lines, and goes with them
	list, err := b.s.Runs(b.ctx, "contacts", 9)
	b.ok(err)
	var left []int64
	for _, r := range list {
		left = append(left, r.ID)
	}
	b.same("runs", []int64{runs[5], runs[4], runs[1]}, left)
	reviews, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	var subjects []string
	for _, r := range reviews {
		subjects = append(subjects, r.Subject)
	}
	b.same("reviews", []string{"dismissed", "first match email", "new", "open"}, subjects)
}

// prunesUnneeded writes one line after the other and looks which are left when all are old.
func prunesUnneeded(b *bench) {
	open := b.linked(2)[0]
	closed := open
	closed.ID, closed.IDs, closed.Closed = b.s.NewID(), [2]string{"8", "8"}, "deleted"
	lines := []store.Entry{
		{Link: open.ID, Kind: store.Created, Why: "stays: how the pair came to be"},
		{Link: open.ID, Kind: store.Written, Field: "phone", Side: record.Right, Why: "goes: written again since"},
		{Link: open.ID, Kind: store.Written, Field: "phone", Side: record.Right, Why: "stays: what is agreed of the phone"},
		{Link: open.ID, Kind: store.Agreed, Field: "phone", Side: record.Left, Why: "stays: of the other side"},
		{Link: open.ID, Kind: store.Written, Field: "name", Side: record.Right, Why: store.RevertOf + "r1; stays"},
		{Link: open.ID, Kind: store.Overruled, Field: "phone", Side: record.Right, Why: "goes: lost too long ago", At: at(1)},
		{Link: open.ID, Kind: store.Overruled, Field: "phone", Side: record.Right, Why: "stays: in the drawer", At: at(5)},
		{Link: closed.ID, Kind: store.Created, Why: "goes: of a closed link"},
		{Link: closed.ID, Kind: store.Closed, Why: "goes: the link says it itself"},
		{Link: closed.ID, Kind: store.Deleted, Why: "stays: in the drawer too", At: at(5)},
		{Kind: store.Written, Record: "7", Why: "goes: of no link"},
		{Kind: store.Written, Record: "6", Why: "stays: an operation is under way to it"},
	}
	for i := range lines {
		l := &lines[i]
		l.Sync, l.Of = "contacts", crm
		if l.At.IsZero() {
			l.At = at(2)
		}
	}
	b.decide(store.Facts{Links: []store.Link{closed}, Ops: []store.Op{b.op(connector.Update, "6", "9")}, Journal: lines})
	for {
		p, err := b.s.Prune(b.ctx, store.Ages{Journal: at(9), Drawer: at(4)}, 3)
		b.ok(err)
		if !p.More {
			break
		}
	}
	for _, why := range b.whys(store.HistoryQuery{Sync: "contacts"}) {
		if strings.Contains(why, "goes") {
			b.Errorf("kept: %s", why)
		}
	}
	kept := strings.Join(b.whys(store.HistoryQuery{Sync: "contacts"}), "|")
	for _, l := range lines {
		if strings.Contains(l.Why, "stays") && !strings.Contains(kept, l.Why) {
			b.Errorf("removed: %s", l.Why)
		}
	}
}

// prunesInRounds: what was needed when the walk came by is looked at again.
func prunesInRounds(b *bench) {
	link := b.linked(1)[0]
	line := func(i int, why string) {
		b.decide(store.Facts{Journal: []store.Entry{{At: at(i), Sync: "contacts", Of: crm, Link: link.ID, Side: record.Right, Kind: store.Written, Field: "phone", Why: why}}})
	}
	prune := func(now time.Time) {
		_, err := b.s.Prune(b.ctx, store.Ages{Journal: at(9), Now: now}, 100)
		b.ok(err)
	}
	line(1, "first")
	prune(at(10))
	line(2, "second")
	prune(at(11))
	has := func() bool {
		return strings.Contains(strings.Join(b.whys(store.HistoryQuery{Sync: "contacts"}), " "), "first")
	}
	b.same("before the round is over", true, has())
	prune(at(11).Add(25 * time.Hour)) // it ends here
	prune(at(12).Add(25 * time.Hour))
	b.same("in the next round", false, has())
}

func cutShort(b *bench) {
	dead, done := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(1)}, store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(2)}
	b.ok(b.s.StartRun(b.ctx, dead))
	b.ok(b.s.StartRun(b.ctx, done))
	done.Ended, done.Status = at(3), "ok"
	b.ok(b.s.FinishRun(b.ctx, done))
	n, err := b.s.CutShort(b.ctx)
	b.ok(err)
	b.same("cut short", 1, n)
	runs, err := b.s.Runs(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("status", []string{"ok", store.RunCutShort}, []string{runs[0].Status, runs[1].Status})
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
