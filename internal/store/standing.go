package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// putStanding replaces what is said of records, and takes back what was said of those that
// stand nowhere any more. Its counts move with it.
func (t *tx) putStanding(sync int64, gone []Spot, said []Standing) error {
	spots := append([]Spot{}, gone...)
	for _, x := range said {
		spots = append(spots, Spot{x.Side, x.ID})
	}
	for side, ids := range bySide(spots) {
		if len(ids) == 0 {
			continue
		}
		err := t.each(`SELECT reason FROM standing WHERE sync = ? AND side = ? AND `+t.s.d.in("id"),
			args(sync, side, t.s.d.list(ids)), func(scan scanner) error {
				var reason string
				err := scan(&reason)
				t.tallies[standingKey(sync, record.Side(side), reason)]--
				return err
			})
		if err != nil {
			return fmt.Errorf("read standings: %w", err)
		}
		_, err = t.exec(`DELETE FROM standing WHERE sync = ? AND side = ? AND `+t.s.d.in("id"), sync, side, t.s.d.list(ids))
		if err != nil {
			return fmt.Errorf("replace standings: %w", err)
		}
	}
	last := make(map[Spot]int, len(said))
	for i, x := range said {
		last[Spot{x.Side, x.ID}] = i
	}
	insert := t.insert(`INSERT INTO standing (workspace, sync, side, id, reason, detail)`, 6, "")
	for i, x := range said {
		if last[Spot{x.Side, x.ID}] != i {
			continue
		}
		t.tallies[standingKey(sync, x.Side, x.Reason)]++
		if err := insert.row(t.s.workspace, sync, int64(x.Side), x.ID, x.Reason, x.Detail); err != nil {
			return fmt.Errorf("replace standings: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("replace standings: %w", err)
	}
	return nil
}

// standingMark stands before the counts of standings, "standing left filtered".
const standingMark = "standing "

func standingKey(sync int64, side record.Side, reason string) tallyKey {
	return tallyKey{sync, standingMark + side.String() + " " + reason}
}

// Standings returns why unlinked records of a sync are not synced, left before right, by id;
// of the given reasons, or of all if none is given.
func (s *Store) Standings(ctx context.Context, sync string, limit int, reasons ...string) ([]Standing, error) {
	and, some := "", []any{}
	var counts []any
	if len(reasons) > 0 {
		and = ` AND reason IN (?` + strings.Repeat(", ?", len(reasons)-1) + `)`
		for _, reason := range reasons {
			some = append(some, reason)
			for _, side := range record.Sides() {
				counts = append(counts, standingKey(0, side, reason).what)
			}
		}
	}
	var list []Standing
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		if len(counts) > 0 { // those of other reasons may be most records of a side: they are not walked for nothing
			n := 0
			err := q.each(ctx, `SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM tallies WHERE sync = ? AND what IN (?`+strings.Repeat(", ?", len(counts)-1)+`)`,
				append(args(e.id), counts...), func(scan scanner) error { return scan(&n) })
			if err != nil || n == 0 {
				return err
			}
		}
		return q.each(ctx, `SELECT side, id, reason, detail FROM standing WHERE sync = ?`+and+` ORDER BY side, id LIMIT ?`,
			append(append(args(e.id), some...), limit), func(scan scanner) error {
				var x Standing
				err := scan(&x.Side, &x.ID, &x.Reason, &x.Detail)
				list = append(list, x)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read standings of %s: %w", sync, err)
	}
	return list, nil
}

// Tally counts what a sync has at this moment. What there may be much of is counted in the
// transactions that change it, so a tally costs the same for any number of records.
func (s *Store) Tally(ctx context.Context, sync string) (Tally, error) {
	t := Tally{Standing: map[string]int{}}
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil || e.id == 0 {
			return err
		}
		return q.each(ctx, `SELECT what, n FROM tallies WHERE sync = ?
			UNION ALL SELECT 'dirty', COUNT(*) FROM dirty WHERE sync = ?
			UNION ALL SELECT 'waiting', COUNT(*) FROM waits WHERE sync = ? AND tried = 0
			UNION ALL SELECT 'review', COUNT(*) FROM reviews WHERE workspace = ? AND sync = ? AND decision = ''
			UNION ALL SELECT 'rows left', present FROM objects WHERE id = ?
			UNION ALL SELECT 'rows right', present FROM objects WHERE id = ?`,
			args(e.id, e.id, e.id, s.workspace, e.id, e.ends[record.Left], e.ends[record.Right]), t.take)
	})
	if err != nil {
		return Tally{}, fmt.Errorf("count %s: %w", sync, err)
	}
	return t, nil
}

func (t *Tally) take(scan scanner) error {
	var what string
	var n int
	if err := scan(&what, &n); err != nil {
		return err
	}
	switch what {
	case "linked":
		t.Linked = n
	case "diverged":
		t.Diverged = n
	case "outbox":
		t.Outbox = n
	case "dirty":
		t.Dirty = n
	case "waiting":
		t.Waiting = n
	case "review":
		t.Review = n
	case "rows left":
		t.Rows[record.Left] = n
	case "rows right":
		t.Rows[record.Right] = n
	}
	if reason, ok := strings.CutPrefix(what, standingMark); ok && n != 0 {
		t.Standing[reason] = n
	}
	return nil
}

// Standing returns why one record of a sync is not synced; a zero one if nothing is said.
func (s *Store) Standing(ctx context.Context, sync string, side record.Side, id string) (Standing, error) {
	var x Standing
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT side, id, reason, detail FROM standing WHERE sync = ? AND side = ? AND id = ?`,
			args(e.id, int64(side), id), func(scan scanner) error { return scan(&x.Side, &x.ID, &x.Reason, &x.Detail) })
	})
	if err != nil {
		return Standing{}, fmt.Errorf("read the standing of %s: %w", id, err)
	}
	return x, nil
}
