package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx" with database/sql
	"modernc.org/sqlite"
)

// A dialect is what differs between the two databases.
type dialect interface {
	ddl(string) string                                 // fills the words in braces of a migration
	rebind(string) string                              // "?" as the database writes it
	clean(args []any) []any                            // arguments that the database takes
	in(column string) string                           // a condition with one argument, a list
	list(ids any) any                                  // that argument, of []string or []int64
	rows() int                                         // most rows in one INSERT, a power of two
	classify(err error) error                          // finds the errors of this package
	empty(ctx context.Context, q runner) (bool, error) // whether there are no tables at all
}

type sqliteDialect struct{ path string }

func (sqliteDialect) ddl(s string) string {
	return strings.NewReplacer("{id}", "INTEGER PRIMARY KEY", "{auto}", "INTEGER PRIMARY KEY AUTOINCREMENT",
		"{text}", "TEXT NOT NULL", "{int}", "INTEGER NOT NULL", "{blob}", "BLOB", "{keyed}", " WITHOUT ROWID").Replace(s)
}

func (sqliteDialect) rebind(s string) string { return s }

func (sqliteDialect) clean(a []any) []any { return a }

func (sqliteDialect) in(column string) string {
	return column + " IN (SELECT value FROM json_each(?))"
}

func (sqliteDialect) list(ids any) any {
	b, err := json.Marshal(ids)
	if err != nil {
		return "[]" // cannot happen: texts and numbers always have an encoding
	}
	return string(b)
}

// rows is one: several rows in a statement make SQLite keep a journal of the statement,
// which costs more than the statements it saves.
func (sqliteDialect) rows() int { return 1 }

// SQLite's result codes, https://sqlite.org/rescode.html.
const (
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteForeign  = 26
	sqliteUnique   = 2067
	sqliteIOWrite  = 778
	sqliteIOSync   = 1034
	sqliteShmSize  = 4874 // the index of the write-ahead log could not grow: of all reasons it is this one
)

func (d sqliteDialect) classify(err error) error {
	var e *sqlite.Error
	if err == nil || errors.Is(err, ErrFull) || !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code() == sqliteUnique && strings.Contains(err.Error(), "outbox."): // "UNIQUE constraint failed: outbox.object, …"
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case e.Code() == sqliteUnique && strings.Contains(err.Error(), "links."):
		return fmt.Errorf("%w: %w", ErrLinked, err)
	case e.Code()&0xff == sqliteFull, e.Code() == sqliteShmSize, (e.Code() == sqliteIOWrite || e.Code() == sqliteIOSync) && d.atLimit():
		return fmt.Errorf("%w: %w", noRoom(d.path), err)
	case e.Code()&0xff == sqliteCorrupt, e.Code()&0xff == sqliteForeign:
		return fmt.Errorf("%w: %s is damaged or no database; restore a backup or move it away: %w", ErrForeign, d.path, err)
	case e.Code()&0xff == sqliteBusy:
		return fmt.Errorf("%s: another process has been writing for too long: %w", d.path, err)
	case e.Code()&0xff == sqliteReadOnly, e.Code()&0xff == sqliteCantOpen:
		return fmt.Errorf("%s: the file or its folder cannot be written or opened: %w", d.path, err)
	}
	return err
}

func (sqliteDialect) empty(ctx context.Context, q runner) (bool, error) {
	var n int
	err := q.each(ctx, `SELECT COUNT(*) FROM sqlite_master`, nil, func(scan scanner) error { return scan(&n) })
	return n == 0, err
}

// applicationID marks a SQLite file as Tandem's: "TNDM".
const applicationID = 0x544e444d

// walPages is how far the write-ahead log grows before it is folded into the file: 32 MiB.
const (
	walPages = 8192
	pageSize = 4096
	walBytes = walPages * pageSize
)

// openSQLite opens the file with one connection that writes and a few that read.
func (s *Store) openSQLite(ctx context.Context, path string, o Options) error {
	s.d = sqliteDialect{path}
	memory := path == ":memory:"
	if !memory {
		if err := foreignFile(path, o.ReadOnly); err != nil {
			return err
		}
	}
	if o.Exclusive && !memory {
		lock, err := lockOwner(path)
		if err != nil {
			return err
		}
		s.lock = lock
	}
	if !o.ReadOnly && !memory {
		if err := makePrivate(path); err != nil {
			return err
		}
	}
	if !o.ReadOnly || memory {
		if err := s.openWriter(ctx, path); err != nil {
			return s.d.classify(err)
		}
		if err := s.upgrade(ctx, func() (*ownerLock, error) { return lockOwner(path) }, o.Exclusive || memory); err != nil {
			return s.d.classify(err)
		}
	}
	if memory {
		return nil
	}
	var err error
	if s.readers, err = sql.Open("sqlite", sqliteURI(path, "mode=ro", "_pragma=busy_timeout(10000)", "_pragma=query_only(1)", "_pragma=cache_size(-1000)")); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(4)
	s.readers.SetMaxIdleConns(4)
	s.reading = newStatements(s.readers.PrepareContext)
	if !o.ReadOnly {
		return nil
	}
	if _, err := s.marked(ctx, s.reading, path); err != nil {
		return s.d.classify(err)
	}
	return s.d.classify(s.current(ctx, s.reading))
}

