package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// hash is what the index knows a key by. It is stable for ever; rows hold the keys
// themselves, so that two keys of one hash are told apart.
func (k Key) hash() int64 { return hash(k.Name + "\x00" + k.Value) }

// hash is FNV-1a of 64 bits, http://www.isthe.com/chongo/tech/comp/fnv/.
func hash(s string) int64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	return int64(h)
}

func (k Key) compare(other Key) int {
	if c := strings.Compare(k.Name, other.Name); c != 0 {
		return c
	}
	return strings.Compare(k.Value, other.Value)
}

// encodeKeys keeps the keys of a row, without those of no value.
func encodeKeys(keys []Key) []byte {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.Value == "" })
	slices.SortFunc(keys, Key.compare)
	var b []byte
	for _, k := range slices.Compact(keys) {
		b = appendText(b, k.Name)
		b = appendText(b, k.Value)
	}
	return b
}

// intoKeys are the index entries of a record that was merged into others.
func intoKeys(into []record.Ref) []byte {
	keys := make([]Key, 0, len(into))
	for _, ref := range into {
		keys = append(keys, IntoKey(ref.ID))
	}
	return encodeKeys(keys)
}

func decodeKeys(b []byte) ([]Key, error) {
	var keys []Key
	for len(b) > 0 {
		var k Key
		var err error
		if k.Name, b, err = takeText(b); err != nil {
			return nil, err
		}
		if k.Value, b, err = takeText(b); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// putKeys brings the index in line with rows that a transaction has written.
func (t *tx) putKeys(object int64, rows []*stored) error {
	insert := t.insert(`INSERT INTO mirror_keys (workspace, object, hash, id)`, 4, `ON CONFLICT (object, hash, id) DO NOTHING`)
	type indexed struct {
		hash int64
		id   string
	}
	var fresh []indexed
	var freshWords []worded
	for _, r := range rows {
		if !r.changed || bytes.Equal(r.oldKeys, r.keys) {
			continue
		}
		old, err := decodeKeys(r.oldKeys)
		if err != nil {
			return fmt.Errorf("index record %s: %w", r.id, err)
		}
		now, err := decodeKeys(r.keys)
		if err != nil {
			return fmt.Errorf("index record %s: %w", r.id, err)
		}
		for _, k := range old {
			if k.isWord() {
				continue
			}
			if _, err := t.exec(`DELETE FROM mirror_keys WHERE object = ? AND hash = ? AND id = ?`, object, k.hash(), r.id); err != nil {
				return fmt.Errorf("index rows: %w", err)
			}
		}
		words, err := t.dropWords(object, r.id, old, now)
		if err != nil {
			return err
		}
		freshWords = append(freshWords, words...)
		for _, k := range now {
			if !k.isWord() {
				fresh = append(fresh, indexed{k.hash(), r.id})
			}
		}
	}
	// In the order of the index, neighbours land on the same page.
	slices.SortFunc(fresh, func(a, b indexed) int { return cmp.Compare(a.hash, b.hash) })
	for _, k := range fresh {
		if err := insert.row(t.s.workspace, object, k.hash, k.id); err != nil {
			return fmt.Errorf("index rows: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("index rows: %w", err)
	}
	return t.putWords(object, freshWords)
}

// FindByKey returns the ids of the present rows that hold each key, or for an [IntoKey] of
// those that were merged: numbers first and by
// size, then texts in order. A key that no row holds is not in the answer.
func (s *Store) FindByKey(ctx context.Context, of Object, keys []Key) (map[Key][]string, error) {
	wanted := make(map[int64][]Key, len(keys))
	hashes := make([]int64, 0, len(keys))
	for _, k := range keys {
		h := k.hash()
		if !slices.Contains(wanted[h], k) {
			wanted[h] = append(wanted[h], k)
			hashes = append(hashes, h)
		}
	}
	found := make(map[Key][]string, len(keys))
	if len(hashes) == 0 {
		return found, nil
	}
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT k.hash, k.id, m.keys FROM mirror_keys k JOIN mirror m ON m.object = k.object AND m.id = k.id
			WHERE k.object = ? AND `+s.d.in("k.hash"), args(object, s.d.list(hashes)), func(scan scanner) error {
			return findKeys(scan, wanted, found)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find records of %s by key: %w", of, err)
	}
	for _, ids := range found {
		slices.SortFunc(ids, compareIDs)
	}
	return found, nil
}

func findKeys(scan scanner, wanted map[int64][]Key, found map[Key][]string) error {
	var hash int64
	var id string
	var kept []byte
	if err := scan(&hash, &id, &kept); err != nil {
		return err
	}
	holds, err := decodeKeys(kept)
	if err != nil {
		return fmt.Errorf("record %s: %w", id, err)
	}
	for _, k := range wanted[hash] {
		if slices.Contains(holds, k) {
			found[k] = append(found[k], id)
		}
	}
	return nil
}

// compareIDs orders whole numbers by size and before everything else.
func compareIDs(a, b string) int {
	na, nb := wholeNumber(a), wholeNumber(b)
	switch {
	case na && nb:
		ta, tb := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(ta) != len(tb) {
			return len(ta) - len(tb)
		}
		if c := strings.Compare(ta, tb); c != 0 {
			return c
		}
	case na:
		return -1
	case nb:
		return 1
	}
	return strings.Compare(a, b)
}

func wholeNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Children returns the ids of present rows of an object that hold the key: the records
// that refer to another one, whose reference field the key names (R23).
func (s *Store) Children(ctx context.Context, of Object, key Key, limit int) ([]string, error) {
	found, err := s.FindByKey(ctx, of, []Key{key})
	if err != nil {
		return nil, err
	}
	ids := found[key]
	return ids[:min(len(ids), max(limit, 0))], nil
}

// reindexBatch is how many rows Reindex takes in one transaction.
const reindexBatch = 1000

// Reindex makes the index of an object anew if it was made by keys of another
// fingerprint. It works in transactions of bounded size; cut short, it starts again.
func (s *Store) Reindex(ctx context.Context, of Object, fingerprint string, keys func(record.Fields) []Key) error {
	done, err := s.keyed(ctx, of, fingerprint)
	for after := ""; err == nil && !done; {
		err = s.write(ctx, "index "+of.String(), func(t *tx) (err error) {
			after, done, err = t.reindex(of, fingerprint, after, keys)
			return err
		})
	}
	return err
}

func (s *Store) keyed(ctx context.Context, of Object, fingerprint string) (bool, error) {
	kept := ""
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil || object == 0 {
			return err
		}
		return q.each(ctx, `SELECT keyed FROM objects WHERE id = ?`, args(object), func(scan scanner) error { return scan(&kept) })
	})
	if err != nil {
		return false, fmt.Errorf("read the index of %s: %w", of, err)
	}
	return kept == fingerprint && fingerprint != "", nil
}

// reindex does the rows beyond after and returns the last one; the fingerprint is there
// only while the whole index is of it.
func (t *tx) reindex(of Object, fingerprint, after string, keys func(record.Fields) []Key) (string, bool, error) {
	object, err := t.object(of)
	if err != nil {
		return "", false, err
	}
	var rows []*stored
	err = t.each(`SELECT id, fate, into_refs, keys, fields FROM mirror WHERE object = ? AND id > ? ORDER BY id LIMIT ?`,
		args(object, after, reindexBatch), func(scan scanner) error {
			r := &stored{changed: true}
			err := scan(&r.id, &r.fate, &r.into, &r.oldKeys, &r.fields)
			rows = append(rows, r)
			return err
		})
	if err != nil {
		return "", false, fmt.Errorf("read rows: %w", err)
	}
	for _, r := range rows {
		if err := t.rekey(object, r, keys); err != nil {
			return "", false, err
		}
		after = r.id
	}
	if err := t.putKeys(object, rows); err != nil {
		return "", false, err
	}
	done := len(rows) < reindexBatch
	if !done {
		fingerprint = ""
	}
	if _, err := t.exec(`UPDATE objects SET keyed = ? WHERE id = ?`, fingerprint, object); err != nil {
		return "", false, fmt.Errorf("keep the fingerprint: %w", err)
	}
	return after, done, nil
}

func (t *tx) rekey(object int64, r *stored, keys func(record.Fields) []Key) error {
	if r.fate == connector.Present && keys != nil {
		f, err := decode(r.fields)
		if err != nil {
			return fmt.Errorf("record %s: %w", r.id, err)
		}
		r.keys = encodeKeys(keys(f))
	}
	if r.fate == connector.Merged {
		into, err := decodeRefs(r.into)
		if err != nil {
			return fmt.Errorf("record %s: %w", r.id, err)
		}
		r.keys = intoKeys(into)
	}
	if bytes.Equal(r.keys, r.oldKeys) {
		return nil
	}
	if _, err := t.exec(`UPDATE mirror SET keys = ? WHERE object = ? AND id = ?`, r.keys, object, r.id); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}
