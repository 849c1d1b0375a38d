package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestAStoppedRunIsToldInNumbersAndByRecord(t *testing.T) {
	t.Parallel()
	f := affected{
		item:   store.Review{ID: 7, Kind: store.ReviewGuard},
		alarms: []engine.Alarm{{Detector: "shape", Side: "right", Field: "due", Records: 1200, Of: 1500}},
		records: []engine.AffectedRecord{
			{Record: "erp.tasks/1", Verb: "update", Target: "crm.tasks/9", Fields: []engine.AffectedField{{Name: "due", Old: record.Text("10:00"), New: record.Text("12:00")}}},
			{Record: "erp.tasks/2"},
		},
		more:  1198,
		guard: &status.Guard{Days: 30, Most: map[string]int{"create": 1, "delete": 0, "update": 14}, Suggest: map[string]int{"update": 50, "delete": 10}},
	}
	want := `  saw shape      right due: 1,200 of 1,500 linked
  erp.tasks/1  update crm.tasks/9  due: 10:00 -> 12:00
  erp.tasks/2
  and 1,198 more; tandem review show 7 --all names them
  in the last 30 days at most 1 create, 0 deletes and 14 changes of one field in a day; guard: { delete: 10, update: 50 } would have stopped nothing of it
`
	if diff := cmp.Diff(want, f.text()); diff != "" {
		t.Error(diff)
	}
}

func TestASuggestionIsOfTheSyncsOwnLastDays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "t.db"), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	now := time.Now().Truncate(24 * time.Hour).Add(12 * time.Hour)
	crm := store.Object{Connection: "crm", Name: "contacts"}
	lines := make([]store.Entry, 0, 60)
	for i := range 40 { // before the first run was complete, and in one day after it
		lines = append(lines, store.Entry{At: now.AddDate(0, 0, -21), Sync: "contacts", Of: crm, Record: fmt.Sprint(i), Kind: store.Created})
	}
	for i := range 14 {
		lines = append(lines, store.Entry{At: now.AddDate(0, 0, -3), Sync: "contacts", Of: crm, Record: fmt.Sprint(i), Kind: store.Written, Field: "phone"},
			store.Entry{At: now.AddDate(0, 0, -2), Sync: "contacts", Of: crm, Record: fmt.Sprint(i), Kind: store.Written, Field: "phone", Why: store.RevertOf + "r1"})
	}
	run := store.Run{ID: s.NewID(), Sync: "contacts", Started: now.AddDate(0, 0, -20), Ended: now.AddDate(0, 0, -20), Status: "ok", Complete: true}
	for _, err := range []error{
		s.SetSync(ctx, "contacts", store.Object{Connection: "erp", Name: "contacts"}, crm),
		s.StartRun(ctx, run), s.FinishRun(ctx, run), s.Decide(ctx, "contacts", [2]int64{}, store.Facts{Journal: lines}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sync := plan.Sync{Name: "contacts", Guard: plan.Guard{Delete: plan.Amount{Records: 5}, Create: plan.Amount{Records: 1000}, Update: plan.Amount{Percent: 50}}}
	g, err := status.SuggestGuard(ctx, s, sync, 1000, now)
	if err != nil {
		t.Fatal(err)
	}
	want := &status.Guard{Days: 19, Most: map[string]int{"create": 0, "delete": 0, "update": 14}, Suggest: map[string]int{"create": 10, "update": 50}}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Error(diff)
	}
	if young, err := status.SuggestGuard(ctx, s, sync, 1000, now.AddDate(0, 0, -15)); err != nil || young != nil {
		t.Errorf("five days say %v: %v", young, err)
	}
	if !strings.Contains(guardText(g), "guard: { create: 10, update: 50 }") {
		t.Errorf("it says %q", guardText(g))
	}
}
