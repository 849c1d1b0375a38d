package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The errors of people and their proofs.
var (
	// ErrTaken: somebody has that name already.
	ErrTaken = errors.New("somebody has that name already")
	// ErrNotFirst: somebody was set up already.
	ErrNotFirst = errors.New("there is a first user already")
	// ErrLastAdmin: nobody would be left who can manage people.
	ErrLastAdmin = errors.New("nobody else is an administrator")
	// ErrNoUser: there is nobody of that number or name.
	ErrNoUser = errors.New("there is no such user")
)

// A User is a person who may use this Tandem. Who belongs to an issuer is known there by the
// subject, and has no password here.
type User struct {
	ID       int64
	Name     string // as people write it; names that differ in case only are one
	Role     string
	Password string // hash, with its parameters; "" = cannot sign in by password
	Issuer   string // of the identity provider; "" = none
	Subject  string // who that is there
	Wishes   string // the person's own preferences, as the console encodes them
	Made     time.Time
	Seen     time.Time // when they last signed in; zero = never
}

// AdminRole is the role that at least one user keeps once somebody has it.
const AdminRole = "admin"

// sqlPeople is the schema of who may use this Tandem. Hashes are of random secrets.
func sqlPeople() []string {
	return []string{
		// folded is the name in lower case, which is what must not be there twice.
		`CREATE TABLE users (id {auto}, workspace {int}, name {text}, folded {text}, role {text}, password {text}, issuer {text},
			subject {text}, wishes {text}, made {int}, seen {int}, UNIQUE (workspace, folded))`,
		`CREATE UNIQUE INDEX users_subject ON users (workspace, issuer, subject) WHERE subject <> ''`,
		`CREATE TABLE sessions (id {auto}, workspace {int}, user_id {int}, hash {text} UNIQUE, made {int}, seen {int}, address {text}, agent {text})`,
		`CREATE INDEX sessions_user ON sessions (user_id)`,
		`CREATE TABLE tokens (id {auto}, workspace {int}, user_id {int}, name {text}, hash {text} UNIQUE, rights {text}, made {int},
			expires {int}, used {int})`,
		`CREATE INDEX tokens_user ON tokens (user_id)`,
		// outcome is '' while what was begun has not ended.
		`CREATE TABLE audit (id {auto}, workspace {int}, at {int}, by_whom {text}, via {text}, address {text}, what {text},
			target {text}, detail {text}, outcome {text})`,
		`CREATE INDEX audit_at ON audit (workspace, at)`,
	}
}

const userColumns = `id, name, role, password, issuer, subject, wishes, made, seen`

func scanUser(scan scanner) (User, error) {
	var u User
	var made, seen int64
	err := scan(&u.ID, &u.Name, &u.Role, &u.Password, &u.Issuer, &u.Subject, &u.Wishes, &made, &seen)
	u.Made, u.Seen = fromMicros(made), fromMicros(seen)
	return u, err
}

// Users returns all users by name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	return s.users(ctx, ` ORDER BY folded`)
}

// User returns the user of that number, and whether there is one.
func (s *Store) User(ctx context.Context, id int64) (User, bool, error) {
	return s.oneUser(ctx, ` AND id = ?`, id)
}

// UserNamed returns the user whose name, in lower case, is this, and whether there is one.
func (s *Store) UserNamed(ctx context.Context, folded string) (User, bool, error) {
	return s.oneUser(ctx, ` AND folded = ?`, folded)
}

// UserOf returns who an identity provider knows by a subject, and whether there is one.
func (s *Store) UserOf(ctx context.Context, issuer, subject string) (User, bool, error) {
	if subject == "" {
		return User{}, false, nil
	}
	return s.oneUser(ctx, ` AND issuer = ? AND subject = ? AND subject <> ''`, issuer, subject)
}

func (s *Store) oneUser(ctx context.Context, where string, a ...any) (User, bool, error) {
	all, err := s.users(ctx, where, a...)
	if err != nil || len(all) == 0 {
		return User{}, false, err
	}
	return all[0], true, nil
}

