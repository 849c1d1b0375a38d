package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// RefKey is the index entry by which the records are found that refer to another one.
func RefKey(field, to string) Key { return Key{Name: refPrefix + field, Value: to} }

const refPrefix = "ref:"

// sqlStrays keeps to what records referred that do not any more: what was computed of them there
// has to be computed anew. A row goes when every sync that looks into the object has taken it up.
func sqlStrays() []string {
	return []string{
		`CREATE TABLE strays (workspace {int}, object {int}, seq {int}, name {text}, value {text},
			PRIMARY KEY (object, seq, name, value)){keyed}`,
	}
}

// stray notes the references that rows have given up, if a sync looks into their object: one
// that has never done so computes everything first.
func (t *tx) stray(object int64, rows []*stored) error {
	var looks int
	for _, r := range rows {
		if !r.changed || len(r.oldKeys) == 0 {
			continue
		}
		gone, err := lostRefs(r)
		if err != nil {
			return fmt.Errorf("index record %s: %w", r.id, err)
		}
		if len(gone) == 0 {
			continue
		}
		if looks == 0 {
			err := t.each(`SELECT COUNT(*) FROM looks WHERE object = ?`, args(object), func(scan scanner) error { return scan(&looks) })
			if err != nil || looks == 0 {
				return err
			}
		}
		for _, k := range gone {
			if _, err := t.exec(`INSERT INTO strays (workspace, object, seq, name, value) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (object, seq, name, value) DO NOTHING`, t.s.workspace, object, r.seq, k.Name, k.Value); err != nil {
				return fmt.Errorf("note given-up references: %w", err)
			}
		}
	}
	return nil
}

func lostRefs(r *stored) ([]Key, error) {
	old, err := decodeKeys(r.oldKeys)
	if err != nil {
		return nil, err
	}
	now, err := decodeKeys(r.keys)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(old, func(k Key) bool {
		return !strings.HasPrefix(k.Name, refPrefix) || slices.Contains(now, k)
	}), nil
}

// Strays returns the references, as [RefKey] makes them, that records of an object have given up
// after one Seq and up to another.
func (s *Store) Strays(ctx context.Context, of Object, after, upto int64) ([]Key, error) {
	var keys []Key
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT name, value FROM strays WHERE object = ? AND seq > ? AND seq <= ? ORDER BY seq`, args(object, after, upto),
			func(scan scanner) error {
				var k Key
				err := scan(&k.Name, &k.Value)
				keys = append(keys, k)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read given-up references of %s: %w", of, err)
	}
	return keys, nil
}

// forgetStrays removes what all syncs that look into an object have taken up.
func (t *tx) forgetStrays(object int64) error {
	_, err := t.exec(`DELETE FROM strays WHERE object = ? AND seq <= (SELECT MIN(mark) FROM looks WHERE object = ?)`, object, object)
	return err
}
