package store

import (
	"context"
	"fmt"
	"time"
)

// sqlApprovals keeps, per sync, the rules that a person has approved of and since when.
func sqlApprovals() []string {
	return []string{`CREATE TABLE approvals (workspace {int}, sync {int}, rules {text}, at {int}, PRIMARY KEY (sync)){keyed}`}
}

// ByConfiguration begins the journal's reason of whatever was done because the configuration
// had changed and a person approved of it (R19): no guard counts that once more.
const ByConfiguration = "the configuration changed, and a person approved of it: "

// Approve remembers the rules of a sync as those that hold from now on.
func (s *Store) Approve(ctx context.Context, sync, rules string, at time.Time) error {
	return s.write(ctx, "approve of the rules of "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO approvals (workspace, sync, rules, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (sync) DO UPDATE SET rules = excluded.rules, at = excluded.at`, s.workspace, e.id, rules, micros(at))
		return err
	})
}

// Approved returns the rules that were last approved of, and when; "" if none ever were.
func (s *Store) Approved(ctx context.Context, sync string) (rules string, at time.Time, err error) {
	err = s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT rules, at FROM approvals WHERE sync = ?`, args(e.id), func(scan scanner) error {
			var micros int64
			err := scan(&rules, &micros)
			at = fromMicros(micros)
			return err
		})
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read the approved rules of %s: %w", sync, err)
	}
	return rules, at, nil
}
