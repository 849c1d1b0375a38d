package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// An ownerLock is held by the process that owns a database.
type ownerLock struct{ release func() error }

// lockOwner locks the file beside the database and writes into it who we are. The lock
// ends with the process, however that ends.
func lockOwner(path string) (*ownerLock, error) {
	name := path + ".lock"
	f := flock.New(name, flock.SetPermissions(0o600))
	got, err := f.TryLock()
	for n := 0; err == nil && !got && n < 3; n++ { // somebody may be looking whether it is locked
		time.Sleep(20 * time.Millisecond)
		got, err = f.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if !got {
		return nil, fmt.Errorf("%w: %s is held by %s; stop that first", ErrOwned, path, holder(name))
	}
	if err := os.WriteFile(name, []byte(whoami()+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", name, err), f.Unlock())
	}
	return &ownerLock{f.Unlock}, nil
}

// Owned reports whether some process owns the database now.
func (s *Store) Owned(ctx context.Context) (bool, error) {
	if s.lock != nil {
		return true, nil
	}
	d, ok := s.d.(sqliteDialect)
	if !ok {
		return s.ownedPostgres(ctx)
	}
	name := d.path + ".lock"
	if _, err := os.Stat(name); err != nil {
		return false, nil //nolint:nilerr // in memory, or never owned
	}
	f := flock.New(name, flock.SetFlag(os.O_RDONLY))
	free, err := f.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", name, err)
	}
	if !free {
		return true, nil
	}
	if err := f.Unlock(); err != nil {
		return false, fmt.Errorf("look at %s: %w", name, err)
	}
	return false, nil
}

func (s *Store) ownedPostgres(ctx context.Context) (bool, error) {
	var owned bool
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
			AND classid::bigint = ? AND objid = hashtext(current_schema())::oid)`, args(int64(ownerKey)), func(scan scanner) error { return scan(&owned) })
	})
	if err != nil {
		return false, fmt.Errorf("look at the owner's lock: %w", err)
	}
	return owned, nil
}

// whoami names this process: its number, what it was told to do and since when it holds
// the lock. Of the command line only the first word is taken, the rest may be private.
func whoami() string {
	command := filepath.Base(os.Args[0])
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		command += " " + os.Args[1]
	}
	return fmt.Sprintf("process %d (%s) since %s", os.Getpid(), command, time.Now().Format(time.DateTime))
}

func holder(name string) string {
	b, err := os.ReadFile(name)
	if who := strings.TrimSpace(string(b)); err == nil && who != "" {
		return who
	}
	return "another process"
}

// The advisory locks of PostgreSQL have two numbers: these, and one of the schema that
// the tables are in.
const (
	ownerKey  = 0x544e444d // the owner of the database holds it
	writerKey = 0x544e444e // one transaction at a time writes under it
)

// lockPostgres takes the lock on a connection of its own; it ends with the connection.
func lockPostgres(ctx context.Context, db *sql.DB) (*ownerLock, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var got bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, hashtext(current_schema()))`, ownerKey).Scan(&got); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if !got {
		who := "another session"
		row := conn.QueryRowContext(ctx, `SELECT a.application_name || ', server process ' || a.pid || ', since ' || a.backend_start
			FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
			WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid = hashtext(current_schema())::oid LIMIT 1`, ownerKey)
		_ = row.Scan(&who) // without the name the refusal still stands
		return nil, errors.Join(fmt.Errorf("%w: it is held by %s; stop that first", ErrOwned, who), conn.Close())
	}
	if _, err := conn.ExecContext(ctx, `SELECT set_config('application_name', $1, false)`, whoami()); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	ctx = context.WithoutCancel(ctx) // the lock is given back whatever has ended
	return &ownerLock{func() error {
		_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1, hashtext(current_schema()))`, ownerKey)
		return errors.Join(err, conn.Close())
	}}, nil
}
