package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// salesYAML is what the tests of papers and stages share; they put their sync behind it.
const salesYAML = `version: 1
timezone: Europe/Athens
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: hubspot
    access_token: ${CRM_SECRET}
syncs:
`

// review returns what waits for a person.
func (s *site) review() string {
	s.t.Helper()
	_, out := s.run("review", "-o", "json")
	return out
}

// A stage that the other side does not know is no guess: the deal goes without one (R29), people
// read which stage it is and what there is, and it is carried once the stage is named.
func TestAStageThatTheOtherSideDoesNotKnowWaitsForItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const stages = salesYAML + `  deals:
    left: erp.projects
    right: crm.deals
    match: [name]
    fields:
      - { left: title, right: dealname }
      - { left: opp_status, right: dealstage, values: { "1": appointmentscheduled, "6": closedwon, "7": closedlost } }
`
		s := newSite(t, stages)
		s.put(s.crm, "deals", "", map[string]string{"dealname": "Pumps", "pipeline": "default", "dealstage": "presentationscheduled"})
		s.put(s.crm, "deals", "", map[string]string{"dealname": "Valves", "pipeline": "default", "dealstage": "closedwon"})
		time.Sleep(10 * time.Second)
		if code, out := s.run("sync"); code != 3 {
			t.Errorf("exit %d\n%s", code, out)
		}
		s.holds(s.erp, "projects", "title", "Valves", map[string]string{"opp_status": "6"})
		s.holds(s.erp, "projects", "title", "Pumps", map[string]string{"opp_status": ""}) // R29: the rest arrives
		text := s.review()
		for _, want := range []string{"presentationscheduled", "Presentation", "3 (Proposal)", "under values"} {
			if !strings.Contains(text, want) {
				t.Errorf("the review does not name %q:\n%s", want, text)
			}
		}
		s.configure(strings.Replace(stages, `"6"`, `"3": presentationscheduled, "6"`, 1))
		time.Sleep(time.Hour)
		if code, out := s.run("sync"); code != 0 {
			t.Errorf("exit %d\n%s\n%s", code, out, s.review())
		}
		s.holds(s.erp, "projects", "title", "Pumps", map[string]string{"opp_status": "3"})
		s.idle()
	})
}

// An order that is canceled cannot become anything else through Dolibarr's API: the wish is
// shown with what can be done, it is not repeated, and the other fields go on.
func TestAnOrderInAStateThatCannotBeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, salesYAML+`  orders:
    left: erp.orders
    right: crm.deals
    match: [{ left: ref, right: order_number }]
    where: { left: "status != '0'" }
    create: right
    fields:
      - { left: ref, right: order_number, direction: left-to-right }
      - { left: ref_client, right: dealname }
      - { left: status, right: order_status }
      - { right: dealstage, from: "'appointmentscheduled'" }
      - { right: pipeline, from: "'default'" }
`)
		acme := s.put(s.erp, "thirdparties", "", map[string]string{"name": "Acme"})
		order := s.put(s.erp, "orders", "", map[string]string{
			"socid": acme, "date": "2000-01-01", "ref_client": "Pumps", "lines": `[{"desc":"Pump","qty":"1","subprice":"120","tva_tx":"20","product_type":"0"}]`,
		})
		s.put(s.erp, "orders", order, map[string]string{"status": "1"})
		time.Sleep(10 * time.Second)
		if code, out := s.run("check", "--create-fields"); code != 0 {
			t.Fatalf("check: exit %d\n%s", code, out)
		}
		s.wellSynced()
		deal := s.id(s.crm, "deals", "dealname", "Pumps")
		s.put(s.crm, "deals", deal, map[string]string{"order_status": "3"})
		time.Sleep(10 * time.Minute)
		s.wellSynced()
		s.holds(s.erp, "orders", "ref_client", "Pumps", map[string]string{"status": "3"})
		s.put(s.crm, "deals", deal, map[string]string{"order_status": "-1", "dealname": "Pumps and hoses"})
		time.Sleep(10 * time.Minute)
		if code, out := s.run("sync"); code != 3 {
			t.Errorf("exit %d\n%s", code, out)
		}
		text := s.review()
		for _, want := range []string{"it cannot become canceled while it is delivered", "change the status in Dolibarr"} {
			if !strings.Contains(text, want) {
				t.Errorf("the review does not say %q:\n%s", want, text)
			}
		}
		s.holds(s.erp, "orders", "ref", s.erp.Rows("orders")[0].Fields["ref"], map[string]string{"status": "3"})
		before := writes(s.erp) + writes(s.crm)
		for range 3 {
			time.Sleep(time.Hour)
			s.run("sync")
		}
		if n := writes(s.erp) + writes(s.crm) - before; n > 0 {
			t.Errorf("it was tried again with %d writes: %v", n, lastActs(s.erp, 3))
		}
		s.put(s.crm, "deals", deal, map[string]string{"order_status": "3"}) // the person gives in
		time.Sleep(10 * time.Minute)
		s.wellSynced()
		s.holds(s.erp, "orders", "ref_client", "Pumps and hoses", map[string]string{"status": "3"})
		s.idle()
	})
}

// HubSpot counts the probability of a deal from 0 to 1, Dolibarr from 0 to 100.
func TestTheProbabilityOfADealIsTheSameAtBoth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, salesYAML+`  deals:
    left: erp.projects
    right: crm.deals
    match: [name]
    fields:
      - { left: title, right: dealname }
      - { left: opp_percent, right: hs_deal_stage_probability, direction: right-to-left }
      - { right: dealstage, from: "'appointmentscheduled'" }
`)
		for name, stage := range map[string]string{"Pumps": "appointmentscheduled", "Valves": "closedwon", "Hoses": "closedlost"} {
			s.put(s.crm, "deals", "", map[string]string{"dealname": name, "pipeline": "default", "dealstage": stage})
		}
		time.Sleep(10 * time.Second)
		s.wellSynced()
		for name, percent := range map[string]string{"Pumps": "20", "Valves": "100", "Hoses": "0"} {
			s.holds(s.erp, "projects", "title", name, map[string]string{"opp_percent": percent})
		}
		s.idle()
	})
}
