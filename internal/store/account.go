package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// Completed returns when the first and the last complete run of a sync ended; zero times if
// none ever was. Until the first one, creates and updates are not guarded (R30).
func (s *Store) Completed(ctx context.Context, sync string) ([2]time.Time, error) {
	var at [2]time.Time
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil || e.id == 0 {
			return err
		}
		return q.each(ctx, `SELECT COALESCE(MIN(ended), 0), COALESCE(MAX(ended), 0) FROM runs WHERE sync = ? AND complete = 1 AND ended > 0`,
			args(e.id), func(scan scanner) error {
				var first, last int64
				err := scan(&first, &last)
				at = [2]time.Time{fromMicros(first), fromMicros(last)}
				return err
			})
	})
	if err != nil {
		return at, fmt.Errorf("read complete runs of %s: %w", sync, err)
	}
	return at, nil
}

// Unaccounted returns ids of present records of one side that no open link holds and that
// stand nowhere: at the end of a run there are none (R38). It counts first, which costs the
// same for any number of records, and looks for them only if the counts disagree.
func (s *Store) Unaccounted(ctx context.Context, sync string, side record.Side, limit int) ([]string, error) {
	tally, err := s.Tally(ctx, sync)
	if err != nil {
		return nil, err
	}
	accounted := tally.Linked
	for reason, n := range tally.Standing {
		if len(reason) > len(side.String()) && reason[:len(side.String())] == side.String() {
			accounted += n
		}
	}
	if accounted == tally.Rows[side] {
		return nil, nil
	}
	column := "left_id"
	if side == record.Right {
		column = "right_id"
	}
	var ids []string
	err = s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT id FROM mirror m WHERE m.object = ? AND m.fate = ''
			AND NOT EXISTS (SELECT 1 FROM links l WHERE l.sync = ? AND l.`+column+` = m.id AND l.closed = '')
			AND NOT EXISTS (SELECT 1 FROM standing x WHERE x.sync = ? AND x.side = ? AND x.id = m.id)
			AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.sync = ? AND o.side = ? AND o.source_id <> '' AND o.source_id = m.id)
			ORDER BY id LIMIT ?`, args(e.ends[side], e.id, e.id, int64(side), e.id, int64(side.Other()), limit), func(scan scanner) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look for loose records of %s: %w", sync, err)
	}
	return ids, nil
}

// Installation returns a short random name that this database has been given once. It goes
// into operation keys, so that two installations never take each other's records for theirs.
func (s *Store) Installation(ctx context.Context) (string, error) {
	name := ""
	err := s.write(ctx, "name the installation", func(t *tx) (err error) {
		name, err = t.installation()
		return err
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

func (t *tx) installation() (string, error) {
	name := ""
	err := t.each(`SELECT name FROM installation`, nil, func(scan scanner) error { return scan(&name) })
	if err != nil || name != "" {
		return name, err
	}
	b := make([]byte, 5)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	name = hex.EncodeToString(b)
	_, err = t.exec(`INSERT INTO installation (name) VALUES (?)`, name)
	return name, err
}

// Replan compares the fingerprint of a sync's rules with the one that its records were
// planned by, and, if it differs, takes the marks back to the beginning so that every record
// is planned again. It reports whether it did.
func (s *Store) Replan(ctx context.Context, sync, fingerprint string) (bool, error) {
	again := false
	err := s.write(ctx, "compare the rules of "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		was := ""
		err = t.each(`SELECT print FROM syncs WHERE id = ?`, args(e.id), func(scan scanner) error { return scan(&was) })
		if err != nil || was == fingerprint {
			return err
		}
		again = was != ""
		_, err = t.exec(`UPDATE syncs SET print = ?, left_mark = 0, right_mark = 0 WHERE id = ?`, fingerprint, e.id)
		return err
	})
	return again, err
}

// LookMark returns the Seq up to which a sync has taken up the changes of an object that
// its expressions look into.
func (s *Store) LookMark(ctx context.Context, sync string, of Object) (int64, error) {
	var mark int64
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT mark FROM looks WHERE sync = ? AND object = ?`, args(e.id, object),
			func(scan scanner) error { return scan(&mark) })
	})
	if err != nil {
		return 0, fmt.Errorf("read how far %s has looked into %s: %w", sync, of, err)
	}
	return mark, nil
}

// TakeUp marks records of a sync as to be planned again because of changes, up to a Seq, of
// an object that its expressions look into.
func (s *Store) TakeUp(ctx context.Context, sync string, of Object, mark int64, dirty []Spot) error {
	return s.write(ctx, "take up changes of "+of.String(), func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		object, err := t.object(of)
		if err != nil {
			return err
		}
		if err := t.dirty(e.id, dirty); err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO looks (workspace, sync, object, mark) VALUES (?, ?, ?, ?)
			ON CONFLICT (sync, object) DO UPDATE SET mark = excluded.mark`, s.workspace, e.id, object, mark)
		if err != nil {
			return err
		}
		return t.forgetStrays(object)
	})
}
