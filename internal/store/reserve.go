package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A reserve is a file that holds room on the disk, for finishing and cleaning when that is full.
// Where a number of pages stands for the disk, as in tests, it holds some of these back as well.
type reserve struct {
	path  string // "" = this process keeps none
	bytes int64
	limit int // pages of the database and the reserve together; 0 = as many as fit

	mu   sync.Mutex
	gone bool // it has been given up
}

// reserveOf is the path of the reserve of a database; "" if this process keeps none.
func reserveOf(o Options) string {
	path, file := strings.CutPrefix(o.DSN, "sqlite:")
	if !file || path == ":memory:" || !o.Exclusive {
		return ""
	}
	return path + ".reserve"
}

// pages is how many pages the database may have now; 0 = as many as fit.
func (r *reserve) pages() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit == 0 || r.gone {
		return r.limit
	}
	return max(1, r.limit-int(max(0, r.bytes)/pageSize))
}

func (r *reserve) set(gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = gone
}

// drop gives the room back to the disk. The file stays, empty, for other processes to see that.
func (r *reserve) drop() error {
	r.set(true)
	if r.path == "" {
		return nil
	}
	err := os.Truncate(r.path, 0)
	if errors.Is(err, fs.ErrNotExist) { // there was never room for it
		if err = fill(r.path, 0); outOfRoom(err) {
			return nil // nor for the mark
		}
	}
	return err
}

// hold takes the room again. It reports false if there is not so much.
func (r *reserve) hold() (bool, error) {
	r.set(false)
	if r.path == "" || r.bytes <= 0 {
		return true, nil
	}
	if info, err := os.Lstat(r.path); err == nil && info.Size() == r.bytes {
		return true, nil
	}
	part := r.path + ".part"
	err := fill(part, r.bytes)
	if err == nil {
		err = os.Rename(part, r.path)
	}
	if err == nil {
		return true, nil
	}
	if err = errors.Join(removeAny(part), err); outOfRoom(err) {
		return false, nil
	}
	return false, fmt.Errorf("keep a reserve on the disk: %w", err)
}

// fill makes a file of that size that really takes its room: what a file system could
// compress, or keep as a hole, would be none.
func fill(path string, bytes int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = allocate(f, bytes)
	if err != nil && !outOfRoom(err) { // the file system cannot do that: write it
		noise := rand.NewChaCha8([32]byte{})
		block := make([]byte, 1<<16)
		err = nil
		for left := bytes; left > 0 && err == nil; left -= int64(len(block)) {
			_, _ = noise.Read(block) // it never fails
			_, err = f.Write(block[:min(left, int64(len(block)))])
		}
		if err == nil {
			err = f.Sync() // some disks say only then that they are full
		}
	}
	return errors.Join(err, f.Close())
}

// atLimit reports whether less than a little can be written beside the database. SQLite tells a full
// disk from other failures, and takes a quota that is used up for one of these
// (https://sqlite.org/rescode.html#ioerr_write).
func (d sqliteDialect) atLimit() bool {
	if d.path == ":memory:" {
		return false
	}
	probe := d.path + ".probe"
	err := fill(probe, leastRoom)
	return errors.Join(removeAny(probe), err) != nil && outOfRoom(err)
}

// noRoom is the error of a full disk, with what a person can do.
func noRoom(path string) error {
	if path == "" {
		return ErrFull
	}
	return fmt.Errorf("%w: nothing is lost; free some space in %s, and everything goes on where it was", ErrFull, filepath.Dir(path))
}

// file is the path of the database; "" if it is none.
func (s *Store) file() string {
	if d, ok := s.d.(sqliteDialect); ok && d.path != ":memory:" {
		return d.path
	}
	return ""
}

// Full reports whether the disk is full, as far as this process knows, and since when. While it
// is, nothing new is taken in: no page, no delivery, no run, and nothing is sent. What is
// under way is finished out of the reserve.
func (s *Store) Full() (time.Time, bool) {
	at := s.full.Load()
	return fromMicros(at), at != 0
}

