package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// small mounts a file system of a few megabytes. That takes root: elsewhere the test is left
// out, aloud.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("SKIPPED: a small file system cannot be mounted here (%v); page limits stand for it in other tests", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestAReallyFullDisk(t *testing.T) {
	dir := small(t)
	path := filepath.Join(dir, "tandem.db")
	o := store.Options{DSN: "sqlite:" + path, Exclusive: true, Reserve: 1 << 20}
	s := open(t, o)
	run := store.Run{ID: s.NewID(), Sync: "contacts", Started: time.Now()}
	ok(t, s.StartRun(t.Context(), run))
	ok(t, os.WriteFile(filepath.Join(dir, "somebody's"), make([]byte, 1<<20), 0o600))
	kept := stuffed(t, s)
	run.Ended, run.Status = time.Now(), "failed"
	ok(t, s.FinishRun(t.Context(), run))
	regained(t, s, false)
	closed(t, s)
	// Room for the files that SQLite keeps beside an open database, and none for the reserve.
	ok(t, os.Truncate(filepath.Join(dir, "somebody's"), 1<<20-256<<10))

	s = open(t, o) // a new process finds that there is not even room for the reserve
	defer func() { closed(t, s) }()
	if _, full := s.Full(); !full {
		t.Error("the new process does not see that the disk is full")
	}
	_, err := s.SavePage(t.Context(), wide(1<<20, 1))
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("a page on a full disk: %v", err)
	}
	runs, err := s.Runs(t.Context(), "contacts", 1)
	if err != nil || runs[0].Status != "failed" {
		t.Errorf("the run's last words: %+v %v", runs, err)
	}
	rows, err := s.Changed(t.Context(), store.Object{Connection: "erp", Name: "contacts"}, 0, 1<<20)
	if err != nil || len(rows) != kept {
		t.Errorf("%d rows, want %d: %v", len(rows), kept, err)
	}
	ok(t, os.Remove(filepath.Join(dir, "somebody's")))
	ok(t, s.Fold(t.Context()))
	ok(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=20m"))
	regained(t, s, true)
	_, err = s.SavePage(t.Context(), wide(1<<20, 50))
	ok(t, err)
}
