package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// newTelling is a world of a Pipedrive and a Brevo that is told what happens to people.
func newTelling(t *testing.T, workers int) *world {
	t.Helper()
	w := &world{t: t, worker: workers, path: filepath.Join(t.TempDir(), "tandem.db")}
	w.yaml = strings.NewReplacer("${CRM}", "${ERP_SECRET}", "${MAIL}", "${CRM_SECRET}").Replace(marketingYAML)
	w.erp, w.crm = twinOf(t, "pipedrive", twin.Options{}), twinOf(t, "brevo", twin.Options{})
	w.start()
	t.Cleanup(w.stop)
	return w
}

// stories is what Brevo was told of each contact, by e-mail, in the order in which it came; each
// event's key comes once.
func (w *world) stories() map[string][]string {
	w.t.Helper()
	byKey := map[string]brevoEvent{}
	for _, e := range brevoEvents(w.t, w.crm) {
		key, _ := e.Properties["tandem_key"].(string)
		if key == "" || byKey[key].Name != "" {
			w.t.Errorf("the key %q of %s is none, or came twice", key, e.Name)
		}
		byKey[key] = e
	}
	mails := map[string]string{}
	for _, c := range w.crm.Rows("contacts") {
		mails[c.ID] = c.Fields["email"]
	}
	out := map[string][]string{}
	for _, a := range w.crm.Kit().Ledger().Acts() {
		if a.Object == "events" {
			e := byKey[a.ID]
			who := mails[strconv.FormatInt(e.Contact, 10)]
			out[who] = append(out[who], strings.TrimSpace(fmt.Sprint(e.Name, " ", cmp.Or(e.Properties["from"], e.Properties["subject"]))))
		}
	}
	return out
}

// Wherever the process is killed, what happens to people is told once each, and in order for each
// person: none is lost, none doubled (invariants 4, 8 and 11).
func TestInvariant11ACrashAtAnyCallTellsEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			after := 0
			for crashed := true; crashed; after += stride() + workers/4 { // of several workers a sample
				synctest.Test(t, func(t *testing.T) { crashed = crashWhileTelling(t, workers, after) })
			}
			if after < 8 {
				t.Errorf("a run with events made only %d calls", after)
			}
		})
	}
}

// crashWhileTelling lets two people go through three stages, and the process die in each of these
// runs after so many calls. It tells whether it ever came to that.
func crashWhileTelling(t *testing.T, workers, after int) (crashed bool) {
	w := newTelling(t, workers)
	t.Logf("the crash comes after %d calls", after)
	emails := []string{"ann@x.gr", "bob@x.gr"}
	var deals, calls []string
	for i, email := range emails {
		p := w.put(w.erp, "persons", "", map[string]string{"name": "Person " + strconv.Itoa(i), "emails": email})
		deals = append(deals, w.put(w.erp, "deals", "", map[string]string{"title": email, "person_id": p, "stage_id": "1"}))
		for n := range 3 {
			calls = append(calls, w.put(w.erp, "activities", "", map[string]string{"subject": "Call " + strconv.Itoa(n), "type": "call", "participants": p, "done": "false"}))
		}
	}
	w.recovered()
	var want []string
	for n := range 3 {
		time.Sleep(time.Hour)
		want = append(want, "deal_stage_changed "+strconv.Itoa(n+1), "activity_logged Call "+strconv.Itoa(n))
		for i := range emails {
			w.put(w.erp, "deals", deals[i], map[string]string{"stage_id": strconv.Itoa(n + 2)})
			time.Sleep(2 * time.Second)
			w.put(w.erp, "activities", calls[3*i+n], map[string]string{"done": "true"})
		}
		if w.crash(after) {
			crashed = true
			w.restart()
		}
		time.Sleep(2 * time.Minute) // what may have been told is looked up after a minute
		w.recovered()
	}
	for email, got := range w.stories() {
		if !slices.Equal(got, want) {
			t.Errorf("of %s Brevo was told\n%s\nwant\n%s", email, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if n := len(w.stories()); n != len(emails) {
		t.Errorf("it was told of %d people", n)
	}
	w.quiet()
	return crashed
}
