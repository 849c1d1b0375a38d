package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// sqlGraves keeps who was erased, without keeping who that was.
func sqlGraves() []string {
	return []string{`CREATE TABLE graves (workspace {int}, mark {text}, at {int}, PRIMARY KEY (workspace, mark)){keyed}`}
}

// graveOf is what is kept of a mark. Whoever has the database can still find out whether an
// address that they guess is among them; nobody can read the addresses.
func graveOf(mark string) string {
	sum := sha256.Sum256([]byte("erased\x00" + mark))
	return hex.EncodeToString(sum[:])
}

// Bury remembers that the person whom these marks belong to, such as "email ann@example.com",
// was erased: no sync matches or creates them again (R32).
func (s *Store) Bury(ctx context.Context, at time.Time, marks ...string) error {
	return s.write(ctx, "remember an erasure", func(t *tx) error { return t.bury(marks, at) })
}

func (t *tx) bury(marks []string, at time.Time) error {
	for _, m := range marks {
		if _, err := t.exec(`INSERT INTO graves (workspace, mark, at) VALUES (?, ?, ?) ON CONFLICT (workspace, mark) DO NOTHING`,
			t.s.workspace, graveOf(m), micros(at)); err != nil {
			return fmt.Errorf("remember who was erased: %w", err)
		}
	}
	return nil
}

// Graves returns how many marks of erased people are kept.
func (s *Store) Graves(ctx context.Context) (int, error) {
	n := 0
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT COUNT(*) FROM graves WHERE workspace = ?`, args(s.workspace), func(scan scanner) error { return scan(&n) })
	})
	if err != nil {
		return 0, fmt.Errorf("count erased people: %w", err)
	}
	return n, nil
}

// Buried returns when the people of these marks were erased, by mark; those that were not
// are left out.
func (s *Store) Buried(ctx context.Context, marks []string) (map[string]time.Time, error) {
	back := make(map[string]string, len(marks))
	graves := make([]string, 0, len(marks))
	for _, m := range marks {
		g := graveOf(m)
		back[g] = m
		graves = append(graves, g)
	}
	found := map[string]time.Time{}
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT mark, at FROM graves WHERE workspace = ? AND `+s.d.in("mark"), args(s.workspace, s.d.list(graves)), func(scan scanner) error {
			var grave string
			var at int64
			if err := scan(&grave, &at); err != nil {
				return err
			}
			found[back[grave]] = fromMicros(at)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look for erased people: %w", err)
	}
	return found, nil
}

// A grave is one row as it is kept.
type grave struct {
	workspace, at int64
	mark          string
}

// gravesIn reads who was erased from another database file, which may be of an older schema.
func gravesIn(ctx context.Context, path string) ([]grave, error) {
	db, err := sql.Open("sqlite", sqliteURI(path, "mode=ro"))
	if err != nil {
		return nil, err
	}
	q := plain{db, sqliteDialect{path}}
	tables := 0
	var all []grave
	err = q.each(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = 'graves'`, nil, func(scan scanner) error { return scan(&tables) })
	if err == nil && tables > 0 {
		err = q.each(ctx, `SELECT workspace, mark, at FROM graves`, nil, func(scan scanner) error {
			var g grave
			err := scan(&g.workspace, &g.mark, &g.at)
			all = append(all, g)
			return err
		})
	}
	return all, errors.Join(err, db.Close())
}

// inherit takes over who was erased after a backup was made: a restore must not bring them
// back (R32).
func (s *Store) inherit(ctx context.Context, path string) error {
	all, err := gravesIn(ctx, path)
	if err != nil {
		return fmt.Errorf("read who was erased since: %w", err)
	}
	return s.write(ctx, "remember who was erased since", func(t *tx) error {
		for _, g := range all {
			if _, err := t.exec(`INSERT INTO graves (workspace, mark, at) VALUES (?, ?, ?) ON CONFLICT (workspace, mark) DO NOTHING`,
				g.workspace, g.mark, g.at); err != nil {
				return err
			}
		}
		return t.forgetAgain(ctx, path)
	})
}

// forgetAgain takes away from a restored backup what was known of people who have been erased
// since it was made, and takes over the receipts.
func (t *tx) forgetAgain(ctx context.Context, path string) error {
	all, err := t.erasuresIn(ctx, path)
	if err != nil {
		return fmt.Errorf("read receipts of erasures: %w", err)
	}
	for _, x := range all {
		object, err := t.object(x.Of)
		if err != nil {
			return err
		}
		if err := t.part(object, x.Erasure, x.At, x.By); err != nil {
			return err
		}
		if x.Answer != "" {
			if err := t.forget(object, x.Erasure); err != nil {
				return err
			}
		}
		_, err = t.exec(`INSERT INTO erasures (workspace, who, object, record, asked, answer, fate, at, by_whom)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM erasures WHERE workspace = ? AND object = ? AND record = ? AND at = ? AND answer = ?)`,
			t.s.workspace, x.who, object, x.Record, x.Asked, x.Answer, string(x.Fate), micros(x.At), x.By,
			t.s.workspace, object, x.Record, micros(x.At), x.Answer)
		if err != nil {
			return err
		}
	}
	return nil
}

// A receipt is an erasure as it is kept.
type receipt struct {
	Erasure

	who string
}

// erasuresIn reads this workspace's receipts from another database file.
func (t *tx) erasuresIn(ctx context.Context, path string) ([]receipt, error) {
	db, err := sql.Open("sqlite", sqliteURI(path, "mode=ro"))
	if err != nil {
		return nil, err
	}
	q := plain{db, sqliteDialect{path}}
	tables := 0
	var all []receipt
	err = q.each(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = 'erasures'`, nil, func(scan scanner) error { return scan(&tables) })
	if err == nil && tables > 0 {
		err = q.each(ctx, `SELECT e.who, o.connection, o.name, e.record, e.asked, e.answer, e.fate, e.at, e.by_whom
			FROM erasures e JOIN objects o ON o.id = e.object WHERE e.workspace = ? ORDER BY e.id`, args(t.s.workspace), func(scan scanner) error {
			var x receipt
			var at int64
			err := scan(&x.who, &x.Of.Connection, &x.Of.Name, &x.Record, &x.Asked, &x.Answer, &x.Fate, &at, &x.By)
			x.At = fromMicros(at)
			all = append(all, x)
			return err
		})
	}
	return all, errors.Join(err, db.Close())
}
