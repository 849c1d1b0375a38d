package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// filled opens a database that holds a row, a link, an operation and a name.
func filled(t *testing.T, path string) *store.Store {
	t.Helper()
	s := open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	a, b := store.Object{Connection: "a", Name: "x"}, store.Object{Connection: "b", Name: "x"}
	ok(t, s.SetSync(t.Context(), "x", a, b))
	_, err := s.SavePage(t.Context(), store.Page{Of: a, Feed: store.FeedChanges, Began: time.Now(), Listing: time.Now(), Done: true, Next: "c7",
		Changes: []connector.Change{{Record: record.Record{Ref: record.Ref{Object: "x", ID: "1"}, Fields: record.Fields{"n": record.Text("Ann")}}}}})
	ok(t, err)
	op := store.Op{ID: s.NewID(), Sync: "x", Side: record.Right, Target: b, Verb: connector.Create, SourceID: "1", Key: "k", State: store.OpReady}
	ok(t, s.Decide(t.Context(), "x", [2]int64{}, store.Facts{Ops: []store.Op{op}}))
	_, err = s.Installation(t.Context())
	ok(t, err)
	return s
}

func TestABackupIsWholePrivateAndReplacesNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := filled(t, path)
	taken := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	to := filepath.Join(t.TempDir(), "b.tandem")
	look := opened(t, store.Options{DSN: "sqlite:" + path, ReadOnly: true}) // beside the owner
	b, err := look.Backup(t.Context(), to, store.Backup{Taken: taken, Version: "1", Config: "version: 1"})
	ok(t, err)
	if b.Counts != (store.BackupCounts{Records: 1, Outbox: 1}) {
		t.Errorf("the backup counts %+v", b.Counts)
	}
	info, err := os.Stat(to)
	ok(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the backup: %v", info.Mode())
	}
	if _, err := s.Backup(t.Context(), to, store.Backup{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup over a file: %v, want that it exists", err)
	}
	got, err := store.ReadBackup(t.Context(), to)
	ok(t, err)
	if !got.Taken.Equal(taken) || got.Config != "version: 1" || got.Counts != b.Counts {
		t.Errorf("read back %+v", got)
	}
	closed(t, s)
	if _, err := store.ReadBackup(t.Context(), path); !errors.Is(err, store.ErrNoBackup) {
		t.Errorf("a database that is no backup: %v", err)
	}
	if _, err := store.ReadBackup(t.Context(), "nofile"); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "database") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestR34ARestoredDatabaseKnowsThatItIsOne(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := filled(t, path)
	home, err := s.Installation(t.Context())
	ok(t, err)
	taken := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	to := filepath.Join(t.TempDir(), "b.tandem")
	_, err = s.Backup(t.Context(), to, store.Backup{Taken: taken})
	ok(t, err)

	ok(t, s.Bury(t.Context(), taken.Add(time.Hour), "email ann@example.com"))
	if _, err := store.BeginRestore(t.Context(), to, path, time.Now()); !errors.Is(err, store.ErrOwned) {
		t.Fatalf("a restore over a database in use: %v, want ErrOwned", err)
	}
	closed(t, s)
	r, err := store.BeginRestore(t.Context(), to, path, time.Now())
	ok(t, err)
	kept, err := r.Finish()
	ok(t, err)
	if _, err := store.ReadBackup(t.Context(), path); !errors.Is(err, store.ErrNoBackup) {
		t.Errorf("the label stayed on the database: %v", err)
	}
	was := opened(t, store.Options{DSN: "sqlite:" + kept, ReadOnly: true})
	if f, err := was.Feed(t.Context(), store.Object{Connection: "a", Name: "x"}, "", store.FeedChanges); err != nil || f.Cursor != "c7" {
		t.Errorf("the database that was kept has the place %q: %v", f.Cursor, err)
	}

	s = opened(t, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	if n, err := s.Graves(t.Context()); err != nil || n != 1 {
		t.Errorf("R32: %d people are known as erased, want the one since the backup: %v", n, err)
	}
	mark, is, err := s.Restored(t.Context(), "x")
	if err != nil || !is || mark.Home != home || !mark.Taken.Equal(taken) {
		t.Errorf("the mark is %+v, %t: %v", mark, is, err)
	}
	if f, err := s.Feed(t.Context(), store.Object{Connection: "a", Name: "x"}, "", store.FeedChanges); err != nil || f != (store.Feed{}) {
		t.Errorf("the object need not be listed anew: %+v %v", f, err)
	}
	ops, err := s.Ops(t.Context(), "x", store.OpUnknown)
	if err != nil || len(ops) != 1 || !ops[0].SentAt.Equal(taken) {
		t.Errorf("operations of unknown outcome: %+v %v", ops, err)
	}
	if now, err := s.Installation(t.Context()); err != nil || now == home {
		t.Errorf("the installation is still called %s: %v", now, err)
	}
	ok(t, s.DoneRestore(t.Context(), "x"))
	if _, is, err := s.Restored(t.Context(), "x"); err != nil || is {
		t.Errorf("the mark stayed: %v", err)
	}
}

func TestARestoreThatIsCancelledLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := filled(t, path)
	to := filepath.Join(t.TempDir(), "b.tandem")
	_, err := s.Backup(t.Context(), to, store.Backup{Taken: time.Now()})
	ok(t, err)
	closed(t, s)
	before, err := os.ReadFile(path)
	ok(t, err)
	r, err := store.BeginRestore(t.Context(), to, path, time.Now())
	ok(t, err)
	ok(t, r.Cancel())
	after, err := os.ReadFile(path)
	ok(t, err)
	if string(before) != string(after) {
		t.Error("the database has changed")
	}
	left, err := filepath.Glob(path + ".*")
	ok(t, err)
	if len(left) != 1 || left[0] != path+".lock" {
		t.Errorf("files are left: %v", left)
	}
}

func TestVerificationsAreRemembered(t *testing.T) {
	t.Parallel()
	s := filled(t, file(t))
	defer closed(t, s)
	v := store.Verification{Sync: "x", Place: 7, Began: time.Now().Truncate(time.Microsecond).UTC(), Now: store.VerifyCounts{Pairs: 3, Equal: 2, Drifted: 1}}
	ok(t, s.SaveVerification(t.Context(), v))
	got, err := s.Verification(t.Context(), "x")
	ok(t, err)
	got.Began = got.Began.UTC()
	if got.Place != 7 || !got.Began.Equal(v.Began) || got.Now != v.Now || !got.Ended.IsZero() {
		t.Errorf("got %+v, want %+v", got, v)
	}
}