// Roomy returns [ErrFull], with what a person can do, while the disk is full.
func (s *Store) Roomy() error {
	if _, full := s.Full(); full {
		return noRoom(s.file())
	}
	return nil
}

// Filled is signalled when the disk has become full.
func (s *Store) Filled() <-chan struct{} { return s.filled }

// noteFull notes that the disk is full.
func (s *Store) noteFull() {
	if s.full.CompareAndSwap(0, micros(time.Now())) {
		select {
		case s.filled <- struct{}{}:
		default:
		}
	}
}

// giveUp notes that the disk is full and gives up the reserve.
func (s *Store) giveUp(ctx context.Context) error {
	s.room <- struct{}{} // whoever is told looks for room only when this is done
	defer func() { <-s.room }()
	s.noteFull()
	if err := s.reserve.drop(); err != nil {
		return fmt.Errorf("give up the reserve on the disk: %w", err)
	}
	return s.limitPages(ctx)
}

// limitPages tells SQLite how many pages the file may have.
func (s *Store) limitPages(ctx context.Context) error {
	n := s.reserve.pages()
	if n == 0 || s.conn == nil {
		return nil
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.writing }()
	_, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n))
	return err
}

// LimitPages sets how many pages the file and its reserve may have together, as
// Options.MaxPages does: a disk that grows or shrinks.
func (s *Store) LimitPages(ctx context.Context, pages int) error {
	s.reserve.mu.Lock()
	s.reserve.limit = max(1, pages)
	s.reserve.mu.Unlock()
	if err := s.limitPages(ctx); err != nil {
		return fmt.Errorf("limit the database: %w", err)
	}
	return nil
}

// keepReserve takes the reserve when the owner starts.
func (s *Store) keepReserve(ctx context.Context) error {
	if _, full := s.Full(); full || s.lock == nil || s.reserve.path == "" {
		return nil
	}
	if s.reserve.bytes == 0 || s.reserve.bytes < 0 && sizeOf(s.reserve.path) == 0 {
		return removeAny(s.reserve.path) // of a configuration that had one, or of who ended while the disk was full
	}
	held, err := s.reserve.hold()
	if err != nil || held {
		return err
	}
	return s.giveUp(ctx)
}

// leastRoom is how much has to be free, beside the reserve, for work to go on.
const leastRoom = 1 << 20

// Regain ends the time of a full disk if there is room again: for the reserve, and for some
// work beside it. It reports whether the disk is not, or no longer, full.
func (s *Store) Regain(ctx context.Context) (bool, error) {
	s.room <- struct{}{}
	defer func() { <-s.room }()
	if _, full := s.Full(); !full {
		return true, nil
	}
	roomy, err := s.hasRoom(ctx)
	if err == nil && roomy {
		// The last proof is to write.
		err = s.transact(ctx, func(t *tx) error { return t.setCounter("seen room", micros(time.Now())) })
		if err = s.d.classify(err); errors.Is(err, ErrFull) {
			roomy, err = false, nil
		}
	}
	if err != nil || !roomy {
		if dropped := s.reserve.drop(); dropped != nil {
			err = errors.Join(err, dropped)
		}
		if err = errors.Join(err, s.limitPages(ctx)); err != nil {
			return false, fmt.Errorf("see whether there is room again: %w", err)
		}
		return false, nil
	}
	s.full.Store(0)
	return true, nil
}

// hasRoom takes the reserve again and looks what is left beside it.
func (s *Store) hasRoom(ctx context.Context) (bool, error) {
	held, err := s.reserve.hold()
	if err != nil || !held {
		return false, err
	}
	if free, known := freeBytes(s.file()); known && free < leastRoom {
		return false, nil
	}
	if s.reserve.limit == 0 {
		return true, nil
	}
	if err := s.limitPages(ctx); err != nil {
		return false, err
	}
	d, err := s.Disk(ctx)
	return int64(s.reserve.pages())*pageSize-d.Bytes+d.Free >= leastRoom, err
}
