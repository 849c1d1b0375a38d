package engine_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// revert takes back what was done since and returns what came of it, by state.
func (k *stock) revert(since time.Time) map[engine.RevertState]int {
	k.t.Helper()
	end, err := k.store.JournalEnd(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	n := map[engine.RevertState]int{}
	_, err = k.engine().Revert(k.t.Context(), engine.RevertRequest{Since: since, UpTo: end, By: "ann"}, func(it engine.RevertItem) error {
		if n[it.State]++; it.State == engine.RevertWaits && !strings.Contains(it.Why, "next visit of Toy stock book") {
			k.t.Errorf("why it waits: %q", it.Why)
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// A revert of what was written to a hosted side waits for the vendor's next visit, and says so. The
// other side is left alone, and nothing carries it back.
func TestARevertOnAHostedSideIsFetchedByTheNextVisit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newStock(t, t.TempDir())
		defer k.stop()
		k.put(k.a, "", map[string]string{"name": "Nut", "code": "n1", "weight": "1"})
		k.settle()
		id := k.a.Rows("labels")[0].ID
		time.Sleep(time.Minute)
		since := time.Now()
		k.put(k.a, id, map[string]string{"weight": "2"})
		k.put(k.a, "", map[string]string{"name": "Bolt", "code": "b1", "weight": "7"})
		k.settle()
		if got := rows(k.s, "items"); !slices.Equal(got, []string{"b1 Bolt 7", "n1 Nut 2"}) {
			t.Fatalf("items before: %q", got)
		}
		got := k.revert(since)
		if got[engine.RevertWaits] != 2 {
			t.Errorf("the revert: %v", got)
		}
		k.settle()
		if got := rows(k.s, "items"); !slices.Equal(got, []string{"n1 Nut 1"}) {
			t.Errorf("items after: %q", got)
		}
		if got := rows(k.a, "labels"); !slices.Equal(got, []string{"b1 Bolt 7", "n1 Nut 2"}) {
			t.Errorf("the other side is not left alone: %q", got)
		}
	})
}

// A revert of what a hosted side's news had written to the other one is done at once.
func TestARevertOfWhatAHostedSideBroughtIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newStock(t, t.TempDir())
		defer k.stop()
		k.put(k.a, "", map[string]string{"name": "Nut", "code": "n1", "weight": "1"})
		k.settle()
		time.Sleep(time.Minute)
		since := time.Now()
		k.put(k.s, k.s.Rows("items")[0].ID, map[string]string{"weight": "3"})
		k.settle()
		if got := k.revert(since); got[engine.RevertDone] != 1 {
			t.Errorf("the revert: %v", got)
		}
		k.settle()
		if a, s := rows(k.a, "labels"), rows(k.s, "items"); !slices.Equal(a, []string{"n1 Nut 1"}) || !slices.Equal(s, []string{"n1 Nut 3"}) {
			t.Errorf("labels %q, items %q", a, s)
		}
	})
}

// R34: after a restore nothing is given out before the vendor has brought everything anew; then what
// the lost day did is understood, and nothing is doubled.
func TestR34AfterARestoreAHostedSideIsGivenNothingBeforeItHasBroughtAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newStock(t, t.TempDir())
		defer func() { k.stop() }()
		k.put(k.a, "", map[string]string{"name": "Nut", "code": "n1", "weight": "1"})
		k.put(k.a, "", map[string]string{"name": "Pin", "code": "p1", "weight": "5"})
		k.settle()
		// One operation is given out and not spoken of at the backup.
		k.put(k.a, "", map[string]string{"name": "Cog", "code": "c1", "weight": "4"})
		k.sync()
		file := filepath.Join(t.TempDir(), "b.tandem")
		if _, err := k.store.Backup(t.Context(), file, store.Backup{Taken: time.Now()}); err != nil {
			t.Fatal(err)
		}
		// The day that is lost.
		time.Sleep(time.Hour)
		k.put(k.a, k.a.Rows("labels")[0].ID, map[string]string{"weight": "2"})
		k.put(k.a, "", map[string]string{"name": "Bolt", "code": "b1", "weight": "7"})
		k.put(k.s, "", map[string]string{"name": "Rod", "code": "r1", "weight": "9"})
		k.settle()
		want := []string{"b1 Bolt 7", "c1 Cog 4", "n1 Nut 2", "p1 Pin 5", "r1 Rod 9"}
		for _, got := range [][]string{rows(k.a, "labels"), rows(k.s, "items")} {
			if !slices.Equal(got, want) {
				t.Fatalf("before: %q", got)
			}
		}
		k.stop()
		r, err := store.BeginRestore(t.Context(), file, k.path, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		k.start()
		acts := len(k.s.Ledger().Acts()) + len(k.a.Ledger().Acts())
		time.Sleep(time.Minute)
		reports, err := k.engine().Sync(t.Context(), nil, engine.SyncOptions{})
		if err != nil || !strings.Contains(reports[0].Error, "has not been listed since") {
			t.Errorf("a run before any visit: %+v, %v", reports, err)
		}
		k.visit(twin.VisitFaults{})
		if n := len(k.s.Ledger().Acts()) + len(k.a.Ledger().Acts()); n != acts {
			t.Errorf("%d writes before all was brought", n-acts)
		}
		k.settle()
		for name, got := range map[string][]string{"labels": rows(k.a, "labels"), "items": rows(k.s, "items")} {
			if !slices.Equal(got, want) {
				t.Errorf("%s after the restore: %q", name, got)
			}
		}
	})
}

// Parts of a hosted object are refused by the configuration's check, and not taken for the whole.
func TestAHostedObjectInPartsIsAnErrorOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts []string
		wrong bool
	}{{[]string{""}, false}, {[]string{"north", "south"}, true}, {[]string{"north"}, true}} {
		k := newStock(t, t.TempDir())
		k.parts = c.parts
		err := k.engine().Prepare(t.Context())
		var problems plan.Problems
		if errors.As(err, &problems) != c.wrong || c.wrong && !strings.Contains(problems[0].String(), "s.items is brought by Toy stock book itself and is kept in parts") {
			t.Errorf("parts %q: %v", c.parts, err)
		}
		k.stop()
	}
}
