package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// ErrSeal says that a value was sealed under another key than all others are.
var ErrSeal = errors.New("sealed under another key than the rest")

// A Secret is a value that a person gave, sealed. The store keeps the bytes and cannot
// read them.
type Secret struct {
	Name    string
	Sealed  []byte
	Updated time.Time
}

// A State is what a connection remembers under a key, sealed.
type State struct {
	Connection string
	Key        string
	Sealed     []byte
	Version    int64 // 0 = there is none
}

func sqlSealed() []string {
	return []string{
		// The fingerprint of the key that all sealed values of a workspace are under.
		`CREATE TABLE seals (workspace {int}, key {text}, PRIMARY KEY (workspace)){keyed}`,
		`CREATE TABLE secrets (workspace {int}, name {text}, sealed {blob}, updated_at {int}, PRIMARY KEY (workspace, name)){keyed}`,
		`CREATE TABLE connection_state (workspace {int}, connection {text}, key {text}, sealed {blob}, version {int},
			PRIMARY KEY (workspace, connection, key)){keyed}`,
		// Versions are never given twice, not even to a key that was removed and made again.
		`INSERT INTO counters (name, value) VALUES ('state', 0)`,
	}
}

// Workspace returns the name of the workspace that the store serves.
func (s *Store) Workspace() string { return s.workspaceName }

