package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A syncHub notes what it is asked for, and does what is to be done in the background when the
// test says so.
type syncHub struct {
	*fakeHub

	did    []string
	paused *store.Pause
	later  []func(context.Context)
}

func (h *syncHub) Run(syncs ...string) error {
	h.did = append(h.did, "run "+strings.Join(syncs, " "))
	return nil
}

func (h *syncHub) Pause(_ context.Context, sync, by string) error {
	h.paused = &store.Pause{Sync: sync, By: by, At: time.Now()}
	return nil
}

func (h *syncHub) Resume(context.Context, string) error {
	h.paused = nil
	return nil
}

func (h *syncHub) Background(fn func(context.Context)) { h.later = append(h.later, fn) }

func (h *syncHub) work() {
	for _, fn := range h.later {
		fn(context.Background())
	}
	h.later = nil
}

func (h *syncHub) Status(context.Context) (Status, error) {
	return Status{Ready: true, Syncs: []SyncStatus{{Name: "contacts", Next: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Paused: h.paused}}}, nil
}

// labelled is an object with fields of each kind of conversion.
func labelled(labels string) record.Object {
	return record.Object{Name: "people", Common: "contact", Create: true, Update: true, Archive: true, Deletes: record.EvidenceFeed, Fields: []record.Field{
		{Name: "mail" + labels, Label: "Mail <b>" + labels + "</b>", Common: "email", Kind: record.KindEmail},
		{Name: "name" + labels, Common: "last_name", Kind: record.KindText},
		{Name: "role" + labels, Kind: record.KindText},
		{Name: "size" + labels, Kind: map[string]record.Kind{"1": record.KindText, "2": record.KindNumber}[labels]},
	}}
}

// aSync is one of crm.people and erp.people with rules that differ from the defaults.
func aSync() plan.Sync {
	entry := func(i int, e mapping.Entry) plan.Field {
		e.Index, e.LeftToRight, e.RightToLeft = i, true, true
		return plan.Field{Entry: e, Direction: bothWays, Prefer: "left"}
	}
	computed := plan.Field{Entry: mapping.Entry{Right: "role2", From: "upper(role1)", LeftToRight: true, Index: 2}, Direction: toRight, Prefer: "left"}
	size := entry(1, mapping.Entry{Left: "size1", Right: "size2"})
	size.Direction, size.LeftToRight = toLeft, false
	return plan.Sync{
		Name: "contacts", Ends: [2]plan.Endpoint{{Connection: "crm", Object: "people"}, {Connection: "erp", Object: "people"}},
		Direction: bothWays, Prefer: "left", Leave: plan.LeaveKeep, Merge: plan.MergeAsk, Create: [2]bool{true, true},
		Delete: [2]plan.DeletePolicy{plan.DeleteArchive, plan.DeleteIgnore}, Where: [2]string{"name1 != '<script>'", ""},
		Schedule: plan.Schedule{Every: 15 * time.Minute}, Guard: plan.Guard{Delete: plan.Amount{Percent: 10}, Create: plan.Amount{Records: 1000}, Update: plan.Amount{Percent: 50}},
		Fields: []plan.Field{entry(0, mapping.Entry{All: true}), size, computed},
	}
}

