package console

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// script is a name that must be shown as one.
const script = "<script>alert(1)</script>"

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// people is an object with what records are known by.
func people() record.Object {
	return record.Object{Name: "contacts", Title: "Contacts", Common: "contact", Create: true, Update: true, Fields: []record.Field{
		{Name: "custom", Kind: record.KindText, Custom: true, Silent: true},
		{Name: "first", Label: "First name", Common: "first_name", Kind: record.KindText}, {Name: "last", Common: "last_name", Kind: record.KindText},
		{Name: "mail", Label: "E-mail", Common: "email", Kind: record.KindEmail, Required: true}, {Name: "tel", Common: "phone", Kind: record.KindPhone},
		{Name: "state", Common: "status", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "Active"}}},
	}}
}

// acme is a system that can be asked who we are, and whose answer a test gives.
func acme() connector.Spec {
	return connector.Spec{
		Name: "acme", Title: "Acme CRM", API: "v7", Docs: "https://acme.example/docs", Notes: []string{"Switch on the module API."},
		Settings: []connector.Setting{{Name: "region", Label: "Region", Help: "where the account is", Choices: []string{"eu", "us"}, Default: "eu"}, {Name: "site", Required: true}},
		Auth:     []connector.Auth{{Setting: "api_key", Header: "X-Key", Help: "Settings, API"}},
		Limits: func(connector.Settings, connector.Identity) []connector.Limit {
			return []connector.Limit{{Units: 1000, Per: 24 * time.Hour}, {Name: "burst", Units: 10, Per: time.Second}}
		},
		Open: func(connector.Env) (connector.Connection, error) { return acmeConn{}, nil },
	}
}

// newConnected is a console with people, connections and syncs; newLived one in which things happened.
func newConnected(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.populate()
	b.connected()
	return b
}

func newLived(t *testing.T) *bench {
	t.Helper()
	b := newConnected(t)
	b.lived()
	return b
}

// connected fills a console with two connections and the syncs between them.
func (b *bench) connected() {
	b.Helper()
	ends := [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}
	p := &plan.Plan{Timezone: time.FixedZone("EET", 2*60*60), Country: "GR", PublicURL: b.hub.plan.PublicURL}
	for _, name := range []string{"erp", "crm"} {
		p.Connections = append(p.Connections, plan.Connection{Name: name, System: "acme", URL: "https://" + name + ".example", Settings: connector.Settings{"site": "1"}, Secrets: plan.Secrets{"api_key": "s3cret-key"}})
		b.ok(b.hub.store.SaveConnection(b.Context(), store.Connection{
			Name: name, System: "acme", CheckedAt: time.Now().Add(-time.Hour),
			Identity: connector.Identity{Account: "4711", Name: name + " " + script, Facts: map[string]string{"plan": "gold"}},
			Schema:   record.Schema{Objects: []record.Object{people(), {Name: "deals", Title: "Deals"}}},
		}))
	}
	for _, name := range []string{"instep", "asks", "fails", "never", "writes"} {
		p.Syncs = append(p.Syncs, plan.Sync{Name: name, Ends: ends})
		b.ok(b.hub.store.SetSync(b.Context(), name, store.Object{Connection: "erp", Name: "contacts"}, store.Object{Connection: "crm", Name: "contacts"}))
	}
	b.hub.plan, b.hub.specs = p, []connector.Spec{acme()}
}

// ran keeps a run of a sync that began so long ago.
func (b *bench) ran(id int64, sync, status string, ago time.Duration, left, right store.Counts) {
	b.Helper()
	at := time.Now().Add(-ago)
	r := store.Run{ID: id, Sync: sync, Started: at, Ended: at.Add(time.Minute), Status: status, Sides: [2]store.Counts{left, right}, Reconciled: status == "ok"}
	b.ok(b.hub.store.StartRun(b.Context(), r))
	b.ok(b.hub.store.FinishRun(b.Context(), r))
}

