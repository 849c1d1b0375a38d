package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// example is a site with the example as it stands, and its two keys.
func example(t *testing.T, more ...string) *site {
	t.Helper()
	yaml, err := os.ReadFile(filepath.Join("..", "..", "examples", "dolibarr-hubspot.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, strings.NewReplacer(more...).Replace(string(yaml)))
	s.env["DOLIBARR_API_KEY"], s.env["HUBSPOT_ACCESS_TOKEN"] = s.env["ERP_SECRET"], s.env["CRM_SECRET"]
	if code, out := s.run("check", "--create-fields"); code != 0 || strings.Contains(out, "✗") {
		t.Fatalf("check: exit %d\n%s", code, out)
	}
	s.people()
	time.Sleep(10 * time.Second)
	return s
}

// The example works as it stands, with two keys: it is parsed, checked and run on both twins.
func TestTheExampleOfDolibarrAndHubSpot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := example(t)
		s.wellSynced()
		s.arrived()
		s.idle()
		s.edited()
		time.Sleep(10 * time.Second)
		s.wellSynced()
		s.carried()
		s.idle()
	})
}

// With an address that both can reach no edit waits for a schedule.
func TestTheExampleWithWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := example(t, "# public_url: https://tandem.example.com", "public_url: https://hub.test/tandem",
			"access_token: ${HUBSPOT_ACCESS_TOKEN}", "access_token: ${HUBSPOT_ACCESS_TOKEN}\n    client_secret: ${CRM_APP_SECRET}",
			"schedule: 15m", "schedule: 1d", "schedule: 1h", "schedule: 1d")
		s.open()
		s.arrived()
		s.quiet()
		s.edited()
		if got := s.deliver(twin.HookFaults{}); len(got) == 0 || got[0] != http.StatusOK {
			t.Errorf("answered %v", got)
		}
		time.Sleep(15 * time.Second)
		s.carried()
		s.quiet()
	})
}

func (s *site) wellSynced() {
	s.t.Helper()
	if code, out := s.run("sync"); code != 0 {
		_, review := s.run("review")
		s.t.Fatalf("sync: exit %d\n%s\n%s", code, out, review)
	}
}

