package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/internal/store/storetest"
	"github.com/tandemhub/tandem/record"
)

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened is closed with the test.
func opened(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s := open(t, o)
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "tandem.db") }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformanceSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store {
		return open(t, store.Options{DSN: "sqlite:" + file(t), Exclusive: true})
	})
}

func TestConformanceSQLiteInMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, store.Options{DSN: "sqlite::memory:"}) })
}

func TestConformancePostgres(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres(t)
	t.Run("store", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.Store {
			return open(t, store.Options{DSN: schema(t), AllowPostgres: true})
		})
	})
	t.Run("a second owner is refused", func(t *testing.T) {
		o := store.Options{DSN: schema(t), AllowPostgres: true, Exclusive: true}
		secondOwner(t, o)
	})
	t.Run("workspaces do not mix", func(t *testing.T) {
		workspaces(t, store.Options{DSN: schema(t), AllowPostgres: true})
	})
	t.Run("restart", func(t *testing.T) { restart(t, store.Options{DSN: schema(t), AllowPostgres: true}) })
}

func TestPostgresIsRefusedForNow(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), store.Options{DSN: "postgres://localhost/tandem"})
	if err == nil || !strings.Contains(err.Error(), "sqlite:tandem.db") {
		t.Errorf("got %v", err)
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: "mysql://x"}); err == nil {
		t.Error("an unknown database was opened")
	}
}

func secondOwner(t *testing.T, o store.Options) {
	t.Helper()
	first := open(t, o)
	_, err := store.Open(t.Context(), o)
	if !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second owner: %v", err)
	}
	o.Exclusive = false
	other := opened(t, o)
	ok(t, other.SaveConnection(t.Context(), store.Connection{Name: "erp"}))
	o.ReadOnly = true
	reader := opened(t, o)
	if _, found, err := reader.Connection(t.Context(), "erp"); !found || err != nil {
		t.Errorf("a reader beside the owner: %v %v", found, err)
	}
	if err := reader.SaveConnection(t.Context(), store.Connection{Name: "x"}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("a reader wrote: %v", err)
	}
	closed(t, first)
	o.ReadOnly, o.Exclusive = false, true
	closed(t, open(t, o))
}

func TestSecondOwnerIsRefusedByName(t *testing.T) {
	t.Parallel()
	secondOwner(t, store.Options{DSN: "sqlite:" + file(t), Exclusive: true})
}

