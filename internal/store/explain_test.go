package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// callAll calls every method that looks for rows in a large table, so that its statements
// are known.
func callAll(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	left, right := Object{"erp", "contacts"}, Object{"crm", "contacts"}
	ids := []string{"1", "5"}
	l := Link{ID: s.NewID(), Sync: "contacts", IDs: [2]string{"1", "2"}}
	op := Op{ID: s.NewID(), Sync: "contacts", Side: record.Right, Target: right, Verb: connector.Create, SourceID: "9", State: OpReady}
	f := Facts{Links: []Link{l}, Journal: []Entry{{Link: l.ID, Sync: "contacts"}}, Waits: []Wait{{On: left, OnID: "1"}}, Ops: []Op{op},
		Standing: []Standing{{ID: "3"}}, InScope: []Spot{{ID: "4"}}, Clean: []Spot{{ID: "1"}}, Close: []string{"s"}}
	page := Page{Of: left, Feed: FeedSweep, Listing: time.Now(), Changes: []connector.Change{{}}}
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	run := func(err error) { errs = append(errs, err) }
	run(s.SetSync(ctx, "contacts", left, right))
	run(s.Decide(ctx, "contacts", [2]int64{}, f))
	note(s.SavePage(ctx, page))
	note(s.Rows(ctx, left, ids))
	note(s.Changed(ctx, left, 0, 5))
	note(s.MaxSeq(ctx, left))
	note(s.Latest(ctx, left, 0, 5))
	note(s.Objects(ctx))
	note(s.WrittenByDay(ctx, time.Now(), time.UTC))
	_, _, werr := s.FindWords(ctx, left, []string{"a", "b"}, 5)
	run(werr)
	note(s.Unseen(ctx, left, time.Now(), "", 5))
	note(s.FindByKey(ctx, left, []Key{{"a", "b"}}))
	for _, side := range record.Sides() {
		note(s.LinksOf(ctx, "contacts", side, ids))
		note(s.Members(ctx, "contacts", side, ids))
		note(s.Spent(ctx, "contacts", side, time.Now()))
		note(s.Unaccounted(ctx, "contacts", side, 5))
	}
	note(s.Peaks(ctx, "contacts", time.Now()))
	note(s.LinksByID(ctx, []int64{1}))
	note(s.Links(ctx, "contacts", 0, 5))
	note(s.Busy(ctx, "contacts", []Spot{{ID: "1"}, {Side: record.Right, ID: "2"}}))
	note(s.Claimed(ctx, right, ids))
	note(s.Claim(ctx, right, connector.Create, 5, time.Now()))
	run(s.Settle(ctx, []Settlement{{Op: op.ID}}, Facts{}))
	run(s.StartRun(ctx, Run{ID: 9, Sync: "contacts"}))
	for _, h := range []HistoryQuery{{}, {Connection: "erp", Object: "contacts", Record: "1"}, {Since: time.Now()}, {Sync: "contacts"}, {Run: 9}, {Connection: "erp", Object: "contacts", Record: "1", Sync: "contacts"}} {
		note(s.History(ctx, h))
	}
	note(s.TakeHints(ctx, []Arrival{{Connection: "erp", At: time.Now(), Hints: []record.Ref{{Object: "contacts", ID: "1"}}}}))
	note(s.DueHints(ctx, left, time.Now(), 5))
	_, _, err := s.NextHint(ctx, []Object{left})
	run(err)
	note(s.WaitingHints(ctx, left))
	note(s.WrittenSince(ctx, left, ids, time.Now()))
	note(s.FullRuns(ctx, "contacts", 1))
	run(s.SettleHints(ctx, []Hint{{Of: left, ID: "1"}}, []Hint{{Of: left, ID: "2"}}))
	for _, h := range []HistoryQuery{{Connection: "erp", Object: "contacts", Record: "1", UpTo: 9}, {Since: time.Now(), Kinds: []EntryKind{Overruled}},
		{Sync: "contacts", UpTo: 9}, {Run: 9, UpTo: 9}} {
		note(s.LinksIn(ctx, h))
		note(s.Loose(ctx, h))
	}
	for _, h := range []HistoryQuery{{}, {Connection: "erp", Object: "contacts", Record: "1", Sync: "contacts"}, {Since: time.Now(), Kinds: LostKinds()}, {By: "ann", Sync: "contacts"},
		{Sync: "contacts"}, {Connection: "erp", Kinds: []EntryKind{Written}, Field: "a", Since: time.Now()}, {Run: 9}, {Run: 9, Field: "a"}} {
		for _, before := range []int64{0, 7} {
			_, _, err := s.Journal(ctx, h, before)
			run(err)
		}
	}
	for _, q := range []RunQuery{{}, {Sync: "contacts", Status: StatusRunning}, {Status: "ok"}} {
		note(s.RunsPage(ctx, q))
	}
	note(s.ReviewCauses(ctx, "contacts", time.Time{}, time.Now(), 5))
	note(s.LinesOf(ctx, []int64{1}))
	_, _, err = s.Line(ctx, 1)
	run(err)
	note(s.Tally(ctx, "contacts"))
	note(s.Prune(ctx, Ages{Journal: time.Now(), Runs: time.Now(), Reviews: time.Now(), Events: time.Now(), Left: time.Now()}, 5))
	note(s.Undecided(ctx, left, connector.Create))
	s.WatchEvents(map[Object][]EventWatch{left: {{Sync: "contacts", Rule: "r", On: HasUpdated, Fields: []string{"a"}}}})
	for _, v := range []string{"1", "2"} {
		note(s.SavePage(ctx, Page{Of: left, Changes: []connector.Change{{Record: record.Record{Ref: record.Ref{ID: "7"}, Fields: record.Fields{"a": record.Text(v)}}}}}))
	}
	events, err := s.Events(ctx, "contacts", EventPlace{}, 5, EventSeen, EventReady)
	note(events, err)
	if len(events) != 1 {
		t.Errorf("%d events, want 1", len(events))
	}
	run(s.SettleEvents(ctx, "contacts", events, Facts{}))
	note(s.EventsTaken(ctx, "contacts", time.Now()))
	note(s.EventStates(ctx, "contacts"))
	note(s.EventsOf(ctx, "contacts", record.Left, "7", 5))
	note(s.Dirty(ctx, "contacts", 5))
	note(s.Standings(ctx, "contacts", 5))
	note(s.CountReviews(ctx))
	note(s.OpenCauses(ctx, 5, ReviewParked, ReviewEvents))
	note(s.Reviews(ctx, ReviewQuery{Open: true, After: 1, Limit: 5}))
	note(s.Reviews(ctx, ReviewQuery{Open: true, Sync: "contacts", Kinds: []ReviewKind{ReviewParked}, After: 1, Limit: 5}))
	note(s.Reviews(ctx, ReviewQuery{Open: true, Link: 1}))
	note(s.Reviews(ctx, ReviewQuery{Open: true, Before: 9, Limit: 1}))
	note(s.RunsByDay(ctx, time.Now(), time.Now(), time.UTC))
	note(s.RunErrors(ctx, time.Now(), 5))
	note(s.Spendings(ctx, "erp", time.Now()))
	note(s.OpsFrom(ctx, "contacts", record.Right, ids, OpHeld))
	note(s.Decisions(ctx, "contacts", ids))
	note(s.Decisions(ctx, "", ids))
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// No statement of daily work walks a table that grows with the number of records, and
// links are looked up by record, not sync by sync.
func TestStatementsUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	callAll(t, s)
	for _, q := range slices.Sorted(maps.Keys(s.writer.kept)) {
		if strings.HasPrefix(q, "PRAGMA") || strings.HasPrefix(q, "CREATE") || strings.HasPrefix(q, "ALTER") || strings.Contains(q, "FROM journal WHERE workspace = ? ORDER BY id ") {
			continue // the newest lines of all, and the oldest, walk the journal from an end
		}
		if strings.HasPrefix(q, "DELETE FROM runs ") || strings.HasPrefix(q, "DELETE FROM reviews ") {
			continue // those of some months are walked to find what is kept for good
		}
		plan := explain(t, s, q)
		for _, table := range []string{"mirror", "m", "k", "links", "l", "journal", "outbox", "o", "standing", "x", "dirty", "mirror_keys", "mirror_words", "w", "hints", "runs", "events", "reviews", "r"} {
			if strings.Contains(plan, "SCAN "+table+"\n") || strings.Contains(plan, "SCAN "+table+" USING") {
				t.Errorf("%s\nwalks %s:\n%s", q, table, plan)
			}
		}
		if strings.Contains(q, "decision <> '' AND subject") && !strings.Contains(plan, "reviews_decided (workspace=? AND sync=? AND subject=?)") {
			t.Errorf("%s\nwalks what was decided:\n%s", q, plan)
		}
		if strings.Contains(q, "UNION SELECT id FROM journal") && strings.Contains(plan, "journal_sync") {
			t.Errorf("%s\nwalks a sync's journal for the lines of one record:\n%s", q, plan)
		}
		if strings.Contains(q, "opened >= ?") && !strings.Contains(plan, "reviews_opened") {
			t.Errorf("%s\nwalks reviews:\n%s", q, plan)
		}
		page := strings.Contains(q, "id < ?") && !strings.Contains(q, "UNION")
		if (page || strings.Contains(q, "ORDER BY at DESC")) && strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nsorts the journal:\n%s", q, plan)
		}
	}
}

func explain(t *testing.T, s *Store, query string) string {
	t.Helper()
	a := make([]any, strings.Count(query, "?"))
	for i := range a {
		a[i] = "[]"
	}
	plan := ""
	err := s.writer.each(t.Context(), "EXPLAIN QUERY PLAN "+query, a, func(scan scanner) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		plan += fmt.Sprintln(detail)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return plan
}
