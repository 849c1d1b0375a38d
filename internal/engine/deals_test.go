package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Of a deal whose stages nobody noted, the journal tells all that was written, not the first alone.
func TestDealsKnowEachStageThatWasWrittenBeforeStagesWereNoted(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	of, other := store.Object{Connection: "crm", Name: "deals"}, store.Object{Connection: "erp", Name: "offers"}
	if err := s.SetSync(t.Context(), "deals", of, other); err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC) }
	deal := record.Record{Ref: record.Ref{ID: "7"}, Fields: record.Fields{"phase": record.Text("won")}}
	if _, err := s.SavePage(t.Context(), store.Page{Of: of, Began: day(9), Changes: []connector.Change{{Record: deal}}}); err != nil {
		t.Fatal(err)
	}
	line := func(n int, of store.Object, field, value string) store.Entry {
		return store.Entry{At: day(n), Sync: "deals", Of: of, Record: "7", Kind: store.Written, Field: field, New: record.Text(value)}
	}
	lines := []store.Entry{line(1, of, "phase", "new"), line(2, of, "name", "a deal"), line(3, of, "state", "open"), line(4, other, "phase", "no deal"), line(5, of, "phase", "won")}
	if err := s.Decide(t.Context(), "deals", [2]int64{}, store.Facts{Journal: lines}); err != nil {
		t.Fatal(err)
	}
	in, err := engine.Deals(t.Context(), s, engine.DealObject{Of: of, Schema: record.Object{Name: "deals", Fields: []record.Field{
		{Name: "phase", Kind: record.KindChoice, Common: "stage"}, {Name: "state", Kind: record.KindChoice, Common: "status"}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []report.Step{{Value: "new", At: day(1)}, {Status: true, Value: "open", At: day(3)}, {Value: "won", At: day(5)}}
	if diff := cmp.Diff(want, in.Deals[0].Steps); diff != "" {
		t.Error(diff)
	}
}
