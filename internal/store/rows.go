package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// Rows returns the rows of those records that the mirror has, whatever their fate.
func (s *Store) Rows(ctx context.Context, of Object, ids []string) (map[string]Row, error) {
	return s.rows(ctx, of, ids, rowColumns)
}

// Heads is Rows without the fields: enough to see whether a row has moved.
func (s *Store) Heads(ctx context.Context, of Object, ids []string) (map[string]Row, error) {
	return s.rows(ctx, of, ids, headColumns)
}

func (s *Store) rows(ctx context.Context, of Object, ids []string, columns string) (map[string]Row, error) {
	rows := make(map[string]Row, len(ids))
	if len(ids) == 0 {
		return rows, nil
	}
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+columns+` FROM mirror WHERE object = ? AND `+s.d.in("id"),
			args(object, s.d.list(ids)), func(scan scanner) error {
				r, err := scanRow(scan, of)
				rows[r.ID] = r
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read rows of %s: %w", of, err)
	}
	return rows, nil
}

// Changed returns rows of every fate whose Seq is beyond afterSeq, in the order of Seq.
func (s *Store) Changed(ctx context.Context, of Object, afterSeq int64, limit int) ([]Row, error) {
	return s.ChangedBut(ctx, of, afterSeq, limit, nil)
}

// ChangedBut is Changed, with rows that skip names left without their fields, which are what
// costs. skip must not call the store.
func (s *Store) ChangedBut(ctx context.Context, of Object, afterSeq int64, limit int, skip func(Row) bool) ([]Row, error) {
	var rows []Row
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+rowColumns+` FROM mirror WHERE object = ? AND seq > ? ORDER BY seq LIMIT ?`,
			args(object, afterSeq, limit), func(scan scanner) error {
				r, err := scanRowBut(scan, of, skip)
				rows = append(rows, r)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read changed rows of %s: %w", of, err)
	}
	return rows, nil
}

// Latest returns present rows of an object, those first that changed last; from before a Seq on, or
// from the newest for 0.
func (s *Store) Latest(ctx context.Context, of Object, before int64, limit int) ([]Row, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var rows []Row
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+rowColumns+` FROM mirror WHERE object = ? AND seq < ? AND fate = ? ORDER BY seq DESC LIMIT ?`,
			args(object, before, string(connector.Present), limit), func(scan scanner) error {
				r, err := scanRow(scan, of)
				rows = append(rows, r)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read the latest rows of %s: %w", of, err)
	}
	return rows, nil
}

// MaxSeq returns the highest Seq of an object's rows, 0 if it has none.
func (s *Store) MaxSeq(ctx context.Context, of Object) (int64, error) {
	var seq int64
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT COALESCE(MAX(seq), 0) FROM mirror WHERE object = ?`, args(object),
			func(scan scanner) error { return scan(&seq) })
	})
	if err != nil {
		return 0, fmt.Errorf("read the last row of %s: %w", of, err)
	}
	return seq, nil
}

// Unseen returns ids of present rows, in the order of their texts and beyond after, that
// were neither seen by the listing that began then nor read or written since: they are
// suspected to be gone (R21).
func (s *Store) Unseen(ctx context.Context, of Object, listing time.Time, after string, limit int) ([]string, error) {
	var ids []string
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		began := micros(listing)
		return q.each(ctx, `SELECT id FROM mirror WHERE object = ? AND id > ? AND fate = ? AND seen < ? AND read_at < ?
			ORDER BY id LIMIT ?`, args(object, after, string(connector.Present), began, began, limit), func(scan scanner) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read unseen rows of %s: %w", of, err)
	}
	return ids, nil
}

// Newest returns, without their fields, the present rows of the highest ids, as numbers, the
// highest first, that were read or written between two moments. It walks the object's rows.
func (s *Store) Newest(ctx context.Context, of Object, after, until time.Time, limit int) ([]Row, error) {
	var rows []Row
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+headColumns+` FROM mirror WHERE object = ? AND fate = ? AND read_at > ? AND read_at <= ?
			ORDER BY LENGTH(id) DESC, id DESC LIMIT ?`, args(object, string(connector.Present), micros(after), micros(until), limit), func(scan scanner) error {
			r, err := scanRow(scan, of)
			rows = append(rows, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the highest ids of %s: %w", of, err)
	}
	return rows, nil
}
