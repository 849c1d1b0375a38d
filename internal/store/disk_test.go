package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// wide is a page of records that take some room, with all different ids.
func wide(from, n int) store.Page {
	p := store.Page{Of: store.Object{Connection: "erp", Name: "contacts"}, Began: time.Now(), Feed: store.FeedChanges, Next: connector.Cursor(fmt.Sprint(from + n))}
	for i := range n {
		p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{ID: fmt.Sprint(from + i)},
			Fields: record.Fields{"note": record.Text(strings.Repeat("x", 500))}}})
	}
	return p
}

// stuffed saves pages until the disk is full and returns how many records were kept.
func stuffed(t *testing.T, s *store.Store) int {
	t.Helper()
	for n := 0; n < 100_000; n += 50 {
		_, err := s.SavePage(t.Context(), wide(n, 50))
		if errors.Is(err, store.ErrFull) {
			return n
		}
		ok(t, err)
	}
	t.Fatal("the disk does not get full")
	return 0
}

func disk(t *testing.T, s *store.Store) store.Disk {
	t.Helper()
	d, err := s.Disk(t.Context())
	ok(t, err)
	return d
}

// chatter is many lines of the journal, all a year old.
func chatter(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		ok(t, s.Decide(t.Context(), "contacts", [2]int64{}, store.Facts{Journal: []store.Entry{{At: time.Now().Add(-365 * 24 * time.Hour), Sync: "contacts",
			Of: store.Object{Connection: "erp", Name: "contacts"}, Record: fmt.Sprint(i), Kind: store.Written, New: record.Text(strings.Repeat("y", 3000))}}}))
	}
}

func regained(t *testing.T, s *store.Store, want bool) {
	t.Helper()
	got, err := s.Regain(t.Context())
	ok(t, err)
	if got != want {
		t.Fatalf("room again: %t, want %t", got, want)
	}
}

func TestAFullDiskLetsWhatIsUnderWayEndOutOfTheReserve(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := opened(t, store.Options{DSN: "sqlite:" + path, Exclusive: true, MaxPages: 900, Reserve: 1 << 20})
	run := store.Run{ID: s.NewID(), Sync: "contacts", Started: time.Now()}
	ok(t, s.StartRun(t.Context(), run))
	_, err := s.OpenDoor(t.Context(), "erp")
	ok(t, err)
	if d := disk(t, s); d.Reserve != 1<<20 {
		t.Fatalf("the reserve is %d bytes", d.Reserve)
	}
	kept := stuffed(t, s)
	select {
	case <-s.Filled():
	default:
		t.Error("nobody is told")
	}
	if d := disk(t, s); d.Reserve != 0 || !d.GivenUp {
		t.Errorf("the reserve is still %d bytes, given up %t", d.Reserve, d.GivenUp)
	}
	hints := []store.Arrival{{Connection: "erp", At: time.Now(), Accepted: 1, Hints: []record.Ref{{Object: "contacts", ID: "1"}}}}
	_, taken := s.TakeHints(t.Context(), hints)
	_, page := s.SavePage(t.Context(), wide(1<<20, 1))
	for what, err := range map[string]error{"a delivery": taken, "a page": page, "a run": s.StartRun(t.Context(), store.Run{ID: s.NewID(), Sync: "contacts"})} {
		if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("%s: %v", what, err)
		}
	}
	run.Ended, run.Status = time.Now(), "failed"
	ok(t, s.FinishRun(t.Context(), run))
	_, err = s.TakeHints(t.Context(), []store.Arrival{{Connection: "erp", At: time.Now(), Lost: true, Busy: 1}})
	ok(t, err)
	if d, _, err := s.Door(t.Context(), "erp"); err != nil || d.Lost.IsZero() {
		t.Errorf("what was lost is not remembered: %+v %v", d, err)
	}
	regained(t, s, false)
	ok(t, s.LimitPages(t.Context(), 5000))
	regained(t, s, true)
	if d := disk(t, s); d.Reserve != 1<<20 || d.GivenUp {
		t.Errorf("the reserve is %d bytes once there is room, given up %t", d.Reserve, d.GivenUp)
	}
	_, err = s.TakeHints(t.Context(), hints)
	ok(t, err)
	rows, err := s.Changed(t.Context(), store.Object{Connection: "erp", Name: "contacts"}, 0, 1<<20)
	if err != nil || len(rows) != kept {
		t.Errorf("%d rows, want %d: %v", len(rows), kept, err)
	}
}

func TestAFullDiskIsCleanedOutOfTheReserve(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + file(t), Exclusive: true, MaxPages: 2000, Reserve: 1 << 20})
	chatter(t, s, 1200)
	stuffed(t, s)
	for {
		p, err := s.Prune(t.Context(), store.Ages{Journal: time.Now().Add(-100 * 24 * time.Hour)}, 100)
		ok(t, err)
		if !p.More {
			break
		}
	}
	regained(t, s, true)
	_, err := s.SavePage(t.Context(), wide(1<<20, 50))
	ok(t, err)
}

