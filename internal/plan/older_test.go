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
		"- { left: name, right: FULLNAME }", "- { right: COMPANY, from: 'org_id.name' }", `- { right: WON_DEALS, from: 'count(deals, .status == "won")' }`,
		"- { left: custom_fields.lead_source, right: LEAD_SOURCE }", "to: { 1: 61, won: 63 }", "# all_contacts", "on: persons.added, send: contact_created",
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
	if want := []int{4, 10, 12, 20, 22, 25, 29}; fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("left out at %v, want %v: %s", lines, want, said)
	}
	if strings.Contains(text, "pipedrive.leads") {
		t.Error("leads were switched off")
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
