package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A dirt says what is wrong with the i-th contact.
type dirt string

const (
	clean   dirt = "clean"
	noMail  dirt = "no e-mail"   // 2%
	shared  dirt = "shares one"  // 1%, with the contact before
	invalid dirt = "invalid one" // 1%
	loud    dirt = "upper case"  // 2%
)

func dirtOf(i int) dirt {
	switch i % 100 {
	case 10, 60:
		return noMail
	case 20:
		return shared
	case 30:
		return invalid
	case 40, 90:
		return loud
	}
	return clean
}

// dirtyContact is the i-th contact as somebody typed it.
func dirtyContact(i int) map[string]string {
	mail := fmt.Sprintf("p%d@firm%d.example", i, i%7)
	switch dirtOf(i) {
	case noMail:
		mail = ""
	case shared:
		mail = fmt.Sprintf("p%d@firm%d.example", i-1, (i-1)%7)
	case invalid:
		mail = []string{fmt.Sprintf("p%d", i), fmt.Sprintf("p%d@firm.invalid", i), fmt.Sprintf("p %d@firm", i)}[i/100%3]
	case loud:
		mail = "  " + strings.ToUpper(mail) + " "
	}
	return map[string]string{"firstname": fmt.Sprintf("First%d", i), "lastname": fmt.Sprintf("Last%d", i), "email": mail, "phone_pro": fmt.Sprintf("+30210%07d", i)}
}

func TestDirtyDataArrivesAsFarAsItCan(t *testing.T) {
	t.Parallel()
	for _, direction := range []string{"both", "left-to-right"} {
		for _, workers := range []int{1, 8} {
			t.Run(fmt.Sprint(direction, " with ", workers, " workers"), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { dirtyData(t, direction, workers) })
			})
		}
	}
}

func dirtyData(t *testing.T, direction string, workers int) {
	t.Helper()
	const n = 500
	w := newWorld(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    direction: "+direction, 1))
	w.worker = workers
	w.restart()
	if err := must[dolibarr](t, w.erp).Seed("contacts", n, time.Now().Add(-time.Hour), dirtyContact); err != nil {
		t.Fatal(err)
	}
	rep := w.sync(engine.SyncOptions{})["contacts"]
	if rep.Status != engine.StatusReview || !rep.Reconciled || rep.Failed != 0 {
		t.Errorf("%+v", rep)
	}
	w.arrived(n)
	w.explained(n)
	// 490 creates in batches of 100, and what it costs to find the bad ones among them.
	if calls := w.crm.Kit().Count("POST", "/crm/objects/2026-09/contacts/batch/create"); calls > 25 {
		t.Errorf("%d calls for 490 creates", calls)
	}
	for range 5 {
		w.quiet()
		w.arrived(n)
		w.explained(n)
	}
	w.cleanedUp(n)
}

// arrived proves that every writable contact is at crm exactly once, and no other one.
func (w *world) arrived(n int) {
	w.t.Helper()
	found := map[string][]string{}
	for _, r := range w.crm.Rows("contacts") {
		found[r.Fields["lastname"]] = append(found[r.Fields["lastname"]], r.Fields["email"])
	}
	for i := range n {
		name, mail := fmt.Sprintf("Last%d", i), fmt.Sprintf("p%d@firm%d.example", i, i%7)
		want := 1
		switch dirtOf(i) {
		case noMail:
			mail = ""
		case shared, invalid:
			want = 0
		case clean, loud:
		}
		if got := found[name]; len(got) != want || want == 1 && got[0] != mail {
			w.t.Errorf("contact %d (%s) arrived %d times: %v", i, dirtOf(i), len(got), got)
		}
	}
	if got := len(w.erp.Rows("contacts")); got != n {
		w.t.Errorf("erp has %d contacts, want %d", got, n)
	}
}

// explained proves that every contact which could not be written is in the review queue
// with its reason, and nothing else is.
func (w *world) explained(n int) {
	w.t.Helper()
	items := map[string]store.Review{}
	for _, item := range w.reviews() {
		items[item.Record] = item
	}
	want := 0
	for i := range n {
		id := fmt.Sprint(i + 1)
		item, ok := items[id]
		switch dirtOf(i) {
		case shared:
			want++
			if !ok || item.Kind != store.ReviewDuplicate || !strings.Contains(item.Text, fmt.Sprintf("Last%d", i)) {
				w.t.Errorf("contact %d shares an address, and the queue says %q", i, item.Text)
			}
		case invalid:
			want++
			if !ok || item.Kind != store.ReviewParked || !strings.Contains(item.Text, "mail") || item.Fix == "" {
				w.t.Errorf("contact %d has no valid address, and the queue says %q %q", i, item.Text, item.Fix)
			}
		case clean, noMail, loud:
			if ok {
				w.t.Errorf("contact %d (%s) is in the queue: %q", i, dirtOf(i), item.Text)
			}
		}
	}
	if len(items) != want {
		w.t.Errorf("%d items in the queue, want %d", len(items), want)
	}
}

// cleanedUp lets people correct every address, and proves that all is well then.
func (w *world) cleanedUp(n int) {
	w.t.Helper()
	for i := range n {
		if d := dirtOf(i); d == shared || d == invalid || d == noMail {
			w.put(w.erp, "contacts", fmt.Sprint(i+1), map[string]string{"email": fmt.Sprintf("p%d@firm%d.example", i, i%7)})
		}
	}
	time.Sleep(time.Minute)
	w.settled()
	mails := map[string]int{}
	for _, r := range w.crm.Rows("contacts") {
		mails[r.Fields["email"]]++
	}
	for i := range n {
		if mail := fmt.Sprintf("p%d@firm%d.example", i, i%7); mails[mail] != 1 {
			w.t.Errorf("%s is there %d times", mail, mails[mail])
		}
	}
	if len(mails) != n {
		w.t.Errorf("crm has %d addresses, want %d", len(mails), n)
	}
	w.quiet()
}

// TestDirtyDataWithFaultsIsNeverDoubled lets calls fail in the middle of it, of records
// without any key too: they are parked rather than doubled where nobody can know (R16).
func TestDirtyDataWithFaultsIsNeverDoubled(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{true, false} {
		for _, kind := range faultKinds() {
			t.Run(fmt.Sprint(kind, ", with a key property: ", keyed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { dirtyFaults(t, keyed, kind) })
			})
		}
	}
}

