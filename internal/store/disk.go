package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Disk says what a SQLite database takes of the disk; all is zero where it is no file.
type Disk struct {
	Path    string
	Bytes   int64     // of the file
	Free    int64     // of these, what was given up and is used before the file grows
	Log     int64     // the write-ahead log beside it
	Reserve int64     // the reserve beside it; 0 = there is none, or it has been given up
	GivenUp bool      // the reserve has been given up, because the disk is full
	Shrinks bool      // the file can be made smaller while it is used; see Compact
	Held    time.Time // since when somebody who reads keeps the log from being folded; zero = nobody does
	Unmet   time.Time // since when the database is larger than it shall be, for what is needed; zero = it is not
}

// Used is how much of the file is in use.
func (d Disk) Used() int64 { return d.Bytes - d.Free }

// Disk measures the database.
func (s *Store) Disk(ctx context.Context) (Disk, error) {
	d := Disk{Path: s.file(), Held: fromMicros(s.stuck.Load())}
	if _, sqlite := s.d.(sqliteDialect); !sqlite {
		return Disk{}, nil
	}
	var pages, free, mode, unmet int64
	err := s.read(ctx, func(q runner) error {
		for _, x := range []struct {
			sql string
			to  *int64
		}{{`PRAGMA page_count`, &pages}, {`PRAGMA freelist_count`, &free}, {`PRAGMA auto_vacuum`, &mode},
			{`SELECT value FROM counters WHERE name = 'size unmet'`, &unmet}} {
			if err := q.each(ctx, x.sql, nil, func(scan scanner) error { return scan(x.to) }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return d, fmt.Errorf("measure the database: %w", err)
	}
	d.Bytes, d.Free, d.Shrinks, d.Unmet = pages*pageSize, free*pageSize, mode == incremental, fromMicros(unmet)
	if d.Path != "" {
		d.Log, d.Reserve = sizeOf(d.Path+"-wal"), sizeOf(d.Path+".reserve")
		d.GivenUp = d.Reserve == 0 && exists(d.Path+".reserve")
	}
	return d, nil
}

// incremental is the number of SQLite's auto_vacuum that lets a file be made smaller in slices.
const incremental = 2

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// NoteUnmet remembers since when the database is larger than it shall be; the zero time says
// that it is not.
func (s *Store) NoteUnmet(ctx context.Context, since time.Time) error {
	return s.write(ctx, "note the database's size", func(t *tx) error { return t.setCounter("size unmet", micros(since)) })
}

// Shrink gives pages that are free back to the disk, at most so many: nobody else writes for as
// long as that takes.
func (s *Store) Shrink(ctx context.Context, pages int) error {
	return s.alone(ctx, "give room back", func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages))
		return err
	})
}

// Fold moves the write-ahead log into the file and makes it small. Who still reads an older
// state keeps it from that; then what can be moved is, and Disk.Held tells since when.
func (s *Store) Fold(ctx context.Context) error {
	return s.alone(ctx, "fold the write-ahead log", func(ctx context.Context) error {
		// Whoever wants to write waits meanwhile: readers get a moment only.
		if _, err := s.conn.ExecContext(ctx, "PRAGMA busy_timeout = 50"); err != nil {
			return err
		}
		busy := 0
		err := s.writer.each(ctx, "PRAGMA wal_checkpoint(TRUNCATE)", nil, func(scan scanner) error {
			var log, moved int
			return scan(&busy, &log, &moved)
		})
		_, back := s.conn.ExecContext(ctx, "PRAGMA busy_timeout = 10000")
		if err := errors.Join(err, back); err != nil {
			return err
		}
		if busy == 0 {
			s.stuck.Store(0)
		} else {
			s.stuck.CompareAndSwap(0, micros(time.Now()))
		}
		return nil
	})
}

// alone calls fn while nobody else of this process writes to the file.
func (s *Store) alone(ctx context.Context, what string, fn func(context.Context) error) error {
	if s.readOnly || s.file() == "" {
		return nil
	}
	err := s.acquire(ctx)
	if err == nil {
		err = fn(context.WithoutCancel(ctx))
		<-s.writing
	}
	if err = s.d.classify(err); errors.Is(err, ErrFull) {
		err = errors.Join(err, s.giveUp(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Compact writes the whole file anew, without what is free, so that from then on it can be made
// smaller while it is used. Nobody else can write meanwhile, and it needs twice the
// room that is in use: without that it is refused, and the file stays as it is whatever happens.
func (s *Store) Compact(ctx context.Context) error {
	d, err := s.Disk(ctx)
	if err != nil {
		return err
	}
	if d.Path == "" {
		return errors.New("compact: the database is no SQLite file; PostgreSQL cleans up by itself")
	}
	need := 2*d.Used() + leastRoom
	if free, known := freeBytes(d.Path); known && free < need {
		return fmt.Errorf("compact: %w: it takes %d MiB beside %s, and there are %d", ErrFull, need>>20, d.Path, free>>20)
	}
	err = s.alone(ctx, "compact", func(ctx context.Context) error {
		// Not in memory, and not on a small file system for temporary files.
		quoted := "'" + strings.ReplaceAll(filepath.Dir(d.Path), "'", "''") + "'"
		for _, step := range []string{"PRAGMA temp_store = FILE", "PRAGMA temp_store_directory = " + quoted, "PRAGMA auto_vacuum = INCREMENTAL", "VACUUM", "PRAGMA temp_store = MEMORY"} {
			if _, err := s.conn.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, s.Fold(ctx))
}
