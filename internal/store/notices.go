package store

import (
	"context"
	"fmt"
	"time"
)

// A Notice is what somebody was told, by one way of telling: of each state the last word.
type Notice struct {
	Way      string // such as "email"
	Kind     string
	Of       string // the sync or the connection; "" = neither
	What     string
	Since    time.Time // of the state
	At       time.Time // when it was told
	Resolved time.Time // when its end was noticed; zero = it holds
}

func sqlNotices() []string {
	return []string{`CREATE TABLE notices (workspace {int}, way {text}, kind {text}, subject {text}, what {text}, since {int}, at {int}, resolved {int},
		PRIMARY KEY (workspace, way, kind, subject)){keyed}`}
}

// PutNotice keeps what was told, in place of the last word about the same.
func (s *Store) PutNotice(ctx context.Context, n Notice) error {
	return s.write(ctx, "keep what was told", func(t *tx) error {
		_, err := t.exec(`INSERT INTO notices (workspace, way, kind, subject, what, since, at, resolved) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (workspace, way, kind, subject) DO UPDATE SET what = excluded.what, since = excluded.since, at = excluded.at, resolved = excluded.resolved`,
			s.workspace, n.Way, n.Kind, n.Of, n.What, micros(n.Since), micros(n.At), micros(n.Resolved))
		return err
	})
}

// Notices returns what was told, the last first. There is one for each way, kind and subject, so
// there are never many.
func (s *Store) Notices(ctx context.Context) ([]Notice, error) {
	var all []Notice
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT way, kind, subject, what, since, at, resolved FROM notices WHERE workspace = ? ORDER BY at DESC, way, kind, subject`,
			args(s.workspace), func(scan scanner) error {
				var n Notice
				var since, at, resolved int64
				err := scan(&n.Way, &n.Kind, &n.Of, &n.What, &since, &at, &resolved)
				n.Since, n.At, n.Resolved = fromMicros(since), fromMicros(at), fromMicros(resolved)
				all = append(all, n)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read what was told: %w", err)
	}
	return all, nil
}
