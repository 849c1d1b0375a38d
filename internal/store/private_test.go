//go:build unix

package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func TestOnlyItsOwnerReadsADatabaseAndWhatLiesBesideIt(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := filled(t, path)
	_, err := s.Backup(t.Context(), path+".backup", store.Backup{})
	ok(t, err)
	r, err := store.BeginRestore(t.Context(), path+".backup", filepath.Join(filepath.Dir(path), "other.db"), time.Now())
	ok(t, err)
	_, err = r.Finish()
	ok(t, err)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	ok(t, err)
	if len(files) < 5 { // the database, its log, its index, its lock, a backup
		t.Errorf("only %q are there", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		ok(t, err)
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s is %v", filepath.Base(f), mode)
		}
	}
}

func TestADatabaseKeepsThePermissionsThatItsOwnerGaveIt(t *testing.T) {
	t.Parallel()
	path := file(t)
	closed(t, filled(t, path))
	ok(t, os.Chmod(path, 0o640))
	closed(t, open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true}))
	info, err := os.Stat(path)
	ok(t, err)
	if mode := info.Mode().Perm(); mode != 0o640 {
		t.Errorf("it is %v", mode)
	}
}
