package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// sqlOverview is what pages walk that people keep open: open items in the order in which they
// were opened, and their numbers.
func sqlOverview() []string {
	return []string{
		`CREATE INDEX reviews_waiting ON reviews (workspace, id, sync, kind) WHERE decision = ''`,
		`CREATE INDEX reviews_counted ON reviews (workspace, sync, kind) WHERE decision = ''`,
		`CREATE INDEX reviews_link ON reviews (workspace, link) WHERE decision = '' AND link <> 0`,
	}
}

// A ReviewCount is how many items of a kind wait in a sync.
type ReviewCount struct {
	Sync string
	Kind ReviewKind
	N    int
}

// CountReviews counts open items by sync and kind.
func (s *Store) CountReviews(ctx context.Context) ([]ReviewCount, error) {
	var all []ReviewCount
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT sync, kind, COUNT(*) FROM reviews WHERE workspace = ? AND decision = '' GROUP BY sync, kind ORDER BY sync, kind`,
			args(s.workspace), func(scan scanner) error {
				var c ReviewCount
				var sync int64
				err := scan(&sync, &c.Kind, &c.N)
				c.Sync = s.names.syncOf(sync)
				all = append(all, c)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("count review items: %w", err)
	}
	return all, nil
}

// A OpenCause is a reason that open items share.
type OpenCause struct {
	Sync  string
	Kind  ReviewKind
	Field string
	Cause string // the vendor's words, without what is about one record
	Fix   string
	N     int
	First int64 // the oldest of them
}

// OpenCauses groups open items of some kinds by what they are about and why, the largest group
// first.
func (s *Store) OpenCauses(ctx context.Context, limit int, kinds ...ReviewKind) ([]OpenCause, error) {
	var all []OpenCause
	if len(kinds) == 0 {
		return nil, nil
	}
	a := args(s.workspace)
	for _, k := range kinds {
		a = append(a, string(k))
	}
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT sync, kind, field, cause, fix, COUNT(*), MIN(id) FROM reviews WHERE workspace = ? AND decision = ''
			AND kind IN (?`+strings.Repeat(", ?", len(kinds)-1)+`) GROUP BY sync, kind, field, cause, fix ORDER BY COUNT(*) DESC, MIN(id) LIMIT ?`,
			append(a, limit), func(scan scanner) error {
				var c OpenCause
				var sync int64
				err := scan(&sync, &c.Kind, &c.Field, &c.Cause, &c.Fix, &c.N, &c.First)
				c.Sync = s.names.syncOf(sync)
				all = append(all, c)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("group review items: %w", err)
	}
	return all, nil
}

// A RunDay is what the runs of a sync did that began on one day.
type RunDay struct {
	Day    string // "2026-03-04", in the zone that was asked for
	Sync   string
	Runs   int
	Failed int // of these: failed, blocked or cut short
	Sides  [2]Counts
}

// RunsByDay sums up the runs that began between two times by day and sync, the oldest day first.
// Days are those of a zone.
func (s *Store) RunsByDay(ctx context.Context, since, until time.Time, zone *time.Location) ([]RunDay, error) {
	type key struct {
		day  string
		sync int64
	}
	days := map[key]*RunDay{}
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		// The numbers are in JSON: taken apart here, which costs a fifth of what SQLite takes for it.
		return q.each(ctx, `SELECT started, sync, status, left_counts, right_counts FROM runs WHERE workspace = ? AND started >= ? AND started < ?`,
			args(s.workspace, micros(since), micros(until)), func(scan scanner) error {
				var at, sync int64
				var status string
				var counts [2]sql.RawBytes
				if err := scan(&at, &sync, &status, &counts[record.Left], &counts[record.Right]); err != nil {
					return err
				}
				k := key{fromMicros(at).In(zone).Format(time.DateOnly), sync}
				d := days[k]
				if d == nil {
					d = &RunDay{Day: k.day, Sync: s.names.syncOf(sync)}
					days[k] = d
				}
				return d.add(status, counts)
			})
	})
	if err != nil {
		return nil, fmt.Errorf("sum up runs: %w", err)
	}
	all := make([]RunDay, 0, len(days))
	for _, d := range days {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b RunDay) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Sync, b.Sync)) })
	return all, nil
}

func (d *RunDay) add(status string, counts [2]sql.RawBytes) error {
	d.Runs++
	if status == "failed" || status == "blocked" || status == RunCutShort {
		d.Failed++
	}
	for i, b := range counts {
		var c Counts
		if err := json.Unmarshal(b, &c); err != nil {
			return fmt.Errorf("counts of a run: %w", err)
		}
		d.Sides[i].Created += c.Created
		d.Sides[i].Updated += c.Updated
		d.Sides[i].Deleted += c.Deleted
	}
	return nil
}

// A RunError is why runs of a sync did not get through.
type RunError struct {
	Sync   string
	Status string
	Error  string
	Runs   int
	Last   time.Time // when the last of them began
	LastID int64
}

// RunErrors groups the runs since a time that were not ok by sync, status and error, the largest
// group first.
func (s *Store) RunErrors(ctx context.Context, since time.Time, limit int) ([]RunError, error) {
	var all []RunError
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT sync, status, error, COUNT(*), MAX(started), MAX(id) FROM runs WHERE workspace = ? AND started >= ?
			AND status IN ('failed', 'blocked', 'cut short') GROUP BY sync, status, error ORDER BY COUNT(*) DESC, MAX(id) DESC LIMIT ?`,
			args(s.workspace, micros(since), limit), func(scan scanner) error {
				var e RunError
				var sync, last int64
				err := scan(&sync, &e.Status, &e.Error, &e.Runs, &last, &e.LastID)
				e.Sync, e.Last = s.names.syncOf(sync), fromMicros(last)
				all = append(all, e)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("group failed runs: %w", err)
	}
	return all, nil
}

// Spendings returns what was spent of a connection's budgets in each hour since a time, the
// oldest first, whether or not it still counts.
func (s *Store) Spendings(ctx context.Context, connection string, since time.Time) ([]Spending, error) {
	var all []Spending
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT name, per, hour, units FROM budgets WHERE workspace = ? AND connection = ? AND hour >= ? ORDER BY hour, name, per`,
			args(s.workspace, connection, micros(since)), func(scan scanner) error {
				var x Spending
				var hour int64
				err := scan(&x.Name, &x.Per, &hour, &x.Units)
				x.Hour = fromMicros(hour)
				all = append(all, x)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read what was spent at %s: %w", connection, err)
	}
	return all, nil
}

// OpsFrom returns, by source, the operations in a state that write one side of a sync because of
// those records of the other one.
func (s *Store) OpsFrom(ctx context.Context, sync string, side record.Side, sources []string, state OpState) (map[string]Op, error) {
	found := map[string]Op{}
	if len(sources) == 0 {
		return found, nil
	}
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+opColumns+` FROM outbox WHERE workspace = ? AND sync = ? AND side = ? AND source_id <> '' AND state = ? AND `+
			s.d.in("source_id")+` ORDER BY id`, args(s.workspace, s.names.sync(sync).id, int64(side), string(state), s.d.list(sources)), func(scan scanner) error {
			o, err := s.scanOp(scan)
			found[o.SourceID] = o
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read operations by their sources: %w", err)
	}
	return found, nil
}