func TestWhatDolibarrDoesNotTakeIsParkedWithItsReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		for i := range 30 {
			fields := map[string]string{"firstname": fmt.Sprint("First", i), "lastname": fmt.Sprint("Last", i), "email": fmt.Sprintf("h%d@x.example", i)}
			switch i {
			case 7:
				fields["lastname"] = "" // Dolibarr wants one
			case 13:
				fields["lastname"] = strings.Repeat("long", 20) // more than the 50 that it keeps
			case 19:
				fields["jobtitle"] = strings.Repeat("long ", 80) // an optional field: the rest is written
			}
			w.put(w.crm, "contacts", "", fields)
		}
		time.Sleep(10 * time.Second)
		rep := w.sync(engine.SyncOptions{})["contacts"]
		if rep.Status != engine.StatusReview || !rep.Reconciled {
			t.Errorf("%+v", rep)
		}
		if n := len(w.erp.Rows("contacts")); n != 28 {
			t.Errorf("%d contacts arrived, want 28", n)
		}
		w.by(w.erp, "contacts", "email", "h19@x.example")
		for _, c := range []struct{ mail, says string }{{"h7@x.example", "lastname"}, {"h13@x.example", "lastname"}, {"h19@x.example", "poste"}} {
			id := w.by(w.crm, "contacts", "email", c.mail).ID
			told := false
			for _, item := range w.reviews(store.ReviewParked) {
				told = told || item.Record == id && strings.Contains(item.Text, c.says)
			}
			if !told {
				t.Errorf("the queue does not say what is wrong with %s: %v", c.mail, w.queue())
			}
		}
		for range 3 {
			w.quiet()
		}
		w.put(w.crm, "contacts", w.by(w.crm, "contacts", "email", "h7@x.example").ID, map[string]string{"lastname": "Found"})
		w.put(w.crm, "contacts", w.by(w.crm, "contacts", "email", "h13@x.example").ID, map[string]string{"lastname": "Short"})
		w.put(w.crm, "contacts", w.by(w.crm, "contacts", "email", "h19@x.example").ID, map[string]string{"jobtitle": "Short"})
		time.Sleep(time.Minute)
		w.settled()
		if n := len(w.erp.Rows("contacts")); n != 30 {
			t.Errorf("%d contacts arrived after the corrections, want 30", n)
		}
		if got := w.by(w.erp, "contacts", "email", "h19@x.example").Fields["poste"]; got != "Short" {
			t.Errorf("the corrected field arrived as %q", got)
		}
		w.quiet()
	})
}

func dirtyFaults(t *testing.T, keyed bool, kind twin.FaultKind) {
	t.Helper()
	const n = 300
	w := newWorld(t, pairYAML)
	w.worker = 8
	w.restart()
	if keyed {
		if _, err := w.engine.AddFields(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := must[dolibarr](t, w.erp).Seed("contacts", n, time.Now().Add(-time.Hour), dirtyContact); err != nil {
		t.Fatal(err)
	}
	fault := w.crm.Kit().Inject(twin.Fault{Kind: kind, Method: "POST", Path: "/crm/objects/2026-09/contacts/batch/create", After: 1, Every: 2, Times: 2, Wait: 3 * time.Second})
	for range 4 {
		w.trySync(engine.SyncOptions{})
		time.Sleep(15 * time.Minute)
	}
	if fault.Hits() == 0 {
		t.Error("the fault did not strike")
	}
	times := map[string]int{}
	for _, r := range w.crm.Rows("contacts") {
		times[r.Fields["lastname"]]++
	}
	asked := map[string]bool{}
	for _, item := range w.reviews() {
		asked[item.Record] = true
	}
	for i := range n {
		name := fmt.Sprintf("Last%d", i)
		switch bad := dirtOf(i) == shared || dirtOf(i) == invalid; {
		case times[name] > 1:
			t.Errorf("contact %d (%s) is there %d times", i, dirtOf(i), times[name])
		case times[name] == 0 && !asked[fmt.Sprint(i+1)]:
			t.Errorf("contact %d (%s) is neither there nor in the queue", i, dirtOf(i))
		case times[name] == 0 && !bad && (keyed || dirtOf(i) != noMail):
			t.Errorf("contact %d (%s) did not arrive", i, dirtOf(i))
		}
	}
	w.quiet()
}