// workspaces opens two in one database, one after the other.
func workspaces(t *testing.T, o store.Options) {
	t.Helper()
	of := store.Object{Connection: "erp", Name: "contacts"}
	o.Workspace = "a"
	a := open(t, o)
	ok(t, a.SetSync(t.Context(), "contacts", of, of))
	_, err := a.SavePage(t.Context(), page(of, "1"))
	ok(t, err)
	l := store.Link{ID: a.NewID(), Sync: "contacts", IDs: [2]string{"1", "2"}}
	op := store.Op{ID: a.NewID(), Sync: "contacts", Target: of, Verb: connector.Update, TargetID: "1", State: store.OpReady}
	ok(t, a.Decide(t.Context(), "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Ops: []store.Op{op},
		Journal: []store.Entry{{Link: l.ID}, {Kind: store.Decided}}, Reviews: []store.Review{{Sync: "contacts", Subject: "s"}, {Subject: "s"}}}))
	ok(t, a.PutSecret(t.Context(), "k1", store.Secret{Name: "s", Sealed: []byte("x")}))
	_, err = a.StatePut(t.Context(), "k1", store.State{Connection: "erp", Key: "t", Sealed: []byte("x")})
	ok(t, err)
	ann, err := a.AddUser(t.Context(), store.User{Name: "ann", Role: store.AdminRole}, "ann", true)
	ok(t, err)
	_, err = a.OpenSession(t.Context(), store.Session{User: ann, Hash: "h", Made: time.Now(), Seen: time.Now()}, time.Time{}, time.Time{})
	ok(t, err)
	_, err = a.AppendAudit(t.Context(), store.Audit{What: "setup"})
	ok(t, err)
	closed(t, a)
	o.Workspace = "b"
	b := opened(t, o)
	if all, err := b.Secrets(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("secrets of another workspace: %v %v", all, err)
	}
	if _, _, found, err := b.SessionOf(t.Context(), "h"); err != nil || found {
		t.Errorf("a session of another workspace: %t %v", found, err)
	}
	if lines, err := b.Audits(t.Context(), store.AuditQuery{}); err != nil || len(lines) != 0 {
		t.Errorf("audit of another workspace: %v %v", lines, err)
	}
	_, err = b.AddUser(t.Context(), store.User{Name: "ann", Role: store.AdminRole}, "ann", true)
	ok(t, err)
	if x, err := b.StateGet(t.Context(), "erp", "t"); err != nil || x.Version != 0 {
		t.Errorf("memory of another workspace: %v %v", x, err)
	}
	if seal, err := b.Seal(t.Context()); err != nil || seal != "" || b.Workspace() != "b" {
		t.Errorf("key %q in workspace %q: %v", seal, b.Workspace(), err)
	}
	ok(t, b.SetSync(t.Context(), "contacts", of, of))
	if rows, err := b.Rows(t.Context(), of, []string{"1"}); err != nil || len(rows) != 0 {
		t.Errorf("rows of another workspace: %v %v", rows, err)
	}
	if links, err := b.LinksByID(t.Context(), []int64{l.ID}); err != nil || len(links) != 0 {
		t.Errorf("links of another workspace: %v %v", links, err)
	}
	if ops, err := b.Ops(t.Context(), ""); err != nil || len(ops) != 0 {
		t.Errorf("operations of another workspace: %v %v", ops, err)
	}
	if lines, err := b.History(t.Context(), store.HistoryQuery{}); err != nil || len(lines) != 0 {
		t.Errorf("journal of another workspace: %v %v", lines, err)
	}
	if items, err := b.Reviews(t.Context(), store.ReviewQuery{}); err != nil || len(items) != 0 {
		t.Errorf("reviews of another workspace: %v %v", items, err)
	}
	ok(t, b.Decide(t.Context(), "contacts", [2]int64{}, store.Facts{Reviews: []store.Review{{Subject: "s"}}}))
	if err := b.Decide(t.Context(), "contacts", [2]int64{}, store.Facts{Links: []store.Link{l}, Journal: []store.Entry{{Link: l.ID}}}); err == nil {
		t.Error("a link of another workspace was replaced")
	}
	if err := b.Settle(t.Context(), []store.Settlement{{Op: op.ID}}, store.Facts{}); err == nil {
		t.Error("an operation of another workspace was settled")
	}
	if n, err := b.Recover(t.Context()); err != nil || n != 0 {
		t.Errorf("recover: %d %v", n, err)
	}
}

func TestWhoeverLooksSeesWhetherSomebodyOwnsTheDatabase(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + file(t)
	owned := func(s *store.Store, want bool) {
		t.Helper()
		if got, err := s.Owned(t.Context()); err != nil || got != want {
			t.Errorf("owned: %t, %v, want %t", got, err, want)
		}
	}
	beside := opened(t, store.Options{DSN: dsn})
	owned(beside, false)
	owner := open(t, store.Options{DSN: dsn, Exclusive: true})
	owned(owner, true)
	owned(beside, true)
	looks := opened(t, store.Options{DSN: dsn, ReadOnly: true})
	owned(looks, true)
	closed(t, owner)
	owned(looks, false)
	owned(beside, false) // and looking keeps nobody from owning it
	closed(t, open(t, store.Options{DSN: dsn, Exclusive: true}))
	owned(opened(t, store.Options{DSN: "sqlite::memory:"}), false)
}

func TestWorkspacesDoNotMix(t *testing.T) {
	t.Parallel()
	workspaces(t, store.Options{DSN: "sqlite:" + file(t)})
}

func page(of store.Object, ids ...string) store.Page {
	p := store.Page{Of: of, Began: time.Now()}
	for _, id := range ids {
		p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{ID: id}, Fields: record.Fields{"a": record.Text("b")}}})
	}
	return p
}

