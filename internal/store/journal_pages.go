package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Where no index knows what is wanted, a page is looked for among so many lines, in so many
// steps, and for no longer than somebody likes to wait: a page that is not full then says where the
// search goes on.
const (
	journalLook     = 200_000
	journalSteps    = 8
	journalPatience = 40 * time.Millisecond // after which no further step begins, unless it is said how far to look
)

func sqlJournalPages() []string {
	return []string{
		// What a person did, and what lost: few lines, which are looked for in all of the journal.
		`CREATE INDEX journal_by ON journal (by_whom, id) WHERE by_whom <> ''`,
		`CREATE INDEX journal_lost ON journal (id) WHERE ` + lostKinds,
		`CREATE INDEX reviews_opened ON reviews (sync, opened)`,
	}
}

// lostKinds is the drawer of what was overruled or taken away, in the words of its index.
const lostKinds = `kind IN ('overruled', 'deleted', 'archived')`

// LostKinds are the kinds of lines of the drawer of what was overruled or taken away.
func LostKinds() []EntryKind { return []EntryKind{Overruled, Deleted, Archived} }

// Journal returns a page of the journal, the newest line first: of lines before the one of that
// number, 0 for the newest. The next page begins before next; 0 = there is none. A page may hold
// fewer lines than its limit, or none, and not be the last.
func (s *Store) Journal(ctx context.Context, h HistoryQuery, before int64) (page []Entry, next int64, err error) {
	if h.Limit <= 0 {
		h.Limit = 100
	}
	if h.Look <= 0 {
		h.Look = journalLook
	}
	err = s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		switch {
		case h.Run != 0:
			page, next, err = s.pageOfRun(ctx, q, h, before)
		case h.Record != "", h.By != "", len(h.Kinds) > 0 && lost(h.Kinds):
			page, next, err = s.pageKnown(ctx, q, h, before)
		default:
			page, next, err = s.pageSought(ctx, q, h, before)
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the journal: %w", err)
	}
	return page, next, nil
}

func lost(kinds []EntryKind) bool {
	return !slices.ContainsFunc(kinds, func(k EntryKind) bool { return !slices.Contains(LostKinds(), k) })
}

// pageOfRun walks the run's sync by time.
func (s *Store) pageOfRun(ctx context.Context, q runner, h HistoryQuery, before int64) ([]Entry, int64, error) {
	where, a, err := s.historyWhere(ctx, q, h)
	if err != nil {
		return nil, 0, err
	}
	if before != 0 {
		at := int64(0)
		err := q.each(ctx, `SELECT at FROM journal WHERE id = ?`, args(before), func(scan scanner) error { return scan(&at) })
		if err != nil {
			return nil, 0, err
		}
		where, a = where+` AND (at, id) < (?, ?)`, append(a, at, before)
	}
	return s.page(ctx, q, h.Limit, where, a, `at DESC, id DESC`)
}

// pageKnown asks an index for all lines that may be wanted.
func (s *Store) pageKnown(ctx context.Context, q runner, h HistoryQuery, before int64) ([]Entry, int64, error) {
	where, a, err := s.journalWhere(ctx, q, h)
	if err != nil {
		return nil, 0, err
	}
	if h.Record == "" && h.By == "" {
		where += ` AND ` + lostKinds
	}
	if before == 0 {
		before = math.MaxInt64
	}
	return s.page(ctx, q, h.Limit, where+` AND id < ?`, append(a, before), `id DESC`)
}

// pageSought looks through the journal from its end, step by step.
func (s *Store) pageSought(ctx context.Context, q runner, h HistoryQuery, before int64) ([]Entry, int64, error) {
	where, a, err := s.journalWhere(ctx, q, h)
	if err != nil {
		return nil, 0, err
	}
	if before == 0 {
		before = math.MaxInt64
	}
	var list []Entry
	began := time.Now()
	for range journalSteps {
		if h.Look == journalLook && time.Since(began) > journalPatience {
			break
		}
		var last, at int64 // the newest line that was not looked at
		err := q.each(ctx, `SELECT id, at FROM journal WHERE id < ? ORDER BY id DESC LIMIT 1`, args(before),
			func(scan scanner) error { return scan(&last, &at) })
		if err != nil {
			return nil, 0, err
		}
		if last == 0 || !h.Since.IsZero() && at < micros(h.Since.Add(-sinceSlack)) {
			return list, 0, nil
		}
		low := last - int64(max(h.Look/journalSteps, 1))
		found, next, err := s.page(ctx, q, h.Limit-len(list), where+` AND id < ? AND id > ?`, append(slices.Clone(a), before, low), `id DESC`)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, found...)
		if next != 0 {
			return list, next, nil
		}
		before = low + 1
		if before <= 1 {
			return list, 0, nil
		}
		if len(list) == h.Limit {
			return list, before, nil
		}
	}
	return list, before, nil
}

