package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/record"
)

// Decide takes over what the engine has decided for records of a sync up to the given
// Seq of each side: links, operations, journal lines and all else, in one transaction
// (invariants 2 and 3). If an operation is refused because of another unfinished one (R27)
// nothing is taken over and the error is [ErrBusy].
func (s *Store) Decide(ctx context.Context, sync string, marks [2]int64, f Facts) error {
	return s.write(ctx, "decide for "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		if f.Sync == "" {
			f.Sync = sync
		}
		_, err = t.exec(`UPDATE syncs SET left_mark = ?, right_mark = ? WHERE id = ?`, marks[record.Left], marks[record.Right], e.id)
		if err != nil {
			return fmt.Errorf("move the marks: %w", err)
		}
		return t.facts(f, nil)
	})
}

// Settle ends operations, or says when they go on, together with what that means for
// everything else, in one transaction: an operation leaves the outbox only with its result
// (invariant 3). An operation that is not in the outbox is an error: nothing is settled
// twice. The order is: mirror, outbox, links, journal.
func (s *Store) Settle(ctx context.Context, settled []Settlement, f Facts) error {
	return s.finish(ctx, "settle operations", func(t *tx) error { return t.facts(f, settled) })
}

// Marks returns the Seq up to which each side's rows have been planned.
func (s *Store) Marks(ctx context.Context, sync string) ([2]int64, error) {
	var marks [2]int64
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT left_mark, right_mark FROM syncs WHERE workspace = ? AND name = ?`, args(s.workspace, sync),
			func(scan scanner) error { return scan(&marks[record.Left], &marks[record.Right]) })
	})
	if err != nil {
		return marks, fmt.Errorf("read the marks of %s: %w", sync, err)
	}
	return marks, nil
}

// facts makes all parts of f true, in the order in which they build on each other.
func (t *tx) facts(f Facts, settled []Settlement) error {
	for _, p := range f.Rows {
		if _, err := t.page(p); err != nil {
			return fmt.Errorf("mirror of %s: %w", p.Of, err)
		}
	}
	of, err := t.settle(settled)
	if err != nil {
		return err
	}
	if err := t.putLinks(f.Links, f.Journal); err != nil { // invariant 2: a base and its journal line together
		return err
	}
	if err := t.wake(f.Back); err != nil {
		return err
	}
	if err := t.spots(f, of); err != nil { // after the links: who cleans a record has seen them
		return err
	}
	if err := t.putOps(f.Ops); err != nil {
		return err
	}
	if err := t.carry(f.Carried); err != nil {
		return err
	}
	if err := t.putJournal(f.Journal); err != nil {
		return err
	}
	return t.putReviews(f.Reviews)
}

// spots takes over the parts of the facts that name records of one sync.
func (t *tx) spots(f Facts, of int64) error {
	if len(f.Close)+len(f.Standing)+len(f.InScope)+len(f.Dirty)+len(f.Clean)+len(f.Waits) == 0 {
		return nil
	}
	if f.Sync != "" {
		e, err := t.sync(f.Sync)
		if err != nil {
			return err
		}
		of = e.id
	}
	if of <= 0 {
		return errors.New("the facts name records and no sync")
	}
	if err := t.closeReviews(of, f.Close); err != nil {
		return err
	}
	if err := t.putStanding(of, f.InScope, f.Standing); err != nil {
		return err
	}
	if err := t.clean(of, f.Clean); err != nil {
		return err
	}
	if err := t.dirty(of, f.Dirty); err != nil {
		return err
	}
	return t.wait(of, f.Waits)
}

// settle ends or delays operations and returns the sync that they are of; -1 if they are
// of several, 0 if there are none.
func (t *tx) settle(settled []Settlement) (int64, error) {
	var gone []int64
	for _, x := range settled {
		if x.State == "" {
			gone = append(gone, x.Op)
		}
	}
	of, err := t.removeOps(gone)
	if err != nil {
		return 0, err
	}
	for _, x := range settled {
		if x.State == "" {
			continue
		}
		var sync int64
		err := t.each(`UPDATE outbox SET state = ?, not_before = ?, error = ?, pending = ? WHERE id = ? AND workspace = ? RETURNING sync`,
			args(string(x.State), micros(x.NotBefore), x.Error, x.Pending, x.Op, t.s.workspace), func(scan scanner) error { return scan(&sync) })
		if err != nil {
			return 0, fmt.Errorf("delay operation %d: %w", x.Op, err)
		}
		if sync == 0 {
			return 0, fmt.Errorf("operation %d is not in the outbox", x.Op)
		}
		of = oneSync(of, sync)
	}
	return of, nil
}

func oneSync(of, sync int64) int64 {
	if of == 0 || of == sync {
		return sync
	}
	return -1
}

func (t *tx) removeOps(ids []int64) (int64, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	of, left := int64(0), make(map[int64]bool, len(ids))
	for _, id := range ids {
		left[id] = true
	}
	err := t.each(`DELETE FROM outbox WHERE workspace = ? AND `+t.s.d.in("id")+` RETURNING id, sync`,
		args(t.s.workspace, t.s.d.list(ids)), func(scan scanner) error {
			var id, sync int64
			err := scan(&id, &sync)
			delete(left, id)
			t.tallies[tallyKey{sync, "outbox"}]--
			of = oneSync(of, sync)
			return err
		})
	if err != nil {
		return 0, fmt.Errorf("remove operations: %w", err)
	}
	for id := range left {
		return 0, fmt.Errorf("operation %d is not in the outbox", id)
	}
	return of, nil
}

func (t *tx) dirty(sync int64, spots []Spot) error {
	insert := t.insert(`INSERT INTO dirty (workspace, sync, side, id)`, 4, `ON CONFLICT (sync, side, id) DO NOTHING`)
	for _, p := range spots {
		if err := insert.row(t.s.workspace, sync, int64(p.Side), p.ID); err != nil {
			return fmt.Errorf("mark records: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("mark records: %w", err)
	}
	return nil
}

func (t *tx) clean(sync int64, spots []Spot) error {
	for side, ids := range bySide(spots) {
		if len(ids) == 0 {
			continue
		}
		_, err := t.exec(`DELETE FROM dirty WHERE sync = ? AND side = ? AND `+t.s.d.in("id"), sync, side, t.s.d.list(ids))
		if err != nil {
			return fmt.Errorf("unmark records: %w", err)
		}
	}
	return nil
}

// wait notes waits. A record that was linked after the planner looked, and before its facts
// came here, would be waited for in vain: who waits for a record that has a link by now is
// planned again, once, as the link may be of a sync that does not help.
func (t *tx) wait(sync int64, waits []Wait) error {
	linked, err := t.linkedNow(waits)
	if err != nil {
		return err
	}
	insert := t.insert(`INSERT INTO waits (workspace, object, on_id, sync, side, id, tried)`, 7,
		`ON CONFLICT (object, on_id, sync, side, id) DO NOTHING`)
	var again []Spot
	for _, w := range waits {
		object, err := t.object(w.On)
		if err != nil {
			return err
		}
		if !linked[waitedFor{object, w.OnID}] {
			err = insert.row(t.s.workspace, object, w.OnID, sync, int64(w.Side), w.ID, 0)
		} else if n, e := t.exec(insert.text(1), t.s.workspace, object, w.OnID, sync, int64(w.Side), w.ID, 1); e != nil {
			err = e
		} else if n > 0 {
			again = append(again, w.Spot)
		}
		if err != nil {
			return fmt.Errorf("note waits: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("note waits: %w", err)
	}
	return t.dirty(sync, again)
}

// waitedFor is a record that others wait for.
type waitedFor struct {
	object int64
	id     string
}

// linkedNow returns the records waited for that have an open link in any sync.
func (t *tx) linkedNow(waits []Wait) (map[waitedFor]bool, error) {
	ids := map[Object][]string{}
	for _, w := range waits {
		ids[w.On] = append(ids[w.On], w.OnID)
	}
	linked := map[waitedFor]bool{}
	for of, list := range ids {
		object, err := t.object(of)
		if err != nil {
			return nil, err
		}
		for _, side := range record.Sides() {
			column := sideColumn(side)
			err := t.each(`SELECT `+column+` FROM links WHERE closed = '' AND `+t.s.d.in("sync")+` AND `+t.s.d.in(column),
				args(t.s.d.list(t.syncsOf(object, side)), t.s.d.list(list)), func(scan scanner) error {
					var id string
					err := scan(&id)
					linked[waitedFor{object, id}] = true
					return err
				})
			if err != nil {
				return nil, fmt.Errorf("read links waited for: %w", err)
			}
		}
	}
	return linked, nil
}

// wake marks what waited for the records of links that have just opened (R28).
func (t *tx) wake(links []Link) error {
	if len(links) == 0 {
		return nil
	}
	waiting := false
	err := t.each(`SELECT 1 FROM waits WHERE workspace = ? LIMIT 1`, args(t.s.workspace), func(scanner) error {
		waiting = true
		return nil
	})
	if err != nil || !waiting {
		return err
	}
	ids := map[int64][]string{}
	for _, l := range links {
		e, err := t.sync(l.Sync)
		if err != nil {
			return err
		}
		for side, object := range e.ends {
			ids[object] = append(ids[object], l.IDs[side])
		}
	}
	for object, list := range ids {
		_, err := t.exec(`INSERT INTO dirty (workspace, sync, side, id) SELECT workspace, sync, side, id FROM waits
			WHERE object = ? AND `+t.s.d.in("on_id")+` ON CONFLICT (sync, side, id) DO NOTHING`, object, t.s.d.list(list))
		if err != nil {
			return fmt.Errorf("wake records: %w", err)
		}
		if _, err := t.exec(`DELETE FROM waits WHERE object = ? AND `+t.s.d.in("on_id"), object, t.s.d.list(list)); err != nil {
			return fmt.Errorf("wake records: %w", err)
		}
	}
	return nil
}

// Dirty returns records that have to be planned again, left before right, by id.
func (s *Store) Dirty(ctx context.Context, sync string, limit int) ([]Spot, error) {
	var spots []Spot
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT side, id FROM dirty WHERE sync = ? ORDER BY side, id LIMIT ?`, args(e.id, limit),
			func(scan scanner) error {
				var p Spot
				err := scan(&p.Side, &p.ID)
				spots = append(spots, p)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read dirty records of %s: %w", sync, err)
	}
	return spots, nil
}
