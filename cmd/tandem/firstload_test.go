package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/twin"
)

// mailYAML is a first load of persons into Brevo.
const mailYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: brevo
    api_key: ${CRM_SECRET}
    import_list: "2"
syncs:
  contacts: { left: erp.contacts, right: crm.contacts, match: [email], direction: left-to-right, fields: [email, first_name, last_name] }
`

// newLoad is a world of a Dolibarr with persons and an empty Brevo, and as many workers as usual.
func newLoad(t *testing.T, persons int) *world {
	t.Helper()
	w := &world{t: t, yaml: mailYAML, worker: 8, path: filepath.Join(t.TempDir(), "tandem.db")}
	w.erp, w.crm = twinOf(t, "dolibarr", twin.Options{Zone: athens(t)}), twinOf(t, "brevo", twin.Options{})
	if err := must[*brevotwin.Account](t, w.crm).AddAttribute("TANDEM_KEY", "text"); err != nil { // as check --create-fields does
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(w.stop)
	for i := range persons {
		w.put(w.erp, "contacts", "", map[string]string{"lastname": fmt.Sprintf("Berg %d", i), "firstname": "Ann", "email": fmt.Sprintf("ann%d@example.com", i)})
	}
	return w
}

// A first load goes through Brevo's import: a call for 2,500 persons, and one for every 1,000 to
// see that they are there. One by one it would be more than one call for each person.
func TestAFirstLoadOfBrevoTakesFewCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const persons = 5000
		w := newLoad(t, persons)
		began := time.Now()
		rep := w.sync(engine.SyncOptions{})["contacts"]
		if rep.Linked != persons || !rep.Reconciled || len(w.crm.Rows("contacts")) != persons {
			t.Fatalf("%+v, %d contacts", rep, len(w.crm.Rows("contacts")))
		}
		calls := w.crm.Kit()
		t.Logf("%d calls in %v, %d of them imports, %d about them", calls.Count("", ""), time.Since(began), calls.Count("POST", "/v3/contacts/import"), calls.Count("GET", "/v3/processes"))
		if n := calls.Count("POST", ""); n != persons/2500 {
			t.Errorf("%d calls write", n)
		}
		if n := calls.Count("", ""); n > 30 {
			t.Errorf("%d calls in all", n)
		}
		if n := calls.Count("GET", "/v3/processes"); n > 0 {
			t.Errorf("%d of a hundred calls an hour were spent on asking about imports", n)
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Hour)
		before := writes(w.crm)
		if w.sync(engine.SyncOptions{}); writes(w.crm) != before { // invariant 6
			t.Errorf("a further run writes %d times", writes(w.crm)-before)
		}
	})
}

// What a person changes in a contact between its import and our look at it is an edit
// (invariant 7).
func TestInvariant7EditsOfImportedContactsAreCarriedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLoad(t, 30)
		w.stop()
		w.yaml = strings.Replace(mailYAML, ", direction: left-to-right", "", 1)
		w.start()
		edited := make(chan error, 1)
		go func() {
			time.Sleep(27 * time.Second) // imports take 20, and the run looks at growing intervals
			_, err := w.crm.Put("contacts", w.by(w.crm, "contacts", "email", "ann3@example.com").ID, map[string]string{"FIRSTNAME": "Edited"})
			edited <- err
		}()
		rep := w.sync(engine.SyncOptions{})["contacts"]
		if err := <-edited; err != nil || rep.Linked != 30 {
			t.Fatalf("%v, %+v", err, rep)
		}
		time.Sleep(time.Minute)
		w.sync(engine.SyncOptions{})
		if got := w.by(w.erp, "contacts", "email", "ann3@example.com").Fields["firstname"]; got != "Edited" {
			t.Errorf("the first name is %q", got)
		}
		if got := w.by(w.crm, "contacts", "email", "ann3@example.com").Fields["FIRSTNAME"]; got != "Edited" {
			t.Errorf("the first name in Brevo is %q", got)
		}
	})
}
