package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Backup is what a backup says of itself.
type Backup struct {
	Taken   time.Time
	Version string // of the program that made it
	Config  string // text of the configuration
	Counts  BackupCounts
}

// BackupCounts say how much a backup holds.
type BackupCounts struct {
	Records int `json:"records"`
	Links   int `json:"links"`
	Journal int `json:"journal"`
	Outbox  int `json:"outbox"`
	Secrets int `json:"secrets"` // sealed, under a key that is not in the backup
}

// sqlBackup is the table that makes a copy a backup. The program that restores it takes it
// away again.
const sqlBackup = `CREATE TABLE backup (taken INTEGER NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL)`

// ErrNoBackup says that a file is no backup that tandem backup has made.
var ErrNoBackup = errors.New("not a backup of Tandem")

// Backup writes a consistent copy of the database into a new file that only its owner can
// read, and returns what is in it. Others go on reading and writing meanwhile. An existing
// file is never replaced, and a copy that was cut short never has the name.
func (s *Store) Backup(ctx context.Context, file string, b Backup) (Backup, error) {
	d, sqlite := s.d.(sqliteDialect)
	switch {
	case !sqlite:
		return b, errors.New("back up: PostgreSQL has pg_dump for this")
	case s.readers == nil:
		return b, errors.New("back up: the database is in memory only")
	}
	b, err := backup(ctx, d.path, file, b)
	if err != nil {
		return b, fmt.Errorf("back up: %w", s.d.classify(err))
	}
	return b, nil
}

func backup(ctx context.Context, path, file string, b Backup) (_ Backup, err error) {
	if _, err := os.Lstat(file); err == nil {
		return b, fmt.Errorf("%s: %w, and a backup never replaces one", file, fs.ErrExist)
	}
	part := file + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return b, fmt.Errorf("%s is left from a backup that was cut short, or one is under way; remove it: %w", part, err)
	}
	if err != nil {
		return b, err
	}
	if err := f.Close(); err != nil {
		return b, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err = vacuumInto(ctx, path, part); err != nil {
		return b, err
	}
	if b, err = describeBackup(ctx, part, b); err != nil {
		return b, err
	}
	if err = syncFile(part); err != nil {
		return b, err
	}
	if err = os.Link(part, file); err != nil { // unlike a renaming it fails if the name is taken
		return b, err
	}
	return b, errors.Join(os.Remove(part), syncFile(filepath.Dir(file)))
}

// vacuumInto copies as of one moment. Its connection is one of its own: those that read are
// held to reading, which this does not count as.
func vacuumInto(ctx context.Context, path, to string) error {
	db, err := sql.Open("sqlite", sqliteURI(path, "mode=ro", "_pragma=busy_timeout(10000)"))
	if err != nil {
		return err
	}
	_, err = plain{db, sqliteDialect{path}}.exec(ctx, `VACUUM INTO ?`, args(to))
	return errors.Join(err, db.Close())
}

// describeBackup adds to a copy what it is.
func describeBackup(ctx context.Context, path string, b Backup) (Backup, error) {
	db, err := sql.Open("sqlite", sqliteURI(path, "_pragma=journal_mode(DELETE)", "_pragma=synchronous(FULL)"))
	if err != nil {
		return b, err
	}
	q := plain{db, sqliteDialect{path}}
	b, err = func() (Backup, error) {
		// A backup of a restored database may have the table: nothing else writes it.
		for _, step := range []string{`DROP TABLE IF EXISTS backup`, sqlBackup} {
			if _, err := q.exec(ctx, step, nil); err != nil {
				return b, err
			}
		}
		if _, err := q.exec(ctx, `INSERT INTO backup (taken, version, config) VALUES (?, ?, ?)`,
			args(micros(b.Taken), b.Version, b.Config)); err != nil {
			return b, err
		}
		return b, countBackup(ctx, q, &b.Counts)
	}()
	return b, errors.Join(err, db.Close())
}

func countBackup(ctx context.Context, q runner, c *BackupCounts) error {
	return q.each(ctx, `SELECT (SELECT COUNT(*) FROM mirror WHERE fate = ''), (SELECT COUNT(*) FROM links WHERE closed = ''),
		(SELECT COUNT(*) FROM journal), (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM secrets)`, nil,
		func(scan scanner) error { return scan(&c.Records, &c.Links, &c.Journal, &c.Outbox, &c.Secrets) })
}

// ReadBackup says what a backup holds.
func ReadBackup(ctx context.Context, file string) (Backup, error) {
	if info, err := os.Stat(file); err != nil {
		return Backup{}, fmt.Errorf("read the backup: %w", err)
	} else if info.IsDir() {
		return Backup{}, fmt.Errorf("read the backup: %s: %w", file, ErrNoBackup)
	}
	if err := foreignFile(file, true); err != nil {
		return Backup{}, fmt.Errorf("read the backup: %w", err)
	}
	db, err := sql.Open("sqlite", sqliteURI(file, "mode=ro"))
	if err != nil {
		return Backup{}, fmt.Errorf("read the backup: %w", err)
	}
	b, err := readBackup(ctx, plain{db, sqliteDialect{file}}, file)
	if err := errors.Join(err, db.Close()); err != nil {
		return b, fmt.Errorf("read the backup: %w", sqliteDialect{file}.classify(err))
	}
	return b, nil
}

