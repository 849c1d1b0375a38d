package plan

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
)

var update = flag.Bool("update", false, "write the problems that are found into testdata/mistakes")

// TestMistakes holds the problems of each file against those that it lists.
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d files, err %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, problems := Parse("tandem.yaml", a.Files[0].Data, testEnv, testSpecs())
			if (p == nil) != problems.HasErrors() {
				t.Errorf("plan %v goes with problems %v", p, problems)
			}
			checkQuiet(t, problems.Error())
			got := problems.Error() + "\n"
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Errorf("problems (-want +got), go test -update writes them:\n%s", diff)
			}
		})
	}
}

// checkQuiet fails if a text shows a secret of the environment or of a file (invariant 9).
func checkQuiet(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{erpKey, crmToken, password, "literal-secret", "12345678"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows the secret %q", text, secret)
		}
	}
}

func TestExampleOfDesignParses(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, problems := Parse("conf/tandem.yaml", src, testEnv, testSpecs())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	entry := func(e mapping.Entry, d merge.Direction, line int) Field {
		e.LeftToRight, e.RightToLeft = d != merge.RightToLeft, d != merge.LeftToRight
		return Field{Entry: e, Direction: d, Prefer: merge.Newest, Line: line}
	}
	name := func(s string) mapping.MatchKey {
		return mapping.MatchKey{Parts: []mapping.MatchPart{{Left: s, Right: s}}}
	}
	want := &Plan{
		Version: 1, Timezone: athens, PublicURL: "https://tandem.example.com", Database: "sqlite:conf/tandem.db", KeyFile: "conf/tandem.key", File: "conf/tandem.yaml",
		Retention: Retention{Runs: 90 * day, Reviews: 90 * day, Reserve: 16 << 20}, KeepOverruled: 90 * day, Notify: defaultNotify(), Verify: defaultVerify,
		Connections: []Connection{
			{
				Name: "erp", System: "dolibarr", URL: "https://erp.example.com/api/index.php", Settings: connector.Settings{},
				Secrets: Secrets{"api_key": erpKey}, Refresh: 24 * time.Hour, Sweep: 24 * time.Hour, Mirror: MirrorMapped, Line: 6,
			},
			{
				Name: "crm", System: "hubspot", Settings: connector.Settings{},
				Secrets: Secrets{"access_token": crmToken}, Refresh: 24 * time.Hour, Sweep: 24 * time.Hour, Mirror: MirrorMapped, Line: 10,
			},
		},
		Syncs: []Sync{
			{
				Name: "companies", Ends: [2]Endpoint{{"erp", "thirdparties"}, {"crm", "companies"}}, Direction: merge.Both, Prefer: merge.Newest,
				Match: []mapping.MatchKey{name("vat_id"), name("domain")}, Leave: LeaveKeep, Create: [2]bool{true, true},
				Delete: [2]DeletePolicy{DeleteIgnore, DeleteIgnore}, Merge: MergeAsk, Guard: defaultGuard(), Line: 14,
			},
			{
				Name: "contacts", Ends: [2]Endpoint{{"erp", "contacts"}, {"crm", "contacts"}}, Direction: merge.Both, Prefer: merge.Newest,
				Match: []mapping.MatchKey{name("email")}, Where: [2]string{"email != ''"}, Leave: LeaveKeep, Create: [2]bool{true, true},
				Delete: [2]DeletePolicy{DeleteIgnore, DeleteArchive}, Merge: MergeAsk,
				Fields: []Field{
					entry(mapping.Entry{All: true}, merge.Both, 30),
					entry(mapping.Entry{Left: "note_private", Right: "notes", Index: 1}, merge.LeftToRight, 31),
					entry(mapping.Entry{Left: "array_options.options_segment", Right: "segment", Values: map[string]string{"1": "vip", "2": "trade"}, Index: 2}, merge.Both, 32),
					entry(mapping.Entry{Right: "full_name", From: "firstname + ' ' + lastname", Index: 3}, merge.LeftToRight, 33),
				},
				Schedule: Schedule{Cron: "*/15 * * * *"}, Guard: defaultGuard(), Line: 20,
			},
		},
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a == b || a != nil && b != nil && a.String() == b.String() })
	if diff := cmp.Diff(want, got, sameZone, cmpopts.IgnoreUnexported(Sync{})); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestEverySettingOfAConnectionIsRead(t *testing.T) {
	t.Parallel()
	p := parse(t, `
version: 1
country: gr
database: ${DATABASE_URL}
connections:
  books:
    system: ledger
    tenant: 42
    token: "${PADDED}"
    url: https://${HOST}/$$x/
    timezone: Europe/Berlin
    ca: certs/ca.pem
    client_cert: /etc/tandem/client.pem
    proxy: socks5://me:${PASSWORD}@proxy.example.com:1080
    refresh: 6h
    sweep: off
    mirror: all
`)
	c, ok := p.Connection("books")
	if !ok {
		t.Fatal("no connection")
	}
	want := Connection{
		Name: "books", System: "ledger", URL: "https://erp.example.com/$x", Line: 6,
		Settings: connector.Settings{"tenant": "42", "region": "eu"}, Secrets: Secrets{"token": crmToken},
		Timezone: c.Timezone, CA: "certs/ca.pem", ClientCert: "/etc/tandem/client.pem",
		Proxy: "socks5://me:" + password + "@proxy.example.com:1080", Refresh: 6 * time.Hour, Mirror: MirrorAll,
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(Connection{}, "Timezone")); diff != "" {
		t.Errorf("connection (-want +got):\n%s", diff)
	}
	if c.Timezone.String() != "Europe/Berlin" || p.Country != "GR" || p.Database != "postgres://tandem:"+password+"@db.example.com/tandem" {
		t.Errorf("got zone %v, country %q", c.Timezone, p.Country)
	}
}