// lived fills a console with what happens.
func (b *bench) lived() {
	b.Helper()
	s, ctx := b.hub.store, b.Context()
	b.ran(1, "instep", "ok", 2*time.Hour, store.Counts{Created: 3}, store.Counts{Updated: 4, Deleted: 1})
	b.ran(2, "asks", "review", 26*time.Hour, store.Counts{}, store.Counts{Created: 10})
	b.ran(3, "fails", "failed", time.Hour, store.Counts{}, store.Counts{})
	b.ran(4, "writes", "ok", 40*24*time.Hour, store.Counts{Created: 1000}, store.Counts{})
	link := func(sync string, n int) store.Facts {
		var f store.Facts
		for i := range n {
			f.Links = append(f.Links, store.Link{ID: s.NewID(), Sync: sync, IDs: [2]string{fmt.Sprint(sync, i), fmt.Sprint(sync, i)}})
		}
		return f
	}
	b.ok(s.Decide(ctx, "instep", [2]int64{}, link("instep", 5)))
	asks := link("asks", 2)
	asks.Reviews = []store.Review{
		{Sync: "asks", Kind: store.ReviewConflict, Subject: "a", Opened: time.Now(), Text: "two values"}, {Sync: "asks", Kind: store.ReviewConflict, Subject: "b", Opened: time.Now()},
		{Sync: "asks", Kind: store.ReviewGuard, Subject: "guard", Opened: time.Now(), Text: "Too many deletes " + script, Fix: "confirm them"},
	}
	b.ok(s.Decide(ctx, "asks", [2]int64{}, asks))
	b.ok(s.Decide(ctx, "writes", [2]int64{}, store.Facts{Ops: []store.Op{{
		ID: s.NewID(), Sync: "writes", Side: record.Right, Target: store.Object{Connection: "crm", Name: "contacts"}, Verb: connector.Create, SourceID: "9", State: store.OpReady,
	}}}))
	b.read("erp", time.Now().Add(-30*time.Minute), "1", "2", "3")
	b.read("crm", time.Now().Add(-10*time.Minute), "1")
	b.ok(s.AddSpent(ctx, "crm", []store.Spending{{Per: 24 * time.Hour, Hour: time.Now().Add(-2 * time.Hour).Truncate(time.Hour), Units: 900}}, time.Now()))
}

// read keeps records of a connection, and that all were read.
func (b *bench) read(connection string, at time.Time, ids ...string) {
	b.Helper()
	p := store.Page{Of: store.Object{Connection: connection, Name: "contacts"}, Feed: store.FeedChanges, Began: at, Listing: at, Done: true}
	for _, id := range ids {
		p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: id}, Fields: record.Fields{"first": record.Text("P" + id)}}})
	}
	_, err := b.hub.store.SavePage(b.Context(), p)
	b.ok(err)
}

// inTime is a test at an hour at which no day ends meanwhile.
func inTime(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour)
		test(t)
	})
}

func TestEveryNumberOfHomeIsWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		b := newBench(t)
		b.connected()
		b.lived()
		data, err := b.c.home(t.Context())
		b.ok(err)
		tiles := []homeTile{{syncInStep, 1, 7, "/syncs"}, {syncWaits, 2, 1, "/syncs"}, {syncFailing, 1, 0, "/runs"}, {syncNeeds, 1, 3, "/review"}}
		if diff := cmp.Diff(tiles, data.Tiles); diff != "" {
			t.Errorf("the tiles (-want +got):\n%s", diff)
		}
		var states []string
		for _, s := range data.Syncs {
			states = append(states, s.State)
		}
		if diff := cmp.Diff([]string{syncInStep, syncNeeds, syncFailing, syncNever, syncWaits}, states); diff != "" {
			t.Errorf("the syncs (-want +got):\n%s", diff)
		}
		var notices []string
		for _, n := range data.Notices {
			notices = append(notices, fmt.Sprint(n.Kind, " ", n.Of, " ", n.N))
		}
		if diff := cmp.Diff([]string{"failing fails 0", "decision asks 0", "review  2"}, notices); diff != "" {
			t.Errorf("the notices (-want +got):\n%s", diff)
		}
		if n := len(data.Runs); n != 4 || data.Runs[0].ID != 4 || writtenBy(data.Runs[3].Run) != 8 {
			t.Errorf("%d runs: %+v", n, data.Runs)
		}
		crm := data.Connections[1]
		if got := crm.Read; !got.Equal(time.Now().Add(-10 * time.Minute).Truncate(time.Microsecond)) {
			t.Errorf("crm was read %v", got)
		}
		if want := []status.Budget{{Units: 1000, Hours: 24, Spent: 900, Left: 100}}; crm.Budget[0].RunsOut == nil || crm.Budget[0].Spent != want[0].Spent || crm.Budget[0].Left != want[0].Left || len(crm.Budget) != 1 {
			t.Errorf("the budget: %+v", crm.Budget)
		}
		if b := crm.Budgets()[0]; b.Percent != 90 || b.In() != 24 || b.Meter() != "meter meter-wait" {
			t.Errorf("it is drawn as %+v", b)
		}
	})
}

