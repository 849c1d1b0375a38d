package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tandemhub/tandem/twin"
)

// twoConnections is what the file has before anybody has set up a sync.
func twoConnections() string {
	before, _, _ := strings.Cut(browserYAML, "syncs:")
	return before
}

// put lets a person work in a vendor's own page.
func (s *served) put(system, object, id string, pairs ...string) string {
	s.t.Helper()
	fields := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	id, err := s.at[system].Put(object, id, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// by returns the only record whose field has a value; a zero one if there is none.
func (s *served) by(system, object, field, value string) (found twin.Row) {
	s.t.Helper()
	for _, r := range s.at[system].Rows(object) {
		if r.Fields[field] != value {
			continue
		}
		if found.ID != "" {
			s.t.Errorf("several records of %s %s have %s", system, object, value)
		}
		found = r
	}
	return found
}

// holds waits until both systems hold this of the contact with an address, of which the phone is
// what Dolibarr calls phone_pro, and the job is its poste.
func (s *served) holds(mail, phone, job string) {
	s.t.Helper()
	says := func() [4]string {
		erp, crm := s.by("dolibarr", "contacts", "email", mail).Fields, s.by("hubspot", "contacts", "email", mail).Fields
		return [4]string{erp["phone_pro"], crm["phone"], erp["poste"], crm["jobtitle"]}
	}
	want := [4]string{phone, phone, job, job}
	patiently(s.t, func() bool { return says() == want }, func() string { return fmt.Sprintf("of %s the systems hold %q, want %q", mail, says(), want) })
}

// runAll presses the button that runs all syncs.
func (s *served) runAll(w *tab) {
	s.t.Helper()
	w.to("/")
	w.press(`form[action="/syncs/run"] button`)
}

// mostClicks is what it may take from two connections to the preview of what a first sync would do.
const mostClicks = 12

// wizard goes from a file with nothing but two connections to what a first sync would do, which
// nobody has tried before, and has it done.
func wizard(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, twoConnections(), "serve")
	for i := range 3 {
		s.put("dolibarr", "contacts", "", "lastname", fmt.Sprint("Person ", i), "email", fmt.Sprintf("p%d@example.gr", i), "phone_pro", "+302101234567")
	}
	theirs := s.put("hubspot", "contacts", "", "lastname", "Person 0", "email", "p0@example.gr")
	w, clicks := c.tab(t, s.base), 0
	s.setUp(w)
	click := func(selector string) {
		t.Helper()
		clicks++
		if status := w.press(selector); status != http.StatusOK {
			t.Fatalf("%s is answered with %d", selector, status)
		}
	}
	for _, name := range []string{"erp", "crm"} {
		click(`.places a[href="/connections"]`)
		click(`main a[href="/connections/` + name + `"]`)
		click(`form[action="/connections/` + name + `/test"] button`)
		w.reads("Healthy")
	}
	click(`.places a[href="/syncs"]`)
	click(`main a[href="/syncs/new"]`)
	click(`form[action="/syncs/new"][method="get"] button`)
	w.reads("email")
	w.inspect(a, "wizard")
	click(`button[name="adopt"]`)
	if !strings.HasPrefix(w.where(), "/syncs/new/saved?") {
		t.Fatalf("it is saved, and one is at %s", w.where())
	}
	w.until(`document.querySelector('form[action="/syncs/contacts/plan"]') !== null`)
	w.inspect(a, "saved")
	click(`form[action="/syncs/contacts/plan"] button`)
	w.until(`document.querySelector(".tiles") !== null`)
	w.reads("Person 1", "Person 2")
	if clicks > mostClicks {
		t.Errorf("it took %d clicks, want at most %d", clicks, mostClicks)
	}
	var counts []string
	w.script(`[...document.querySelectorAll(".tile")].map(x => x.innerText.replace(/\s+/g, " "))`, &counts)
	for _, want := range []string{"Create 2", "Change 1"} {
		if !strings.Contains(strings.Join(counts, "\n"), want) {
			t.Errorf("the preview counts %q, and not %q", counts, want)
		}
	}
	if n := len(s.at["hubspot"].Rows("contacts")); n != 1 {
		t.Errorf("it was only shown, and HubSpot has %d contacts", n)
	}
	w.inspect(a, "plan")
	w.press(`form[action="/syncs/contacts/run"] button`)
	for i := range 3 {
		s.holds(fmt.Sprintf("p%d@example.gr", i), "+302101234567", "")
	}
	if got := s.by("hubspot", "contacts", "email", "p0@example.gr").ID; got != theirs {
		t.Errorf("the person that both knew is %s there, and was %s", got, theirs)
	}
	w.to("/syncs/contacts")
	w.press(`form[action="/syncs/contacts/verify"] button`)
	w.until(`document.querySelector(".tiles") !== null`)
	w.inspect(a, "verify")
	w.to("/settings/configuration")
	w.press(`main a[href="/settings/configuration/1"]`)
	w.inspect(a, "version")
	w.quiet()
}

// connect adds a connection by its form to a file that knows one, and has it tested.
func connect(t *testing.T, c *chrome, a *axe) {
	before, _, _ := strings.Cut(browserYAML, "  crm:")
	s := serving(t, nil, before, "serve")
	w := c.tab(t, s.base)
	s.setUp(w)
	key := s.at["hubspot"].Settings()["access_token"]
	w.to("/connections/new?system=hubspot")
	w.inspect(a, "connect")
	w.enter("#f-name", "erp", "#s-access_token", key)
	if status := w.press(`button[value="adopt"]`); status != http.StatusUnprocessableEntity {
		t.Fatalf("a name that is taken is answered with %d", status)
	}
	w.reads("Somebody has that name already.", "Enter them once more.")
	w.inspect(a, "connect again")
	var typed string
	w.script(`document.querySelector("#s-access_token").value`, &typed)
	if typed != "" {
		t.Error("a secret is shown again")
	}
	w.enter("#f-name", "crm", "#s-access_token", key)
	if status := w.press(`button[value="adopt"]`); status != http.StatusOK || !strings.HasPrefix(w.where(), "/connections/new/saved?") {
		t.Fatalf("it is saved: %d at %s", status, w.where())
	}
	w.until(`document.querySelector('form[action="/connections/crm/test"]') !== null`)
	w.inspect(a, "connected")
	w.press(`form[action="/connections/crm/test"] button`)
	w.reads("The connection works.", "Contacts")
	w.inspect(a, "tested")
	w.to("/settings/configuration")
	var text string
	w.script(`document.querySelector("textarea").value`, &text)
	if !strings.Contains(text, "access_token: ${secret:crm_access_token}") || strings.Contains(text, key) {
		t.Errorf("the configuration is\n%s", text)
	}
	w.quiet(http.StatusUnprocessableEntity)
}

const askingYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp: { system: dolibarr, url: "http://erp.test/api/index.php", api_key: "${ERP_SECRET}" }
  crm: { system: hubspot, access_token: "${CRM_SECRET}" }
syncs:
  contacts: { left: erp.contacts, right: crm.contacts, match: [email], fields: [email, last_name, phone, job_title], prefer: ask, schedule: 1h }
`

// disputed has contacts in both systems of which both sides have changed the phone, and of the first
// the job too; each is asked about.
func (s *served) disputed(w *tab, mails ...string) {
	s.t.Helper()
	for _, mail := range mails {
		s.put("dolibarr", "contacts", "", "lastname", "Smith", "email", mail, "phone_pro", "+302100000000", "poste", "baker")
	}
	s.setUp(w)
	s.runAll(w)
	for _, mail := range mails {
		s.holds(mail, "+302100000000", "baker")
	}
	for i, mail := range mails {
		mine, theirs := []string{"phone_pro", "+302101111111"}, []string{"phone", "+302102222222"}
		if i == 0 {
			mine, theirs = append(mine, "poste", "butcher"), append(theirs, "jobtitle", "brewer")
		}
		s.put("dolibarr", "contacts", s.by("dolibarr", "contacts", "email", mail).ID, mine...)
		s.put("hubspot", "contacts", s.by("hubspot", "contacts", "email", mail).ID, theirs...)
	}
	s.runAll(w)
	w.to("/review")
	w.until(fmt.Sprintf(`document.querySelectorAll("[data-row]").length === %d`, len(mails)+1))
}

// conflict has a person look at what both sides changed, and choose field by field; then once for
// many.
func conflict(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, askingYAML, "serve")
	w := c.tab(t, s.base)
	s.disputed(w, "first@example.gr", "second@example.gr", "third@example.gr")
	w.inspect(a, "review")
	w.press(`[data-row] a[data-open]`)
	w.reads("+302101111111", "+302102222222", "butcher", "brewer", "baker")
	w.inspect(a, "conflict")
	choose := func(field, side string) {
		t.Helper()
		var found bool
		w.script(fmt.Sprintf(`(() => {
			const row = [...document.querySelectorAll("fieldset[data-row]")].find(x => x.querySelector("h2").innerText.toLowerCase().includes(%q));
			row?.querySelector('input[value="%s"]')?.setAttribute("id", "wanted");
			return !!row;
		})()`, field, side), &found)
		if !found {
			t.Fatalf("%s is not asked about", field)
		}
		w.do(chromedp.Click(chromedp.CSS("#wanted")))
		w.script(`document.querySelector("#wanted").removeAttribute("id")`, nil)
	}
	choose("phone", "left")
	choose("job", "right")
	w.press(`form[data-decide] .btn-primary`)
	w.reads("second@example.gr")
	s.runAll(w)
	s.holds("first@example.gr", "+302101111111", "brewer")

	w.to("/history?kind=decided")
	w.reads("+302101111111", "brewer", "The left value", "The right value")
	w.to("/review")
	w.until(`document.querySelectorAll("[data-row]").length === 2`)
	w.script(`document.querySelectorAll('input[name="id"]').forEach(x => x.checked = true)`, nil)
	w.script(`document.querySelector('select[name="choice"]').value = "right"`, nil)
	w.press(`form[action="/review/many"] footer .btn`)
	w.reads("+302101111111", "+302102222222")
	w.inspect(a, "review of many")
	w.press(`form[action="/review/many"] .btn-primary`)
	s.runAll(w)
	for _, mail := range []string{"second@example.gr", "third@example.gr"} {
		s.holds(mail, "+302102222222", "baker")
	}
	w.to("/review")
	w.until(`document.querySelectorAll("[data-row]").length === 0`)
	w.quiet()
}

// rewind takes a run back, after it was shown what that would do.
func rewind(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, askingYAML, "serve")
	w := c.tab(t, s.base)
	const mail, was, now = "ann@example.gr", "+302100000000", "+302109999999"
	erp := s.put("dolibarr", "contacts", "", "lastname", "Smith", "email", mail, "phone_pro", was, "poste", "baker")
	s.setUp(w)
	s.runAll(w)
	s.holds(mail, was, "baker")
	s.put("dolibarr", "contacts", erp, "phone_pro", now)
	s.runAll(w)
	s.holds(mail, now, "baker")
	w.to("/runs")
	w.until(`document.querySelector("#runs tbody tr")?.innerText.includes("1 changed") ?? false`)
	w.press(`#runs tbody tr a[href^="/runs/"]`)
	w.press(`form[action="/reverts"] .btn-danger`)
	w.until(`document.querySelector("form[data-ask] .btn-danger") !== null`)
	w.reads(now, was)
	s.holds(mail, now, "baker") // which was only shown
	w.inspect(a, "rewind")
	w.script(`(window.confirm = (text) => { sessionStorage.setItem("asked", text); return true; }, true)`, nil)
	w.press(`form[data-ask] .btn-danger`)
	var asked string
	w.script(`sessionStorage.getItem("asked")`, &asked)
	if asked == "" {
		t.Error("nobody was asked before it was done")
	}
	w.until(`document.querySelector("#revert .badge-ok") !== null`)
	back := func() {
		t.Helper()
		if got := s.by("hubspot", "contacts", "email", mail).Fields["phone"]; got != was {
			t.Errorf("HubSpot has %s, and had %s before that run", got, was)
		}
		if got := s.by("dolibarr", "contacts", "email", mail).Fields["phone_pro"]; got != now {
			t.Errorf("somebody entered %s, which was theirs, and Dolibarr has %s", now, got)
		}
	}
	back()
	w.inspect(a, "rewound")
	s.runAll(w)
	w.to("/runs")
	w.until(`document.querySelectorAll("#runs tbody tr").length === 5 && document.querySelectorAll("#runs .badge-ok").length === 5`)
	back() // and stays so
	w.quiet()
}

