package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// SavePage takes what one read brought into the mirror, and with it the place where
// reading goes on.
//
// A row is never replaced by a page that began before what the row comes from (R3); such
// a record counts as stale, and as seen. Fields that the page has are laid over the row's,
// the others stay; a version, a created and a modified time that the page lacks stay too.
// Seq moves if content, fate, successors or created time of the row moved, not for its
// version or stamps alone.
//
// A page of a sweep whose present records have no fields only marks rows as seen. It
// reports the records that the mirror does not have, or has as gone, in Saved.Unknown, and
// takes over the fate of those that are gone and known.
func (s *Store) SavePage(ctx context.Context, p Page) (Saved, error) {
	var saved Saved
	err := s.intake(ctx, "save a page of "+p.Of.String(), func(t *tx) (err error) {
		saved, err = t.page(p)
		return err
	})
	return saved, err
}

func (t *tx) page(p Page) (Saved, error) {
	object, err := t.object(p.Of)
	if err != nil {
		return Saved{}, err
	}
	saved, err := t.mirror(object, p)
	if err != nil {
		return Saved{}, err
	}
	if p.Feed == "" {
		return saved, nil
	}
	return saved, t.place(object, p) // invariant 1: the cursor only together with its page
}

// A stored is a row of the mirror as it is kept, and what a page does to it.
type stored struct {
	id, version, modifiedBy, into string
	created, modified             int64
	editFrom, editTo, ownStamp    int64
	readAt, seen                  int64
	fate                          connector.Fate
	keys, fields                  []byte
	known                         bool // it was there before
	was                           bool // it was there, and present
	changed, touched              bool
	oldKeys                       []byte
	seq                           int64 // that the page gives it
}

func (t *tx) mirror(object int64, p Page) (Saved, error) {
	var saved Saved
	rows, err := t.stored(object, p.Changes)
	if err != nil {
		return saved, err
	}
	order := make([]*stored, 0, len(p.Changes))
	tracked, watched := len(t.s.tracks(p.Of)) > 0, len(t.s.watches(p.Of)) > 0
	var moved []rowChange
	for i := range p.Changes {
		c := &p.Changes[i]
		row := rows[c.ID]
		if row == nil {
			row = &stored{id: c.ID}
			rows[c.ID] = row
		}
		before := *row
		if err := row.take(c, &p, &saved); err != nil {
			return saved, fmt.Errorf("record %s: %w", c.ID, err)
		}
		if !before.changed && !before.touched && (row.changed || row.touched) {
			order = append(order, row)
		}
		if (tracked || watched) && row.changed && !before.changed {
			moved = append(moved, rowChange{row, before})
		}
	}
	if err := t.put(object, order, &saved); err != nil {
		return saved, err
	}
	if watched {
		if err := t.putEvents(object, p, moved); err != nil {
			return saved, err
		}
	}
	return saved, t.putStages(object, p, moved)
}

