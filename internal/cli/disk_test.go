package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// readiness is what /readyz answers.
func (s *station) readiness() (int, string) {
	s.t.Helper()
	res, err := twin.Transport(s.server.routes()).RoundTrip(mustRequest(s.t, http.MethodGet, "http://x/readyz"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(b.String())
}

func (s *station) measured() store.Disk {
	s.t.Helper()
	d, err := s.session.store.Disk(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// approve says of what a guard has stopped that it was meant, and waits for the next run.
func (s *station) approve() {
	s.t.Helper()
	items, err := s.session.store.Reviews(s.t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewGuard}, Open: true, Limit: 9})
	if err != nil || len(items) != 1 {
		s.t.Fatalf("guards that have blown: %v %v", items, err)
	}
	if err := s.session.store.DecideReview(s.t.Context(), items[0].ID, "approve", "ann", time.Now()); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(7 * time.Hour)
}

func TestAFullDiskStopsTheServerFromTakingInAndItGoesOnByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, stationYAML+"retention: { reserve: 1MiB }\n")
		id := s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		s.start()
		s.settle()
		if d := s.measured(); d.Reserve != 1<<20 {
			t.Fatalf("the reserve takes %d bytes", d.Reserve)
		}
		const n = 400
		for i := range n {
			s.put(s.a, "", map[string]string{"name": fmt.Sprint("Ann ", i), "email": fmt.Sprint(i, "@x.gr"), "notes": strings.Repeat("x", 3000)})
		}
		small := int(s.measured().Bytes>>12) + 256 + 60 // its reserve, and a little
		if err := s.session.store.LimitPages(t.Context(), small); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Hour) // the next full run
		if code, text := s.readiness(); code != http.StatusServiceUnavailable || text != "the disk is full" {
			t.Errorf("ready: %d %s", code, text)
		}
		if !s.metric("tandem_disk_full 1") || !s.metric(`tandem_database_bytes{part="reserve"} 0`) {
			t.Error("the numbers do not tell of it")
		}
		runs, err := s.session.store.FullRuns(t.Context(), "cards", 1)
		if err != nil || runs[0].Status != engine.StatusFailed || !strings.Contains(runs[0].Error, "the disk is full") || !strings.Contains(runs[0].Error, "free some space") {
			t.Errorf("the run says %+v: %v", runs, err)
		}
		s.put(s.a, id, map[string]string{"notes": "new"})
		for _, code := range s.deliver(s.a, twin.HookFaults{}) {
			if code != http.StatusServiceUnavailable {
				t.Errorf("a delivery is answered %d", code)
			}
		}
		if err := s.session.store.LimitPages(t.Context(), 100*small); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if code, text := s.readiness(); code != http.StatusOK {
			t.Errorf("ready once there is room: %d %s", code, text)
		}
		if d := s.measured(); d.Reserve != 1<<20 || !s.metric("tandem_disk_full 0") {
			t.Errorf("the reserve is %d bytes", d.Reserve)
		}
		s.approve()
		got := map[string]int{}
		for _, r := range s.b.Rows("cards") {
			got[r.Fields["email"]]++
			if r.Fields["email"] == "ann@x.gr" && r.Fields["notes"] != "new" {
				t.Errorf("notes are %q", r.Fields["notes"])
			}
		}
		if len(got) != n+1 || len(s.b.Rows("cards")) != n+1 || len(s.a.Rows("cards")) != n+1 {
			t.Errorf("%d and %d cards, %d different, want %d", len(s.a.Rows("cards")), len(s.b.Rows("cards")), len(got), n+1)
		}
		if out := s.log.String(); strings.Count(out, "nothing is taken in") != 1 || strings.Count(out, "there is room on the disk again") != 1 {
			t.Errorf("the log:\n%s", out)
		}
	})
}

// A compaction owns the database and keeps no reserve: that is no full disk.
func TestStatusBesideACompactionTellsNoFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tandem.db")
	s, err := openDatabase(t.Context(), "sqlite:"+path, own)
	if err != nil {
		t.Fatal(err)
	}
	line, err := databaseStatus(t.Context(), &plan.Plan{Retention: plan.Retention{Reserve: 1 << 20}}, s)
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if line.Full {
		t.Errorf("%+v", line)
	}
}
