// Package store keeps everything that Tandem remembers: the mirror of every connected
// system, the links with their bases, the outbox, the journal, the review queue and the
// runs. It is one package because these must change together: a method is a fact of the
// business that becomes true in one transaction, never a verb on a table.
//
// A [Store] serves one workspace of one database, SQLite or PostgreSQL; all SQL is
// written once and dialect.go holds what differs. One transaction writes at a time, on
// PostgreSQL too, so that whatever is read inside of it stays true until it ends.
//
// Times are kept in microseconds, UTC; the zero time and the start of 1970 are the same.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// Options say which database to open, and how.
type Options struct {
	DSN           string // "sqlite:path", "sqlite::memory:" or "postgres://…"
	Workspace     string // "" = "default"
	Exclusive     bool   // own the database: a second owner is refused, naming who holds it
	ReadOnly      bool   // nothing is written; the database must exist and be up to date
	AllowPostgres bool   // without it a PostgreSQL address is refused
	MaxPages      int    // most pages that a SQLite file may have, its reserve included; 0 = as many as fit
	// Reserve is the size of a file beside a SQLite database that its owner gives up when the
	// disk is full; 0 = none, below it the one that may be there is left as it is.
	Reserve int64
	// Committing is called before a transaction that writes becomes true; an error undoes
	// it. A simulation ends a process there. nil = nobody looks.
	Committing func() error
	Tracer     trace.Tracer // of transactions that write; nil = they are not traced
}

// The errors that a caller may want to tell apart.
var (
	// ErrFull: the disk, or what the database may take of it, is full. Nothing of the
	// transaction was written, and the store works on once there is room.
	ErrFull = errors.New("the disk is full")
	// ErrBusy: an unfinished operation on the same record or claim is in the outbox (R27).
	ErrBusy = errors.New("an unfinished operation is in the way")
	// ErrLinked: a record would have two open links in one sync.
	ErrLinked = errors.New("the record has an open link already")
	// ErrOwned: another process owns the database.
	ErrOwned = errors.New("the database is in use")
	// ErrNewer: the database was written by a newer version of Tandem.
	ErrNewer = errors.New("the database is from a newer version of Tandem")
	// ErrOlder: the database is to be brought up to date, and was opened for reading only.
	ErrOlder = errors.New("the database is from an older version of Tandem")
	// ErrForeign: the file is no database of Tandem, or a broken one.
	ErrForeign = errors.New("not a usable Tandem database")
	// ErrDecided: a review item is not open any more.
	ErrDecided = errors.New("the review item is not open")
	// ErrReadOnly: the store was opened for reading only.
	ErrReadOnly = errors.New("the database is open for reading only")
)

