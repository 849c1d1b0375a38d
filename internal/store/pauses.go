package store

import (
	"context"
	"fmt"
	"time"
)

// A Pause says that a person keeps a sync from running by itself.
type Pause struct {
	Sync string
	By   string
	At   time.Time
}

func sqlPauses() []string {
	return []string{`CREATE TABLE pauses (workspace {int}, sync {text}, by_whom {text}, at {int}, PRIMARY KEY (workspace, sync)){keyed}`}
}

// PauseSync keeps a sync from running by itself until ResumeSync. One that is paused already
// stays so as it was.
func (s *Store) PauseSync(ctx context.Context, p Pause) error {
	return s.write(ctx, "pause "+p.Sync, func(t *tx) error {
		_, err := t.exec(`INSERT INTO pauses (workspace, sync, by_whom, at) VALUES (?, ?, ?, ?) ON CONFLICT (workspace, sync) DO NOTHING`,
			s.workspace, p.Sync, p.By, micros(p.At))
		return err
	})
}

// ResumeSync ends a pause.
func (s *Store) ResumeSync(ctx context.Context, sync string) error {
	return s.write(ctx, "resume "+sync, func(t *tx) error {
		_, err := t.exec(`DELETE FROM pauses WHERE workspace = ? AND sync = ?`, s.workspace, sync)
		return err
	})
}

// Pauses returns what is paused, by sync.
func (s *Store) Pauses(ctx context.Context) (map[string]Pause, error) {
	all := map[string]Pause{}
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT sync, by_whom, at FROM pauses WHERE workspace = ?`, args(s.workspace), func(scan scanner) error {
			var p Pause
			var at int64
			err := scan(&p.Sync, &p.By, &at)
			p.At = fromMicros(at)
			all[p.Sync] = p
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what is paused: %w", err)
	}
	return all, nil
}