// restart closes a store and opens it again: ids go on and names are known.
func restart(t *testing.T, o store.Options) {
	t.Helper()
	left, right := store.Object{Connection: "erp", Name: "contacts"}, store.Object{Connection: "crm", Name: "contacts"}
	s := open(t, o)
	ok(t, s.SetSync(t.Context(), "contacts", left, right))
	op := store.Op{ID: s.NewID(), Sync: "contacts", Side: record.Right, Target: right, Verb: connector.Create, SourceID: "1", State: store.OpReady}
	ok(t, s.Decide(t.Context(), "contacts", [2]int64{1, 2}, store.Facts{Ops: []store.Op{op}}))
	sent, err := s.Claim(t.Context(), right, connector.Create, 1, time.Now())
	if err != nil || len(sent) != 1 {
		t.Fatal(sent, err)
	}
	closed(t, s)
	s = opened(t, o)
	if id := s.NewID(); id <= op.ID {
		t.Errorf("id %d was given after %d", id, op.ID)
	}
	if n, err := s.Recover(t.Context()); n != 1 || err != nil {
		t.Errorf("recovered %d: %v", n, err)
	}
	ops, err := s.Ops(t.Context(), "contacts", store.OpUnknown)
	if err != nil || len(ops) != 1 || ops[0].Target != right || ops[0].Sync != "contacts" {
		t.Errorf("operations after a restart: %+v %v", ops, err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	restart(t, store.Options{DSN: "sqlite:" + file(t), Exclusive: true})
}

// A reader never waits for the writer, and sees what was true before it began.
func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + file(t)})
	of := store.Object{Connection: "erp", Name: "contacts"}
	p := page(of, "1")
	inside := false
	p.Keys = func(record.Fields) []store.Key {
		inside = true
		if rows, err := s.Rows(t.Context(), of, []string{"1"}); err != nil || len(rows) != 0 {
			t.Errorf("inside the transaction: %v %v", rows, err)
		}
		return nil
	}
	_, err := s.SavePage(t.Context(), p)
	ok(t, err)
	if rows, err := s.Rows(t.Context(), of, []string{"1"}); err != nil || len(rows) != 1 || !inside {
		t.Errorf("after the transaction: %v %v", rows, err)
	}
}

func TestDecisionFromASecondProcess(t *testing.T) {
	t.Parallel()
	path := file(t)
	owner := opened(t, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	left, right := store.Object{Connection: "erp", Name: "contacts"}, store.Object{Connection: "crm", Name: "contacts"}
	ok(t, owner.SetSync(t.Context(), "contacts", left, right))
	var reviews []store.Review
	for i := range 20 {
		reviews = append(reviews, store.Review{Sync: "contacts", Kind: store.ReviewParked, Subject: fmt.Sprint(i), Record: fmt.Sprint(i), Opened: time.Now()})
	}
	ok(t, owner.Decide(t.Context(), "contacts", [2]int64{}, store.Facts{Reviews: reviews}))
	other := opened(t, store.Options{DSN: "sqlite:" + path})
	items, err := other.Reviews(t.Context(), store.ReviewQuery{Sync: "contacts", Open: true})
	ok(t, err)
	done := make(chan error)
	go func() {
		for _, r := range items {
			if err := other.DecideReview(t.Context(), r.ID, "retry", "ann", time.Now()); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := range 50 { // the owner goes on writing meanwhile
		_, err := owner.SavePage(t.Context(), page(left, fmt.Sprint(i)))
		ok(t, err)
	}
	ok(t, <-done)
	spots, err := owner.Dirty(t.Context(), "contacts", 100)
	if err != nil || len(spots) != 20 {
		t.Errorf("dirty: %v %v", spots, err)
	}
	lines, err := owner.History(t.Context(), store.HistoryQuery{Connection: "erp"})
	if err != nil || len(lines) != 20 || lines[0].By != "ann" {
		t.Errorf("journal: %d lines, %v", len(lines), err)
	}
}

func TestOnlyOneProcessGivesIDs(t *testing.T) {
	t.Parallel()
	path := file(t)
	a := opened(t, store.Options{DSN: "sqlite:" + path})
	b := opened(t, store.Options{DSN: "sqlite:" + path})
	ok(t, a.StartRun(t.Context(), store.Run{ID: a.NewID()}))
	if err := b.StartRun(t.Context(), store.Run{ID: b.NewID() + 5}); err == nil {
		t.Error("two processes gave the same id")
	}
}

func TestFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	closed(t, open(t, store.Options{DSN: "sqlite:" + path}))
	s := opened(t, store.Options{DSN: "sqlite:" + path, MaxPages: 120})
	of := store.Object{Connection: "erp", Name: "contacts"}
	saved := 0
	var full error
	for i := 0; full == nil && i < 10_000; i += 100 {
		p := store.Page{Of: of, Began: time.Now(), Feed: store.FeedChanges, Next: connector.Cursor(fmt.Sprint(i + 100))}
		for k := range 100 {
			p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{ID: fmt.Sprint(i + k)},
				Fields: record.Fields{"note": record.Text(strings.Repeat("x", 200))}}})
		}
		if _, full = s.SavePage(t.Context(), p); full == nil {
			saved = i + 100
		}
	}
	if !errors.Is(full, store.ErrFull) {
		t.Fatalf("a full disk: %v", full)
	}
	feed, err := s.Feed(t.Context(), of, "", store.FeedChanges)
	if err != nil || feed.Cursor != connector.Cursor(fmt.Sprint(saved)) {
		t.Errorf("cursor %q after %d records: %v", feed.Cursor, saved, err)
	}
	rows, err := s.Changed(t.Context(), of, 0, 100_000)
	if err != nil || len(rows) != saved {
		t.Errorf("%d rows after %d records: %v", len(rows), saved, err)
	}
}

