package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/systems/pipedrive/pipedrivetwin"
	"github.com/tandemhub/tandem/twin"
)

// A market is a site whose vendors are a Pipedrive and a Brevo.
type market struct {
	*site
	pipe *pipedrivetwin.Company
	mail *brevotwin.Account
}

func newMarket(t *testing.T, yaml string) *market {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), log: &buffer{}}
	m := &market{
		site: s,
		pipe: must[*pipedrivetwin.Company](t, twinOf(t, "pipedrive", twin.Options{})),
		mail: must[*brevotwin.Account](t, twinOf(t, "brevo", twin.Options{})),
	}
	s.at = map[string]twin.Twin{"pipedrive": m.pipe, "brevo": m.mail}
	s.env = map[string]string{"PIPEDRIVE_API_TOKEN": m.pipe.Settings()["api_token"], "BREVO_API_KEY": m.mail.Settings()["api_key"]}
	s.configure(yaml)
	t.Cleanup(s.close)
	return m
}

// recipe is the example as it stands, with some of its text replaced.
func recipe(t *testing.T, more ...string) string {
	t.Helper()
	yaml, err := os.ReadFile(filepath.Join("..", "..", "examples", "pipedrive-brevo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(more); i += 2 {
		if !strings.Contains(string(yaml), more[i]) {
			t.Fatalf("the example does not say %q", more[i])
		}
	}
	return strings.NewReplacer(more...).Replace(string(yaml))
}

// ready is a market with the example, whose attributes and lists have been made.
func ready(t *testing.T, more ...string) *market {
	t.Helper()
	m := newMarket(t, recipe(t, more...))
	m.made()
	return m
}

func (m *market) made() {
	m.t.Helper()
	if code, out := m.run("check", "--create-fields"); code != 0 || strings.Contains(out, "✗") {
		m.t.Fatalf("check: exit %d\n%s", code, out)
	}
}

// person enters a person with an address, and returns its id.
func (m *market) person(name, email string) string {
	m.t.Helper()
	return m.put(m.pipe, "persons", "", map[string]string{"name": name, "emails": email})
}

// deal enters a deal of a person, or changes one.
func (m *market) deal(id, person string, fields ...string) string {
	m.t.Helper()
	values := map[string]string{}
	if id == "" {
		values = map[string]string{"title": "Deal of " + person, "person_id": person}
	}
	for i := 0; i < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	return m.put(m.pipe, "deals", id, values)
}

// on returns the names of the lists on which a contact is.
func (m *market) on(email string) string {
	m.t.Helper()
	names := map[string]string{}
	for _, l := range m.mail.Rows("lists") {
		names[l.ID] = l.Fields["name"]
	}
	var on []string
	for id := range strings.SplitSeq(m.value(m.mail, "contacts", "email", email, "listIds"), ",") {
		if id != "" {
			on = append(on, names[id])
		}
	}
	slices.Sort(on)
	return strings.Join(on, ", ")
}

// still proves that nothing more is written (invariant 6), and that nothing was asked that the
// vendors do not know.
func (m *market) still() {
	m.t.Helper()
	before := writes(m.pipe) + writes(m.mail)
	for range 2 {
		time.Sleep(20 * time.Minute)
		m.wellSynced()
	}
	if n := writes(m.pipe) + writes(m.mail) - before; n != 0 {
		m.t.Errorf("further runs wrote %d times: %v %v", n, lastActs(m.pipe, 3), lastActs(m.mail, 3))
	}
	m.known()
}

func (m *market) known() {
	m.t.Helper()
	for _, tw := range m.at {
		if u := tw.Kit().Unknowns(); len(u) > 0 {
			m.t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

// The example works as it stands, with two keys: what Brevo lacks is made, and people, what
// their deals came to, their lists and their companies are at both sides.
func TestTheExampleOfPipedriveAndBrevo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		acme := m.put(m.pipe, "organizations", "", map[string]string{"name": "Acme"})
		ann := m.put(m.pipe, "persons", "", map[string]string{"name": "Ann Berg", "emails": "ann@acme.gr", "phones": "+306912345678", "org_id": acme})
		m.deal("", ann, "value", "1000", "currency", "USD", "status", "won", "stage_id", "4")
		m.deal("", ann, "value", "80.5", "currency", "EUR", "status", "won", "stage_id", "1")
		m.deal("", ann, "value", "5", "currency", "EUR", "status", "lost", "stage_id", "2")
		m.deal("", ann, "value", "70", "currency", "EUR", "stage_id", "3")
		m.person("Nobody", "")
		m.put(m.mail, "contacts", "", map[string]string{"email": "carl@form.gr", "FIRSTNAME": "Carl", "LASTNAME": "Lund"})
		time.Sleep(10 * time.Second)
		m.wellSynced()
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{
			"FULLNAME": "Ann Berg", "FIRSTNAME": "Ann", "LASTNAME": "Berg", "SMS": "306912345678", "COMPANY": "Acme",
			"WON_DEALS": "2", "LOST_DEALS": "1", "OPEN_DEALS": "1", "CLOSED_DEALS": "3", "LTV": "1000.5",
		})
		if got := m.on("ann@acme.gr"); got != "All contacts, In negotiation" {
			t.Errorf("Ann is on %s", got)
		}
		m.holds(m.pipe, "persons", "name", "Carl Lund", map[string]string{"emails": "carl@form.gr"})
		m.holds(m.mail, "contacts", "email", "carl@form.gr", map[string]string{"FULLNAME": "Carl Lund", "WON_DEALS": "0", "LTV": "0"})
		m.holds(m.mail, "companies", "name", "Acme", nil)
		if n := len(m.mail.Rows("contacts")); n != 2 {
			t.Errorf("%d contacts: who has no e-mail address is one of them", n)
		}
		m.still()
	})
}