func TestRulesOfASyncAreRead(t *testing.T) {
	t.Parallel()
	p := parse(t, head+`syncs:
  a:
    left: crm.things.with.dots
    right: erp.contacts
    direction: right-to-left
    enforce: true
    prefer: left
    match: [email, { left: a, right: b }, [c, { left: d, right: e }]]
    leave: unlink
    delete: archive
    fields:
      - email
      - { left: x, right: y, direction: both }
      - { left: x2, right: y2, direction: left-to-right, prefer: ask }
      - { left: x3, right: y3, enforce: false }
      - { left: z, from: upper(q) }
      - { left: off, right: off, direction: none }
    schedule: 1h30m
    guard: { delete: 5, create: 2.5% }
  b: { left: erp.a, right: crm.b, direction: none, match: email, create: none }
`)
	a, _ := p.Sync("a")
	part := func(l, r string) mapping.MatchPart { return mapping.MatchPart{Left: l, Right: r} }
	wantMatch := []mapping.MatchKey{
		{Parts: []mapping.MatchPart{part("email", "email")}},
		{Parts: []mapping.MatchPart{part("a", "b")}},
		{Parts: []mapping.MatchPart{part("c", "c"), part("d", "e")}},
	}
	if diff := cmp.Diff(wantMatch, a.Match); diff != "" {
		t.Errorf("match (-want +got):\n%s", diff)
	}
	if a.Ends[0] != (Endpoint{"crm", "things.with.dots"}) {
		t.Errorf("an end must split at the first dot, got %v", a.Ends[0])
	}
	if a.Create != [2]bool{true, false} || a.Leave != LeaveUnlink || a.Delete != [2]DeletePolicy{DeleteArchive, DeleteArchive} {
		t.Errorf("create %v, leave %v, delete %v", a.Create, a.Leave, a.Delete)
	}
	if a.Schedule != (Schedule{Every: 90 * time.Minute}) || a.Guard != (Guard{Delete: Amount{Records: 5}, Create: Amount{Percent: 2.5}, Update: Amount{Percent: 50}, Events: Amount{Records: 1000}}) {
		t.Errorf("schedule %v, guard %v", a.Schedule, a.Guard)
	}
	type rule struct {
		Direction merge.Direction
		Prefer    merge.Prefer
		Enforce   bool
	}
	var rules []rule
	for i, f := range a.Fields {
		if f.Index != i || f.LeftToRight != (f.Direction == merge.Both || f.Direction == merge.LeftToRight) {
			t.Errorf("field %d: %+v", i, f)
		}
		rules = append(rules, rule{f.Direction, f.Prefer, f.Enforce})
	}
	wantRules := []rule{
		{merge.RightToLeft, merge.Left, true}, {merge.Both, merge.Left, false}, {merge.LeftToRight, merge.Ask, true},
		{merge.RightToLeft, merge.Left, false}, {merge.RightToLeft, merge.Left, true}, {merge.None, merge.Left, false},
	}
	if diff := cmp.Diff(wantRules, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	b, _ := p.Sync("b")
	if b.Create != [2]bool{} || len(b.Match) != 1 || b.Fields != nil || b.Schedule != (Schedule{}) {
		t.Errorf("sync b: %+v", b)
	}
}

func TestOddButValidFilesAreRead(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"byte order mark":    "\ufeff" + head,
		"windows lines":      strings.ReplaceAll(head, "\n", "\r\n"),
		"one document mark":  "---\n" + head,
		"document end":       head + "...\n",
		"no syncs yet":       head + "syncs:\n",
		"comments all over":  "# a\n" + head + "# b\n",
		"quoted everything":  strings.ReplaceAll(head, "hubspot", `"hubspot"`),
		"variable in braces": "version: 1\nconnections: { crm: { system: hubspot, access_token: \"${HUBSPOT_TOKEN}\" } }\n",
		"loopback twin":      strings.ReplaceAll(head, "https://erp.example.com", "http://127.0.0.1:8421"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, problems := Parse("tandem.yaml", []byte(src), testEnv, testSpecs()); len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}

func TestLinesAreRightInWindowsFiles(t *testing.T) {
	t.Parallel()
	src := strings.ReplaceAll(head+"oops: 1\n", "\n", "\r\n")
	_, problems := Parse("tandem.yaml", []byte(src), testEnv, testSpecs())
	if len(problems) != 1 || problems[0].Line != 10 || problems[0].Column != 1 {
		t.Error(problems)
	}
}

func TestNoUTF8IsReportedWithItsLine(t *testing.T) {
	t.Parallel()
	_, problems := Parse("tandem.yaml", []byte(head+"x: \xff\n"), testEnv, testSpecs())
	if len(problems) != 1 || problems[0].Line != 10 {
		t.Error(problems)
	}
}

func TestAmountIsNeverBelowTenRecords(t *testing.T) {
	t.Parallel() // R30
	for _, c := range []struct {
		a            Amount
		linked, want int
	}{
		{Amount{Percent: 10}, 0, 10}, {Amount{Percent: 10}, 100, 10}, {Amount{Percent: 10}, 1000, 100},
		{Amount{Percent: 0.5}, 10_000, 50}, {Amount{Records: 3}, 1000, 3}, {Amount{}, 1000, 0},
	} {
		if got := c.a.Limit(c.linked); got != c.want {
			t.Errorf("%+v of %d: got %d, want %d", c.a, c.linked, got, c.want)
		}
	}
}

func TestNearestForgivesSlips(t *testing.T) {
	t.Parallel()
	words := []string{"left", "right", "direction", "prefer", "match"}
	for word, want := range map[string]string{
		"prefr": "prefer", "rihgt": "right", "Direction": "direction", "derection": "direction", "colour": "", "": "", "x": "",
	} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