// Seal returns the fingerprint of the key that everything sealed is under; "" if nothing
// was ever sealed.
func (s *Store) Seal(ctx context.Context) (string, error) {
	seal := ""
	err := s.read(ctx, func(q runner) (err error) {
		seal, err = s.seal(ctx, q)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read which key is in use: %w", err)
	}
	return seal, nil
}

func (s *Store) seal(ctx context.Context, q runner) (string, error) {
	seal := ""
	err := q.each(ctx, `SELECT key FROM seals WHERE workspace = ?`, args(s.workspace), func(scan scanner) error { return scan(&seal) })
	return seal, err
}

// sealed makes sure that what is about to be written is under the same key as all else:
// a process that has not heard of a new key must not write under the old one.
func (t *tx) sealed(under string) error {
	seal, err := t.s.seal(t.ctx, t.run)
	switch {
	case err != nil:
		return err
	case seal == "":
		_, err := t.exec(`INSERT INTO seals (workspace, key) VALUES (?, ?)`, t.s.workspace, under)
		return err
	case seal != under:
		return fmt.Errorf("%w: under %s, and the rest under %s", ErrSeal, under, seal)
	}
	return nil
}

// PutSecret keeps a secret that was sealed under the key of that fingerprint, in place of
// the one of its name. The first value that is sealed decides the key; after that another
// one is ErrSeal.
func (s *Store) PutSecret(ctx context.Context, under string, x Secret) error {
	return s.write(ctx, "keep the secret "+x.Name, func(t *tx) error {
		if err := t.sealed(under); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO secrets (workspace, name, sealed, updated_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (workspace, name) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at`,
			s.workspace, x.Name, x.Sealed, micros(x.Updated))
		return err
	})
}

// Secret returns the secret of that name and whether there is one.
func (s *Store) Secret(ctx context.Context, name string) (Secret, bool, error) {
	all, err := s.secrets(ctx, ` AND name = ?`, name)
	if err != nil || len(all) == 0 {
		return Secret{}, false, err
	}
	return all[0], true, nil
}

// Secrets returns all secrets by name.
func (s *Store) Secrets(ctx context.Context) ([]Secret, error) { return s.secrets(ctx, "") }

func (s *Store) secrets(ctx context.Context, where string, more ...any) ([]Secret, error) {
	var all []Secret
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT name, sealed, updated_at FROM secrets WHERE workspace = ?`+where+` ORDER BY name`,
			append(args(s.workspace), more...), func(scan scanner) error {
				var x Secret
				var at int64
				err := scan(&x.Name, &x.Sealed, &at)
				x.Updated = fromMicros(at)
				all = append(all, x)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return all, nil
}

// DropSecret removes a secret and reports whether there was one.
func (s *Store) DropSecret(ctx context.Context, name string) (bool, error) {
	had := false
	err := s.write(ctx, "remove the secret "+name, func(t *tx) error {
		n, err := t.exec(`DELETE FROM secrets WHERE workspace = ? AND name = ?`, s.workspace, name)
		had = n > 0
		return err
	})
	return had, err
}

// StateGet returns what a connection remembers under a key; version 0 if nothing.
func (s *Store) StateGet(ctx context.Context, connection, key string) (State, error) {
	x := State{Connection: connection, Key: key}
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT sealed, version FROM connection_state WHERE workspace = ? AND connection = ? AND key = ?`,
			args(s.workspace, connection, key), func(scan scanner) error { return scan(&x.Sealed, &x.Version) })
	})
	if err != nil {
		return State{}, fmt.Errorf("read what %s remembers: %w", connection, err)
	}
	return x, nil
}

// StatePut replaces what has x.Version by x.Sealed, or removes it if that is nil, and
// returns the new version. If another version is there nothing changes, and the error is
// connector.ErrStale. Under another key than the rest it is ErrSeal.
func (s *Store) StatePut(ctx context.Context, under string, x State) (int64, error) {
	version := int64(0)
	err := s.write(ctx, "keep what "+x.Connection+" remembers", func(t *tx) error {
		have := int64(0)
		err := t.each(`SELECT version FROM connection_state WHERE workspace = ? AND connection = ? AND key = ?`,
			args(s.workspace, x.Connection, x.Key), func(scan scanner) error { return scan(&have) })
		switch {
		case err != nil:
			return err
		case have != x.Version:
			return connector.ErrStale
		case x.Sealed == nil:
			_, err := t.exec(`DELETE FROM connection_state WHERE workspace = ? AND connection = ? AND key = ?`,
				s.workspace, x.Connection, x.Key)
			return err
		}
		if err := t.sealed(under); err != nil {
			return err
		}
		version, err = t.putState(x)
		return err
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

func (t *tx) putState(x State) (int64, error) {
	if _, err := t.exec(`UPDATE counters SET value = value + 1 WHERE name = 'state'`); err != nil {
		return 0, err
	}
	version := int64(0)
	err := t.each(`SELECT value FROM counters WHERE name = 'state'`, nil, func(scan scanner) error { return scan(&version) })
	if err != nil {
		return 0, err
	}
	_, err = t.exec(`INSERT INTO connection_state (workspace, connection, key, sealed, version) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (workspace, connection, key) DO UPDATE SET sealed = excluded.sealed, version = excluded.version`,
		t.s.workspace, x.Connection, x.Key, x.Sealed, version)
	return version, err
}

// A Sealed is one sealed value and where it belongs: a secret of that name, or what a
// connection remembers under a key.
type Sealed struct {
	Secret     string
	Connection string
	Key        string
	Bytes      []byte
}

// Reseal has every sealed value of the workspace sealed anew and notes the key that they
// are then under, all in one transaction; versions stay. It returns how many there were.
// If the values are not under the key of the fingerprint from, it is ErrSeal.
func (s *Store) Reseal(ctx context.Context, from, to string, anew func(Sealed) ([]byte, error)) (int, error) {
	n := 0
	err := s.write(ctx, "seal everything anew", func(t *tx) error {
		if err := t.sealed(from); err != nil {
			return err
		}
		all, err := t.allSealed()
		if err != nil {
			return err
		}
		for _, x := range all {
			b, err := anew(x)
			if err != nil {
				return err
			}
			if x.Secret != "" {
				_, err = t.exec(`UPDATE secrets SET sealed = ? WHERE workspace = ? AND name = ?`, b, s.workspace, x.Secret)
			} else {
				_, err = t.exec(`UPDATE connection_state SET sealed = ? WHERE workspace = ? AND connection = ? AND key = ?`,
					b, s.workspace, x.Connection, x.Key)
			}
			if err != nil {
				return err
			}
		}
		n = len(all)
		_, err = t.exec(`UPDATE seals SET key = ? WHERE workspace = ?`, to, s.workspace)
		return err
	})
	return n, err
}

func (t *tx) allSealed() ([]Sealed, error) {
	var all []Sealed
	err := t.each(`SELECT name, sealed FROM secrets WHERE workspace = ? ORDER BY name`, args(t.s.workspace), func(scan scanner) error {
		var x Sealed
		err := scan(&x.Secret, &x.Bytes)
		all = append(all, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = t.each(`SELECT connection, key, sealed FROM connection_state WHERE workspace = ? ORDER BY connection, key`,
		args(t.s.workspace), func(scan scanner) error {
			var x Sealed
			err := scan(&x.Connection, &x.Key, &x.Bytes)
			all = append(all, x)
			return err
		})
	return all, err
}

// DropSealed removes every sealed value of the workspace, so that a new key can begin, and
// returns how many there were. It is for a key that was lost: without it they are worth
// nothing.
func (s *Store) DropSealed(ctx context.Context) (int, error) {
	n := 0
	err := s.write(ctx, "remove everything sealed", func(t *tx) error {
		for _, statement := range []string{`DELETE FROM secrets WHERE workspace = ?`, `DELETE FROM connection_state WHERE workspace = ?`} {
			gone, err := t.exec(statement, s.workspace)
			if err != nil {
				return err
			}
			n += int(gone)
		}
		_, err := t.exec(`DELETE FROM seals WHERE workspace = ?`, s.workspace)
		return err
	})
	return n, err
}