// syncBench has a sync whose two systems were asked once, with a run.
func syncBench(t *testing.T) (*bench, *syncHub) {
	t.Helper()
	b := newBench(t)
	b.populate()
	h := &syncHub{fakeHub: b.hub}
	b.c.hub = h
	b.hub.plan = &plan.Plan{Timezone: time.UTC, Connections: []plan.Connection{{Name: "crm"}, {Name: "erp"}}, Syncs: []plan.Sync{aSync()}}
	for i, name := range []string{"crm", "erp"} {
		c := store.Connection{Name: name, Schema: record.Schema{Objects: []record.Object{labelled(fmt.Sprint(i + 1))}}, SchemaAt: time.Now()}
		if err := b.hub.store.SaveConnection(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.hub.store.SetSync(t.Context(), "contacts", store.Object{Connection: "crm", Name: "people"}, store.Object{Connection: "erp", Name: "people"}); err != nil {
		t.Fatal(err)
	}
	run := store.Run{ID: b.hub.store.NewID(), Sync: "contacts", Started: time.Date(2026, 3, 4, 4, 0, 0, 0, time.UTC)}
	if err := b.hub.store.StartRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	run.Ended, run.Status, run.Review, run.Failed, run.Reconciled = run.Started.Add(time.Minute), engine.StatusReview, 7, 8, true
	run.Sides = [2]store.Counts{{Created: 1, Updated: 2, Deleted: 3}, {Created: 4, Updated: 5, Deleted: 6}}
	if err := b.hub.store.FinishRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return b, h
}

func TestTheListOfSyncs(t *testing.T) {
	t.Parallel()
	b, _ := syncBench(t)
	w := b.signed(account.Operator)
	b.want(w.get("/syncs"), http.StatusOK, `<a href="/syncs/contacts">contacts</a>`, "crm.people", "erp.people", "In step", "4 Mar 2026, 05:06", "4 Mar 2026, 04:00", `action="/syncs/contacts/run"`)
	b.to(w.post("/syncs/contacts/run", "from", "syncs"), "/syncs?done=running")
	if got := b.signed(account.Viewer).get("/syncs"); strings.Contains(got.Body.String(), `action="/syncs/`) {
		t.Error("a viewer is shown what only an operator may do")
	}
	b.hub.plan = &plan.Plan{Timezone: time.UTC}
	b.want(w.get("/syncs"), http.StatusOK, "There are no syncs yet.")
}

func TestTheStateOfASync(t *testing.T) {
	t.Parallel()
	at := time.Now()
	ran := func(state string) status.Sync { return status.Sync{Started: &at, Status: state, Reconciled: true} }
	asks, writes, waits, looks := ran(engine.StatusOK), ran(engine.StatusOK), ran(engine.StatusOK), ran(engine.StatusOK)
	asks.Review, writes.Outbox, waits.Waiting, looks.Reconciled = 1, 1, 1, false
	for _, x := range []struct {
		stands status.Sync
		here   SyncStatus
		want   string
	}{
		{status.Sync{Status: "never"}, SyncStatus{}, syncNever},
		{status.Sync{Status: "never", Review: 1}, SyncStatus{}, syncNeeds},
		{ran(store.StatusRunning), SyncStatus{Asked: true}, syncRuns},
		{ran(engine.StatusOK), SyncStatus{Asked: true, Paused: &store.Pause{}}, syncAsked},
		{ran(engine.StatusFailed), SyncStatus{Paused: &store.Pause{}}, syncPaused},
		{ran(engine.StatusFailed), SyncStatus{}, syncFailing},
		{ran(store.RunCutShort), SyncStatus{}, syncFailing},
		{ran(engine.StatusBlocked), SyncStatus{}, syncBlocked},
		{asks, SyncStatus{}, syncNeeds},
		{writes, SyncStatus{}, syncWaits},
		{waits, SyncStatus{}, syncWaits},
		{looks, SyncStatus{}, syncWaits},
		{ran(engine.StatusReview), SyncStatus{}, syncInStep},
	} {
		if got := stateOf(x.stands, x.here); got != x.want {
			t.Errorf("%+v, %+v is %s, want %s", x.stands, x.here, got, x.want)
		}
		if !slices.Contains(syncStates(), x.want) {
			t.Errorf("%s has no word", x.want)
		}
	}
}

func TestThePageOfASyncExplainsItsRules(t *testing.T) {
	t.Parallel()
	b, _ := syncBench(t)
	w := b.signed(account.Operator)
	got := w.get("/syncs/contacts")
	b.want(
		got, http.StatusOK,
		"Changes flow both ways between crm and erp.", "crm wins and erp is brought into line.",
		"tried in this order: <code>email</code>", "They are created on both sides.",
		"The record in crm is archived, once it is proven that the one in erp is gone.", "The record in erp stays as it is, and the pair with crm is closed.",
		"Of crm only: <code>name1 != &#39;&lt;script&gt;&#39;</code>", "10 deletes (10 %), 1,000 creates, 10 changes of one field (50 %).",
		"Every 15m, and as soon as", "<code>mail1</code>", "Mail &lt;b&gt;1&lt;/b&gt;", "<code>name2</code>", "number becomes Text", "Computed: <code class=\"wrap\">upper(role1)</code>",
		"4 pairs of fields are kept in step.", "1 created, 2 changed, 3 deleted", "4 created, 5 changed, 6 deleted", `>7</td>`, `>8</td>`, "Done, something waits",
	)
	if strings.Contains(got.Body.String(), "<script>'") || strings.Contains(got.Body.String(), "Mail <b>") {
		t.Error("a text of the vendor, or of the configuration, is taken for markup")
	}
	b.want(w.get("/syncs/nothing"), http.StatusNotFound)
	whole := b.hub.plan.Syncs[0].Fields[1]
	b.hub.plan.Syncs[0].Fields[1] = plan.Field{Entry: mapping.Entry{Left: "siz1", Right: "size2", Index: 1}, Direction: bothWays}
	b.want(w.get("/syncs/contacts"), http.StatusOK, "people has no field &#34;siz1&#34;", "Did you mean size1?", "They cannot be used as they are")
	b.hub.plan.Syncs[0].Fields[1] = whole
	b.hub.plan.Connections = append(b.hub.plan.Connections, plan.Connection{Name: "new"})
	b.hub.plan.Syncs[0].Ends[1].Connection = "new"
	b.want(w.get("/syncs/contacts"), http.StatusOK, "One of the systems has never been asked", "All fields that both sides understand", "upper(role1)")
}

func TestSyncsArePausedAndResumed(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	w := b.signed(account.Operator)
	b.to(w.post("/syncs/contacts/pause"), "/syncs/contacts?done=paused")
	b.want(w.get("/syncs/contacts?done=paused"), http.StatusOK, "The sync is paused.", "Paused by operator", `action="/syncs/contacts/resume"`)
	b.want(w.get("/syncs"), http.StatusOK, "Paused by operator")
	b.to(w.post("/syncs/contacts/resume"), "/syncs/contacts?done=resumed")
	b.to(w.post("/syncs/contacts/run"), "/syncs/contacts?done=running")
	b.want(w.post("/syncs/nothing/run"), http.StatusNotFound)
	if len(h.did) != 1 || h.did[0] != "run contacts" {
		t.Errorf("the hub did %v", h.did)
	}
	all := b.audited()
	if want := []string{"operator|sync.pause|contacts||done", "operator|sync.resume|contacts||done", "operator|sync.run|contacts||done", "operator|sync.run|||refused"}; !slices.Equal(all[len(all)-4:], want) {
		t.Errorf("the audit has %v", all[len(all)-4:])
	}
}

// planned is a preview of many creates and one change.
func planned(creates int) engine.Preview {
	of := store.Object{Connection: "erp", Name: "people"}
	pv := engine.Preview{Sync: "contacts", Right: of, Linked: 11, Unchanged: 12, Counts: map[engine.PreviewKind]int{engine.WouldCreate: creates, engine.WouldUpdate: 1}}
	for i := range creates {
		pv.Items = append(pv.Items, engine.PreviewItem{Kind: engine.WouldCreate, Side: record.Right, Of: of, Title: fmt.Sprintf("New %d.", i),
			Fields: []engine.PreviewField{{Name: "name2", New: record.Text("N")}}})
	}
	pv.Items = append(pv.Items, engine.PreviewItem{Kind: engine.WouldUpdate, Side: record.Right, Of: of, ID: "77", Title: "<script>alert(1)</script>",
		Fields: []engine.PreviewField{{Name: "mail2", Old: record.Text("old@x"), New: record.Text("new@x"), Rule: "crm is preferred"}, {Name: "name2", Old: record.Text("gone")}}})
	return pv
}

func TestAPlanIsMadeInTheBackgroundAndPaged(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	b.c.preview = func(_ context.Context, sync string) (engine.Preview, error) {
		if sync != "contacts" {
			t.Errorf("planned %s", sync)
		}
		return planned(60), nil
	}
	w := b.signed(account.Operator)
	b.want(w.get("/syncs/contacts/plan"), http.StatusOK, "Nothing was planned within the last hour.")
	b.to(w.post("/syncs/contacts/plan"), "/syncs/contacts/plan")
	b.to(w.post("/syncs/contacts/plan"), "/syncs/contacts/plan")
	if len(h.later) != 1 {
		t.Fatalf("%d plans are under way", len(h.later))
	}
	if got := w.get("/syncs/contacts/plan"); got.Header().Get("Refresh") != watchWait || !strings.Contains(got.Body.String(), "Begun at") {
		t.Errorf("the page does not wait: %v", got.Header())
	}
	h.work()
	got := w.get("/syncs/contacts/plan")
	b.want(got, http.StatusOK, "New 0.", "New 49.", "1 to 50 of 61", "Create (60)", "Change (1)", `href="/syncs/contacts/plan?from=50"`, `<span class="value">11</span>`, `<span class="value">12</span>`, "for operator.")
	if strings.Contains(got.Body.String(), "New 50.") {
		t.Error("more than a page is shown")
	}
	b.want(w.get("/syncs/contacts/plan?from=50"), http.StatusOK, "New 59.", "51 to 61 of 61", "&lt;script&gt;alert(1)&lt;/script&gt;", `<span class="old">old@x</span>`, `<span class="new">new@x</span>`, "crm is preferred", `<span class="none">empty</span>`)
	b.want(w.get("/syncs/contacts/plan?kind=update"), http.StatusOK, "1 to 1 of 1", "77")
	for _, bad := range []string{"kind=nothing", "from=-1", "from=x", "from=99999999999999999999", "from=9223372036854775807", "from=61", "kind=update&from=1"} {
		b.want(w.get("/syncs/contacts/plan?"+bad), http.StatusNotFound)
	}
	b.want(w.get("/syncs/contacts"), http.StatusOK, "The last plan")
}

func TestAPlanThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	b.c.preview = func(context.Context, string) (engine.Preview, error) {
		return engine.Preview{Err: errors.New("crm is down")}, nil
	}
	w := b.signed(account.Operator)
	b.to(w.post("/syncs/contacts/plan"), "/syncs/contacts/plan")
	h.work()
	b.want(w.get("/syncs/contacts/plan"), http.StatusOK, "The plan could not be made: crm is down")
}

func TestVerifyingByHand(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	var repaired []bool
	b.c.verify = func(_ context.Context, _ string, repair bool) (engine.VerifyReport, []engine.Finding, error) {
		repaired = append(repaired, repair)
		return engine.VerifyReport{Counts: store.VerifyCounts{Pairs: 30, Equal: 21, Drifted: 4, Gone: 5}}, []engine.Finding{
			{Kind: engine.Drifted, Side: record.Left, Of: store.Object{Connection: "crm", Name: "people"}, ID: "9", Field: "mail1", Base: record.Text("agreed@x"), Found: record.Text("found@x")},
		}, nil
	}
	w := b.signed(account.Operator)
	b.want(w.get("/syncs/contacts/verify"), http.StatusOK, "Nothing was verified by hand")
	b.to(w.post("/syncs/contacts/verify"), "/syncs/contacts/verify")
	b.want(w.get("/syncs/contacts/verify"), http.StatusOK, "Verifying")
	h.work()
	b.want(w.get("/syncs/contacts/verify"), http.StatusOK, `<span class="value">30</span>`, `<span class="value">21</span>`, `<span class="value">9</span>`, "agreed@x", "found@x", "Differs, and nothing told of it")
	b.want(w.get("/syncs/contacts"), http.StatusOK, "What the last verification found")
	b.to(w.post("/syncs/contacts/verify", "repair", "1"), "/syncs/contacts/verify")
	h.work()
	if !slices.Equal(repaired, []bool{false, true}) {
		t.Errorf("it repairs only if a person says so: %v", repaired)
	}
}

func TestJobsAreFewAndForgotten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	x := newJobs(func() time.Time { return now })
	for i := range mostJobs {
		if !x.begin(planning, fmt.Sprint(i), "ann") {
			t.Fatalf("the job %d was refused", i)
		}
	}
	if x.begin(planning, "more", "ann") || x.begin(planning, "0", "ann") {
		t.Error("a job too many was taken")
	}
	x.end(planning, "3", nil, func(*job) {})
	if !x.begin(verifying, "0", "ann") {
		t.Error("there is room, and a job was refused")
	}
	if _, has := x.of(planning, "3"); has {
		t.Error("the one that had ended is still there")
	}
	x.end(planning, "0", errors.New("no"), func(*job) {})
	if j, has := x.of(planning, "0"); !has || j.Err != "no" {
		t.Errorf("%+v %t", j, has)
	}
	now = now.Add(jobKept + time.Second)
	if _, has := x.of(planning, "0"); has {
		t.Error("it is kept for longer than an hour")
	}
}

