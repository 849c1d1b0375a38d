package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// StartRun remembers that a run has begun.
func (s *Store) StartRun(ctx context.Context, r Run) error {
	return s.intake(ctx, fmt.Sprintf("start run %d", r.ID), func(t *tx) error {
		sync, err := t.sync(r.Sync)
		if err != nil {
			return err
		}
		a, err := runValues(r)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO runs (started, ended, status, left_counts, right_counts, linked, unchanged, conflicts, review,
			failed, reconciled, complete, error, hinted, id, workspace, sync) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			append(a, s.workspace, sync.id)...)
		return err
	})
}

// FinishRun remembers how a run stands, at its end or on its way.
func (s *Store) FinishRun(ctx context.Context, r Run) error {
	return s.finish(ctx, fmt.Sprintf("finish run %d", r.ID), func(t *tx) error {
		a, err := runValues(r)
		if err != nil {
			return err
		}
		n, err := t.exec(`UPDATE runs SET started = ?, ended = ?, status = ?, left_counts = ?, right_counts = ?, linked = ?,
			unchanged = ?, conflicts = ?, review = ?, failed = ?, reconciled = ?, complete = ?, error = ?, hinted = ?
			WHERE id = ? AND workspace = ?`, append(a, s.workspace)...)
		if err == nil && n == 0 {
			err = fmt.Errorf("there is no run %d", r.ID)
		}
		return err
	})
}

// runValues are a run's columns from started to error, then its id.
func runValues(r Run) ([]any, error) {
	var counts [2]string
	for i, c := range r.Sides {
		b, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("encode the counts: %w", err)
		}
		counts[i] = string(b)
	}
	return args(micros(r.Started), micros(r.Ended), r.Status, counts[record.Left], counts[record.Right], r.Linked, r.Unchanged,
		r.Conflicts, r.Review, r.Failed, count(r.Reconciled), count(r.Complete), r.Error, count(r.Hinted), r.ID), nil
}

// DropRun forgets a run that came to nothing.
func (s *Store) DropRun(ctx context.Context, id int64) error {
	return s.write(ctx, fmt.Sprintf("drop run %d", id), func(t *tx) error {
		_, err := t.exec(`DELETE FROM runs WHERE id = ? AND workspace = ?`, id, s.workspace)
		return err
	})
}

const runColumns = `id, sync, started, ended, status, left_counts, right_counts, linked, unchanged, conflicts, review, failed,
	reconciled, complete, error, hinted`

// Runs returns runs of a sync, or of all for "", the newest first.
func (s *Store) Runs(ctx context.Context, sync string, limit int) ([]Run, error) {
	return s.runs(ctx, sync, "", limit)
}

// FullRuns is Runs without those that read only what vendors had reported: they do not
// count for schedules.
func (s *Store) FullRuns(ctx context.Context, sync string, limit int) ([]Run, error) {
	return s.runs(ctx, sync, " AND hinted = 0", limit)
}

func (s *Store) runs(ctx context.Context, sync, but string, limit int) ([]Run, error) {
	var runs []Run
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a := `workspace = ?`, args(s.workspace)
		if sync != "" {
			where, a = where+` AND sync = ?`, append(a, s.names.sync(sync).id)
		}
		return q.each(ctx, `SELECT `+runColumns+` FROM runs WHERE `+where+but+` ORDER BY id DESC LIMIT ?`, append(a, limit),
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

func (s *Store) scanRun(scan scanner) (Run, error) {
	var r Run
	var sync, started, ended int64
	var reconciled, complete, hinted int
	var counts [2][]byte
	err := scan(&r.ID, &sync, &started, &ended, &r.Status, &counts[record.Left], &counts[record.Right], &r.Linked,
		&r.Unchanged, &r.Conflicts, &r.Review, &r.Failed, &reconciled, &complete, &r.Error, &hinted)
	if err != nil {
		return r, err
	}
	r.Sync, r.Started, r.Ended = s.names.syncOf(sync), fromMicros(started), fromMicros(ended)
	r.Reconciled, r.Complete, r.Hinted = reconciled != 0, complete != 0, hinted != 0
	for i := range counts {
		if err := json.Unmarshal(counts[i], &r.Sides[i]); err != nil {
			return r, fmt.Errorf("run %d: %w", r.ID, err)
		}
	}
	return r, nil
}

// sqlDays finds the runs of some days, of all syncs. The workspace is not in the index: it would be
// taken for the newest runs, too, and all of them sorted.
func sqlDays() []string { return []string{`CREATE INDEX runs_started ON runs (started)`} }

// DayCounts are what the runs of one day did to records.
type DayCounts struct {
	Created, Updated, Deleted int
}

// WrittenByDay counts what runs did to records since then, by the day, in that zone and as
// "2006-01-02", on which they began.
func (s *Store) WrittenByDay(ctx context.Context, since time.Time, zone *time.Location) (map[string]DayCounts, error) {
	days := map[string]DayCounts{}
	err := s.read(ctx, func(q runner) error {
		// Nearly all runs write nothing: their counts are not worth decoding.
		return q.each(ctx, `SELECT started, left_counts, right_counts FROM runs WHERE workspace = ? AND started >= ?
			AND (left_counts NOT LIKE ? OR right_counts NOT LIKE ?)`, args(s.workspace, micros(since), nothingWritten, nothingWritten),
			func(scan scanner) error {
				var started int64
				var raw [2]sql.RawBytes
				if err := scan(&started, &raw[0], &raw[1]); err != nil {
					return err
				}
				day := fromMicros(started).In(zone).Format(time.DateOnly)
				w := days[day]
				for _, b := range raw {
					var c Counts
					if err := json.Unmarshal(b, &c); err != nil {
						return fmt.Errorf("a run of %s: %w", day, err)
					}
					w.Created, w.Updated, w.Deleted = w.Created+c.Created, w.Updated+c.Updated, w.Deleted+c.Deleted
				}
				days[day] = w
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("count what was written by day: %w", err)
	}
	return days, nil
}

// nothingWritten is in the encoding of Counts of a side that was not written.
const nothingWritten = `%"created":0,"updated":0,"deleted":0,%`
