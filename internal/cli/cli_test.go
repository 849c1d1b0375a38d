package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// acme is a system that answers nobody: enough for all that comes before the network.
func acme() []connector.System {
	return []connector.System{{Spec: connector.Spec{
		Name: "acme", Title: "Acme", BaseURL: "https://acme.invalid",
		Auth: []connector.Auth{{Setting: "api_key", Header: "X-Key", Help: "Settings, API."}},
		Open: func(connector.Env) (connector.Connection, error) { return deaf{}, nil },
	}}}
}

type deaf struct{}

func (deaf) Check(context.Context) (connector.Identity, error) {
	return connector.Identity{}, &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("nobody answers")}
}

const acmePlan = `version: 1
connections:
  one:
    system: acme
    api_key: ${ACME_KEY}
  two:
    system: acme
    api_key: ${ACME_KEY}
syncs:
  things:
    left: one.things
    right: two.things
    schedule: 15m
`

// command runs one command line in a folder and returns what it said.
func command(t *testing.T, dir string, env map[string]string, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	s := Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	args = append([]string{"-c", filepath.Join(dir, "tandem.yaml")}, args...)
	code = Run(t.Context(), args, s, acme())
	return code, stdout.String(), stderr.String()
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUsageErrorsAreTwo(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	for _, tc := range []struct{ args, says string }{
		{"frobnicate", "tandem --help"},
		{"sync --sweeep", "tandem sync --help"},
		{"sync thngs", `there is no sync "thngs"; there are: things`},
		{"plan thngs", `there is no sync "thngs"`},
		{"check three", `there is no connection "three"; there are: one, two`},
		{"fields three", `there is no connection "three"`},
		{"twin pipedrive", `there is no system "pipedrive"; there are: acme`},
		{"history --limit 0", "--limit"},
		{"history one.invoices/7", "one.things, two.things"},
		{"init", "exists already"},
		{"review show 12", "there is no review item 12"},
		{"-o xml status", "--output"},
	} {
		code, out, stderr := command(t, dir, nil, strings.Fields(tc.args)...)
		if code != exitUsage || !strings.Contains(stderr, tc.says) || out != "" {
			t.Errorf("tandem %s: exit %d, out %q, err %q", tc.args, code, out, stderr)
		}
	}
}

func TestHelpAndVersionAreFine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"sync", "--help"}, {"version"}, {"version", "-o", "json"}, {"schema"}} {
		if code, out, stderr := command(t, t.TempDir(), nil, args...); code != exitOK || out == "" || stderr != "" {
			t.Errorf("tandem %v: exit %d, out %q, err %q", args, code, out, stderr)
		}
	}
}

func TestEnvironmentWinsOverDotEnv(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "# a comment\nACME_KEY=from-file\nOTHER=x\n"})
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{{nil, "from-file"}, {map[string]string{"ACME_KEY": "from-env"}, "from-env"}} {
		a := &app{config: filepath.Join(dir, "tandem.yaml"), systems: acme(), Streams: Streams{
			Err: &bytes.Buffer{}, Env: func(n string) (string, bool) { v, ok := tc.env[n]; return v, ok },
		}}
		p, err := a.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Connections[0].Secrets["api_key"]; got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
		if want := "sqlite:" + filepath.Join(dir, "tandem.db"); p.Database != want {
			t.Errorf("database %q, want %q: beside the file", p.Database, want)
		}
	}
}

func TestConfigurationErrorsAreTwoAndHoldNoSecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		says  []string
	}{
		"no file":       {nil, []string{"there is no", "tandem init"}},
		"not set":       {map[string]string{"tandem.yaml": acmePlan}, []string{"tandem.yaml:5", "ACME_KEY"}},
		"unknown key":   {map[string]string{"tandem.yaml": acmePlan + "    prefr: left\n", ".env": "ACME_KEY=sesame"}, []string{"tandem.yaml:14", `did you mean "prefer"?`}},
		"broken .env":   {map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY \"sesame\n"}, []string{".env cannot be read"}},
		"postgres":      {map[string]string{"tandem.yaml": acmePlan + "database: postgres://tandem@db.invalid/x\n", ".env": "ACME_KEY=sesame"}, []string{"PostgreSQL is not supported yet"}},
		"no such sync":  {map[string]string{"tandem.yaml": "version: 1\nsync: {}\n"}, []string{`unknown key "sync"`}},
		"no such thing": {map[string]string{"tandem.yaml": "version: 7\n"}, []string{"version"}},
	} {
		code, out, stderr := command(t, folder(t, tc.files), nil, "status")
		if code != exitUsage || out != "" {
			t.Errorf("%s: exit %d, out %q, err %q", name, code, out, stderr)
		}
		for _, want := range tc.says {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q lacks %q", name, stderr, want)
			}
		}
		if strings.Contains(stderr, "sesame") {
			t.Errorf("%s: %q holds the secret (invariant 9)", name, stderr)
		}
	}
}

