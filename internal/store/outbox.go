package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

const opColumns = `id, sync, side, object, verb, state, target_id, source_id, attempts, not_before, sent_at, error, pending, body`

func (s *Store) scanOp(scan scanner) (Op, error) {
	var o Op
	var sync, object, notBefore, sentAt int64
	var body sql.RawBytes
	err := scan(&o.ID, &sync, &o.Side, &object, &o.Verb, &o.State, &o.TargetID, &o.SourceID, &o.Attempts, &notBefore, &sentAt,
		&o.Error, &o.Pending, &body)
	if err != nil {
		return o, err
	}
	o.Sync, o.Target = s.names.syncOf(sync), s.names.objectOf(object)
	o.NotBefore, o.SentAt = fromMicros(notBefore), fromMicros(sentAt)
	if err := o.decodeBody(body); err != nil {
		return o, fmt.Errorf("operation %d: %w", o.ID, err)
	}
	return o, nil
}

// putOps adds operations to the outbox. The unique indexes refuse a second unfinished one
// of one record, claim or, for creates, source (R15, R27).
func (t *tx) putOps(ops []Op) error {
	insert := t.insert(`INSERT INTO outbox (workspace, source_slot, `+opColumns+`, claim)`, 17, "")
	for _, o := range ops {
		if err := t.putOp(insert, o); err != nil {
			return fmt.Errorf("operation %d (%s of %s %s): %w", o.ID, o.Verb, o.Target, o.TargetID, err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("add operations: %w", err)
	}
	return nil
}

func (t *tx) putOp(insert *batch, o Op) error {
	e, err := t.sync(o.Sync)
	if err != nil {
		return err
	}
	object, err := t.object(o.Target)
	switch {
	case err != nil:
		return err
	case o.ID == 0:
		return errors.New("it has no id")
	case o.State == "":
		return errors.New("it has no state")
	case e.id == 0 || object == 0:
		return errors.New("it names no sync or no object")
	}
	slot := o.ID
	if o.Verb == connector.Create {
		slot = 0
	}
	t.tallies[tallyKey{e.id, "outbox"}]++
	return insert.row(t.s.workspace, slot, o.ID, e.id, int64(o.Side), object, string(o.Verb), string(o.State), o.TargetID,
		o.SourceID, int64(o.Attempts), micros(o.NotBefore), micros(o.SentAt), o.Error, o.Pending, o.encodeBody(), claimHash(o.Claim))
}

// claimHash is what a claim is found by; 0 for none.
func claimHash(claim string) int64 {
	if claim == "" {
		return 0
	}
	return max(1, hash(claim)&math.MaxInt64)
}

// Claim takes up to n operations of one verb on one object that are ready and due, oldest
// first, and marks them as sent. That is durable before it returns: whatever happens to
// the process, an operation that it may have sent is known (R16).
func (s *Store) Claim(ctx context.Context, target Object, verb connector.Verb, n int, now time.Time) ([]Op, error) {
	return s.ClaimOf(ctx, "", target, verb, n, now)
}

// ClaimOf is Claim for the operations of one sync only; "" = of all.
func (s *Store) ClaimOf(ctx context.Context, sync string, target Object, verb connector.Verb, n int, now time.Time) ([]Op, error) {
	if n <= 0 {
		return nil, nil
	}
	var ops []Op
	err := s.intake(ctx, fmt.Sprintf("claim operations (%s of %s)", verb, target), func(t *tx) error {
		if err := t.s.knowNames(t.ctx, t.run); err != nil {
			return err
		}
		of, object := s.names.sync(sync).id, s.names.object(target)
		if sync == "" {
			of = -1
		}
		err := t.each(`SELECT `+opColumns+` FROM outbox WHERE object = ? AND verb = ? AND state = 'ready' AND not_before <= ?
			AND (sync = ? OR ? = -1) ORDER BY id LIMIT ?`, args(object, string(verb), micros(now), of, of, n), func(scan scanner) error {
			o, err := s.scanOp(scan)
			o.State, o.SentAt = OpSent, fromMicros(micros(now))
			o.Attempts++
			ops = append(ops, o)
			return err
		})
		if err != nil || len(ops) == 0 {
			return err
		}
		ids := make([]int64, len(ops))
		for i := range ops {
			ids[i] = ops[i].ID
		}
		_, err = t.exec(`UPDATE outbox SET state = 'sent', attempts = attempts + 1, sent_at = ? WHERE `+s.d.in("id"),
			micros(now), s.d.list(ids))
		return err
	})
	if err != nil {
		return nil, err
	}
	return ops, nil
}

// Ops returns the unfinished operations of a sync, or of all for "", in those states, or
// in any if none is named; oldest first.
func (s *Store) Ops(ctx context.Context, sync string, states ...OpState) ([]Op, error) {
	var ops []Op
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a := `workspace = ?`, args(s.workspace)
		if sync != "" {
			where, a = where+` AND sync = ?`, append(a, s.names.sync(sync).id)
		}
		if len(states) > 0 {
			where += ` AND state IN (?` + strings.Repeat(", ?", len(states)-1) + `)`
			for _, state := range states {
				a = append(a, string(state))
			}
		}
		return q.each(ctx, `SELECT `+opColumns+` FROM outbox WHERE `+where+` ORDER BY id`, a, func(scan scanner) error {
			o, err := s.scanOp(scan)
			ops = append(ops, o)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	return ops, nil
}

// Undecided returns the operations of all syncs that do that verb to records of an object, and of
// which nobody knows yet what came of them; oldest first.
func (s *Store) Undecided(ctx context.Context, of Object, verb connector.Verb) ([]Op, error) {
	var ops []Op
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+opColumns+` FROM outbox WHERE object = ? AND verb = ? AND state IN ('pending', 'unknown') ORDER BY id`,
			args(s.names.object(of), string(verb)), func(scan scanner) error {
				o, err := s.scanOp(scan)
				ops = append(ops, o)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read operations: %w", err)
	}
	return ops, nil
}

// HeldBesides returns the held operations of a sync that do not do that verb.
func (s *Store) HeldBesides(ctx context.Context, sync string, verb connector.Verb) ([]Op, error) {
	var ops []Op
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+opColumns+` FROM outbox WHERE workspace = ? AND sync = ? AND state = 'held' AND verb <> ? ORDER BY id`,
			args(s.workspace, s.names.sync(sync).id, string(verb)), func(scan scanner) error {
				o, err := s.scanOp(scan)
				ops = append(ops, o)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read held operations: %w", err)
	}
	return ops, nil
}

// HeldCreates counts the held creates of a sync towards each side, and returns the records
// that up to so many of them come from.
func (s *Store) HeldCreates(ctx context.Context, sync string, most int) (n [2]int, sources [2][]string, err error) {
	err = s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT side, source_id FROM outbox WHERE workspace = ? AND sync = ? AND state = 'held' AND verb = ? ORDER BY id`,
			args(s.workspace, s.names.sync(sync).id, string(connector.Create)), func(scan scanner) error {
				var side int
				var source string
				if err := scan(&side, &source); err != nil {
					return err
				}
				if n[side]++; n[side] <= most {
					sources[side] = append(sources[side], source)
				}
				return nil
			})
	})
	if err != nil {
		return n, sources, fmt.Errorf("count held creates: %w", err)
	}
	return n, sources, nil
}

// Busy returns, of those records, the ones that an unfinished operation writes, of
// whatever sync, or that one of this sync comes from; with the operation.
func (s *Store) Busy(ctx context.Context, sync string, spots []Spot) (map[Spot]int64, error) {
	busy := map[Spot]int64{}
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil || e.id == 0 {
			return err
		}
		for side, ids := range bySide(spots) {
			if len(ids) == 0 {
				continue
			}
			note := func(scan scanner) error {
				var id string
				var op int64
				err := scan(&id, &op)
				busy[Spot{record.Side(side), id}] = op
				return err
			}
			err := q.each(ctx, `SELECT source_id, id FROM outbox WHERE sync = ? AND side = ? AND source_id <> '' AND `+
				s.d.in("source_id")+` ORDER BY id DESC`, args(e.id, int64(record.Side(side).Other()), s.d.list(ids)), note)
			if err != nil {
				return err
			}
			err = q.each(ctx, `SELECT target_id, id FROM outbox WHERE object = ? AND target_id <> '' AND `+s.d.in("target_id"),
				args(e.ends[side], s.d.list(ids)), note)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read busy records of %s: %w", sync, err)
	}
	return busy, nil
}

func bySide(spots []Spot) [2][]string {
	var ids [2][]string
	for _, p := range spots {
		ids[p.Side] = append(ids[p.Side], p.ID)
	}
	return ids
}

// Claimed returns, of those claims on an object, the ones that an unfinished create holds,
// with the operation (R15).
func (s *Store) Claimed(ctx context.Context, target Object, claims []string) (map[string]int64, error) {
	held := map[string]int64{}
	if len(claims) == 0 {
		return held, nil
	}
	hashes := make([]int64, len(claims))
	wanted := make(map[string]bool, len(claims))
	for i, c := range claims {
		hashes[i], wanted[c] = claimHash(c), true
	}
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, target)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT id, body FROM outbox WHERE object = ? AND claim <> 0 AND `+s.d.in("claim"),
			args(object, s.d.list(hashes)), func(scan scanner) error {
				var op int64
				var body []byte
				if err := scan(&op, &body); err != nil {
					return err
				}
				claim, _, err := takeText(body)
				if wanted[claim] {
					held[claim] = op
				}
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read claims on %s: %w", target, err)
	}
	return held, nil
}

// Release lets a sync's held operations go and returns how many there were.
func (s *Store) Release(ctx context.Context, sync string) (int, error) {
	return s.change(ctx, "release operations of "+sync, func(t *tx) (int64, error) {
		e, err := t.sync(sync)
		if err != nil {
			return 0, err
		}
		return t.exec(`UPDATE outbox SET state = 'ready' WHERE sync = ? AND state = 'held'`, e.id)
	})
}

// Unplan drops a sync's held operations, which were never sent, and marks the records
// that they came from as dirty. It returns how many there were.
func (s *Store) Unplan(ctx context.Context, sync string) (int, error) {
	return s.change(ctx, "take back operations of "+sync, func(t *tx) (int64, error) {
		e, err := t.sync(sync)
		if err != nil {
			return 0, err
		}
		_, err = t.exec(`INSERT INTO dirty (workspace, sync, side, id)
			SELECT workspace, sync, CASE WHEN source_id <> '' THEN 1 - side ELSE side END,
				CASE WHEN source_id <> '' THEN source_id ELSE target_id END
			FROM outbox WHERE sync = ? AND state = 'held' AND (source_id <> '' OR target_id <> '')
			ON CONFLICT (sync, side, id) DO NOTHING`, e.id)
		if err != nil {
			return 0, fmt.Errorf("mark records: %w", err)
		}
		n, err := t.exec(`DELETE FROM outbox WHERE sync = ? AND state = 'held'`, e.id)
		t.tallies[tallyKey{e.id, "outbox"}] -= int(n)
		return n, err
	})
}

// CutShort marks runs that have no end as cut short: those of a process that was killed. Only
// an owner may call it, before it starts one itself.
func (s *Store) CutShort(ctx context.Context) (int, error) {
	return s.change(ctx, "mark runs that were cut short", func(t *tx) (int64, error) {
		return t.exec(`UPDATE runs SET status = ? WHERE workspace = ? AND ended = 0 AND status = ''`, RunCutShort, s.workspace)
	})
}

// Recover turns what an earlier process had claimed into operations of unknown outcome
// (R16). An owner calls it once, before it claims anything.
func (s *Store) Recover(ctx context.Context) (int, error) {
	return s.change(ctx, "recover operations", func(t *tx) (int64, error) {
		if err := t.recoverEvents(); err != nil {
			return 0, err
		}
		return t.exec(`UPDATE outbox SET state = 'unknown' WHERE workspace = ? AND state = 'sent'`, s.workspace)
	})
}

func (s *Store) change(ctx context.Context, what string, fn func(*tx) (int64, error)) (int, error) {
	var n int64
	err := s.write(ctx, what, func(t *tx) (err error) {
		n, err = fn(t)
		return err
	})
	return int(n), err
}