func TestTheChartCountsByTheDaysOfTheZone(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		b := newBench(t)
		b.connected()
		b.lived()
		data, err := b.c.home(t.Context())
		b.ok(err)
		chart := data.Chart
		if chart.Total != 18 || chart.Most != 10 || len(chart.Bars) != homeDays {
			t.Fatalf("%d in all, %d at most, %d days", chart.Total, chart.Most, len(chart.Bars))
		}
		today, yesterday := chart.Bars[homeDays-1], chart.Bars[homeDays-2]
		if want := (store.DayCounts{Created: 3, Updated: 4, Deleted: 1}); today.DayCounts != want || yesterday.All() != 10 {
			t.Errorf("today %+v, yesterday %+v", today, yesterday)
		}
		if yesterday.H != barsHigh || yesterday.Y != 0 || today.Y+today.H != barsHigh || today.H != 96 {
			t.Errorf("drawn as %+v and %+v", yesterday, today)
		}
		if last := chart.Last().Format(time.DateOnly); last != time.Now().In(b.hub.plan.Timezone).Format(time.DateOnly) {
			t.Errorf("it ends on %s", last)
		}
	})
}

func TestHomeShowsWhatIsThereAndRunsAll(t *testing.T) {
	t.Parallel()
	b := newLived(t)
	w := b.signed(account.Operator)
	got := w.get("/")
	b.want(got, http.StatusOK, `data-live`, "7 pairs of records", "1 record waits to be written", "3 items wait for a decision", "2 items wait for your decision.",
		"Too many deletes &lt;script&gt;alert(1)&lt;/script&gt;", "confirm them", "Acme CRM", "900 of 1,000 in 24 h", "at this pace used up at", `href="/connections/crm"`, `"/runs/r1"`, "Run all now")
	if strings.Contains(got.Body.String(), script) {
		t.Error("what a vendor says is markup")
	}
	b.to(w.post("/syncs/run"), "/?done=runall")
	b.want(w.get("/?done=runall"), http.StatusOK, "All syncs run as soon as nothing else works.")
	if want := []string{"instep", "asks", "fails", "never", "writes"}; !slices.Equal(b.hub.asked, want) {
		t.Errorf("asked for %v", b.hub.asked)
	}
	lines := b.audited()
	if lines[len(lines)-1] != "operator|sync.run|all syncs||done" {
		t.Errorf("the audit: %v", lines)
	}
	if viewer := b.signed(account.Viewer).get("/").Body.String(); strings.Contains(viewer, "Run all now") {
		t.Error("who may not run is offered to")
	}
}

// What waits to be written is not in step on one page and waiting on another.
func TestEveryPageSaysTheSameOfASync(t *testing.T) {
	t.Parallel()
	b := newLived(t)
	w := b.signed(account.Viewer)
	for sync, state := range map[string]string{"instep": "In step", "asks": "Needs you", "fails": "Failing", "never": "Never ran", "writes": "Waiting"} {
		row := regexp.MustCompile(`(?s)<a href="/syncs/` + sync + `">.*?<span class="badge badge-(?:ok|wait|fail|ask)">` + state + `</span>`)
		for _, path := range []string{"/", "/syncs"} {
			if !row.MatchString(w.get(path).Body.String()) {
				t.Errorf("%s does not say that %s is %q", path, sync, state)
			}
		}
		b.want(w.get("/syncs/"+sync), http.StatusOK, ">"+state+"</span>")
	}
}