func TestStatusBeforeAnythingHappened(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	code, out, stderr := command(t, dir, nil, "status")
	if code != exitOK || stderr != "" || !strings.Contains(out, "never") {
		t.Errorf("exit %d, out %q, err %q", code, out, stderr)
	}
	if exists(filepath.Join(dir, "tandem.db")) {
		t.Error("a look at the status made a database")
	}
}

func TestStatusTellsARunFromOneThatWasKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	own := func() *store.Store {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(dir, "tandem.db"), Exclusive: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	says := func(want string) {
		t.Helper()
		if code, out, stderr := command(t, dir, nil, "status", "-o", "json"); code != exitOK || !strings.Contains(out, `"status":"`+want+`"`) {
			t.Errorf("exit %d, out %q, err %q; want %s", code, out, stderr, want)
		}
	}
	s := own()
	if err := s.StartRun(t.Context(), store.Run{ID: s.NewID(), Sync: "things", Started: time.Now()}); err != nil {
		t.Fatal(err)
	}
	says("running")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	says("cut short")
	s = own() // the next owner, before it has run anything
	if _, err := s.CutShort(t.Context()); err != nil {
		t.Fatal(err)
	}
	says("cut short")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Whatever comes to own the database says so by itself.
	if code, _, _ := command(t, dir, nil, "sync", "-q"); code != exitFailed {
		t.Errorf("sync: exit %d", code)
	}
	says("failed")
}

// A sync that cannot even begin is told for each sync all the same, so that a program
// that reads the lines misses none.
func TestSyncReportsEachSyncWhateverHappens(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"tandem.yaml": acmePlan, ".env": "ACME_KEY=k"})
	owner, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(dir, "tandem.db"), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := owner.Close(); err != nil {
			t.Error(err)
		}
	}()
	code, out, stderr := command(t, dir, nil, "sync", "-o", "json")
	if code != exitFailed || !strings.Contains(stderr, "the database is in use") {
		t.Errorf("exit %d, err %q", code, stderr)
	}
	if !strings.HasPrefix(out, `{"sync":"things","run":"","status":"failed",`) || strings.Count(out, "\n") != 1 {
		t.Errorf("out %q", out)
	}
}

func TestWorstOfSeveralReportsDecides(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reports []engine.Report
		want    int
	}{
		{nil, exitOK},
		{[]engine.Report{{Status: engine.StatusOK}}, exitOK},
		{[]engine.Report{{Status: engine.StatusOK}, {Status: engine.StatusReview}}, exitReview},
		{[]engine.Report{{Status: engine.StatusBlocked}, {Status: engine.StatusOK}}, exitReview},
		{[]engine.Report{{Status: engine.StatusReview}, {Status: engine.StatusFailed}, {Status: engine.StatusOK}}, exitFailed},
	} {
		if got := worst(tc.reports); got != tc.want {
			t.Errorf("%+v: %d, want %d", tc.reports, got, tc.want)
		}
	}
}

