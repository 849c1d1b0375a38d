package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who wants to be forgotten is told first what there is of them, and is gone then from both systems,
// with a receipt of each, which says that Pipedrive only puts its records away; no sync brings them back, though the deal that names them stays.
func TestR32APersonIsToldOfAndErasedFromPipedriveAndBrevo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		ann := m.person("Ann Berg", "ann@acme.gr")
		m.deal("", ann, "value", "1000", "currency", "EUR", "stage_id", "3")
		m.person("Bob Lund", "bob@acme.gr")
		time.Sleep(10 * time.Second)
		m.wellSynced()
		code, out := m.run("person", "export", "ann@acme.gr")
		for _, want := range []string{"Ann Berg", "pipedrive.persons/" + ann, "Deal of", "LTV"} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("the export (exit %d) does not tell %q:\n%s", code, want, out)
			}
		}
		if strings.Contains(out, "Bob Lund") {
			t.Errorf("the export tells of somebody else:\n%s", out)
		}
		code, out = m.run("person", "erase", "--yes", "ann@acme.gr")
		for _, want := range []string{"brevo.contacts/1  asked: erase  answer: erased for good", "pipedrive.persons/" + ann + "  asked: archive  answer: archived", "by hand: it lies where archived records lie", "pipedrive.deals/1"} {
			if code != 3 || !strings.Contains(out, want) {
				t.Errorf("the receipts (exit %d) do not say %q:\n%s", code, want, out)
			}
		}
		for range 3 {
			time.Sleep(20 * time.Minute)
			m.wellSynced()
		}
		for _, r := range m.pipe.Rows("persons") {
			if strings.Contains(r.Fields["emails"], "ann@") {
				t.Errorf("Pipedrive has her still: %v", r)
			}
		}
		if rows := m.mail.Rows("contacts"); len(rows) != 1 || rows[0].Fields["email"] != "bob@acme.gr" {
			t.Errorf("Brevo has %v", rows)
		}
		if n := len(m.pipe.Rows("deals")); n != 1 {
			t.Errorf("%d deals, and the firm's own was not hers to take along", n)
		}
		m.still()
	})
}
