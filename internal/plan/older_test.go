package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestTheOlderFormatBecomesAFileOfToday(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("testdata", "older", "pipedrive.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out, problems := FromOlder("old.yaml", src)
	text := string(out)
	var parsed map[string]any
	if err := yaml.Unmarshal(out, &parsed); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{
		"url: https://yourcompany.pipedrive.com", "api_token: ${PIPEDRIVE_API_TOKEN}", "left: pipedrive.organizations",
		"- email\n", "- { left: name, right: FULLNAME }", "- { right: COMPANY, from: org_id.name }", `- { right: WON_DEALS, from: 'count(deals, .status == "won")' }`,
		`- { left: name, from: "trim(FIRSTNAME + ' ' + LASTNAME)" }`, "- { left: first_name, right: FIRSTNAME, direction: left-to-right }", "rates: { EUR: 1 }",
		"- { left: 0123456789abcdef0123456789abcdef01234567, right: INDUSTRY }", "# - { left: the key of lead_source, right: LEAD_SOURCE }",
		"to: { 1: 61, 2: 61, 3: 62, 4: 62, won: 63, lost: 64 }", `- { in: 60, when: "true" } # all_contacts`, "# - { in: 65,", "- { in: Nurturing,",
		"- { on: persons.created, send: contact_created }", "- { on: persons.merged, send: contact_merged }", "- { on: activities.created, send: activity_logged }",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	said := fmt.Sprint(problems)
	if strings.Contains(text+said, "s3cr3t") {
		t.Error("invariant 9: the token was copied")
	}
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Line)
	}
	if want := []int{4, 9, 18, 33, 35, 63, 66}; fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("left out at %v, want %v: %s", lines, want, said)
	}
}

// Without stages the names of lists say enough, without a name nobody can be made, and what was
// switched off stays so.
func TestAnOlderFileWithLess(t *testing.T) {
	t.Parallel()
	out, problems := FromOlder("old.yaml", []byte("connectors:\n  pipedrive:\n    sync: { persons: true, leads: false }\n    lists: { customers: 62, churned: 63 }\n    person_mapping: { email: EMAIL }\n"))
	text := string(out)
	if !strings.Contains(text, "to: { won: 62, lost: 63 }") || !strings.Contains(text, "create: right") || !strings.Contains(text, "- email") {
		t.Errorf("%v\n%s", problems, text)
	}
	for _, not := range []string{"organizations", "leads", "deals:", "rates"} {
		if strings.Contains(text, not) {
			t.Errorf("it has %s:\n%s", not, text)
		}
	}
}

func TestWhatIsNotOfTheOlderFormatIsRefused(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "version: 1\nsyncs: {}\n", "a: [", "just text"} {
		if out, problems := FromOlder("old.yaml", []byte(src)); out != nil || len(problems) == 0 {
			t.Errorf("%q: %s, %v", src, out, problems)
		}
	}
}

func FuzzFromOlder(f *testing.F) {
	f.Add("connectors:\n  pipedrive:\n    company_domain: x\nperson_mapping: { email: email }\nwebhooks: [{event_action: added}]\nlists: 3\n")
	f.Fuzz(func(t *testing.T, src string) {
		out, problems := FromOlder("old.yaml", []byte(src))
		if out == nil && len(problems) == 0 {
			t.Error("nothing comes of it, and nothing is said")
		}
		var parsed map[string]any
		if err := yaml.Unmarshal(out, &parsed); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
