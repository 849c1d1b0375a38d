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

// sqlTried keeps, per sync, the rules by which runs have worked that nobody has approved of.
func sqlTried() []string {
	return []string{`CREATE TABLE tried_rules (workspace {int}, sync {int}, rules {text})`}
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
		if err != nil {
			return err
		}
		_, err = t.exec(`DELETE FROM tried_rules WHERE sync = ?`, e.id)
		return err
	})
}

// Try remembers rules by which a sync works from now on although nobody has approved of them,
// until it is approved of some.
func (s *Store) Try(ctx context.Context, sync, rules string) error {
	return s.write(ctx, "try the rules of "+sync, func(t *tx) error {
		e, err := t.sync(sync)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO tried_rules (workspace, sync, rules) VALUES (?, ?, ?)`, s.workspace, e.id, rules)
		return err
	})
}

// Tried returns the rules that were tried since any were approved of.
func (s *Store) Tried(ctx context.Context, sync string) ([]string, error) {
	var all []string
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT rules FROM tried_rules WHERE sync = ? ORDER BY rules`, args(e.id), func(scan scanner) error {
			var rules string
			err := scan(&rules)
			all = append(all, rules)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of %s that were tried: %w", sync, err)
	}
	return all, nil
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
