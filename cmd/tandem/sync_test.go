package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
)

func TestFirstSyncCreatesBothWaysAndASecondRunWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		acme := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Ακμή ΑΕ", "url": "https://www.acme.gr/", "phone": "210 1234567", "town": "Αθήνα"})
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Παπαδοπούλου", "firstname": "Ελένη", "email": "eleni@acme.gr", "socid": acme, "phone_pro": "+30 210 1234568"})
		w.put(w.crm, "contacts", "", map[string]string{"firstname": "Jürgen", "lastname": "Müller", "email": "juergen@example.de"})
		time.Sleep(10 * time.Second)

		got := w.sync(engine.SyncOptions{})
		for name, rep := range got {
			if rep.Status != engine.StatusOK || !rep.Reconciled {
				t.Errorf("%s: %+v", name, rep)
			}
		}
		company := w.only(w.crm, "companies")
		if company.Fields["name"] != "Ακμή ΑΕ" || company.Fields["city"] != "Αθήνα" || company.Fields["domain"] != "acme.gr" {
			t.Errorf("company arrived as %v", company.Fields)
		}
		if n := len(w.crm.Rows("contacts")); n != 2 {
			t.Fatalf("crm has %d contacts, want 2", n)
		}
		if n := len(w.erp.Rows("contacts")); n != 2 {
			t.Fatalf("erp has %d contacts, want 2", n)
		}
		for _, r := range w.crm.Rows("contacts") {
			if r.Fields["email"] == "eleni@acme.gr" && r.Fields["associatedcompanyid"] != company.ID {
				t.Errorf("the contact's company is %q, want %q", r.Fields["associatedcompanyid"], company.ID)
			}
		}
		before := writes(w.erp) + writes(w.crm)
		time.Sleep(10 * time.Minute)
		for name, rep := range w.sync(engine.SyncOptions{}) {
			if rep.Left.Created+rep.Left.Updated+rep.Right.Created+rep.Right.Updated != 0 || !rep.Reconciled {
				t.Errorf("second run of %s: %+v", name, rep)
			}
		}
		if after := writes(w.erp) + writes(w.crm); after != before {
			t.Errorf("a second run wrote %d times", after-before)
		}
	})
}

// A cron job starts a new process every few minutes. With nothing changed, each costs one
// request per object and side.
func TestAnIdleRunOfANewProcessIsOneCallPerObjectAndSide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		w.put(w.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "acme.gr"})
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Meyer", "email": "ann@acme.gr"})
		w.sync(engine.SyncOptions{})
		for range 3 {
			time.Sleep(12 * time.Minute) // within the hour in which the accounts are not asked who they are
			w.restart()
			for name, rep := range w.sync(engine.SyncOptions{}) {
				if rep.Left.Calls > 2 || rep.Right.Calls > 2 {
					t.Errorf("%s read the vendors' overlap in %d and %d calls", name, rep.Left.Calls, rep.Right.Calls)
				}
			}
		}
		time.Sleep(12 * time.Minute)
		w.restart()
		for name, rep := range w.sync(engine.SyncOptions{}) {
			if rep.Left.Calls != 1 || rep.Right.Calls != 1 {
				t.Errorf("%s made %d and %d calls, want one each", name, rep.Left.Calls, rep.Right.Calls)
			}
		}
	})
}