// remapped has a person add a field to a sync that runs, see what is wrong while typing, save it, and
// look at its plan before it runs.
func remapped(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, askingYAML, "serve")
	w := c.tab(t, s.base)
	const mail = "ann@example.gr"
	s.put("dolibarr", "contacts", "", "lastname", "Smith", "email", mail, "phone_pro", "+302100000000", "poste", "baker", "town", "Athens")
	s.setUp(w)
	s.runAll(w)
	s.holds(mail, "+302100000000", "baker")
	w.to("/settings/configuration")
	w.press(`form[action="/settings/configuration/adopt"] button`)
	w.to("/syncs/contacts")
	w.press(`main a[href="/syncs/contacts/mapping"]`)
	w.do(chromedp.Click(chromedp.CSS(`button[name="act"][value="add"]`))) // a row comes, and the page stays
	w.comes(`document.querySelector("#row-4-left") !== null`)
	w.enter("#row-4-left", "town", "#row-4-right", "ctiy")
	w.comes(`document.querySelector("#row-4-says .badge-fail") !== null`)
	w.inspect(a, "mapping that is wrong")
	w.enter("#row-4-right", "city")
	w.comes(`document.querySelector("#mapping-acts .btn-primary") !== null`)
	w.inspect(a, "mapping")
	w.press(`#mapping-acts .btn-primary`)
	if w.where() != "/syncs/contacts/mapping/saved" {
		t.Fatalf("it is saved, and one is at %s", w.where())
	}
	w.until(`document.querySelector('form[action="/syncs/contacts/plan"]') !== null`)
	w.inspect(a, "mapping saved")
	w.press(`form[action="/syncs/contacts/plan"] button`)
	w.until(`document.querySelector(".tiles") !== null`)
	w.reads("Athens")
	if got := s.by("hubspot", "contacts", "email", mail).Fields["city"]; got != "" {
		t.Errorf("it was only shown, and HubSpot has %q", got)
	}
	s.runAll(w)
	patiently(t, func() bool { return s.by("hubspot", "contacts", "email", mail).Fields["city"] == "Athens" }, func() string { return "the town does not come to HubSpot" })
	w.quiet()
}
