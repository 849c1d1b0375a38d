package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The errors of adopted configurations.
var (
	// ErrNotAdopted: the configuration is that of the file.
	ErrNotAdopted = errors.New("the configuration was not adopted: it is that of the file")
	// ErrOutdated: somebody else has saved a version since.
	ErrOutdated = errors.New("somebody else has changed the configuration since")
)

// A Configuration is one version of the document that was adopted from a file.
type Configuration struct {
	Number int // 1 is the first; 0 = none
	Text   string
	By     string
	At     time.Time
	Note   string // why, in the words of who saved it
}

// An Adoption says that the configuration is kept here and no longer in its file.
type Adoption struct {
	File    string // fingerprint of the file's text that was taken, or seen since
	By      string
	At      time.Time
	Current Configuration
}

func sqlConfigurations() []string {
	return []string{
		`CREATE TABLE configurations (workspace {int}, number {int}, body {text}, at {int}, by_whom {text}, note {text}, PRIMARY KEY (workspace, number))`,
		// At most one row of a workspace: without it the file counts.
		`CREATE TABLE adoptions (workspace {int}, file {text}, at {int}, by_whom {text}, PRIMARY KEY (workspace))`,
	}
}

// Adopt keeps a text as the configuration from now on, under the fingerprint of the file that it
// is from, and returns its number. What was adopted before stays as a version.
func (s *Store) Adopt(ctx context.Context, file string, c Configuration) (int, error) {
	number := 0
	err := s.write(ctx, "adopt a configuration", func(t *tx) error {
		var err error
		if number, err = t.putConfiguration(c); err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO adoptions (workspace, file, at, by_whom) VALUES (?, ?, ?, ?)
			ON CONFLICT (workspace) DO UPDATE SET file = excluded.file, at = excluded.at, by_whom = excluded.by_whom`,
			s.workspace, file, micros(c.At), c.By)
		return err
	})
	return number, err
}

// SaveConfiguration keeps a new version after the one of that number, and returns its own.
// ErrOutdated if there is a later one, ErrNotAdopted if the file counts.
func (s *Store) SaveConfiguration(ctx context.Context, after int, c Configuration) (int, error) {
	number := 0
	err := s.write(ctx, "save a configuration", func(t *tx) error {
		adopted := 0
		err := t.each(`SELECT COUNT(*) FROM adoptions WHERE workspace = ?`, args(s.workspace), func(scan scanner) error { return scan(&adopted) })
		if err != nil {
			return err
		}
		if adopted == 0 {
			return ErrNotAdopted
		}
		if number, err = t.putConfiguration(c); err != nil {
			return err
		}
		if number != after+1 {
			return ErrOutdated
		}
		return nil
	})
	return number, err
}

func (t *tx) putConfiguration(c Configuration) (int, error) {
	last := 0
	err := t.each(`SELECT COALESCE(MAX(number), 0) FROM configurations WHERE workspace = ?`, args(t.s.workspace), func(scan scanner) error { return scan(&last) })
	if err != nil {
		return 0, err
	}
	_, err = t.exec(`INSERT INTO configurations (workspace, number, body, at, by_whom, note) VALUES (?, ?, ?, ?, ?, ?)`,
		t.s.workspace, last+1, c.Text, micros(c.At), c.By, c.Note)
	return last + 1, err
}

// SeeFile remembers that the file's text of that fingerprint was seen, and is not used.
func (s *Store) SeeFile(ctx context.Context, file string) error {
	return s.write(ctx, "remember the file of the configuration", func(t *tx) error {
		n, err := t.exec(`UPDATE adoptions SET file = ? WHERE workspace = ?`, file, s.workspace)
		if err == nil && n == 0 {
			return ErrNotAdopted
		}
		return err
	})
}

// Unadopt lets the file count again; the versions stay. It reports whether it did not before.
func (s *Store) Unadopt(ctx context.Context) (bool, error) {
	released := false
	err := s.write(ctx, "release the configuration", func(t *tx) error {
		n, err := t.exec(`DELETE FROM adoptions WHERE workspace = ?`, s.workspace)
		released = n > 0
		return err
	})
	return released, err
}

// Adoption returns what was adopted, and whether anything is.
func (s *Store) Adoption(ctx context.Context) (Adoption, bool, error) {
	var a Adoption
	found := false
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT a.file, a.at, a.by_whom, c.number, c.body, c.at, c.by_whom, c.note FROM adoptions a
			JOIN configurations c ON c.workspace = a.workspace WHERE a.workspace = ? ORDER BY c.number DESC LIMIT 1`, args(s.workspace), func(scan scanner) error {
			var at, saved int64
			err := scan(&a.File, &at, &a.By, &a.Current.Number, &a.Current.Text, &saved, &a.Current.By, &a.Current.Note)
			a.At, a.Current.At, found = fromMicros(at), fromMicros(saved), true
			return err
		})
	})
	if err != nil {
		return Adoption{}, false, fmt.Errorf("read the adopted configuration: %w", err)
	}
	return a, found, nil
}

// Configuration returns one version, and whether there is one of that number.
func (s *Store) Configuration(ctx context.Context, number int) (Configuration, bool, error) {
	all, err := s.configurations(ctx, `body`, ` AND number = ?`, number, 1)
	if err != nil || len(all) == 0 {
		return Configuration{}, false, err
	}
	return all[0], true, nil
}

// Configurations returns the versions before a number (0 = from the newest), without their texts.
func (s *Store) Configurations(ctx context.Context, before, limit int) ([]Configuration, error) {
	if before <= 0 {
		return s.configurations(ctx, `''`, ` AND number > ?`, 0, limit)
	}
	return s.configurations(ctx, `''`, ` AND number < ?`, before, limit)
}

func (s *Store) configurations(ctx context.Context, text, where string, number, limit int) ([]Configuration, error) {
	var all []Configuration
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT number, `+text+`, at, by_whom, note FROM configurations WHERE workspace = ?`+where+` ORDER BY number DESC LIMIT ?`,
			args(s.workspace, number, limit), func(scan scanner) error {
				var c Configuration
				var at int64
				err := scan(&c.Number, &c.Text, &at, &c.By, &c.Note)
				c.At = fromMicros(at)
				all = append(all, c)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of the configuration: %w", err)
	}
	return all, nil
}
