package store

import (
	"context"
	"fmt"
	"time"
)

// A Restore says that a sync goes on from a backup and has not seen both sides since (R34).
type Restore struct {
	At    time.Time // when the backup was restored
	Taken time.Time // when the backup had been made
	Home  string    // the installation's name until then, which keys of lost operations carry
}

// Restored returns whether a sync still has to see both sides since a restore.
func (s *Store) Restored(ctx context.Context, sync string) (Restore, bool, error) {
	var x Restore
	found := false
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT at, taken, home FROM restores WHERE sync = ?`, args(e.id), func(scan scanner) error {
			var at, taken int64
			err := scan(&at, &taken, &x.Home)
			x.At, x.Taken, found = fromMicros(at), fromMicros(taken), true
			return err
		})
	})
	if err != nil {
		return Restore{}, false, fmt.Errorf("read whether %s was restored: %w", sync, err)
	}
	return x, found, nil
}

// unknownSyncs stands among the restores for the syncs of which the backup knew nothing: they
// may have run since it was made. Those are meant that are there when the hub goes on; from the
// end of the first one's restore a sync that is not known is new.
func (s *Store) unknownSyncs() int64 { return -s.workspace }

// DoneRestore ends what a restore asks of a sync: both its sides have been listed and
// planned since.
func (s *Store) DoneRestore(ctx context.Context, sync string) error {
	return s.write(ctx, "end the restore of "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		_, err = t.exec(`DELETE FROM restores WHERE sync IN (?, ?)`, e.id, t.s.unknownSyncs())
		return err
	})
}

// MarkRestored turns a database into one that goes on from the backup that was taken then
// (R34): every object has to be listed anew, whatever was under way is of unknown outcome,
// every account is asked anew who it is, and the installation gets another name, since the
// keys that the old one gave after the backup are in the world and not known here.
func (s *Store) MarkRestored(ctx context.Context, taken, at time.Time) error {
	return s.write(ctx, "mark the database as restored", func(t *tx) error {
		home := ""
		if err := t.each(`SELECT name FROM installation`, nil, func(scan scanner) error { return scan(&home) }); err != nil {
			return fmt.Errorf("read the installation's name: %w", err)
		}
		_, err := t.exec(`INSERT INTO restores (workspace, sync, at, taken, home) SELECT workspace, id, ?, ?, ? FROM syncs WHERE true
			ON CONFLICT (sync) DO UPDATE SET at = excluded.at, taken = excluded.taken`, micros(at), micros(taken), home)
		if err != nil {
			return fmt.Errorf("mark the syncs: %w", err)
		}
		_, err = t.exec(`INSERT INTO restores (workspace, sync, at, taken, home) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (sync) DO UPDATE SET at = excluded.at, taken = excluded.taken`, s.workspace, s.unknownSyncs(), micros(at), micros(taken), home)
		if err != nil {
			return fmt.Errorf("mark the syncs that are not known: %w", err)
		}
		for _, step := range []string{
			`DELETE FROM installation`,
			`DELETE FROM verifications`,
			`DELETE FROM sessions`, // some had been ended since
			`UPDATE feeds SET place = '', began = 0, listed_at = 0, total = 0, polled = 0`,
			`UPDATE connections SET checked_at = 0`,
		} {
			if _, err := t.exec(step); err != nil {
				return err
			}
		}
		// What had not been sent then may have been since.
		_, err = t.exec(`UPDATE outbox SET state = 'unknown', not_before = 0, sent_at = CASE WHEN sent_at = 0 THEN ? ELSE sent_at END`,
			micros(taken))
		if err != nil {
			return fmt.Errorf("mark operations: %w", err)
		}
		if _, err := t.exec(`UPDATE events SET state = 'unknown', not_before = 0 WHERE state IN ('ready', 'sending')`); err != nil {
			return fmt.Errorf("mark events: %w", err)
		}
		return nil
	})
}