// marked reports whether a file is marked as Tandem's. A new one is not yet; another program's is refused.
func (s *Store) marked(ctx context.Context, q runner, path string) (bool, error) {
	var id int
	if err := q.each(ctx, "PRAGMA application_id", nil, func(scan scanner) error { return scan(&id) }); err != nil {
		return false, err
	}
	if id == applicationID {
		return true, nil
	}
	blank, err := s.d.empty(ctx, q)
	if err == nil && (id != 0 || !blank) {
		err = fmt.Errorf("%w: %s is the database of another program", ErrForeign, path)
	}
	return false, err
}

func (s *Store) openWriter(ctx context.Context, path string) error {
	// Only a new file takes auto_vacuum; see Compact.
	settings := []string{"_pragma=busy_timeout(10000)", "_pragma=auto_vacuum(INCREMENTAL)", "_pragma=synchronous(NORMAL)", "_pragma=cache_size(-4000)",
		"_pragma=temp_store(MEMORY)", "_pragma=journal_mode(WAL)",
		fmt.Sprintf("_pragma=wal_autocheckpoint(%d)", walPages), fmt.Sprintf("_pragma=journal_size_limit(%d)", walBytes)}
	if n := s.reserve.pages(); n > 0 {
		settings = append(settings, fmt.Sprintf("_pragma=max_page_count(%d)", n))
	}
	var err error
	if s.db, err = sql.Open("sqlite", sqliteURI(path, settings...)); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	s.writer = newStatements(s.conn.PrepareContext)
	if is, err := s.marked(ctx, s.writer, path); err != nil || is {
		return err
	}
	_, err = s.writer.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID), nil)
	return err
}

func sqliteURI(path string, settings ...string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + strings.Join(settings, "&")
}

// makePrivate makes the file of a new database, for its owner's eyes only, whatever the umask: it
// holds what customers are called. SQLite takes an empty file for a new database, and gives
// its log and index the file's permissions (https://sqlite.org/wal.html). One that
// is there keeps what its owner gave it.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%s: the file or its folder cannot be written: %w", path, err)
	}
	return f.Close()
}

// foreignFile refuses what is certainly no database before SQLite touches it.
func foreignFile(path string, mustExist bool) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !mustExist:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no database at %s yet: %w", path, err)
	case err != nil:
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if is, err := f.Stat(); err == nil && is.IsDir() {
		return fmt.Errorf("%w: %s is a folder; name a file in it", ErrForeign, path)
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if n, _ := f.Read(head); n > 0 && string(head[:n]) != magic[:n] {
		return fmt.Errorf("%w: %s is no database", ErrForeign, path)
	}
	return nil
}

// foldLast moves the write-ahead log into the file, so that the file alone is the database. On a
// full disk the log stays beside it, and the next process finds all in it.
func (s *Store) foldLast() error {
	_, err := s.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	if err = s.d.classify(err); errors.Is(err, ErrFull) {
		return nil
	}
	return err
}

type postgresDialect struct {
	mu    *sync.Mutex
	bound map[string]string
}

func (postgresDialect) ddl(s string) string {
	return strings.NewReplacer("{id}", "BIGINT PRIMARY KEY", "{auto}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		"{text}", `TEXT COLLATE "C" NOT NULL`, "{int}", "BIGINT NOT NULL", "{blob}", "BYTEA", "{keyed}", "").Replace(s)
}

func (d postgresDialect) rebind(s string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b, ok := d.bound[s]; ok {
		return b
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	d.bound[s] = b.String()
	return d.bound[s]
}

// clean replaces what PostgreSQL does not take in a text: NUL and bytes that are no UTF-8.
func (postgresDialect) clean(a []any) []any {
	for i, v := range a {
		if s, ok := v.(string); ok {
			a[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return a
}

func (postgresDialect) in(column string) string { return column + " = ANY(?)" }

func (postgresDialect) list(ids any) any { return ids }

func (postgresDialect) rows() int { return 128 }

// PostgreSQL's error codes, https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	postgresUnique   = "23505"
	postgresDiskFull = "53100"
)

func (postgresDialect) classify(err error) error {
	var e *pgconn.PgError
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == postgresUnique && e.TableName == "outbox" && e.ConstraintName != "outbox_pkey":
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case e.Code == postgresUnique && e.TableName == "links":
		return fmt.Errorf("%w: %w", ErrLinked, err)
	case e.Code == postgresDiskFull:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func (postgresDialect) empty(ctx context.Context, q runner) (bool, error) {
	var n int
	err := q.each(ctx, `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'`,
		nil, func(scan scanner) error { return scan(&n) })
	return n == 0, err
}

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	s.d = postgresDialect{&sync.Mutex{}, map[string]string{}}
	var err error
	if s.db, err = sql.Open("pgx", o.DSN); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(8)
	s.db.SetMaxIdleConns(8)
	if o.Exclusive {
		if s.lock, err = lockPostgres(ctx, s.db); err != nil {
			return err
		}
	}
	if o.ReadOnly {
		return s.current(ctx, plain{s.db, s.d})
	}
	return s.upgrade(ctx, func() (*ownerLock, error) { return lockPostgres(ctx, s.db) }, o.Exclusive)
}

func (s *Store) beginPostgres(ctx context.Context) (runner, func(bool) error, error) {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))`, writerKey); err != nil {
		return nil, nil, errors.Join(err, t.Rollback())
	}
	end := func(commit bool) error {
		if commit {
			return t.Commit()
		}
		return t.Rollback()
	}
	return plain{t, s.d}, end, nil
}