// What waits in a sync that was taken out of the configuration is in the queue still, and counted.
func TestWhatWaitsIsCountedAsTheQueueShowsIt(t *testing.T) {
	t.Parallel()
	b := newLived(t)
	p := *b.hub.plan
	p.Syncs = slices.DeleteFunc(slices.Clone(p.Syncs), func(s plan.Sync) bool { return s.Name == "asks" })
	b.hub.plan = &p
	w := b.signed(account.Viewer)
	if queue := w.get("/review").Body.String(); strings.Count(queue, `<a href="/review/`) < 3 {
		t.Fatalf("the queue: %s", queue)
	}
	b.want(w.get("/"), http.StatusOK, `<span class="count">3</span>`, "2 items wait for your decision.")
}

// A page shows with nothing in it, and with everything.
func TestPagesOfConnectionsExecuteEmptyAndFull(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	at := time.Now()
	full := connectionView{Connection: status.Connection{Connection: "crm", System: "acme", Health: status.SignedOut, Account: "1", Checked: &at, Paused: "why",
		Grant:  &status.Grant{Ends: &at, Problem: "ended"},
		Hooks:  &status.Hooks{Heard: &at, Silent: &at, Problem: "no", Accepted: 1},
		Budget: []status.Budget{{Limit: "calls", Units: 10, Spent: 10, Hours: 24, Free: &at, RunsOut: &at}}}, Syncs: []string{"x"}, Asleep: true}
	object := objectLine{Object: people(), Of: store.Object{Connection: "crm", Name: "contacts"}, State: store.ObjectState{Present: 1, Read: at, Total: 3}, Kept: true}
	chart := bars(at, homeDays, map[string]store.DayCounts{at.Format(time.DateOnly): {Created: 1}})
	pages := map[string][]any{
		"home": {homePage{}, homePage{Status: Status{Full: true}, Tiles: homeTiles(nil), Notices: full.notices(at), Connections: []connectionView{full}, Chart: chart,
			Syncs: []syncRow{{State: syncPaused, Status: SyncStatus{Paused: &store.Pause{By: "ann"}}, Sync: plan.Sync{Direction: bothWays}, Stands: status.Sync{Forecast: &at, Started: &at}}}, Runs: []runLine{{State: cutShort}, {State: store.StatusRunning}}}},
		"connections": {connectionsPage{}, connectionsPage{Connections: []connectionView{full}}},
		"connection": {connectionPage{}, connectionPage{View: full, OAuth: true, Agree: "https://acme.example/agree", Back: "x", Hook: "https://h", HookHelp: "h", Notes: []string{"n"}, Abilities: []string{"read"},
			Objects: []objectLine{object, {}}, Facts: []fact{{"a", "b"}}, Identity: connector.Identity{Version: "1", Lacks: []connector.Lack{{What: "read", Object: "o", Why: "w", Remedy: "r"}, {What: "unheard of"}}}}},
		"browse":        {browsePage{}, browsePage{Object: object, Fields: true}, browsePage{Object: object, Query: "q", More: true, Older: "/x", Rows: []browseRow{{ID: "1", Cells: []browseCell{{"a", "b"}}}}}},
		"systems":       {systemsPage{}, systemsPage{Systems: []systemView{{Spec: acme(), Abilities: []string{"read"}, OAuth: true, Key: true, Used: 2, FileMB: 3}}}},
		"newconnection": {newConnectionPage{}, newConnectionPage{Systems: []connector.Spec{acme()}}, newConnectionPage{Form: newSpecForm(acme()), Again: true, Problems: []wrongPart{{"w", "x"}}, YAML: "y", Env: []envLine{{"A", "b"}}, Notes: []string{"n"}, Docs: "d", Title: "t"}},
	}
	for name, all := range pages {
		for i, data := range all {
			for lang, set := range b.c.view.pages {
				var text strings.Builder
				if err := set[name].ExecuteTemplate(&text, "layout.html", page{Lang: lang, Data: data, Who: account.Principal{Person: account.Person{ID: 1, Name: "x"}, Rights: account.Rights()}}); err != nil {
					t.Errorf("%s %d in %s: %v", name, i, lang, err)
				}
				if strings.Contains(text.String(), ">[") {
					t.Errorf("%s %d in %s lacks a text:\n%s", name, i, lang, text.String())
				}
			}
		}
	}
}
