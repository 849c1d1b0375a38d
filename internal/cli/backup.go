package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type backupCmd struct {
	File string `arg:"" help:"A new file; one that is there is never replaced."`
}

// backupLine is tandem backup -o json.
type backupLine struct {
	File  string    `json:"file"`
	Bytes int64     `json:"bytes"`
	Taken time.Time `json:"taken"`
	store.BackupCounts
	Config string   `json:"config"`
	Not    []string `json:"not"` // what a restore needs and the backup does not hold
}

// Run writes a backup. What owns the database goes on meanwhile.
func (c *backupCmd) Run(ctx context.Context, a *app) (err error) {
	o, err := a.outline(ctx)
	if err != nil {
		return err
	}
	src, err := a.source()
	if err != nil {
		return err
	}
	path, err := sqliteFile(o)
	if err != nil {
		return err
	}
	if missing(path) {
		return usage("there is no database at %s yet, and nothing to back up", path)
	}
	s, err := openDatabase(ctx, o.Database, look)
	if errors.Is(err, store.ErrOlder) {
		s, err = openDatabase(ctx, o.Database, touch)
	}
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	if missing(filepath.Dir(c.File)) {
		return noFolder(c.File)
	}
	b, err := s.Backup(ctx, c.File, store.Backup{Taken: time.Now(), Version: buildOf(debug.ReadBuildInfo()).Version, Config: string(src)})
	if err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return fmt.Errorf("look at the backup: %w", err)
	}
	line := backupLine{File: c.File, Bytes: info.Size(), Taken: b.Taken, BackupCounts: b.Counts, Config: a.config, Not: []string{o.KeyFile, ".env"}}
	if a.json {
		return a.line(line)
	}
	return a.print(fmt.Sprintf("%s: %s and %s\n  not in it: the key %s, without which nothing sealed can be opened, and .env; keep copies of them in another place\n",
		c.File, holds(b.Counts), a.config, o.KeyFile))
}

func holds(c store.BackupCounts) string {
	return strings.Join([]string{plural(c.Records, "record", "records"), plural(c.Links, "linked pair", "linked pairs"),
		plural(c.Journal, "line of history", "lines of history"), plural(c.Outbox, "operation under way", "operations under way"),
		plural(c.Secrets, "sealed secret", "sealed secrets")}, ", ")
}

// sqliteFile returns the path of the database, if it is a file.
func sqliteFile(o plan.Outline) (string, error) {
	path, is := strings.CutPrefix(o.Database, "sqlite:")
	if !is {
		return "", usage("only a SQLite database can be backed up and restored, and PostgreSQL is not supported yet")
	}
	return path, nil
}