func TestForeignAndBrokenFilesAreRefused(t *testing.T) {
	t.Parallel()
	text := file(t)
	ok(t, os.WriteFile(text, []byte("version: 1\nconnections: {}\n"), 0o600))
	other := file(t)
	db, err := sql.Open("sqlite", other)
	ok(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE notes (a)")
	ok(t, err)
	ok(t, db.Close())
	broken := file(t)
	closed(t, open(t, store.Options{DSN: "sqlite:" + broken}))
	b, err := os.ReadFile(broken)
	ok(t, err)
	copy(b[100:], bytes.Repeat([]byte{0xee}, 3000))
	ok(t, os.WriteFile(broken, b, 0o600))
	for name, path := range map[string]string{"text": text, "another program's": other, "broken": broken} {
		before, err := os.ReadFile(path)
		ok(t, err)
		if _, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + path, Exclusive: true}); !errors.Is(err, store.ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + path, ReadOnly: true}); !errors.Is(err, store.ErrForeign) {
			t.Errorf("%s, only to be read: %v", name, err)
		}
		if after, err := os.ReadFile(path); name == "text" && (err != nil || !bytes.Equal(before, after)) {
			t.Errorf("%s was changed (%v)", name, err)
		}
	}
	for _, readOnly := range []bool{false, true} {
		_, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + t.TempDir(), ReadOnly: readOnly})
		if !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), "is a folder") {
			t.Errorf("a folder: %v", err)
		}
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + file(t), ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file for reading: %v", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	path := file(t)
	closed(t, open(t, store.Options{DSN: "sqlite:" + path}))
	db, err := sql.Open("sqlite", path)
	ok(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE schema_version SET version = version + 1")
	ok(t, err)
	ok(t, db.Close())
	for _, readOnly := range []bool{false, true} {
		if _, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + path, ReadOnly: readOnly}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
}

func TestCloseFoldsTheWriteAheadLog(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, store.Options{DSN: "sqlite:" + path})
	_, err := s.SavePage(t.Context(), page(store.Object{Connection: "erp", Name: "contacts"}, "1"))
	ok(t, err)
	closed(t, s)
	closed(t, s) // a second time does nothing
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes are left in the log", info.Size())
	}
	if err := s.SaveConnection(t.Context(), store.Connection{}); err == nil {
		t.Error("a closed store was written to")
	}
}

func TestACancelledCallDoesNothing(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + file(t)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SaveConnection(ctx, store.Connection{Name: "erp"}); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	if _, err := s.Connections(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
}

// The engine's tests run in bubbles: a store opened inside of one must end with it.
func TestStoreLivesInABubble(t *testing.T) {
	t.Parallel()
	path := file(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true})
		for range 24 {
			_, err := s.SavePage(t.Context(), page(store.Object{Connection: "erp", Name: "contacts"}, "1"))
			ok(t, err)
			time.Sleep(time.Hour)
		}
		closed(t, s)
	})
}