// stored loads the rows of the changed records.
func (t *tx) stored(object int64, changes []connector.Change) (map[string]*stored, error) {
	ids := make([]string, len(changes))
	for i := range changes {
		ids[i] = changes[i].ID
	}
	rows := make(map[string]*stored, len(ids))
	if len(ids) == 0 {
		return rows, nil
	}
	err := t.each(`SELECT id, version, modified_by, into_refs, created, modified, read_at, seen, fate, keys, fields, edit_from, edit_to, own_stamp
		FROM mirror WHERE object = ? AND `+t.s.d.in("id"), args(object, t.s.d.list(ids)), func(scan scanner) error {
		r := &stored{known: true}
		err := scan(&r.id, &r.version, &r.modifiedBy, &r.into, &r.created, &r.modified, &r.readAt, &r.seen,
			&r.fate, &r.keys, &r.fields, &r.editFrom, &r.editTo, &r.ownStamp)
		r.was, r.oldKeys = r.fate == connector.Present, r.keys
		rows[r.id] = r
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}

// exists reports whether the row is there by now.
func (r *stored) exists() bool { return r.known || r.changed }

// take judges one change of a page against the row.
func (r *stored) take(c *connector.Change, p *Page, saved *Saved) error {
	if listing := micros(p.Listing); r.exists() && listing > r.seen && c.Fate == connector.Present {
		r.seen, r.touched = listing, true // R21: it was there, however old the read is
	}
	if p.Feed == FeedSweep && (c.Fate == connector.Present && len(c.Fields) == 0 || !r.exists()) {
		if c.Fate == connector.Present && (!r.exists() || r.fate != connector.Present) {
			saved.Unknown = append(saved.Unknown, c.ID)
		}
		return nil
	}
	began := micros(p.Began)
	if r.exists() && began < r.readAt { // R3: a stale read never wins
		saved.Stale++
		return nil
	}
	if !r.exists() {
		r.seen = micros(p.Listing)
	}
	err := r.merge(c, p)
	r.readAt, r.touched = began, true
	return err
}

// merge lays the change over the row.
func (r *stored) merge(c *connector.Change, p *Page) error {
	fields, all, err := overlay(r.fields, c.Fields)
	if err != nil {
		return err
	}
	into, err := encodeRefs(c.Into)
	if err != nil {
		return err
	}
	created := micros(c.Created)
	moved := !r.exists() || r.fate != c.Fate || r.into != into || !bytes.Equal(r.fields, fields) ||
		r.created != 0 && created != 0 && r.created != created // R33: another record under the same id
	if c.Version != "" {
		r.version = c.Version
	}
	if created != 0 {
		r.created = created
	}
	if m := micros(c.Modified); m != 0 {
		r.modified, r.modifiedBy = m, c.ModifiedBy
	}
	if !moved {
		return nil
	}
	if err := r.edited(c, p); err != nil {
		return err
	}
	r.changed, r.fate, r.into, r.fields, r.keys = true, c.Fate, into, fields, nil
	if c.Fate == connector.Merged {
		r.keys = intoKeys(c.Into)
	}
	if c.Fate != connector.Present || p.Keys == nil {
		return nil
	}
	if all == nil {
		if all, err = decode(fields); err != nil {
			return err
		}
	}
	r.keys = encodeKeys(p.Keys(all))
	return nil
}

// overlay returns the kept fields with the new ones laid over them: their encoding, and
// themselves if they are at hand.
func overlay(kept []byte, fresh record.Fields) ([]byte, record.Fields, error) {
	if len(fresh) == 0 && len(kept) > 0 {
		return kept, nil, nil
	}
	enc := encode(fresh)
	if len(kept) == 0 || bytes.Equal(kept, enc) {
		return enc, fresh, nil
	}
	all, err := decode(kept)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(all, fresh)
	return encode(all), all, nil
}

// put writes the rows that a page has changed or touched.
func (t *tx) put(object int64, rows []*stored, saved *Saved) error {
	for _, r := range rows {
		if r.changed {
			saved.Changed++
		}
	}
	seq, err := t.seqs(saved.Changed)
	if err != nil {
		return err
	}
	upsert := t.insert(`INSERT INTO mirror (workspace, object, id, version, created, modified, modified_by, fate,
		into_refs, read_at, seen, seq, keys, fields, edit_from, edit_to, own_stamp)`, 17, `ON CONFLICT (object, id) DO UPDATE SET version = excluded.version,
		created = excluded.created, modified = excluded.modified, modified_by = excluded.modified_by, fate = excluded.fate,
		into_refs = excluded.into_refs, read_at = excluded.read_at, seen = excluded.seen, seq = excluded.seq,
		keys = excluded.keys, fields = excluded.fields, edit_from = excluded.edit_from, edit_to = excluded.edit_to,
		own_stamp = excluded.own_stamp`)
	for _, r := range rows {
		if !r.changed {
			if err := t.touch(object, r); err != nil {
				return err
			}
			continue
		}
		seq++
		r.seq = seq
		if err := upsert.row(t.s.workspace, object, r.id, r.version, r.created, r.modified, r.modifiedBy, string(r.fate),
			r.into, r.readAt, r.seen, seq, r.keys, r.fields, r.editFrom, r.editTo, r.ownStamp); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		t.countPresent(object, r)
	}
	if err := upsert.flush(); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if err := t.stray(object, rows); err != nil {
		return err
	}
	return t.putKeys(object, rows)
}

func (t *tx) countPresent(object int64, r *stored) {
	switch now := r.fate == connector.Present; {
	case now && !r.was:
		t.present[object]++
	case !now && r.was:
		t.present[object]--
	}
}

// touch notes a read that brought nothing new.
func (t *tx) touch(object int64, r *stored) error {
	_, err := t.exec(`UPDATE mirror SET version = ?, created = ?, modified = ?, modified_by = ?, read_at = ?, seen = ?
		WHERE object = ? AND id = ?`, r.version, r.created, r.modified, r.modifiedBy, r.readAt, r.seen, object, r.id)
	if err != nil {
		return fmt.Errorf("touch rows: %w", err)
	}
	return nil
}

// seqs gives n numbers and returns the one before the first.
func (t *tx) seqs(n int) (int64, error) {
	if n == 0 {
		return 0, nil
	}
	if _, err := t.exec(`UPDATE counters SET value = value + ? WHERE name = 'seq'`, n); err != nil {
		return 0, fmt.Errorf("number rows: %w", err)
	}
	var last int64
	err := t.each(`SELECT value FROM counters WHERE name = 'seq'`, nil, func(scan scanner) error { return scan(&last) })
	if err != nil {
		return 0, fmt.Errorf("number rows: %w", err)
	}
	return last - int64(n), nil
}

const (
	rowColumns  = `id, version, created, modified, modified_by, fate, into_refs, read_at, seq, edit_from, edit_to, own_stamp, fields`
	headColumns = `id, version, created, modified, modified_by, fate, into_refs, read_at, seq, edit_from, edit_to, own_stamp, NULL`
)

func scanRow(scan scanner, of Object) (Row, error) { return scanRowBut(scan, of, nil) }

// scanRowBut leaves the fields of rows out that skip names.
func scanRowBut(scan scanner, of Object, skip func(Row) bool) (Row, error) {
	var created, modified, readAt, ownStamp int64
	var edited [2]int64
	var into string
	var fields sql.RawBytes
	r := Row{Record: record.Record{Ref: record.Ref{Object: of.Name}}}
	err := scan(&r.ID, &r.Version, &created, &modified, &r.ModifiedBy, &r.Fate, &into, &readAt, &r.Seq, &edited[0], &edited[1], &ownStamp, &fields)
	if err != nil {
		return r, err
	}
	r.Created, r.Modified, r.ReadAt = fromMicros(created), fromMicros(modified), fromMicros(readAt)
	r.Edited, r.Ours = [2]time.Time{fromMicros(edited[0]), fromMicros(edited[1])}, ownStamp != 0 && ownStamp == modified
	if r.Into, err = decodeRefs(into); err != nil {
		return r, err
	}
	if skip != nil && skip(r) {
		return r, nil
	}
	r.Fields, err = decode(fields)
	return r, err
}

func encodeRefs(refs []record.Ref) (string, error) {
	if len(refs) == 0 {
		return "", nil
	}
	b, err := json.Marshal(refs)
	return string(b), err
}

func decodeRefs(s string) ([]record.Ref, error) {
	if s == "" {
		return nil, nil
	}
	var refs []record.Ref
	err := json.Unmarshal([]byte(s), &refs)
	return refs, err
}
