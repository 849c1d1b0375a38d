package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

const linkColumns = `id, sync, left_id, right_id, left_base, right_base, left_expected, right_expected, diverged,
	left_created, right_created, closed, left_slot, right_slot`

func (s *Store) scanLink(scan scanner) (Link, error) {
	var l Link
	var sync int64
	var created, slots [2]int64
	var fields [5]sql.RawBytes
	err := scan(&l.ID, &sync, &l.IDs[record.Left], &l.IDs[record.Right], &fields[0], &fields[1], &fields[2], &fields[3],
		&fields[4], &created[record.Left], &created[record.Right], &l.Closed,
		&slots[record.Left], &slots[record.Right])
	if err != nil {
		return l, err
	}
	for i, to := range []*record.Fields{&l.Base[0], &l.Base[1], &l.Expected[0], &l.Expected[1]} {
		if *to, err = decode(fields[i]); err != nil {
			return l, fmt.Errorf("link %d: %w", l.ID, err)
		}
	}
	if l.Diverged, err = decodeReasons(fields[4]); err != nil {
		return l, fmt.Errorf("link %d: %w", l.ID, err)
	}
	l.Created = [2]time.Time{fromMicros(created[record.Left]), fromMicros(created[record.Right])}
	l.Sync = s.names.syncOf(sync)
	for _, side := range record.Sides() {
		if slots[side] != 0 {
			l.Role = MemberOn(side.Other())
		}
	}
	return l, nil
}

// slot is what the unique index of a side adds to a link's record: nothing, or the link's own
// id where it shares that record (R26).
func (l Link) slot(side record.Side) int64 {
	if l.Shares(side) {
		return l.ID
	}
	return 0
}

// sideColumn is the column of a side's id.
func sideColumn(side record.Side) string {
	if side == record.Left {
		return "left_id"
	}
	return "right_id"
}

// LinksOf returns by record id the open link of each record, else its newest closed one.
// A record that was never linked is not in the answer. Links that share the record are not
// asked for, see [Store.Members].
func (s *Store) LinksOf(ctx context.Context, sync string, side record.Side, ids []string) (map[string]Link, error) {
	found := make(map[string]Link, len(ids))
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil || e.id == 0 || len(ids) == 0 {
			return err
		}
		missing := ids
		for _, state := range []string{`closed = ''`, `closed <> ''`} {
			if len(missing) == 0 {
				return nil
			}
			err := q.each(ctx, `SELECT `+linkColumns+` FROM links WHERE sync = ? AND `+state+` AND `+side.String()+`_slot = 0 AND `+
				s.d.in(sideColumn(side)), args(e.id, s.d.list(missing)), func(scan scanner) error {
				l, err := s.scanLink(scan)
				if found[l.IDs[side]].ID < l.ID {
					found[l.IDs[side]] = l
				}
				return err
			})
			if err != nil {
				return err
			}
			missing = without(ids, found)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read links of %s: %w", sync, err)
	}
	return found, nil
}

// Members returns by record id the open links, in the order of their ids, that share a record
// of that side with its main link (R26).
func (s *Store) Members(ctx context.Context, sync string, side record.Side, ids []string) (map[string][]Link, error) {
	found := map[string][]Link{}
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil || e.id == 0 || len(ids) == 0 {
			return err
		}
		return q.each(ctx, `SELECT `+linkColumns+` FROM links WHERE sync = ? AND closed = '' AND `+side.String()+`_slot <> 0 AND `+
			s.d.in(sideColumn(side))+` ORDER BY id`, args(e.id, s.d.list(ids)), func(scan scanner) error {
			l, err := s.scanLink(scan)
			found[l.IDs[side]] = append(found[l.IDs[side]], l)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read members of %s: %w", sync, err)
	}
	return found, nil
}

func without(ids []string, found map[string]Link) []string {
	var rest []string
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			rest = append(rest, id)
		}
	}
	return rest
}

