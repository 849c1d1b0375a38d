package store

import (
	"context"
	"time"
)

// Ages say how old things may be to be kept; the zero time keeps all.
type Ages struct {
	Journal time.Time
	Runs    time.Time
	Reviews time.Time
}

// Prune removes at most that many rows of each kind that are older than what is kept, and
// returns how many it removed. Of runs the first and the last complete one of each sync stay,
// and the newest: rules are measured by them. Of decided review items those stay that go on
// deciding: what was dismissed, who is nobody's partner, and the answer for all first matches.
func (s *Store) Prune(ctx context.Context, keep Ages, most int) (int, error) {
	return s.change(ctx, "remove what is old", func(t *tx) (int64, error) {
		var total int64
		for _, p := range []struct {
			before time.Time
			sql    string
		}{
			// Lines are numbered as they come: the oldest have the lowest ids.
			{keep.Journal, `DELETE FROM journal WHERE id IN (SELECT id FROM (SELECT id, at FROM journal WHERE workspace = ? ORDER BY id LIMIT ?) AS oldest
				WHERE at < ?)`},
			{keep.Runs, `DELETE FROM runs WHERE id IN (SELECT id FROM (SELECT id, started FROM runs WHERE workspace = ? AND id NOT IN (
				SELECT MIN(id) FROM runs WHERE complete = 1 GROUP BY sync UNION SELECT MAX(id) FROM runs WHERE complete = 1 GROUP BY sync
				UNION SELECT MAX(id) FROM runs GROUP BY sync) ORDER BY id LIMIT ?) AS oldest WHERE started < ?)`},
			{keep.Reviews, `DELETE FROM reviews WHERE id IN (SELECT id FROM (SELECT id, decided FROM reviews WHERE workspace = ? AND decision NOT IN ('', 'dismiss', 'none')
				AND subject NOT LIKE 'first match %' ORDER BY decided LIMIT ?) AS oldest WHERE decided < ?)`},
		} {
			if p.before.IsZero() {
				continue
			}
			n, err := t.exec(p.sql, s.workspace, most, micros(p.before))
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	})
}