func (s *Store) users(ctx context.Context, where string, a ...any) ([]User, error) {
	var all []User
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT `+userColumns+` FROM users WHERE workspace = ?`+where, append(args(s.workspace), a...), func(scan scanner) error {
			u, err := scanUser(scan)
			all = append(all, u)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return all, nil
}

// AddUser adds a user under a folded name and returns the number. ErrTaken if somebody has the
// name or the subject; if it is to be the first one and there is another, ErrNotFirst.
func (s *Store) AddUser(ctx context.Context, u User, folded string, first bool) (int64, error) {
	var id int64
	err := s.write(ctx, "add the user "+u.Name, func(t *tx) error {
		var all, same int
		err := t.each(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN folded = ? OR subject <> '' AND issuer = ? AND subject = ? THEN 1 ELSE 0 END), 0)
			FROM users WHERE workspace = ?`, args(folded, u.Issuer, u.Subject, s.workspace), func(scan scanner) error { return scan(&all, &same) })
		switch {
		case err != nil:
			return err
		case first && all > 0:
			return ErrNotFirst
		case same > 0:
			return ErrTaken
		}
		_, err = t.exec(`INSERT INTO users (workspace, name, folded, role, password, issuer, subject, wishes, made, seen)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.workspace, u.Name, folded, u.Role, u.Password, u.Issuer, u.Subject, u.Wishes, micros(u.Made), micros(u.Seen))
		if err != nil {
			return err
		}
		return t.each(`SELECT id FROM users WHERE workspace = ? AND folded = ?`, args(s.workspace, folded), func(scan scanner) error { return scan(&id) })
	})
	return id, err
}

// SetRole gives a user another role and ends the user's sessions: none lives through a change
// of rights. ErrLastAdmin if nobody would be left who can manage people.
func (s *Store) SetRole(ctx context.Context, id int64, role string) error {
	return s.write(ctx, "change a user's role", func(t *tx) error {
		if role != AdminRole {
			if err := t.notLastAdmin(id); err != nil {
				return err
			}
		}
		n, err := t.exec(`UPDATE users SET role = ? WHERE workspace = ? AND id = ?`, role, s.workspace, id)
		if err == nil && n == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		return t.endSessions(id, 0)
	})
}

// RemoveUser removes a user with all sessions and tokens. ErrLastAdmin if nobody would be left
// who can manage people.
func (s *Store) RemoveUser(ctx context.Context, id int64) error {
	return s.write(ctx, "remove a user", func(t *tx) error {
		if err := t.notLastAdmin(id); err != nil {
			return err
		}
		n, err := t.exec(`DELETE FROM users WHERE workspace = ? AND id = ?`, s.workspace, id)
		if err == nil && n == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM tokens WHERE workspace = ? AND user_id = ?`, s.workspace, id); err != nil {
			return err
		}
		return t.endSessions(id, 0)
	})
}

// notLastAdmin refuses to take the role from the only administrator.
func (t *tx) notLastAdmin(id int64) error {
	var is, others int
	err := t.each(`SELECT COALESCE(SUM(CASE WHEN id = ? THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN id <> ? THEN 1 ELSE 0 END), 0)
		FROM users WHERE workspace = ? AND role = ?`, args(id, id, t.s.workspace, AdminRole), func(scan scanner) error { return scan(&is, &others) })
	if err == nil && is > 0 && others == 0 {
		err = ErrLastAdmin
	}
	return err
}

// SetPassword keeps the hash of a user's new password and ends the user's sessions but one;
// 0 = all of them.
func (s *Store) SetPassword(ctx context.Context, id int64, hash string, but int64) error {
	return s.write(ctx, "change a user's password", func(t *tx) error {
		n, err := t.exec(`UPDATE users SET password = ? WHERE workspace = ? AND id = ?`, hash, s.workspace, id)
		if err == nil && n == 0 {
			err = ErrNoUser
		}
		if err != nil {
			return err
		}
		return t.endSessions(id, but)
	})
}

// Rehash replaces the hash of a password that has not changed by a stronger one, unless the
// password was changed meanwhile.
func (s *Store) Rehash(ctx context.Context, id int64, was, hash string) error {
	return s.write(ctx, "renew a password's hash", func(t *tx) error {
		_, err := t.exec(`UPDATE users SET password = ? WHERE workspace = ? AND id = ? AND password = ?`, hash, s.workspace, id, was)
		return err
	})
}

// SetSubject notes who a user is at an identity provider.
func (s *Store) SetSubject(ctx context.Context, id int64, issuer, subject string) error {
	return s.write(ctx, "note who a user is elsewhere", func(t *tx) error {
		_, err := t.exec(`UPDATE users SET issuer = ?, subject = ? WHERE workspace = ? AND id = ?`, issuer, subject, s.workspace, id)
		return err
	})
}

// SetWishes keeps a user's own preferences.
func (s *Store) SetWishes(ctx context.Context, id int64, wishes string) error {
	return s.write(ctx, "keep a user's preferences", func(t *tx) error {
		_, err := t.exec(`UPDATE users SET wishes = ? WHERE workspace = ? AND id = ?`, wishes, s.workspace, id)
		return err
	})
}
