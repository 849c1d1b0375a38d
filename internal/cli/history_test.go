package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestHistoryIsATimeline(t *testing.T) {
	t.Parallel()
	crm := store.Object{Connection: "crm", Name: "contacts"}
	at := time.Date(2026, 11, 20, 21, 58, 0, 0, time.UTC)
	zone := time.FixedZone("", 2*3600)
	entries := []store.Entry{
		{ID: 7, At: at, Run: 17, Sync: "contacts", Of: crm, Record: "501", Kind: store.Created, Why: "new on the left", Set: record.Fields{
			"email": record.Text("ann@example.com"), "city": record.Text("Αθήνα"), "fax": {},
		}},
		{ID: 98, At: at.Add(5 * time.Minute), Run: 18, Sync: "contacts", Of: crm, Record: "501", Kind: store.Written, Field: "phone",
			Old: record.Text("+30 210 1"), New: record.Text("+30 210 2"), Why: "left changed"},
		{ID: 99, At: at.Add(6 * time.Minute), Sync: "contacts", Kind: store.Decided, Why: "conflict of email: left", By: "ann"},
		{ID: 100, At: at.Add(7 * time.Minute), Run: 19, Of: crm, Record: "501", Kind: store.Overruled, Field: "city",
			Old: record.Text("Пекин"), New: record.Value{}, Why: "prefer newest: right is 5 minutes newer"},
	}
	want := `2026-11-20
  7  23:58:00  crm.contacts/501  created: city=Αθήνα, email=ann@example.com  new on the left, run r17

2026-11-21
   98  00:03:00  crm.contacts/501  phone: +30 210 1 → +30 210 2     left changed, run r18
   99  00:04:00  contacts          decided                          conflict of email: left, by ann
  100  00:05:00  crm.contacts/501  city: Пекин gave way to (empty)  prefer newest: right is 5 minutes newer, run r19
`
	if diff := cmp.Diff(want, historyText(entries, zone)); diff != "" {
		t.Error(diff)
	}
	if got := historyText(nil, zone); got != "nothing has happened\n" {
		t.Error(got)
	}
}

func TestHistoryUnderstandsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{
		Connections: []plan.Connection{{Name: "erp"}, {Name: "crm"}},
		Syncs:       []plan.Sync{{Name: "people", Ends: [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}}},
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for arg, want := range map[string][]store.HistoryQuery{
		"":                {{}},
		"erp.contacts/12": {{Connection: "erp", Object: "contacts", Record: "12"}},
		"erp.contacts/a/": {{Connection: "erp", Object: "contacts", Record: "a/"}},
		"erp.contacts":    {{Connection: "erp", Object: "contacts"}},
		"people":          {{Sync: "people"}},
		"crm":             {{Connection: "crm"}},
		"r12":             {{Run: 12}},
		"contacts":        {{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}},
		"501":             {{Connection: "erp", Object: "contacts", Record: "501"}, {Connection: "crm", Object: "contacts", Record: "501"}},
	} {
		got, err := (&historyCmd{Record: arg}).queries(p, now)
		if err != nil {
			t.Errorf("%q: %v", arg, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", arg, diff)
		}
	}
	if _, err := (&historyCmd{Record: "erp.invoices/3"}).queries(p, now); exitCode(err) != exitUsage {
		t.Errorf("an object that no sync names: %v", err)
	}
	p.KeepOverruled = 24 * time.Hour
	if got, err := (&historyCmd{Overruled: true}).queries(p, now); err != nil || !got[0].Since.Equal(now.Add(-24*time.Hour)) || len(got[0].Kinds) != 3 {
		t.Errorf("overruled: %v, %v", got, err)
	}
	for text, want := range map[string]time.Time{"1h": now.Add(-time.Hour), "3d": now.AddDate(0, 0, -3), "2026-11-20": now.Add(-36 * time.Hour)} {
		if got, err := (&historyCmd{Since: text}).queries(p, now); err != nil || !got[0].Since.Equal(want) {
			t.Errorf("since %s: %+v, %v", text, got, err)
		}
	}
	if _, err := (&historyCmd{Since: "yesterday"}).queries(p, now); exitCode(err) != exitUsage {
		t.Errorf("since yesterday: %v", err)
	}
}
