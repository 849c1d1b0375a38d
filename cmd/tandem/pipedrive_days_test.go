package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// Who unsubscribes at Brevo is blocklisted there, and the no reaches a field of Pipedrive
// whatever the direction; nothing that happens in Pipedrive lifts it (R32).
func TestANoToMailComesBackToPipedrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, "")
		key, err := m.pipe.AddField("persons", "Mail consent", "varchar")
		if err != nil {
			t.Fatal(err)
		}
		m.configure(recipe(t, "      - email\n", "      - email\n      - { left: "+key+", right: emailBlacklisted, direction: left-to-right, values: { \"no\": denied, \"yes\": granted } }\n"))
		m.made()
		ann := m.person("Ann Berg", "ann@acme.gr")
		time.Sleep(10 * time.Second)
		m.wellSynced()
		if err := m.mail.Unsubscribe(m.mail.Rows("contacts")[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		m.holds(m.pipe, "persons", "name", "Ann Berg", map[string]string{key: "no"})
		m.put(m.pipe, "persons", ann, map[string]string{"name": "Anna Berg"})
		m.deal("", ann, "value", "10", "currency", "EUR", "status", "won")
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{"emailBlacklisted": "denied", "FULLNAME": "Anna Berg", "WON_DEALS": "1"})
		m.still()
	})
}

// What is wrong is told with what to do, and costs nothing.
func TestWhatIsWrongWithAnAccountIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*market)
		says  []string
	}{
		"token": {func(m *market) { m.env["PIPEDRIVE_API_TOKEN"] = "stale" }, []string{"connection pipedrive", "token"}},
		"key":   {func(m *market) { m.env["BREVO_API_KEY"] = "xkeysib-stale" }, []string{"connection brevo", "key"}},
		"scope": {func(m *market) { m.pipe.Revoke("contacts:read", "contacts:full") }, []string{"scope"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := ready(t)
				m.person("Ann Berg", "ann@acme.gr")
				time.Sleep(2 * time.Hour) // who we are is asked for again
				c.spoil(m)
				code, out := m.run("sync")
				if code != 1 {
					t.Errorf("exit %d", code)
				}
				for _, word := range c.says {
					if !strings.Contains(strings.ToLower(out), word) {
						t.Errorf("it does not say %q:\n%s", word, out)
					}
				}
				if n := len(m.mail.Rows("contacts")); n != 0 {
					t.Errorf("%d contacts were made", n)
				}
			})
		})
	}
}

// Wrong words in the file are told with their line and the nearest right one.
func TestWrongWordsInTheFileAreToldWithTheNearest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		key, err := m.pipe.AddField("persons", "Lead source", "varchar")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.mail.AddAttribute("LEAD_SOURCE", "float"); err != nil {
			t.Fatal(err)
		}
		lists := m.mail.Rows("lists")
		last := lists[len(lists)-1].ID
		for _, c := range []struct{ old, is, says string }{
			{"          4: In negotiation", "          41: In negotiation", `"41" is no value of "stage_id"`},
			{"won: Customers", "won: Custmers", `did you mean "Customers"`},
			{"won: Customers", "won: " + last + "1", `is none of the lists of "listIds"`},
			{"by: stage_id", "by: stage_it", `did you mean "stage_id"`},
			{"      - email\n", "      - email\n      - { left: " + key[:39] + "z, right: JOB_TITLE }\n", `did you mean "` + key},
			{"      - email\n", "      - email\n      - { left: " + key + ", right: LEAD_SOURCE }\n", "number"},
			{"of: deals", "of: deal", `did you mean "deals"`},
		} {
			m.configure(recipe(t, c.old, c.is))
			code, out := m.run("sync")
			if code != 2 && c.says != "number" || !strings.Contains(out, c.says) {
				t.Errorf("%s: exit %d, it does not say %s:\n%s", c.is, code, c.says, out)
			}
		}
	})
}

// A hook that is not Pipedrive's is refused and counted; those that were lost while Pipedrive
// sent nothing for half an hour are found by the next poll.
func TestHooksOfPipedriveThatAreForgedOrLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "# public_url: https://tandem.example.com", "public_url: https://hub.test/tandem")
		ann := m.person("Ann Berg", "ann@acme.gr")
		deal := m.deal("", ann, "value", "10", "currency", "EUR", "stage_id", "1")
		m.serve()
		if m.pipe.Subscriptions() == 0 {
			t.Fatalf("Pipedrive was not told to call\n%s", m.log)
		}
		m.within(time.Minute, m.mail, "contacts", "email", "ann@acme.gr", "OPEN_DEALS", "1")
		m.deal(deal, "", "stage_id", "3")
		m.called(http.StatusUnauthorized, twin.HookFaults{Forged: true})
		if !m.metric(`tandem_hook_deliveries_total{connection="pipedrive",outcome="refused"} 1`) {
			t.Error("it is not counted")
		}
		time.Sleep(30 * time.Second)
		if got := m.on("ann@acme.gr"); got != "All contacts, Qualified leads" {
			t.Errorf("a forger made us read: Ann is on %s", got)
		}
		described := m.mail.Kit().Count(http.MethodGet, "/v3/contacts/attributes")
		m.called(http.StatusOK, twin.HookFaults{}) // the genuine one comes again
		time.Sleep(15 * time.Second)
		if got := m.on("ann@acme.gr"); got != "All contacts, In negotiation" {
			t.Errorf("Ann is on %s\n%s", got, m.log)
		}
		if n := m.mail.Kit().Count(http.MethodGet, "/v3/contacts/attributes") - described; n > 0 {
			t.Errorf("for one move Brevo was asked %d times for what fields it has, of which an hour has 100", n)
		}
		m.deal(deal, "", "status", "won")
		m.called(0, twin.HookFaults{Lost: true})
		m.within(16*time.Minute, m.mail, "contacts", "email", "ann@acme.gr", "WON_DEALS", "1")
		if got := m.on("ann@acme.gr"); got != "All contacts, Customers" {
			t.Errorf("Ann is on %s", got)
		}
		m.known()
	})
}