// A Store is an open database. Its methods may be called from several goroutines; none
// may be called from a function that is handed to another (Page.Keys, Reindex).
type Store struct {
	d         dialect
	db        *sql.DB // every statement on PostgreSQL; what writes on SQLite
	readers   *sql.DB // SQLite files only
	writing   chan struct{}
	conn      *sql.Conn   // SQLite's writer
	writer    *statements // on conn
	reading   *statements // on readers
	lock      *ownerLock
	closed    bool // held by writing
	owner     bool // nobody else writes links, operations or names
	names     names
	workspace int64
	readOnly  bool
	tracer    trace.Tracer
	commits   func() error                            // see Options.Committing; nil = nobody looks
	tracked   atomic.Pointer[map[Object][]string]     // see TrackStages
	watched   atomic.Pointer[map[Object][]EventWatch] // see WatchEvents
	reserve   reserve
	full      atomic.Int64  // since when the disk is full; 0 = it is not
	filled    chan struct{} // holds one when the disk has become full
	room      chan struct{} // holds one while the reserve is given up or taken again
	stuck     atomic.Int64  // since when a reader keeps the write-ahead log from being folded; 0 = none does

	workspaceName string
	minted        atomic.Int64 // last id that NewID returned
	kept          int64        // last id that the database knows of; held by writing
}

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o, false)
	if path := reserveOf(o); errors.Is(err, ErrFull) && path != "" && sizeOf(path) > 0 {
		s, err = open(ctx, o, true)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

// open opens the database, where the disk is known to be full out of the reserve.
func open(ctx context.Context, o Options, full bool) (*Store, error) {
	s := &Store{writing: make(chan struct{}, 1), readOnly: o.ReadOnly, commits: o.Committing, tracer: o.Tracer, names: newNames(), filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	s.reserve.path, s.reserve.bytes, s.reserve.limit = reserveOf(o), o.Reserve, o.MaxPages
	var err error
	if full {
		s.noteFull()
		err = s.reserve.drop()
	}
	if err == nil {
		err = s.open(ctx, o)
	}
	if err == nil {
		err = s.keepReserve(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.release()) //nolint:contextcheck // closing goes on when ctx has ended
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	kind, rest, _ := strings.Cut(o.DSN, ":")
	switch kind {
	case "sqlite":
		if err := s.openSQLite(ctx, rest, o); err != nil {
			return err
		}
	case "postgres", "postgresql":
		if !o.AllowPostgres {
			return errors.New("this build of Tandem keeps its data in SQLite only, PostgreSQL is not supported yet; " +
				"set \"database: sqlite:tandem.db\" in tandem.yaml")
		}
		if err := s.openPostgres(ctx, o); err != nil {
			return err
		}
	default:
		return fmt.Errorf("database %q is neither \"sqlite:file\" nor \"postgres://…\"", o.DSN)
	}
	s.owner = s.lock != nil || rest == ":memory:"
	if err := s.enter(ctx, o.Workspace); err != nil {
		return s.d.classify(err)
	}
	return nil
}

// enter finds or makes the workspace and learns which ids are taken.
func (s *Store) enter(ctx context.Context, workspace string) error {
	if workspace == "" {
		workspace = "default"
	}
	s.workspaceName = workspace
	find := func(q runner) error {
		err := q.each(ctx, `SELECT id FROM workspaces WHERE name = ?`, args(workspace),
			func(scan scanner) error { return scan(&s.workspace) })
		if err != nil {
			return fmt.Errorf("find the workspace: %w", err)
		}
		return nil
	}
	err := s.read(ctx, find)
	if err == nil && s.workspace == 0 && !s.readOnly {
		err = s.write(ctx, "make the workspace", func(t *tx) error {
			if _, err := t.exec(`INSERT INTO workspaces (name) VALUES (?) ON CONFLICT DO NOTHING`, workspace); err != nil {
				return err
			}
			return find(t.run)
		})
	}
	if err != nil {
		return err
	}
	return s.read(ctx, func(q runner) error {
		if err := s.learn(ctx, q); err != nil {
			return err
		}
		err := q.each(ctx, `SELECT value FROM counters WHERE name = 'id'`, nil,
			func(scan scanner) error { return scan(&s.kept) })
		s.minted.Store(s.kept)
		return err
	})
}

// Close ends the store. SQLite's write-ahead log is folded into the file.
func (s *Store) Close() error {
	if err := s.release(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

func (s *Store) release() error {
	s.writing <- struct{}{} // whoever writes finishes first
	defer func() { <-s.writing }()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.reading.close(), s.readers.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.writer.close(), s.foldLast(), s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// NewID returns an id for a link, an operation or a run: unique in the database, growing
// and dense. What is stored under it keeps it from being given again after a restart.
func (s *Store) NewID() int64 { return s.minted.Add(1) }

// read calls fn with something to read from. Readers never wait for the writer, except
// in a database in memory, which has a single connection.
func (s *Store) read(ctx context.Context, fn func(runner) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case s.reading != nil:
		return s.d.classify(fn(s.reading))
	case s.conn == nil:
		return s.d.classify(fn(plain{s.db, s.d}))
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.writing }()
	return s.d.classify(fn(s.writer))
}

func (s *Store) acquire(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.closed {
		<-s.writing
		return errors.New("the database is closed")
	}
	return nil
}