func TestADatabaseBecomesSmallerInSlices(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + file(t)})
	chatter(t, s, 600)
	_, err := s.Prune(t.Context(), store.Ages{Journal: time.Now()}, 1000)
	ok(t, err)
	before := disk(t, s)
	if !before.Shrinks || before.Free < 1<<20 {
		t.Fatalf("%+v", before)
	}
	ok(t, s.Shrink(t.Context(), 100))
	after := disk(t, s)
	if gone := before.Bytes - after.Bytes; gone < 100<<12 || gone > 102<<12 || after.Used() > before.Used() {
		t.Errorf("from %+v to %+v", before, after)
	}
}

func TestAnOlderDatabaseIsCompactedOnce(t *testing.T) {
	t.Parallel()
	path := file(t)
	db, err := sql.Open("sqlite", path)
	ok(t, err)
	for _, step := range []string{"PRAGMA journal_mode = WAL", fmt.Sprintf("PRAGMA application_id = %d", 0x544e444d)} { // as they were made once
		_, err = db.ExecContext(t.Context(), step)
		ok(t, err)
	}
	ok(t, db.Close())
	s := opened(t, store.Options{DSN: "sqlite:" + path, Exclusive: true, Reserve: 1 << 20})
	chatter(t, s, 600)
	kept, err := s.SavePage(t.Context(), wide(0, 50))
	ok(t, err)
	_, err = s.Prune(t.Context(), store.Ages{Journal: time.Now()}, 1000)
	ok(t, err)
	before := disk(t, s)
	ok(t, s.Shrink(t.Context(), 100))
	if d := disk(t, s); before.Shrinks || d.Bytes != before.Bytes {
		t.Fatalf("an older database: %+v, then %+v", before, d)
	}
	ok(t, s.Compact(t.Context()))
	if d := disk(t, s); !d.Shrinks || d.Bytes > before.Used()+1<<16 {
		t.Errorf("from %+v to %+v", before, d)
	}
	rows, err := s.Changed(t.Context(), store.Object{Connection: "erp", Name: "contacts"}, 0, 1000)
	if err != nil || len(rows) != kept.Changed {
		t.Errorf("%d rows, want %d: %v", len(rows), kept.Changed, err)
	}
	chatter(t, s, 5) // and it is written to as before
}

func TestTheLogIsFoldedAndWhoKeepsItFromThatIsNoticed(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := opened(t, store.Options{DSN: "sqlite:" + path})
	chatter(t, s, 300)
	if d := disk(t, s); d.Log < 1<<20 {
		t.Fatalf("the log is %d bytes", d.Log)
	}
	ok(t, s.Fold(t.Context()))
	if d := disk(t, s); d.Log != 0 || !d.Held.IsZero() {
		t.Errorf("folded: %+v", d)
	}
	other, err := sql.Open("sqlite", path)
	ok(t, err)
	other.SetMaxOpenConns(1)
	reads, err := other.BeginTx(t.Context(), nil)
	ok(t, err)
	n := 0
	ok(t, reads.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM journal").Scan(&n))
	chatter(t, s, 300)
	began := time.Now()
	ok(t, s.Fold(t.Context()))
	if d := disk(t, s); d.Held.IsZero() || d.Log == 0 {
		t.Errorf("with a reader: %+v", d)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("whoever writes waited %v for the reader", took)
	}
	ok(t, reads.Rollback())
	ok(t, other.Close())
	ok(t, s.Fold(t.Context()))
	if d := disk(t, s); d.Log != 0 || !d.Held.IsZero() {
		t.Errorf("without it: %+v", d)
	}
}

// What owns the database without a reserve of its own, as a compaction does, is not taken for one
// that has given it up.
func TestAnOwnerWithoutAReserveHasGivenUpNone(t *testing.T) {
	t.Parallel()
	path := file(t)
	for _, left := range []bool{false, true} { // by one that was killed while the disk was full
		if left {
			ok(t, os.WriteFile(path+".reserve", nil, 0o600))
		}
		s := open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true, Reserve: -1})
		if d := disk(t, s); d.GivenUp {
			t.Errorf("left over %t: %+v", left, d)
		}
		closed(t, s)
	}
}

func TestACopyOfTheDatabaseTakesNoReserve(t *testing.T) {
	t.Parallel()
	path := file(t)
	closed(t, open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true, Reserve: 1 << 20}))
	closed(t, open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true, Reserve: -1}))
	if _, err := os.Stat(path + ".reserve"); err != nil {
		t.Errorf("it is left as it is: %v", err)
	}
	closed(t, open(t, store.Options{DSN: "sqlite:" + path, Exclusive: true}))
	if _, err := os.Stat(path + ".reserve"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a reserve that is not wanted any more: %v", err)
	}
}
