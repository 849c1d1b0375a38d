package mapping_test

import (
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// consentInput maps one field of a CRM onto the consent of a newsletter.
func consentInput(left record.Field, e mapping.Entry) mapping.Input {
	left.Name = "wants"
	return mapping.Input{
		Left:    record.Object{Name: "people", Fields: []record.Field{left}},
		Right:   record.Object{Name: "contacts", Fields: []record.Field{{Name: "mail", Kind: record.KindConsent, Firsthand: true}}},
		Entries: []mapping.Entry{e},
	}
}

func TestR32AConsentIsToldBothWaysAndOnlyByWordsThatSaySo(t *testing.T) {
	t.Parallel()
	words := map[string]string{"true": record.Granted, "false": record.Denied}
	toRight := mapping.Entry{Left: "wants", Right: "mail", LeftToRight: true}
	worded := toRight
	worded.Values = words
	wrong := toRight
	wrong.Values = map[string]string{"true": "yes"}
	never := worded
	never.LeftToRight = false
	for _, row := range []struct {
		name    string
		left    record.Field
		entry   mapping.Entry
		problem string
		back    bool
	}{
		{"a consent as it is", record.Field{Kind: record.KindConsent}, toRight, "", true},
		{"a consent that cannot be written", record.Field{Kind: record.KindConsent, ReadOnly: true}, toRight, "", false},
		{"a bool by values", record.Field{Kind: record.KindBool}, worded, "", true},
		{"a bool without values", record.Field{Kind: record.KindBool}, toRight, "without values", false},
		{"a text", record.Field{Kind: record.KindText}, toRight, "without values", false},
		{"words that no consent has", record.Field{Kind: record.KindBool}, wrong, "neither denied nor granted", false},
		{"nothing is told at all", record.Field{Kind: record.KindBool}, never, "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m, problems := mapping.Compile(consentInput(row.left, row.entry))
			var texts []string
			for _, p := range problems {
				if !p.Warning {
					texts = append(texts, p.Text)
				}
			}
			if all := strings.Join(texts, "; "); (row.problem == "") != (all == "") || !strings.Contains(all, row.problem) {
				t.Fatalf("problems %q, want %q", all, row.problem)
			}
			if row.problem != "" {
				return
			}
			if f := m.Fields()[0]; !f.Consent || f.ToLeft != row.back || f.ToRight != row.entry.LeftToRight {
				t.Errorf("consent %t, to left %t, to right %t", f.Consent, f.ToLeft, f.ToRight)
			}
		})
	}
}
