package store

import (
	"context"
	"fmt"
	"time"
)

// Peaks are the most that a sync did to either side in one day, for suggestions about guards.
type Peaks struct {
	Deleted int
	Created int
	Updated int // records in one field
}

// Peaks finds, in the journal since then, the busiest day (of UTC) of each kind. What a
// person has seen and confirmed is left out, as [Store.Spent] leaves it out.
func (s *Store) Peaks(ctx context.Context, sync string, since time.Time) (Peaks, error) {
	var p Peaks
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT what, MAX(n) FROM (
			SELECT what, COUNT(DISTINCT CAST(object AS TEXT) || ' ' || record) AS n FROM (
				SELECT CASE kind WHEN 'archived' THEN 'deleted' WHEN 'merged' THEN 'deleted' ELSE kind END AS what,
					CASE kind WHEN 'written' THEN field ELSE '' END AS field, at / 86400000000 AS day, side, object, record
				FROM journal WHERE sync = ? AND at >= ? AND kind IN ('created', 'written', 'deleted', 'archived', 'merged')
					AND why NOT LIKE ? AND why NOT LIKE ?) AS done
			GROUP BY what, field, day, side) AS days GROUP BY what`, args(e.id, micros(since), ByConfiguration+"%", RevertOf+"%"), func(scan scanner) error {
			var what string
			var n int
			err := scan(&what, &n)
			switch EntryKind(what) {
			case Created:
				p.Created = n
			case Deleted:
				p.Deleted = n
			case Written:
				p.Updated = n
			}
			return err
		})
	})
	if err != nil {
		return Peaks{}, fmt.Errorf("find the busiest days of %s: %w", sync, err)
	}
	return p, nil
}
