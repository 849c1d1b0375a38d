package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// A scanner copies the columns of the present row.
type scanner func(dest ...any) error

// A runner runs statements that are written with "?".
type runner interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	each(ctx context.Context, query string, args []any, row func(scanner) error) error
}

func args(a ...any) []any { return a }

// statements runs prepared statements and keeps them: the texts are constants of this
// package, so there are few.
type statements struct {
	prepare func(context.Context, string) (*sql.Stmt, error)
	mu      sync.Mutex
	kept    map[string]*sql.Stmt
}

func newStatements(prepare func(context.Context, string) (*sql.Stmt, error)) *statements {
	return &statements{prepare: prepare, kept: map[string]*sql.Stmt{}}
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.kept[query]; st != nil {
		return st, nil
	}
	st, err := s.prepare(ctx, query) //nolint:sqlclosecheck // close closes what is kept
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	s.kept[query] = st
	return st, nil
}

// Statements on SQLite are short and never wait for a network, so a context ends work
// between them: inside, its watcher would cost more than the statement.

func (s *statements) exec(ctx context.Context, query string, args []any) (int64, error) {
	ctx = context.WithoutCancel(ctx)
	st, err := s.get(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (s *statements) each(ctx context.Context, query string, args []any, row func(scanner) error) error {
	ctx = context.WithoutCancel(ctx)
	st, err := s.get(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	return drain(rows, err, row)
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.kept {
		errs = append(errs, st.Close())
	}
	clear(s.kept)
	return errors.Join(errs...)
}

// plain runs statements as they are; pgx prepares and keeps them by itself.
type plain struct {
	on interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
	d dialect
}

func (p plain) exec(ctx context.Context, query string, args []any) (int64, error) {
	res, err := p.on.ExecContext(ctx, p.d.rebind(query), p.d.clean(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (p plain) each(ctx context.Context, query string, args []any, row func(scanner) error) error {
	rows, err := p.on.QueryContext(ctx, p.d.rebind(query), p.d.clean(args)...)
	return drain(rows, err, row)
}

func drain(rows *sql.Rows, err error, row func(scanner) error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is the one that rows.Err tells
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A tx is the transaction that writes.
type tx struct {
	run     runner
	s       *Store
	ctx     context.Context
	tallies map[tallyKey]int
	present map[int64]int // by object: how many more present rows
	named   names         // names that this transaction has made
}

func (t *tx) exec(query string, a ...any) (int64, error) { return t.run.exec(t.ctx, query, a) }

func (t *tx) each(query string, a []any, row func(scanner) error) error {
	return t.run.each(t.ctx, query, a, row)
}

// write runs fn in a transaction: what it has written becomes true as one, or nothing of
// it does.
func (s *Store) write(ctx context.Context, what string, fn func(*tx) error) error {
	if s.tracer != nil {
		var span trace.Span
		ctx, span = s.tracer.Start(ctx, "transaction", trace.WithAttributes(attribute.String("tandem.transaction", what)))
		defer span.End()
	}
	err := s.d.classify(s.transact(ctx, fn))
	if errors.Is(err, ErrFull) {
		err = errors.Join(err, s.giveUp(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// intake is write for what is new. It is refused while the disk is full, so that what room
// there is serves what is under way.
func (s *Store) intake(ctx context.Context, what string, fn func(*tx) error) error {
	if err := s.Roomy(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return s.write(ctx, what, fn)
}

// finish is write for what ends something that is under way: if the disk has become full it is
// done out of the reserve. fn may be called twice.
func (s *Store) finish(ctx context.Context, what string, fn func(*tx) error) error {
	_, was := s.Full()
	err := s.write(ctx, what, fn)
	if errors.Is(err, ErrFull) && !was {
		return s.write(ctx, what, fn)
	}
	return err
}

func (s *Store) transact(ctx context.Context, fn func(*tx) error) error {
	if s.readOnly {
		return ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.writing }()
	run, end, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	t := &tx{run: run, s: s, ctx: ctx, tallies: map[tallyKey]int{}, present: map[int64]int{}, named: newNames()}
	minted := s.minted.Load()
	committed := false
	defer func() {
		if !committed {
			_ = end(false) // the first error tells more, and a lost connection rolls back too
		}
	}()
	if err := fn(t); err != nil {
		return err
	}
	if err := t.settleCounts(minted); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.commits != nil {
		if err := s.commits(); err != nil {
			return err
		}
	}
	if err := end(true); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	s.kept = max(s.kept, minted)
	s.names.add(&t.named)
	return nil
}

// begin starts a transaction and returns how to end it.
func (s *Store) begin(ctx context.Context) (runner, func(commit bool) error, error) {
	if s.conn == nil {
		return s.beginPostgres(ctx)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.writer.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		return nil, nil, err
	}
	end := func(commit bool) error {
		word := "ROLLBACK"
		if commit {
			word = "COMMIT"
		}
		_, err := s.writer.exec(ctx, word, nil)
		return err
	}
	return s.writer, end, nil
}

// A tallyKey names a counter that is kept beside the rows it counts.
type tallyKey struct {
	sync int64
	what string
}

// settleCounts writes what the transaction has counted and the ids that were given.
func (t *tx) settleCounts(minted int64) error {
	keys := slices.SortedFunc(maps.Keys(t.tallies), func(a, b tallyKey) int {
		return int(a.sync-b.sync)*2 + strings.Compare(a.what, b.what)
	})
	for _, k := range keys {
		if t.tallies[k] == 0 {
			continue
		}
		_, err := t.exec(`INSERT INTO tallies (workspace, sync, what, n) VALUES (?, ?, ?, ?)
			ON CONFLICT (sync, what) DO UPDATE SET n = tallies.n + excluded.n`,
			t.s.workspace, k.sync, k.what, t.tallies[k])
		if err != nil {
			return fmt.Errorf("count %s: %w", k.what, err)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(t.present)) {
		if _, err := t.exec(`UPDATE objects SET present = present + ? WHERE id = ?`, t.present[object], object); err != nil {
			return fmt.Errorf("count rows: %w", err)
		}
	}
	if minted <= t.s.kept {
		return nil
	}
	n, err := t.exec(`UPDATE counters SET value = ? WHERE name = 'id' AND value = ?`, minted, t.s.kept)
	if err != nil {
		return fmt.Errorf("keep the last id: %w", err)
	}
	if n == 0 {
		return errors.New("another process gives ids in this database; only its owner may")
	}
	return nil
}

// A batch inserts rows of one table, as many in one statement as the dialect likes.
type batch struct {
	t          *tx
	head, tail string
	columns    int
	texts      map[int]string // by number of rows
	args       []any
}

// insert starts a batch: head is "INSERT INTO t (a, b)", tail what follows the values.
func (t *tx) insert(head string, columns int, tail string) *batch {
	return &batch{t: t, head: head, tail: tail, columns: columns}
}

func (b *batch) row(values ...any) error {
	b.args = append(b.args, values...)
	if len(b.args) < b.columns*b.t.s.d.rows() {
		return nil
	}
	return b.flush()
}

// flush writes the rows at hand, in powers of two so that the statements stay few.
func (b *batch) flush() error {
	for most := b.t.s.d.rows(); len(b.args) > 0; most /= 2 {
		for n := most; len(b.args) >= n*b.columns; {
			if _, err := b.t.run.exec(b.t.ctx, b.text(n), b.args[:n*b.columns]); err != nil {
				return err
			}
			b.args = b.args[:copy(b.args, b.args[n*b.columns:])]
		}
	}
	return nil
}

func (b *batch) text(rows int) string {
	if s, ok := b.texts[rows]; ok {
		return s
	}
	group := "(?" + strings.Repeat(", ?", b.columns-1) + ")"
	s := b.head + " VALUES " + group + strings.Repeat(", "+group, rows-1) + " " + b.tail
	if b.texts == nil {
		b.texts = map[int]string{}
	}
	b.texts[rows] = s
	return s
}
