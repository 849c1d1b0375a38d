package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

// marketingYAML tells Brevo what happens to people in Pipedrive, as the guide shows it.
const marketingYAML = `version: 1
connections:
  crm: { system: pipedrive, url: "http://crm.test", api_token: "${CRM}" }
  mail: { system: brevo, url: "http://mail.test", api_key: "${MAIL}" }
syncs:
  contacts:
    left: crm.persons
    right: mail.contacts
    match: [email]
    direction: left-to-right
    where: { left: "email != ''" }
    fields: [email, first_name, last_name]
    events:
      - { on: persons.created, send: contact_created }
      - { on: persons.updated, send: contact_updated }
      - { on: deals.created, send: deal_created, with: { title: title, value: value } }
      - { on: deals.changed.stage_id, send: deal_stage_changed, with: { from: old.stage_id, to: stage_id } }
      - { on: activities.changed.done, when: "done", send: activity_logged, with: { type: type, subject: subject } }
`

// newMarketing is a Pipedrive, a Brevo and an engine over both.
func newMarketing(t *testing.T) (crm, mail twin.Twin, e *engine.Engine) {
	t.Helper()
	crm, mail = twinOf(t, "pipedrive", twin.Options{}), twinOf(t, "brevo", twin.Options{})
	st, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "tandem.db"), Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	var specs []connector.Spec
	for _, s := range systems.All() {
		specs = append(specs, s.Spec)
	}
	env := func(name string) (string, bool) {
		return map[string]string{"CRM": crm.Settings()["api_token"], "MAIL": mail.Settings()["api_key"]}[name], true
	}
	p, problems := plan.Parse("tandem.yaml", []byte(marketingYAML), env, specs)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	e, err = engine.New(engine.Options{Store: st, Plan: p, Specs: specs, Workers: 1, Transport: func(c plan.Connection) http.RoundTripper {
		if c.Name == "crm" {
			return twin.Transport(crm)
		}
		return twin.Transport(mail)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return crm, mail, e
}

// A brevoEvent is what Brevo was told once.
type brevoEvent struct {
	Contact    int64          `json:"contact_id"`
	Name       string         `json:"event_name"`
	Properties map[string]any `json:"event_properties"`
}

// brevoEvents is all that Brevo was told.
func brevoEvents(t *testing.T, mail twin.Twin) []brevoEvent {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://mail.test/v3/events?limit=10000", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Api-Key", mail.Settings()["api_key"])
	res, err := twin.Transport(mail).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct{ Events []brevoEvent }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d: %v", res.StatusCode, err)
	}
	return answer.Events
}

// toldBrevo is what Brevo was told, sorted.
func toldBrevo(t *testing.T, mail twin.Twin) []string {
	t.Helper()
	var out []string
	for _, e := range brevoEvents(t, mail) {
		if key, is := e.Properties["tandem_key"].(string); !is || !strings.HasPrefix(key, "tandem-") {
			t.Errorf("%s has no key: %v", e.Name, e.Properties)
		}
		delete(e.Properties, "tandem_key")
		var facts []string
		for name, v := range e.Properties {
			facts = append(facts, fmt.Sprint(name, "=", v))
		}
		slices.Sort(facts)
		out = append(out, strings.TrimSpace(e.Name+" "+strings.Join(facts, " ")))
	}
	slices.Sort(out)
	return out
}

// What happens in Pipedrive is an event in Brevo; neither deals nor activities have a sync.
func TestBrevoIsToldOfWhatHappensInPipedrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		crm, mail, e := newMarketing(t)
		put := func(object, id string, fields map[string]string) string {
			t.Helper()
			id, err := crm.Put(object, id, fields)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		sync := func() engine.Report {
			t.Helper()
			reports, err := e.Sync(t.Context(), nil, engine.SyncOptions{})
			if err != nil || reports[0].Status != engine.StatusOK || !reports[0].Reconciled {
				t.Fatalf("%+v, %v", reports, err)
			}
			return reports[0]
		}
		ann := put("persons", "", map[string]string{"name": "Ann Lee", "emails": "ann@example.com"})
		deal := put("deals", "", map[string]string{"title": "Roof", "value": "100", "person_id": ann, "stage_id": "1"})
		call := put("activities", "", map[string]string{"subject": "Ring back", "type": "call", "participants": ann, "done": "false"})
		sync()
		if told := toldBrevo(t, mail); len(told) != 0 {
			t.Errorf("of the first load Brevo was told %q", told)
		}
		time.Sleep(time.Hour)
		put("deals", deal, map[string]string{"stage_id": "2"})
		put("activities", call, map[string]string{"done": "true"})
		bob := put("persons", "", map[string]string{"name": "Bob Ray", "emails": "bob@example.com"})
		put("deals", "", map[string]string{"title": "Door", "value": "20.5", "person_id": bob})
		put("persons", "", map[string]string{"name": "Nobody"}) // without an address: not at Brevo
		rep := sync()
		want := []string{"activity_logged subject=Ring back type=call", "contact_created", "deal_created title=Door value=20.5", "deal_stage_changed from=1 to=2"}
		if told := toldBrevo(t, mail); !slices.Equal(told, want) || rep.Events != len(want) {
			t.Errorf("Brevo was told %q, want %q; the report counts %d", told, want, rep.Events)
		}
		time.Sleep(time.Hour)
		if rep := sync(); rep.Events != 0 {
			t.Errorf("a further run tells %d events", rep.Events)
		}
	})
}
