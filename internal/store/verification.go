package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

func sqlVerify() []string {
	return []string{
		// How far the links of a sync have been verified, and what came of it.
		`CREATE TABLE verifications (workspace {int}, sync {int}, place {int}, began {int}, ended {int}, counts {text},
			PRIMARY KEY (sync)){keyed}`,
		// Syncs that wait, after a restore, to see both sides anew (R34), and the name that the
		// installation had until then.
		`CREATE TABLE restores (workspace {int}, sync {int}, at {int}, taken {int}, home {text}, PRIMARY KEY (sync)){keyed}`,
	}
}

// A Verification is how far the links of a sync have been verified against the vendors.
type Verification struct {
	Sync  string
	Place int64     // the last link that was looked at; 0 = a round begins with the first
	Began time.Time // when the round under way began; zero if none is
	Ended time.Time // when the last whole round ended; zero = there was none
	Now   VerifyCounts
	Last  VerifyCounts // of the last whole round
}

// VerifyCounts count what a verification found: pairs, and fields or records of them.
type VerifyCounts struct {
	Pairs       int `json:"pairs"`       // looked at
	Equal       int `json:"equal"`       // both sides hold what the base says
	Drifted     int `json:"drifted"`     // fields that changed and nothing told
	Gone        int `json:"gone"`        // records
	Changed     int `json:"changed"`     // fields that were edited since the last run
	Diverged    int `json:"diverged"`    // fields that differ by a rule (R7)
	Refused     int `json:"refused"`     // fields that the vendor did not take
	Unconfirmed int `json:"unconfirmed"` // fields written and not read back yet (R2)
	Open        int `json:"open"`        // fields that were never agreed on
	Unread      int `json:"unread"`      // fields that the vendor did not show
}

// Add returns the sum of both.
func (c VerifyCounts) Add(d VerifyCounts) VerifyCounts {
	return VerifyCounts{Pairs: c.Pairs + d.Pairs, Equal: c.Equal + d.Equal, Drifted: c.Drifted + d.Drifted, Gone: c.Gone + d.Gone,
		Changed: c.Changed + d.Changed, Diverged: c.Diverged + d.Diverged, Refused: c.Refused + d.Refused,
		Unconfirmed: c.Unconfirmed + d.Unconfirmed, Open: c.Open + d.Open, Unread: c.Unread + d.Unread}
}

// Differences counts what nothing explains.
func (c VerifyCounts) Differences() int { return c.Drifted + c.Gone }

// Verification returns how far a sync has been verified; a zero one if it never was.
func (s *Store) Verification(ctx context.Context, sync string) (Verification, error) {
	v := Verification{Sync: sync}
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT place, began, ended, counts FROM verifications WHERE sync = ?`, args(e.id), func(scan scanner) error {
			var began, ended int64
			var counts []byte
			if err := scan(&v.Place, &began, &ended, &counts); err != nil {
				return err
			}
			v.Began, v.Ended = fromMicros(began), fromMicros(ended)
			var both [2]VerifyCounts
			err := json.Unmarshal(counts, &both)
			v.Now, v.Last = both[0], both[1]
			return err
		})
	})
	if err != nil {
		return Verification{}, fmt.Errorf("read the verification of %s: %w", sync, err)
	}
	return v, nil
}

// SaveVerification remembers how far a sync has been verified.
func (s *Store) SaveVerification(ctx context.Context, v Verification) error {
	counts, err := json.Marshal([2]VerifyCounts{v.Now, v.Last})
	if err != nil {
		return fmt.Errorf("encode the verification of %s: %w", v.Sync, err)
	}
	return s.write(ctx, "remember the verification of "+v.Sync, func(t *tx) error {
		e, err := t.sync(v.Sync)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO verifications (workspace, sync, place, began, ended, counts) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (sync) DO UPDATE SET place = excluded.place, began = excluded.began, ended = excluded.ended,
			counts = excluded.counts`, s.workspace, e.id, v.Place, micros(v.Began), micros(v.Ended), string(counts))
		return err
	})
}