// sinceSlack is by how much a line may be older than one of a lower number: lines are kept in
// batches.
const sinceSlack = 10 * time.Minute

// journalWhere is historyWhere for a walk by number: no index on syncs is to lead another way.
func (s *Store) journalWhere(ctx context.Context, q runner, h HistoryQuery) (string, []any, error) {
	sync, since := h.Sync, h.Since
	h.Sync, h.Since = "", time.Time{}
	where, a, err := s.historyWhere(ctx, q, h)
	if err != nil {
		return "", nil, err
	}
	if sync != "" {
		where, a = where+` AND +sync = ?`, append(a, s.names.sync(sync).id)
	}
	if !since.IsZero() {
		where, a = where+` AND at >= ?`, append(a, micros(since))
	}
	return where, a, nil
}

// page returns at most that many lines, and where the next ones begin.
func (s *Store) page(ctx context.Context, q runner, limit int, where string, a []any, order string) ([]Entry, int64, error) {
	var list []Entry
	err := q.each(ctx, `SELECT `+entryColumns+` FROM journal WHERE `+where+` ORDER BY `+order+` LIMIT ?`, append(a, limit+1),
		func(scan scanner) error {
			e, err := s.scanEntry(scan)
			list = append(list, e)
			return err
		})
	if err != nil || len(list) <= limit {
		return list, 0, err
	}
	return list[:limit], list[limit-1].ID, nil
}

// A RunQuery selects runs; zero members select all.
type RunQuery struct {
	Sync   string
	Status string // StatusRunning for those that have not ended
	Before int64  // only runs of a lower number; 0 = from the newest
	After  int64  // only runs of a higher number
	Ended  bool   // only those that are over
	Limit  int    // 0 = 100
}

// StatusRunning selects runs that have not ended.
const StatusRunning = "running"

// RunsPage returns runs, the newest first.
func (s *Store) RunsPage(ctx context.Context, r RunQuery) ([]Run, error) {
	if r.Limit <= 0 {
		r.Limit = 100
	}
	if r.Before == 0 {
		r.Before = math.MaxInt64
	}
	var runs []Run
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a := []string{`workspace = ?`, `id < ?`}, args(s.workspace, r.Before)
		if r.Sync != "" {
			where, a = append(where, `sync = ?`), append(a, s.names.sync(r.Sync).id)
		}
		if r.After != 0 {
			where, a = append(where, `id > ?`), append(a, r.After)
		}
		if r.Ended {
			where = append(where, `status <> ''`)
		}
		switch r.Status {
		case "":
		case StatusRunning:
			where = append(where, `ended = 0 AND status = ''`)
		default:
			where, a = append(where, `status = ?`), append(a, r.Status)
		}
		return q.each(ctx, `SELECT `+runColumns+` FROM runs WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT ?`, append(a, r.Limit),
			func(scan scanner) error {
				r, err := s.scanRun(scan)
				runs = append(runs, r)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return runs, nil
}

// A ReviewCause sums up review items of one kind that have one cause.
type ReviewCause struct {
	Kind  ReviewKind
	Cause string
	Items int
	Open  int    // of Items
	First Review // the oldest of them
}

// ReviewCauses sums up the items of a sync that were opened in a time, the most frequent first.
func (s *Store) ReviewCauses(ctx context.Context, sync string, from, to time.Time, limit int) ([]ReviewCause, error) {
	var causes []ReviewCause
	var ids []int64
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT kind, cause, COUNT(*), SUM(CASE decision WHEN '' THEN 1 ELSE 0 END), MIN(id) FROM reviews
			WHERE workspace = ? AND sync = ? AND opened >= ? AND opened <= ? GROUP BY kind, cause ORDER BY COUNT(*) DESC, MIN(id) LIMIT ?`,
			args(s.workspace, e.id, micros(from), micros(to), limit), func(scan scanner) error {
				var c ReviewCause
				var id int64
				err := scan(&c.Kind, &c.Cause, &c.Items, &c.Open, &id)
				causes, ids = append(causes, c), append(ids, id)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("sum up review items: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	firsts, err := s.reviews(ctx, func() (string, []any) { return ` AND ` + s.d.in("id"), args(s.d.list(ids)) })
	for _, r := range firsts {
		causes[slices.Index(ids, r.ID)].First = r
	}
	return causes, err
}