// called has Pipedrive deliver, and wants that answer to all of it; 0 = none.
func (m *market) called(want int, f twin.HookFaults) {
	m.t.Helper()
	statuses, err := m.pipe.Deliver(m.t.Context(), m.door, f)
	if err != nil {
		m.t.Fatal(err)
	}
	if want != 0 && len(statuses) == 0 {
		m.t.Error("nothing was delivered")
	}
	for _, s := range statuses {
		if s != want {
			m.t.Errorf("answered %d, want %d", s, want)
		}
	}
}

// While Brevo is down for four hours nothing is lost, what people did last counts, and it is not
// asked over and over.
func TestABrevoThatIsDownForHoursLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		ann := m.person("Ann Berg", "ann@acme.gr")
		deal := m.deal("", ann, "value", "10", "currency", "EUR", "stage_id", "1")
		m.serve()
		fault := m.mail.Kit().Inject(twin.Fault{Kind: twin.FaultUnavailable})
		for i, step := range [][2]string{{"stage_id", "2"}, {"stage_id", "3"}, {"status", "won"}} {
			m.deal(deal, "", step[0], step[1])
			m.put(m.pipe, "persons", ann, map[string]string{"name": fmt.Sprintf("Ann Berg %d", i)})
			m.person("New", fmt.Sprintf("new%d@x.gr", i))
			time.Sleep(80 * time.Minute)
		}
		if n := fault.Hits(); n == 0 || n > 400 {
			t.Errorf("Brevo was asked %d times while it was down", n)
		}
		fault.Remove()
		time.Sleep(time.Hour)
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{"FULLNAME": "Ann Berg 2", "WON_DEALS": "1", "LTV": "10"})
		if got := m.on("ann@acme.gr"); got != "All contacts, Customers" {
			t.Errorf("Ann is on %s", got)
		}
		for i := range 3 {
			m.holds(m.mail, "contacts", "email", fmt.Sprintf("new%d@x.gr", i), map[string]string{"FULLNAME": "New"})
		}
		if n := len(m.mail.Rows("contacts")); n != 4 {
			t.Errorf("%d contacts, want 4: none is doubled", n)
		}
		m.known()
	})
}

// When the tokens of a day are spent the run says until when, Pipedrive is left alone, and the
// rest is done after the reset.
func TestADaysBudgetThatIsSpentStopsUntilTheReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		m.person("Ann Berg", "ann@acme.gr")
		time.Sleep(10 * time.Second)
		m.wellSynced()
		m.person("Bob Lee", "bob@x.gr")
		time.Sleep(20 * time.Minute)
		m.pipe.Spend(0)
		code, out := m.run("sync")
		if code == 0 || !strings.Contains(out, "token") && !strings.Contains(out, "budget") {
			t.Errorf("exit %d; it does not say what is spent:\n%s", code, out)
		}
		before := m.pipe.Kit().Count("GET", "/api/v2/persons")
		for range 4 {
			time.Sleep(time.Hour)
			m.run("sync")
		}
		if n := m.pipe.Kit().Count("GET", "/api/v2/persons") - before; n > 8 {
			t.Errorf("it was asked %d times with nothing left", n)
		}
		time.Sleep(24 * time.Hour)
		m.wellSynced()
		m.holds(m.mail, "contacts", "email", "bob@x.gr", nil)
		m.known()
	})
}

// An import whose row Brevo rejects for a number: it comes without, with the reason told, and the others are there.
func TestRejectedRowsOfAnImportAreToldOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := recipe(t, "key_name: Tandem", "import_list: 2 #")
		ruled, rest := strings.Index(yaml, "    # Lists by their name"), strings.Index(yaml, "  # Organizations become")
		m := newMarket(t, yaml[:ruled]+yaml[rest:]) // who is put on other lists as well is made one by one
		m.made()
		m.put(m.mail, "contacts", "", map[string]string{"SMS": "+306912345601"}) // somebody's, without an address
		const n = 40
		for i := range n {
			m.put(m.pipe, "persons", "", map[string]string{"name": fmt.Sprintf("Person %d", i), "emails": fmt.Sprintf("p%d@x.gr", i), "phones": fmt.Sprintf("+3069123456%02d", i)})
		}
		time.Sleep(10 * time.Second)
		if code, out := m.run("sync"); code != 0 {
			t.Errorf("exit %d\n%s", code, out)
		}
		if _, why := m.run("why", "pipedrive.persons/2", "phones"); !strings.Contains(why, "another contact has this number") {
			t.Errorf("it does not say why the row came without its number:\n%s", why)
		}
		if got := len(m.mail.Rows("contacts")); got < n {
			t.Errorf("%d contacts, want %d", got, n)
		}
		if c := m.mail.Kit().Count("POST", "/v3/contacts/import"); c == 0 {
			t.Error("nothing was imported")
		}
		m.known()
	})
}
