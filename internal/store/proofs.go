package store

import (
	"context"
	"fmt"
	"time"
)

// A Session is a browser in which somebody is signed in.
type Session struct {
	ID      int64
	User    int64
	Hash    string // of the secret that the browser holds
	Made    time.Time
	Seen    time.Time
	Address string // where it began
	Agent   string // what the browser calls itself
}

// A Token is what a program shows in place of a session.
type Token struct {
	ID      int64
	User    int64
	Name    string
	Hash    string // of what the program shows
	Rights  string // with blanks between them
	Made    time.Time
	Expires time.Time // zero = never
	Used    time.Time // zero = never
}

const sessionColumns = `id, user_id, hash, made, seen, address, agent`

func scanSession(scan scanner) (Session, error) {
	var x Session
	var made, seen int64
	err := scan(&x.ID, &x.User, &x.Hash, &made, &seen, &x.Address, &x.Agent)
	x.Made, x.Seen = fromMicros(made), fromMicros(seen)
	return x, err
}

// OpenSession keeps a session that begins, notes that its user has signed in, and removes every
// session that began or was last used before the given times. It returns the session's number.
func (s *Store) OpenSession(ctx context.Context, x Session, began, used time.Time) (int64, error) {
	var id int64
	err := s.write(ctx, "open a session", func(t *tx) error {
		n, err := t.exec(`UPDATE users SET seen = ? WHERE workspace = ? AND id = ?`, micros(x.Made), s.workspace, x.User)
		if err == nil && n == 0 {
			err = ErrNoUser // removed meanwhile
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM sessions WHERE workspace = ? AND (made < ? OR seen < ?)`, s.workspace, micros(began), micros(used)); err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO sessions (workspace, user_id, hash, made, seen, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			s.workspace, x.User, x.Hash, micros(x.Made), micros(x.Seen), x.Address, x.Agent)
		if err != nil {
			return err
		}
		return t.each(`SELECT id FROM sessions WHERE hash = ?`, args(x.Hash), func(scan scanner) error { return scan(&id) })
	})
	return id, err
}

// SessionOf returns the session of a hash with its user, and whether there is one.
func (s *Store) SessionOf(ctx context.Context, hash string) (Session, User, bool, error) {
	all, err := s.sessions(ctx, ` AND hash = ?`, hash)
	if err != nil || len(all) == 0 {
		return Session{}, User{}, false, err
	}
	u, found, err := s.User(ctx, all[0].User)
	return all[0], u, found, err
}

// Sessions returns a user's sessions, the one used last first.
func (s *Store) Sessions(ctx context.Context, user int64) ([]Session, error) {
	return s.sessions(ctx, ` AND user_id = ? ORDER BY seen DESC, id DESC`, user)
}

func (s *Store) sessions(ctx context.Context, where string, a ...any) ([]Session, error) {
	var all []Session
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE workspace = ?`+where, append(args(s.workspace), a...), func(scan scanner) error {
			x, err := scanSession(scan)
			all = append(all, x)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return all, nil
}

// TouchSession notes that a session was used.
func (s *Store) TouchSession(ctx context.Context, id int64, at time.Time) error {
	return s.write(ctx, "note the use of a session", func(t *tx) error {
		_, err := t.exec(`UPDATE sessions SET seen = ? WHERE workspace = ? AND id = ?`, micros(at), s.workspace, id)
		return err
	})
}

// RotateSession gives a session another hash: who has the former secret is out.
func (s *Store) RotateSession(ctx context.Context, id int64, hash string) error {
	return s.write(ctx, "rotate a session", func(t *tx) error {
		_, err := t.exec(`UPDATE sessions SET hash = ? WHERE workspace = ? AND id = ?`, hash, s.workspace, id)
		return err
	})
}

// EndSession ends one session of a user and reports whether there was one.
func (s *Store) EndSession(ctx context.Context, user, id int64) (bool, error) {
	had := false
	err := s.write(ctx, "end a session", func(t *tx) error {
		n, err := t.exec(`DELETE FROM sessions WHERE workspace = ? AND user_id = ? AND id = ?`, s.workspace, user, id)
		had = n > 0
		return err
	})
	return had, err
}

// EndSessions ends the sessions of a user but one; 0 = all of them.
func (s *Store) EndSessions(ctx context.Context, user, but int64) error {
	return s.write(ctx, "end sessions", func(t *tx) error { return t.endSessions(user, but) })
}

func (t *tx) endSessions(user, but int64) error {
	_, err := t.exec(`DELETE FROM sessions WHERE workspace = ? AND user_id = ? AND id <> ?`, t.s.workspace, user, but)
	return err
}

//nolint:gosec // names of columns
const tokenColumns = `id, user_id, name, hash, rights, made, expires, used`

func scanToken(scan scanner) (Token, error) {
	var x Token
	var made, expires, used int64
	err := scan(&x.ID, &x.User, &x.Name, &x.Hash, &x.Rights, &made, &expires, &used)
	x.Made, x.Expires, x.Used = fromMicros(made), fromMicros(expires), fromMicros(used)
	return x, err
}

// AddToken keeps a token and returns its number.
func (s *Store) AddToken(ctx context.Context, x Token) (int64, error) {
	var id int64
	err := s.write(ctx, "keep a token", func(t *tx) error {
		_, err := t.exec(`INSERT INTO tokens (workspace, user_id, name, hash, rights, made, expires, used) VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
			s.workspace, x.User, x.Name, x.Hash, x.Rights, micros(x.Made), micros(x.Expires))
		if err != nil {
			return err
		}
		return t.each(`SELECT id FROM tokens WHERE hash = ?`, args(x.Hash), func(scan scanner) error { return scan(&id) })
	})
	return id, err
}

// TokenOf returns the token of a hash with its user, and whether there is one.
func (s *Store) TokenOf(ctx context.Context, hash string) (Token, User, bool, error) {
	all, err := s.tokens(ctx, ` AND hash = ?`, hash)
	if err != nil || len(all) == 0 {
		return Token{}, User{}, false, err
	}
	u, found, err := s.User(ctx, all[0].User)
	return all[0], u, found, err
}

// Tokens returns a user's tokens, the newest first.
func (s *Store) Tokens(ctx context.Context, user int64) ([]Token, error) {
	return s.tokens(ctx, ` AND user_id = ? ORDER BY id DESC`, user)
}

func (s *Store) tokens(ctx context.Context, where string, a ...any) ([]Token, error) {
	var all []Token
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE workspace = ?`+where, append(args(s.workspace), a...), func(scan scanner) error {
			x, err := scanToken(scan)
			all = append(all, x)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return all, nil
}

// TouchToken notes that a token was used.
func (s *Store) TouchToken(ctx context.Context, id int64, at time.Time) error {
	return s.write(ctx, "note the use of a token", func(t *tx) error {
		_, err := t.exec(`UPDATE tokens SET used = ? WHERE workspace = ? AND id = ?`, micros(at), s.workspace, id)
		return err
	})
}

// RemoveToken removes one token of a user and reports whether there was one.
func (s *Store) RemoveToken(ctx context.Context, user, id int64) (bool, error) {
	had := false
	err := s.write(ctx, "remove a token", func(t *tx) error {
		n, err := t.exec(`DELETE FROM tokens WHERE workspace = ? AND user_id = ? AND id = ?`, s.workspace, user, id)
		had = n > 0
		return err
	})
	return had, err
}