func TestALargePlanIsCut(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	b.c.preview = func(context.Context, string) (engine.Preview, error) { return planned(mostPlanned + 9), nil }
	w := b.signed(account.Operator)
	b.to(w.post("/syncs/contacts/plan"), "/syncs/contacts/plan")
	h.work()
	b.want(w.get("/syncs/contacts/plan"), http.StatusOK, "10 further records are counted and not listed.", "Create (5,009)")
	cut := w.get("/syncs/contacts/plan?kind=update")
	b.want(cut, http.StatusOK, "Change (1)", "These were counted, and none of them is listed.")
	if strings.Contains(cut.Body.String(), "in step") {
		t.Error("what is not listed is said to be in step")
	}
}

func TestPagesOfSyncsRenderTheirZeroStructs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Admin)
	for name, data := range map[string]any{
		"syncs": syncsPage{}, "sync": syncPage{}, "plan": planPage{}, "verify": verifyPage{}, "configuration": configurationPage{}, "version": versionPage{},
		"newsync": newSyncPage{}, "newsaved": savedPage{}, "mapping": mappingPage{},
	} {
		var err error
		if b.handler, err = b.c.handler([]route{{method: "GET", pattern: "/x", right: account.See, handler: func(w http.ResponseWriter, r *http.Request) error {
			return b.c.view.page(w, r, name, data)
		}}}); err != nil {
			t.Fatal(err)
		}
		b.want(w.get("/x"), http.StatusOK, "</html>")
	}
}