// idle proves that further runs write nothing (invariant 6).
func (s *site) idle() {
	s.t.Helper()
	before := writes(s.erp) + writes(s.crm)
	for range 2 {
		time.Sleep(10 * time.Minute)
		s.wellSynced()
	}
	if n := writes(s.erp) + writes(s.crm) - before; n != 0 {
		s.t.Errorf("further runs wrote %d times: %v %v", n, lastActs(s.erp, 3), lastActs(s.crm, 3))
	}
	for _, tw := range []twin.Twin{s.erp, s.crm} {
		if u := tw.Kit().Unknowns(); len(u) > 0 {
			s.t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

// people enter one record of each object, some here and some there.
func (s *site) people() {
	s.t.Helper()
	acme := s.put(s.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "acme.gr", "town": "Athens", "client": "1"})
	berg := s.put(s.crm, "companies", "", map[string]string{"name": "Berg", "domain": "berg.example", "lifecyclestage": "lead"})
	s.put(s.crm, "companies", "", map[string]string{"name": "Nobody", "domain": "nobody.example", "lifecyclestage": "subscriber"})
	s.put(s.crm, "contacts", "", map[string]string{"email": "ann@berg.example", "lastname": "Lund", "firstname": "Ann", "lifecyclestage": "lead", "associatedcompanyid": berg})
	s.put(s.erp, "products", "", map[string]string{"ref": "P-1", "label": "Pump", "price": "120", "status": "true"})
	s.put(s.crm, "products", "", map[string]string{"hs_sku": "S-1", "name": "Service", "price": "80", "hs_product_type": "service", "hs_status": "active"})
	s.put(s.crm, "deals", "", map[string]string{"dealname": "Pumps for Berg", "pipeline": "default", "dealstage": "presentationscheduled", "amount": "5000", "associations.companies": berg})
	s.put(s.erp, "projects", "", map[string]string{"ref": "PJ1", "title": "Valves for Acme", "socid": acme, "opp_status": "2", "opp_amount": "900", "status": "1"})
	lines := `[{"desc":"Pump","qty":"2","subprice":"120","tva_tx":"20","product_type":"0"}]`
	quote := s.put(s.erp, "proposals", "", map[string]string{"socid": acme, "date": "2000-01-01", "fin_validite": "2000-02-01", "lines": lines})
	s.put(s.erp, "proposals", quote, map[string]string{"status": "1"})
	bill := s.put(s.erp, "invoices", "", map[string]string{"socid": acme, "date": "2000-01-01", "lines": lines})
	s.put(s.erp, "invoices", bill, map[string]string{"status": "1"})
	s.put(s.erp, "invoices", "", map[string]string{"socid": acme, "date": "2000-01-01", "lines": lines}) // a draft
	s.put(s.erp, "agendaevents", "", map[string]string{"label": "Visit", "type_code": "AC_RDV", "datep": "2000-01-05T09:00:00Z", "datef": "2000-01-05T10:00:00Z", "socid": acme, "location": "Piraeus"})
	s.put(s.crm, "meetings", "", map[string]string{"hs_meeting_title": "Kick-off", "hs_timestamp": "2000-01-06T09:00:00Z", "hs_meeting_start_time": "2000-01-06T09:00:00Z", "hs_meeting_end_time": "2000-01-06T10:00:00Z"})
	s.put(s.crm, "tasks", "", map[string]string{"hs_task_subject": "Send offer", "hs_timestamp": "2000-01-07T09:00:00Z", "hs_task_status": "NOT_STARTED", "associations.companies": berg})
	s.put(s.erp, "agendaevents", "", map[string]string{"label": "Asked back", "type_code": "AC_TEL", "datep": "2000-01-03T09:00:00Z", "socid": acme})
}

// holds wants values of the one record of an object that has a value.
func (s *site) holds(tw twin.Twin, object, key, is string, want map[string]string) {
	s.t.Helper()
	found := 0
	for _, r := range tw.Rows(object) {
		if r.Fields[key] != is {
			continue
		}
		found++
		for name, v := range want {
			if r.Fields[name] != v {
				s.t.Errorf("%s with %s %q has %s %q, want %q", object, key, is, name, r.Fields[name], v)
			}
		}
	}
	if found != 1 {
		s.t.Errorf("%d %s have %s %q: %v", found, object, key, is, tw.Rows(object))
	}
}

// id returns the id of the record that has a value.
func (s *site) id(tw twin.Twin, object, key, is string) string {
	s.t.Helper()
	for _, r := range tw.Rows(object) {
		if r.Fields[key] == is {
			return r.ID
		}
	}
	s.t.Fatalf("no %s has %s %q: %v", object, key, is, tw.Rows(object))
	return ""
}

func (s *site) arrived() {
	s.t.Helper()
	acme, berg := s.id(s.crm, "companies", "name", "Acme"), s.id(s.erp, "thirdparties", "name", "Berg")
	s.holds(s.crm, "companies", "name", "Acme", map[string]string{"domain": "acme.gr", "city": "Athens"})
	s.holds(s.erp, "thirdparties", "name", "Berg", map[string]string{"client": "2"})
	s.holds(s.erp, "thirdparties", "name", "Acme", map[string]string{"client": "1"})
	if n := len(s.erp.Rows("thirdparties")); n != 2 {
		s.t.Errorf("%d third parties: a subscriber is one of them", n)
	}
	s.holds(s.erp, "contacts", "email", "ann@berg.example", map[string]string{"lastname": "Lund", "firstname": "Ann", "socid": berg})
	s.holds(s.crm, "products", "hs_sku", "P-1", map[string]string{"name": "Pump", "price": "120", "hs_status": "active"})
	s.holds(s.erp, "products", "ref", "S-1", map[string]string{"label": "Service", "type": "1", "status": "true"})
	s.holds(s.erp, "projects", "title", "Pumps for Berg", map[string]string{"opp_status": "3", "opp_amount": "5000", "socid": berg, "status": "1"})
	s.holds(s.crm, "deals", "dealname", "Valves for Acme", map[string]string{"dealstage": "qualifiedtobuy", "pipeline": "default", "amount": "900", "associations.companies": acme})
	number := s.erp.Rows("proposals")[0].Fields["ref"]
	s.holds(s.crm, "quotes", "erp_number", number, map[string]string{"hs_title": number, "hs_expiration_date": "2000-02-01", "erp_total": "288", "erp_status": "1", "associations.companies": acme})
	number = s.erp.Rows("invoices")[0].Fields["ref"]
	s.holds(s.crm, "invoices", "erp_number", number, map[string]string{"hs_title": number, "hs_currency": "EUR", "erp_total": "288", "erp_open": "288", "erp_paid": "false", "associations.companies": acme})
	s.holds(s.crm, "meetings", "hs_meeting_title", "Visit", map[string]string{"hs_meeting_location": "Piraeus", "associations.companies": acme})
	s.holds(s.erp, "agendaevents", "label", "Kick-off", map[string]string{"type_code": "AC_RDV"})
	s.holds(s.erp, "agendaevents", "label", "Send offer", map[string]string{"type_code": "AC_OTH", "percentage": "0", "socid": berg})
	s.holds(s.crm, "calls", "hs_call_title", "Asked back", map[string]string{"associations.companies": acme})
}

// edited has people edit one record of each object, on the side where it was not made.
func (s *site) edited() {
	s.t.Helper()
	s.put(s.crm, "companies", s.id(s.crm, "companies", "name", "Acme"), map[string]string{"city": "Patras"})
	s.put(s.crm, "companies", s.id(s.crm, "companies", "name", "Berg"), map[string]string{"lifecyclestage": "customer"})
	s.put(s.erp, "contacts", s.id(s.erp, "contacts", "lastname", "Lund"), map[string]string{"poste": "Director"})
	s.put(s.crm, "products", s.id(s.crm, "products", "hs_sku", "P-1"), map[string]string{"price": "125.5"})
	s.put(s.erp, "products", s.id(s.erp, "products", "ref", "S-1"), map[string]string{"label": "Maintenance"})
	s.put(s.erp, "projects", s.id(s.erp, "projects", "title", "Pumps for Berg"), map[string]string{"opp_status": "6"})
	s.put(s.crm, "deals", s.id(s.crm, "deals", "dealname", "Valves for Acme"), map[string]string{"dealstage": "closedlost", "amount": "950"})
	s.put(s.erp, "proposals", s.erp.Rows("proposals")[0].ID, map[string]string{"status": "2"})
	s.put(s.erp, "invoices", s.erp.Rows("invoices")[0].ID, map[string]string{"status": "2"})
	s.put(s.crm, "meetings", s.id(s.crm, "meetings", "hs_meeting_title", "Visit"), map[string]string{"hs_meeting_location": "Athens"})
	s.put(s.erp, "agendaevents", s.id(s.erp, "agendaevents", "label", "Kick-off"), map[string]string{"label": "Kick-off in spring"})
	s.put(s.erp, "agendaevents", s.id(s.erp, "agendaevents", "label", "Send offer"), map[string]string{"percentage": "100"})
	s.put(s.crm, "calls", s.id(s.crm, "calls", "hs_call_title", "Asked back"), map[string]string{"hs_call_body": "No answer"})
}

func (s *site) carried() {
	s.t.Helper()
	s.holds(s.erp, "thirdparties", "name", "Acme", map[string]string{"town": "Patras"})
	s.holds(s.erp, "thirdparties", "name", "Berg", map[string]string{"client": "1"})
	s.holds(s.crm, "contacts", "lastname", "Lund", map[string]string{"jobtitle": "Director"})
	s.holds(s.erp, "products", "ref", "P-1", map[string]string{"price": "125.5"})
	s.holds(s.crm, "products", "hs_sku", "S-1", map[string]string{"name": "Maintenance"})
	s.holds(s.crm, "deals", "dealname", "Pumps for Berg", map[string]string{"dealstage": "closedwon"})
	s.holds(s.erp, "projects", "title", "Valves for Acme", map[string]string{"opp_status": "7", "opp_amount": "950"})
	s.holds(s.crm, "quotes", "erp_number", s.erp.Rows("proposals")[0].Fields["ref"], map[string]string{"erp_status": "2"})
	s.holds(s.crm, "invoices", "erp_number", s.erp.Rows("invoices")[0].Fields["ref"], map[string]string{"erp_paid": "true"})
	s.holds(s.erp, "agendaevents", "label", "Visit", map[string]string{"location": "Athens"})
	s.holds(s.crm, "meetings", "hs_meeting_title", "Kick-off in spring", nil)
	s.holds(s.crm, "tasks", "hs_task_subject", "Send offer", map[string]string{"hs_task_status": "COMPLETED"})
	s.holds(s.erp, "agendaevents", "label", "Asked back", map[string]string{"note_private": "No answer"})
}
