package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
)

// knownYAML is the mapping that users know, with a value map and an expression.
const knownYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: hubspot
    access_token: ${CRM_SECRET}
syncs:
  companies:
    left: erp.thirdparties
    right: crm.companies
    match: [domain]
    fields:
      - { left: name, right: name }
      - { left: phone, right: phone }
      - { left: url, right: domain }
  contacts:
    left: erp.contacts
    right: crm.contacts
    match: [email]
    fields:
      - { left: email, right: email }
      - { left: firstname, right: firstname }
      - { left: lastname, right: lastname }
      - { left: phone_pro, right: phone }
      - { left: socid, right: associatedcompanyid }
      - { left: note_private, right: notes, direction: left-to-right }
      - { left: date_creation, right: created_in_erp, direction: left-to-right }
      - { left: array_options.options_segment, right: segment, values: { "1": vip, "2": trade } }
      - { right: full_name, from: "firstname + ' ' + lastname" }
`

// newKnownWorld is a world whose erp has the extrafield and whose crm gets the missing
// properties as tandem check --create-fields makes them.
func newKnownWorld(t *testing.T, yaml string) *world {
	t.Helper()
	w := newWorld(t, yaml)
	erp := must[*dolibarrtwin.Twin](t, w.erp)
	erp.UseAdmin()
	erp.AddExtraField(dolibarrtwin.ExtraField{Object: "contacts", Code: "segment", Label: "Segment", Type: "select", Options: map[string]string{"1": "VIP", "2": "Trade", "3": "Other"}})
	w.restart()
	added, err := w.engine.AddFields(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, a := range added {
		if a.Err != nil {
			t.Fatalf("%s.%s %s: %v", a.Connection, a.Object, a.Field.Name, a.Err)
		}
		made[a.Object+"."+a.Field.Name] = true
	}
	for _, name := range []string{"contacts.notes", "contacts.created_in_erp", "contacts.segment", "contacts.full_name", "contacts.tandem_key", "companies.tandem_key"} {
		if !made[name] {
			t.Errorf("%s was not made: %v", name, made)
		}
	}
	return w
}

// TestTheMappingThatUsersKnow carries a contact with everything in the mapping.
func TestTheMappingThatUsersKnow(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newKnownWorld(t, knownYAML)
				w.worker = workers
				w.restart()
				acme := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Ακμή ΑΕ", "url": "acme.gr", "phone": "2101234567"})
				mine := w.put(w.erp, "contacts", "", map[string]string{"firstname": "Ελένη", "lastname": "Παπαδοπούλου", "email": "eleni@acme.gr",
					"phone_pro": "+302101234568", "socid": acme, "note_private": "Met in Athens", "array_options.options_segment": "1"})
				made := time.Now()
				time.Sleep(10 * time.Second)
				w.settled()
				theirs := w.only(w.crm, "contacts")
				want := map[string]string{"firstname": "Ελένη", "lastname": "Παπαδοπούλου", "email": "eleni@acme.gr", "phone": "+302101234568",
					"notes": "Met in Athens", "segment": "vip", "full_name": "Ελένη Παπαδοπούλου", "associatedcompanyid": w.only(w.crm, "companies").ID,
					"created_in_erp": made.UTC().Format("2006-01-02T15:04:05.000Z")}
				w.contains(theirs.Fields, want)
				if theirs.Fields["tandem_key"] == "" {
					t.Error("the create carries no key (R16)")
				}
				w.quiet()
				w.editKnown(mine, theirs.ID)
			})
		})
	}
}

// editKnown edits a contact of the mapping that users know on both sides.
func (w *world) editKnown(mine, theirs string) {
	w.t.Helper()
	w.put(w.erp, "contacts", mine, map[string]string{"lastname": "Γεωργίου", "note_private": "Moved", "phone_pro": ""})
	w.put(w.crm, "contacts", theirs, map[string]string{"segment": "trade", "firstname": "Helen", "notes": "only here", "full_name": "Nonsense"})
	time.Sleep(time.Minute)
	w.settled()
	w.contains(w.row(w.erp, "contacts", mine), map[string]string{"firstname": "Helen", "lastname": "Γεωργίου", "array_options.options_segment": "2", "note_private": "Moved", "phone_pro": ""})
	w.contains(w.row(w.crm, "contacts", theirs), map[string]string{"lastname": "Γεωργίου", "segment": "trade", "notes": "Moved", "full_name": "Helen Γεωργίου", "phone": ""})
	lost := false // R10: the follower's note was overruled by the source's change
	for _, e := range w.journal("crm", "contacts", theirs) {
		lost = lost || e.Kind == store.Overruled && e.Old.Text() == "only here"
	}
	if !lost {
		w.t.Error("the journal does not have the overruled note")
	}
	w.quiet()
	w.put(w.crm, "contacts", theirs, map[string]string{"notes": "follower"})
	time.Sleep(time.Minute)
	w.settled()
	w.contains(w.row(w.crm, "contacts", theirs), map[string]string{"notes": "follower"})
	w.contains(w.row(w.erp, "contacts", mine), map[string]string{"note_private": "Moved"})
	w.quiet()
}

func (w *world) contains(got, want map[string]string) {
	w.t.Helper()
	for name, v := range want {
		if got[name] != v {
			w.t.Errorf("%s is %q, want %q", name, got[name], v)
		}
	}
}

func TestAValueWithoutAPartnerInTheMapIsToldAndCostsNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newKnownWorld(t, knownYAML)
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Other", "email": "other@x.example", "array_options.options_segment": "3"})
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Trade", "email": "trade@x.example", "array_options.options_segment": "2"})
		time.Sleep(10 * time.Second)
		w.sync(engine.SyncOptions{})
		w.contains(w.by(w.crm, "contacts", "email", "other@x.example").Fields, map[string]string{"lastname": "Other", "segment": ""})
		w.contains(w.by(w.crm, "contacts", "email", "trade@x.example").Fields, map[string]string{"segment": "trade"})
		told := false
		for _, text := range w.queue() {
			told = told || strings.Contains(text, "segment")
		}
		if !told {
			t.Errorf("nobody is told of the segment that was left out: %v", w.queue())
		}
		w.quiet()
		mine := w.by(w.erp, "contacts", "email", "other@x.example").ID
		w.put(w.erp, "contacts", mine, map[string]string{"array_options.options_segment": "1"})
		time.Sleep(time.Minute)
		w.sync(engine.SyncOptions{})
		w.contains(w.by(w.crm, "contacts", "email", "other@x.example").Fields, map[string]string{"segment": "vip"})
		w.quiet()
	})
}

func TestWhatLeavesTheFilterStaysIsUnlinkedOrArchived(t *testing.T) {
	t.Parallel()
	for _, leave := range []string{"keep", "unlink", "archive"} {
		t.Run(leave, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, all := synced(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    where: { left: \"poste != 'left'\" }\n    leave: "+leave, 1))
				mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
				theirs := w.by(w.crm, "contacts", "email", "bob@example.net").ID
				w.put(w.erp, "contacts", mine, map[string]string{"poste": "left"})
				time.Sleep(time.Minute)
				w.settled()
				if leave == "archive" {
					if n := len(w.crm.Rows("contacts")); n != len(all.contacts)-1 {
						t.Errorf("crm has %d contacts, want %d", n, len(all.contacts)-1)
					}
					w.quiet()
					return
				}
				if n := len(w.crm.Rows("contacts")); n != len(all.contacts) {
					t.Errorf("crm has %d contacts, want %d", n, len(all.contacts))
				}
				w.put(w.erp, "contacts", mine, map[string]string{"lastname": "Hidden"})
				time.Sleep(time.Minute)
				w.settled()
				if got := w.row(w.crm, "contacts", theirs)["lastname"]; got != "Smith" {
					t.Errorf("an edit outside the filter travelled: %q", got)
				}
				w.quiet()
				w.put(w.erp, "contacts", mine, map[string]string{"poste": "back", "phone_mobile": "+306911111111"})
				time.Sleep(time.Minute)
				w.sync(engine.SyncOptions{})
				for _, item := range w.reviews(store.ReviewConflict) { // a first match again, where it was unlinked
					if err := w.store.DecideReview(t.Context(), item.ID, "left", "ann", time.Now()); err != nil {
						t.Fatal(err)
					}
				}
				w.settled()
				w.contains(w.row(w.crm, "contacts", theirs), map[string]string{"lastname": "Hidden", "jobtitle": "back", "mobilephone": "+306911111111"})
				w.quiet()
			})
		})
	}
}

func TestR18AnArchivedRecordThatReentersTheFilterIsNotDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, all := synced(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    where: { left: \"poste != 'left'\" }\n    leave: archive", 1))
		mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
		w.put(w.erp, "contacts", mine, map[string]string{"poste": "left"})
		time.Sleep(time.Minute)
		w.settled()
		w.put(w.erp, "contacts", mine, map[string]string{"poste": "back"})
		time.Sleep(time.Minute)
		w.sync(engine.SyncOptions{Sweep: true})
		if n := len(w.crm.Rows("contacts")); n > len(all.contacts) {
			t.Errorf("crm has %d contacts, want at most %d", n, len(all.contacts))
		}
		if n := len(w.erp.Rows("contacts")); n != len(all.contacts) {
			t.Errorf("erp has %d contacts, want %d", n, len(all.contacts))
		}
		w.quiet()
	})
}

// TestTheCreateDateOfHubSpotIsItsOwn: users map date_creation to createdate, which HubSpot
// keeps for itself. That is told before anything is written, and the way out works.
func TestTheCreateDateOfHubSpotIsItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(knownYAML, "right: created_in_erp", "right: createdate", 1))
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Ann", "email": "ann@x.example"})
		erp := must[*dolibarrtwin.Twin](t, w.erp)
		erp.UseAdmin()
		erp.AddExtraField(dolibarrtwin.ExtraField{Object: "contacts", Code: "segment", Label: "Segment", Type: "select", Options: map[string]string{"1": "VIP", "2": "Trade"}})
		w.restart()
		if _, err := w.engine.AddFields(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		_, err := w.engine.Sync(t.Context(), nil, engine.SyncOptions{})
		if err == nil || !strings.Contains(err.Error(), "createdate") || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("the error is %v; it should say that createdate is read only", err)
		}
		if n := writes(w.crm); n != 0 {
			t.Errorf("%d records were written before the error", n)
		}
	})
}
