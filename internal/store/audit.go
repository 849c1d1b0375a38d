package store

import (
	"context"
	"fmt"
	"time"
)

// An Audit says that somebody did something by the console, its API or the command line. What
// happened to records is in the journal, under the same By.
type Audit struct {
	ID      int64
	At      time.Time
	By      string // the person; "" = somebody who has not signed in
	Via     string // "console", "token NAME" or "cli"
	Address string // where the request came from; "" = this machine
	What    string // such as "user.add"
	Target  string // what it was done to
	Detail  string
	Outcome string // AuditDone, AuditRefused, AuditFailed; "" = begun, and nothing more is known
}

// How what somebody did ended.
const (
	AuditDone    = "done"
	AuditRefused = "refused"
	AuditFailed  = "failed"
)

// AppendAudit keeps a line of the audit and returns its number.
func (s *Store) AppendAudit(ctx context.Context, a Audit) (int64, error) {
	var id int64
	err := s.write(ctx, "append to the audit", func(t *tx) error {
		_, err := t.exec(`INSERT INTO audit (workspace, at, by_whom, via, address, what, target, detail, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			s.workspace, micros(a.At), a.By, a.Via, a.Address, a.What, a.Target, a.Detail, a.Outcome)
		if err != nil {
			return err
		}
		return t.each(`SELECT MAX(id) FROM audit WHERE workspace = ?`, args(s.workspace), func(scan scanner) error { return scan(&id) })
	})
	return id, err
}

// EndAudit notes how what a line says has ended. A line that has an outcome stays as it is.
func (s *Store) EndAudit(ctx context.Context, id int64, target, detail, outcome string) error {
	return s.write(ctx, "end a line of the audit", func(t *tx) error {
		_, err := t.exec(`UPDATE audit SET target = ?, detail = ?, outcome = ? WHERE workspace = ? AND id = ? AND outcome = ''`,
			target, detail, outcome, s.workspace, id)
		return err
	})
}

// An AuditQuery selects lines of the audit; zero members select all.
type AuditQuery struct {
	By     string
	What   string
	Before int64 // only lines of a lower number; 0 = from the newest
	Limit  int   // 0 = 100
}

// Audits returns lines of the audit, the newest first.
func (s *Store) Audits(ctx context.Context, a AuditQuery) ([]Audit, error) {
	where, with := ``, args(s.workspace)
	add := func(condition string, value any) { where, with = where+condition, append(with, value) }
	if a.By != "" {
		add(` AND by_whom = ?`, a.By)
	}
	if a.What != "" {
		add(` AND what = ?`, a.What)
	}
	if a.Before != 0 {
		add(` AND id < ?`, a.Before)
	}
	limit := a.Limit
	if limit <= 0 {
		limit = 100
	}
	var all []Audit
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT id, at, by_whom, via, address, what, target, detail, outcome FROM audit WHERE workspace = ?`+where+
			` ORDER BY id DESC LIMIT ?`, append(with, limit), func(scan scanner) error {
			var x Audit
			var at int64
			err := scan(&x.ID, &at, &x.By, &x.Via, &x.Address, &x.What, &x.Target, &x.Detail, &x.Outcome)
			x.At = fromMicros(at)
			all = append(all, x)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return all, nil
}