func TestExitCodeOfErrors(t *testing.T) {
	t.Parallel()
	for want, err := range map[int]error{
		exitOK:     nil,
		exitFailed: errors.New("x"),
		exitUsage:  fmt.Errorf("prepare: %w", plan.Problems{{Text: "x"}}),
		exitReview: exit(exitReview),
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if got := exitCode(fmt.Errorf("x: %w", &engine.NoSyncError{Name: "x"})); got != exitUsage {
		t.Errorf("no such sync: %d", got)
	}
}

func TestReportForPeople(t *testing.T) {
	t.Parallel()
	s := plan.Sync{Name: "contacts", Ends: [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}}
	until := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	r := engine.Report{
		Sync: "contacts", Status: engine.StatusReview, DurationMS: 2345, Linked: 480, Unchanged: 4, Conflicts: 1, Review: 2, Waiting: 3, Until: &until,
		Left: store.Counts{Read: 1204, Calls: 5}, Right: store.Counts{Read: 7, Created: 1000, Updated: 3, Calls: 12},
		Gaps: []string{"2 records of erp.contacts stand nowhere"},
	}
	want := `contacts: done, and something waits in 2.3s
                 read  created  updated  deleted  calls
  erp.contacts  1,204        0        0        0      5
  crm.contacts      7    1,000        3        0     12
  480 linked, 4 looked at and left as they are, 1 conflict
  2 items wait for you: tandem review list
  3 operations wait until 2026-11-23 01:00:00
  2 records of erp.contacts stand nowhere
`
	if diff := cmp.Diff(want, reportText(s, r, time.FixedZone("", 2*60*60))); diff != "" {
		t.Error(diff)
	}
	failed := engine.Report{Sync: "contacts", Status: engine.StatusFailed, Error: "the database is in use"}
	if diff := cmp.Diff("contacts: failed in 0s\n  the database is in use\n", reportText(s, failed, nil)); diff != "" {
		t.Errorf("what never began: %s", diff)
	}
}

func TestReviewItemSaysWhatCanBeChosen(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Syncs: []plan.Sync{{Name: "contacts", Ends: [2]plan.Endpoint{{Connection: "erp", Object: "contacts"}, {Connection: "crm", Object: "contacts"}}}}}
	it := store.Review{
		ID: 7, Sync: "contacts", Kind: store.ReviewConflict, Record: "12", Text: "both sides changed phone", Field: "phone",
		Values: [2]record.Value{record.Text("1"), {}}, Choices: []string{"left", "right"}, Fix: "choose a side",
	}
	want := `7: conflict in contacts, since never
  record   erp.contacts/12
  both sides changed phone
  left   erp.contacts  1
  right  crm.contacts  (empty)
  what to do: choose a side
  choices: left, right
  tandem review decide 7 left
  tandem review edit 7 FIELD=VALUE enters the right value
`
	if diff := cmp.Diff(want, reviewText(p, it)); diff != "" {
		t.Error(diff)
	}
	it.Kind = store.ReviewParked
	for key, want := range map[string]string{"name=name": "  field    name\n", "mobile=phone": "  field    mobile (phone in crm)\n"} {
		it.Field = key
		if got := reviewText(p, it); !strings.Contains(got, want) {
			t.Errorf("the field is called something else than %q:\n%s", want, got)
		}
		if got := groupsText(p, engine.GroupsOf([]store.Review{it})); strings.Contains(got, "=") {
			t.Errorf("a key is shown:\n%s", got)
		}
	}
	it.Kind = store.ReviewConflict
	if _, ok := engine.Approval(it); ok {
		t.Error("a conflict has no yes")
	}
	for _, yes := range []store.Review{
		{Kind: store.ReviewGuard, Choices: []string{"approve", "dismiss"}},
		{Kind: store.ReviewDelete, Choices: []string{"delete", "unlink"}},
	} {
		if choice, ok := engine.Approval(yes); !ok || choice != yes.Choices[0] {
			t.Errorf("%v: %q %v", yes.Kind, choice, ok)
		}
	}
}

// The simulation of a system is told by what a person can paste.
func TestTwinTextKeepsSecretsOutOfTheFile(t *testing.T) {
	t.Parallel()
	text := twinText(acme()[0].Spec, twinLine{
		System: "acme", URL: "http://127.0.0.1:1", Settings: map[string]string{"api_key": "k-1", "tier": "small"}, Rows: map[string]int{"things": 1200, "nothings": 0},
	})
	for _, want := range []string{"    api_key: ${ACME_API_KEY}\n", "\nACME_API_KEY=k-1\n", "    tier: small\n", "It holds 1,200 things."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

func TestInventedRecordsAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	o := record.Object{Name: "people", Fields: []record.Field{
		{Name: "mail", Common: "email", Kind: record.KindEmail}, {Name: "vorname", Common: "first_name"},
		{Name: "firma", Common: "company", Kind: record.KindReference, To: "firms"}, {Name: "city", Common: "city", ReadOnly: true},
	}}
	want := map[string]string{"mail": "person-5@company-2.example", "vorname": "Matthias", "firma": "f2"}
	for range 2 {
		if diff := cmp.Diff(want, inventedPerson(4).fields(o, []string{"f1", "f2"})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCheckSaysTheAccountOnce(t *testing.T) {
	t.Parallel()
	for want, id := range map[string]connector.Identity{
		"✓ crm: Acme, account Ann's Office (4711)\n": {Name: "Ann's Office", Account: "4711"},
		"✓ crm: Acme, Acme account 4711\n":           {Name: "Acme account 4711", Account: "4711"},
		"✓ crm: Acme, account 4711\n":                {Account: "4711"},
		"✓ crm: Acme\n":                              {},
	} {
		line := checkedLine{Checked: jsonl.Checked{Connection: "crm", OK: true, Name: id.Name, Account: id.Account}, title: "Acme"}
		if got := line.text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
