package cli

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/twin"
)

const visitYAML = `version: 1
timezone: UTC
public_url: https://hub.test/tandem
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  s: { system: toyhost, password: "${PASSWORD}" }
syncs:
  items:
    left: a.labels
    right: s.items
    match: [code]
    prefer: left
    schedule: 6h
    fields: [name, code, weight]
`

// newVisited makes a station whose second vendor is a stock book that visits.
func newVisited(t *testing.T) (*station, *toy.HostTwin) {
	t.Helper()
	s := newStation(t, visitYAML)
	host, ok := toy.NewHost(twin.Options{}).(*toy.HostTwin)
	if !ok {
		t.Fatal("toy.NewHost makes no *toy.HostTwin")
	}
	s.app.systems = append(s.app.systems, connector.System{Spec: toy.HostSpec(), Twin: toy.NewHost})
	s.app.Env = func(name string) (string, bool) {
		value := map[string]string{"PASSWORD": host.Settings()["password"], "KEY": s.a.Settings()["api_key"]}[name]
		return value, value != ""
	}
	return s, host
}

func (s *station) visit(host *toy.HostTwin, f twin.VisitFaults) []int {
	s.t.Helper()
	d, _, err := s.session.store.Door(s.t.Context(), "s")
	if err != nil {
		s.t.Fatal(err)
	}
	statuses, err := host.Visit(s.t.Context(), s.proxy(), "https://hub.test/tandem/hooks/s/"+d.Key, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return statuses
}

// status is what tandem status says while the server runs.
func (s *station) status() string {
	s.t.Helper()
	p, err := s.app.load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	lines, err := status.Connections(s.t.Context(), p, s.session.store)
	if err != nil {
		s.t.Fatal(err)
	}
	return statusText(p, nil, lines)
}

func named(t *testing.T, tw twin.Twin, code string) string {
	t.Helper()
	object := "items"
	if slices.Contains(tw.Objects(), "labels") {
		object = "labels"
	}
	for _, r := range tw.Rows(object) {
		if r.Fields["code"] == code {
			return r.Fields["name"]
		}
	}
	return ""
}

func TestC6AVisitHurriesARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, host := newVisited(t)
		if _, err := s.a.Put("labels", "", map[string]string{"name": "Nut", "code": "n"}); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Put("items", "", map[string]string{"name": "Bolt", "code": "b"}); err != nil {
			t.Fatal(err)
		}
		s.start()
		if got := s.status(); !strings.Contains(got, "s has not visited yet") {
			t.Errorf("status says %s", got)
		}
		for range 2 { // what it brings is acted upon between two visits
			for _, status := range s.visit(host, twin.VisitFaults{}) {
				if status != http.StatusOK {
					t.Fatalf("answered %d", status)
				}
			}
			time.Sleep(20 * time.Second)
		}
		if named(t, s.a, "b") != "Bolt" || named(t, host, "n") != "Nut" {
			t.Errorf("labels %v, items %v", s.a.Rows("labels"), host.Rows("items"))
		}
		if got := s.status(); !strings.Contains(got, "s last visited on ") || strings.Contains(got, "long ago") {
			t.Errorf("status says %s", got)
		}
		runs, err := s.session.store.FullRuns(t.Context(), "items", 20)
		if err != nil || len(runs) > 5 {
			t.Errorf("%d runs for two visits: %v", len(runs), err)
		}
		time.Sleep(25 * time.Hour) // in which nobody comes
		if !strings.Contains(s.log.String(), "has not visited for long") || !s.metric(`tandem_hook_silent{connection="s"} 1`) {
			t.Error("nobody says that the vendor stays away")
		}
		if got := s.status(); !strings.Contains(got, "long ago") {
			t.Errorf("status says %s", got)
		}
		s.visit(host, twin.VisitFaults{})
		time.Sleep(time.Hour + time.Minute)
		if !s.metric(`tandem_hook_silent{connection="s"} 0`) {
			t.Error("it has come again, and is still said to stay away")
		}
	})
}

func TestAVendorThatNeverVisitsIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newVisited(t)
		s.start()
		time.Sleep(25 * time.Hour)
		if !s.metric(`tandem_hook_silent{connection="s"} 1`) {
			t.Error("it is not")
		}
	})
}

func TestWhoIsNotTheVisitorIsRefusedAndCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, host := newVisited(t)
		if _, err := host.Put("items", "", map[string]string{"name": "Bolt", "code": "b"}); err != nil {
			t.Fatal(err)
		}
		s.start()
		if got := s.visit(host, twin.VisitFaults{Forged: true}); len(got) != 1 || got[0] != http.StatusUnauthorized {
			t.Errorf("a wrong password is answered with %v", got)
		}
		if got := s.visit(host, twin.VisitFaults{Padding: 65 << 10}); len(got) != 1 || got[0] != http.StatusRequestEntityTooLarge {
			t.Errorf("too much is answered with %v", got)
		}
		if !s.metric(`tandem_hook_deliveries_total{connection="s",outcome="refused"} 2`) {
			t.Error("they are not counted")
		}
		s.visit(host, twin.VisitFaults{})
		host.Rename("S-5") // another stock book with the same password (R33)
		if got := s.visit(host, twin.VisitFaults{}); len(got) != 1 || got[0] != http.StatusUnauthorized {
			t.Errorf("another account is answered with %v", got)
		}
		d, _, err := s.session.store.Door(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		if log := s.log.String(); strings.Contains(log, d.Key) || strings.Contains(log, host.Settings()["password"]) {
			t.Error("the log tells a secret (invariant 9)")
		}
	})
}

func TestInvariant11WhatAVisitBroughtOutlivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, host := newVisited(t)
		s.start()
		if _, err := host.Put("items", "", map[string]string{"name": "Bolt", "code": "b"}); err != nil {
			t.Fatal(err)
		}
		s.visit(host, twin.VisitFaults{})
		s.close() // before a run
		s.start()
		if named(t, s.a, "b") != "Bolt" {
			t.Errorf("labels %v", s.a.Rows("labels"))
		}
	})
}