// LinksByID returns those of the links that exist.
func (s *Store) LinksByID(ctx context.Context, ids []int64) (map[int64]Link, error) {
	found := make(map[int64]Link, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	list, err := s.links(ctx, s.d.in("id"), s.d.list(ids))
	for _, l := range list {
		found[l.ID] = l
	}
	return found, err
}

// Links returns a sync's links, closed ones too, whose ids are beyond afterID, in order.
func (s *Store) Links(ctx context.Context, sync string, afterID int64, limit int) ([]Link, error) {
	var e syncEnds
	err := s.read(ctx, func(q runner) (err error) {
		e, err = s.sync(ctx, q, sync)
		return err
	})
	if err != nil || e.id == 0 {
		return nil, err
	}
	return s.links(ctx, `sync = ? AND id > ? ORDER BY id LIMIT ?`, e.id, afterID, limit)
}

func (s *Store) links(ctx context.Context, where string, a ...any) ([]Link, error) {
	var list []Link
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+linkColumns+` FROM links WHERE workspace = ? AND `+where, append(args(s.workspace), a...),
			func(scan scanner) error {
				l, err := s.scanLink(scan)
				list = append(list, l)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	return list, nil
}

// kept is what a link was before the facts.
type keptLink struct {
	sync     int64
	open     bool
	diverged bool
	ids      [2]string
	slots    [2]int64
	base     [2][]byte
	exists   bool
}

// putLinks inserts or replaces links, counts them and wakes what waited for their records.
func (t *tx) putLinks(links []Link, journal []Entry) error {
	if len(links) == 0 {
		return nil
	}
	links = latest(links)
	before, err := t.keptLinks(links)
	if err != nil {
		return err
	}
	// Closed ones go first: a record's open link may be closed and another opened at once.
	upsert := t.insert(`INSERT INTO links (workspace, `+linkColumns+`)`, 15, `ON CONFLICT (id) DO UPDATE SET
		left_id = excluded.left_id, right_id = excluded.right_id, left_base = excluded.left_base,
		right_base = excluded.right_base, left_expected = excluded.left_expected, right_expected = excluded.right_expected,
		diverged = excluded.diverged, left_created = excluded.left_created, right_created = excluded.right_created,
		closed = excluded.closed`)
	explained := make(map[int64]bool, len(journal))
	for _, e := range journal {
		explained[e.Link] = true
	}
	var woken []Link
	for _, open := range []bool{false, true} {
		for _, l := range links {
			if (l.Closed == "") != open {
				continue
			}
			opened, err := t.putLink(upsert, l, before[l.ID], explained[l.ID])
			if err != nil {
				return fmt.Errorf("link %d: %w", l.ID, err)
			}
			if opened {
				woken = append(woken, l)
			}
		}
		if err := upsert.flush(); err != nil {
			return fmt.Errorf("write links: %w", err)
		}
	}
	return t.wake(woken)
}

// latest leaves out what facts say of a link before they say something else of it: written
// one after the other, closed ones first, the older word would win, and be counted twice.
func latest(links []Link) []Link {
	last := make(map[int64]int, len(links))
	for i, l := range links {
		last[l.ID] = i
	}
	if len(last) == len(links) {
		return links
	}
	out := make([]Link, 0, len(last))
	for i, l := range links {
		if last[l.ID] == i {
			out = append(out, l)
		}
	}
	return out
}

func (t *tx) keptLinks(links []Link) (map[int64]keptLink, error) {
	ids := make([]int64, len(links))
	for i, l := range links {
		ids[i] = l.ID
	}
	before := make(map[int64]keptLink, len(links))
	err := t.each(`SELECT id, workspace, sync, left_id, right_id, left_base, right_base, diverged, closed, left_slot, right_slot FROM links WHERE `+
		t.s.d.in("id"), args(t.s.d.list(ids)), func(scan scanner) error {
		var id, workspace int64
		var diverged []byte
		var closed string
		k := keptLink{exists: true}
		err := scan(&id, &workspace, &k.sync, &k.ids[0], &k.ids[1], &k.base[0], &k.base[1], &diverged, &closed, &k.slots[0], &k.slots[1])
		k.open, k.diverged = closed == "", len(diverged) > 0
		if err == nil && workspace != t.s.workspace {
			err = fmt.Errorf("link %d belongs to another workspace", id)
		}
		before[id] = k
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	return before, nil
}

// putLink writes one link and reports whether it opens.
func (t *tx) putLink(upsert *batch, l Link, was keptLink, explained bool) (bool, error) {
	e, err := t.sync(l.Sync)
	switch {
	case err != nil:
		return false, err
	case l.ID == 0:
		return false, errors.New("a link without an id")
	case e.ends[record.Left] == 0:
		return false, fmt.Errorf("the sync %q is not registered with its objects", l.Sync)
	case was.exists && was.sync != e.id:
		return false, errors.New("it belongs to another sync")
	case was.exists && (was.ids != l.IDs || was.slots != [2]int64{l.slot(record.Left), l.slot(record.Right)}):
		return false, errors.New("its records never change: close it and open another (R18)")
	}
	base := [2][]byte{encode(l.Base[0]), encode(l.Base[1])}
	if !explained && (!bytes.Equal(base[0], was.base[0]) || !bytes.Equal(base[1], was.base[1])) {
		return false, errors.New("its base changes without a journal line (invariant 2)")
	}
	diverged := encodeReasons(l.Diverged)
	open := l.Closed == ""
	if l.Role == Main { // a thing counts once, however many copies it has
		t.tallies[tallyKey{e.id, "linked"}] += count(open) - count(was.open)
	}
	t.tallies[tallyKey{e.id, "diverged"}] += count(open && len(diverged) > 0) - count(was.open && was.diverged)
	err = upsert.row(t.s.workspace, l.ID, e.id, l.IDs[record.Left], l.IDs[record.Right], base[record.Left], base[record.Right],
		encode(l.Expected[record.Left]), encode(l.Expected[record.Right]), diverged,
		micros(l.Created[record.Left]), micros(l.Created[record.Right]), l.Closed, l.slot(record.Left), l.slot(record.Right))
	return open && !was.open, err
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
