package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// olderYAML is a file of the older format with the lists that an account has.
func (m *market) olderYAML() string {
	m.t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "internal", "plan", "testdata", "older", "pipedrive.yaml"))
	if err != nil {
		m.t.Fatal(err)
	}
	text := string(src)
	for _, id := range []string{"60", "61", "62", "63", "64", "65"} {
		text = strings.ReplaceAll(text, ": "+id+"\n", ": "+m.put(m.mail, "lists", "", map[string]string{"name": "List " + id})+"\n")
		text = strings.ReplaceAll(text, ": "+id+" #", ": "+m.id(m.mail, "lists", "name", "List "+id)+" #")
	}
	key, err := m.pipe.AddField("persons", "Industry", "varchar")
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.ReplaceAll(text, "0123456789abcdef0123456789abcdef01234567", key)
}

// A file of the older format becomes one that passes the check and does what it meant.
func TestAConvertedFileOfTheOlderFormatSyncs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, "")
		if err := os.WriteFile(filepath.Join(m.dir, "old.yaml"), []byte(m.olderYAML()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(m.dir, "tandem.yaml")); err != nil {
			t.Fatal(err)
		}
		if code, out := m.run("init", "--from", filepath.Join(m.dir, "old.yaml")); code != 0 {
			t.Fatalf("init: exit %d\n%s", code, out)
		}
		m.made()
		acme := m.put(m.pipe, "organizations", "", map[string]string{"name": "Acme"})
		ann := m.put(m.pipe, "persons", "", map[string]string{"name": "Ann Berg", "emails": "ann@acme.gr", "phones": "+306912345678", "org_id": acme})
		bob := m.person("Bob Lee", "bob@x.gr")
		m.deal("", ann, "value", "100", "currency", "EUR", "status", "won", "stage_id", "3")
		m.deal("", bob, "value", "50", "currency", "EUR", "stage_id", "1")
		m.put(m.pipe, "leads", "", map[string]string{"title": "Asked", "person_id": bob})
		time.Sleep(10 * time.Second)
		m.wellSynced()
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{
			"FULLNAME": "Ann Berg", "FIRSTNAME": "Ann", "LASTNAME": "Berg", "SMS": "306912345678", "COMPANY": "Acme", "WON_DEALS": "1", "LTV": "100",
		})
		m.holds(m.mail, "companies", "name", "Acme", nil)
		for email, want := range map[string]string{"ann@acme.gr": "List 60, List 63", "bob@x.gr": "List 60, List 61, Nurturing"} {
			if got := m.on(email); got != want {
				t.Errorf("%s is on %s, want %s", email, got, want)
			}
		}
		m.still()
	})
}