func readBackup(ctx context.Context, q runner, file string) (Backup, error) {
	var b Backup
	var id, tables int
	if err := q.each(ctx, `PRAGMA application_id`, nil, func(scan scanner) error { return scan(&id) }); err != nil {
		return b, err
	}
	err := q.each(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE name = 'backup'`, nil, func(scan scanner) error { return scan(&tables) })
	if err != nil {
		return b, err
	}
	if id != applicationID || tables == 0 {
		return b, fmt.Errorf("%s: %w", file, ErrNoBackup)
	}
	verdict := ""
	if err := q.each(ctx, `PRAGMA quick_check(1)`, nil, func(scan scanner) error { return scan(&verdict) }); err != nil {
		return b, err
	}
	if verdict != "ok" {
		return b, fmt.Errorf("%w: %s is damaged: %s", ErrForeign, file, verdict)
	}
	err = q.each(ctx, `SELECT taken, version, config FROM backup`, nil, func(scan scanner) error {
		var taken int64
		err := scan(&taken, &b.Version, &b.Config)
		b.Taken = fromMicros(taken)
		return err
	})
	if err != nil {
		return b, err
	}
	return b, countBackup(ctx, q, &b.Counts)
}

// A Restoring is a backup on its way to be the database. Until Finish the old database is
// as it was; nobody else can own it meanwhile.
type Restoring struct {
	Backup Backup
	Copy   string // path of the copy, brought up to date and marked as restored
	// Forgot is why people who were erased since the backup could not be read from the old
	// database; nil if they could, or if there was none.
	Forgot error
	path   string
	lock   *ownerLock
}

// BeginRestore copies a backup beside the database that it is to replace. It refuses while
// somebody owns that ([ErrOwned]).
func BeginRestore(ctx context.Context, file, path string, now time.Time) (*Restoring, error) {
	r := &Restoring{path: path, Copy: path + ".restoring"}
	var err error
	if r.lock, err = lockOwner(path); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if err := r.prepare(ctx, file, now); err != nil {
		return nil, errors.Join(fmt.Errorf("restore: %w", err), r.Cancel())
	}
	return r, nil
}

func (r *Restoring) prepare(ctx context.Context, file string, now time.Time) error {
	var err error
	if r.Backup, err = ReadBackup(ctx, file); err != nil {
		return err
	}
	if err := removeDatabase(r.Copy); err != nil { // of a restore that was cut short
		return err
	}
	if err := copyFile(file, r.Copy); err != nil {
		return err
	}
	s, err := Open(ctx, Options{DSN: "sqlite:" + r.Copy})
	if err != nil {
		return err
	}
	if _, err := os.Lstat(r.path); err == nil {
		r.Forgot = s.inherit(ctx, r.path) // the old database may be the wreck that a restore is for
	}
	err = s.MarkRestored(ctx, r.Backup.Taken, now)
	if err == nil {
		err = s.write(ctx, "take the label off", func(t *tx) error {
			_, err := t.exec(`DROP TABLE IF EXISTS backup`)
			return err
		})
	}
	return errors.Join(err, s.Close())
}

// Cancel leaves the old database as it is.
func (r *Restoring) Cancel() error {
	return errors.Join(removeDatabase(r.Copy), r.unlock())
}

func (r *Restoring) unlock() error {
	if r.lock == nil {
		return nil
	}
	err := r.lock.release()
	r.lock = nil
	return errors.Join(err, removeAny(r.Copy+".lock"))
}

// Finish puts the copy in the database's place and returns the name under which the old one
// is kept; "" if there was none. At no moment is there no database.
func (r *Restoring) Finish() (string, error) {
	kept, err := r.swap()
	return kept, errors.Join(err, r.unlock())
}

func (r *Restoring) swap() (string, error) {
	if err := errors.Join(syncFile(r.Copy), removeAny(r.Copy+"-wal"), removeAny(r.Copy+"-shm")); err != nil {
		return "", err
	}
	kept := ""
	if _, err := os.Lstat(r.path); err == nil {
		if kept, err = keepAside(r.path); err != nil {
			return "", fmt.Errorf("keep the old database: %w", err)
		}
	}
	if err := os.Rename(r.Copy, r.path); err != nil {
		return kept, err
	}
	return kept, syncFile(filepath.Dir(r.path))
}

// keepAside gives the old database a second name, and its write-ahead log that name only:
// beside another database it would be taken for that one's.
func keepAside(path string) (string, error) {
	name := path + ".before-restore"
	for n := 2; ; n++ {
		err := os.Link(path, name)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) || n > 1000 {
			return "", err
		}
		name = fmt.Sprintf("%s.before-restore-%d", path, n)
	}
	if err := os.Rename(path+"-wal", name+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return name, removeAny(path + "-shm")
}

func removeDatabase(path string) error {
	var errs []error
	for _, tail := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		errs = append(errs, removeAny(path+tail))
	}
	return errors.Join(errs...)
}

func removeAny(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// syncFile makes what was written to a file, or the names of a folder, survive a power cut.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
