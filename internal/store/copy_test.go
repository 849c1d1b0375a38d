package store_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func TestACopyIsABackupOfWhichNothingIsLeft(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := filled(t, path)
	ok(t, os.WriteFile(path+".copy.part", []byte("of a process that was killed"), 0o600))
	before, err := os.ReadDir(filepath.Dir(path))
	ok(t, err)
	c, err := s.Copy(t.Context(), store.Backup{Taken: time.Now(), Version: "1", Config: "version: 1"})
	ok(t, err)
	taken := filepath.Join(t.TempDir(), "b.tandem")
	b, err := io.ReadAll(c)
	ok(t, err)
	ok(t, os.WriteFile(taken, b, 0o600))
	if info, err := os.Stat(path + ".copy"); err == nil && info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the copy: %v", info.Mode())
	}
	ok(t, c.Close())
	if int64(len(b)) != c.Bytes || c.Bytes == 0 {
		t.Errorf("%d bytes of %d", len(b), c.Bytes)
	}
	got, err := store.ReadBackup(t.Context(), taken)
	ok(t, err)
	if got.Config != "version: 1" || got.Counts != c.Backup.Counts || got.Counts.Records != 1 {
		t.Errorf("%+v", got)
	}
	after, err := os.ReadDir(filepath.Dir(path))
	ok(t, err)
	if len(after) != len(before)-1 { // what the killed one left is gone, too
		t.Errorf("there was %v, and is %v", names(before), names(after))
	}
	memory := open(t, store.Options{DSN: "sqlite::memory:"})
	if _, err := memory.Copy(t.Context(), store.Backup{}); err == nil {
		t.Error("a database in memory was copied")
	}
}

func names(all []fs.DirEntry) []string {
	var out []string
	for _, e := range all {
		out = append(out, e.Name())
	}
	return out
}
