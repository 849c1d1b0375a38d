package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestRevertUnderstandsWhatIsNamed(t *testing.T) {
	t.Parallel()
	athens := time.FixedZone("", 2*3600)
	p := &plan.Plan{
		Timezone:    athens,
		Connections: []plan.Connection{{Name: "erp"}, {Name: "crm"}},
		Syncs:       []plan.Sync{{Name: "people", Ends: [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}}},
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		cmd  revertCmd
		want engine.RevertRequest
	}{
		{revertCmd{What: "1204", Force: true}, engine.RevertRequest{Change: 1204, Force: true}},
		{revertCmd{What: "r12", Sync: "people"}, engine.RevertRequest{Run: 12, Sync: "people"}},
		{revertCmd{What: "crm.contacts/a/1"}, engine.RevertRequest{Of: store.Object{Connection: "crm", Name: "contacts"}, Record: "a/1"}},
		{revertCmd{Since: "2h"}, engine.RevertRequest{Since: now.Add(-2 * time.Hour)}},
		{revertCmd{Since: "3d"}, engine.RevertRequest{Since: now.AddDate(0, 0, -3)}},
		{revertCmd{Since: "2026-11-20"}, engine.RevertRequest{Since: time.Date(2026, 11, 20, 0, 0, 0, 0, athens)}},
		{revertCmd{Since: "2026-11-20 14:30"}, engine.RevertRequest{Since: time.Date(2026, 11, 20, 14, 30, 0, 0, athens)}},
		{revertCmd{Since: "2026-11-20T14:30:00Z"}, engine.RevertRequest{Since: time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)}},
	} {
		got, err := c.cmd.request(p, now)
		if err != nil {
			t.Errorf("%+v: %v", c.cmd, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%+v: %s", c.cmd, diff)
		}
	}
	for _, wrong := range []revertCmd{{}, {Sync: "people"}, {What: "people"}, {What: "-3"}, {What: "0"}, {What: "r"}, {What: "crm.deals/3"}, {What: "7", Since: "2h"},
		{Since: "yesterday"}, {Since: "-2h"}, {Since: "0d"}, {What: "r12", Sync: "nosuch"}} {
		if _, err := wrong.request(p, now); exitCode(err) != exitUsage {
			t.Errorf("%+v is understood: %v", wrong, err)
		}
	}
}

func TestALongRevertShowsTheFirstFewAndCountsTheRest(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Syncs: []plan.Sync{{Name: "people", Direction: "both", Ends: [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}}}}
	sh := &revertShown{items: map[string]*revertItems{}, most: 2, syncs: []engine.Reverted{{Sync: "people", Beyond: []string{"1,000 records"},
		Counts: map[engine.RevertState]int{engine.RevertDo: 1000, engine.RevertEdited: 1}}}}
	crm := store.Object{Connection: "crm", Name: "contacts"}
	for i := range 1000 {
		if err := sh.add(engine.RevertItem{Change: int64(i + 1), Sync: "people", Of: crm, ID: "5", Kind: engine.RevertField, State: engine.RevertDo, Field: "phone",
			Now: record.Text("2\x1b[31m"), To: record.Text("1")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sh.add(engine.RevertItem{Change: 1001, Sync: "people", Of: crm, ID: "6", Kind: engine.RevertDelete, State: engine.RevertEdited, Why: "it was edited"}); err != nil {
		t.Fatal(err)
	}
	want := `people: erp.contacts ↔ crm.contacts

  goes back (1,000)
    1  crm.contacts/5  phone: 2�[31m → 1
    2  crm.contacts/5  phone: 2�[31m → 1
    ... and 998 more (--all shows them)

  edited since, left alone (--force takes it back too) (1)
    1001  crm.contacts/6  delete it: it was not there before  it was edited
  1,000 to take back, 1 edited since
  more than the guard of a sync would let pass, which does not stop a revert: 1,000 records
`
	if diff := cmp.Diff(want, sh.text(p, false)); diff != "" {
		t.Error(diff)
	}
	if sh.code() != exitReview {
		t.Errorf("exit code %d although something is left alone", sh.code())
	}
	if strings.Contains(sh.text(p, true), "goes back") {
		t.Error("what was carried out is listed twice")
	}
}
