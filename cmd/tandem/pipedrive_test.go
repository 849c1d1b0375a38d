package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/systems/pipedrive/pipedrivetwin"
	"github.com/tandemhub/tandem/twin"
)

// A market is a site whose vendors are a Pipedrive and a Brevo.
type market struct {
	*site
	pipe *pipedrivetwin.Company
	mail *brevotwin.Account
}

func newMarket(t *testing.T, yaml string) *market {
	t.Helper()
	return marketOf(t, yaml, twin.Options{})
}

func marketOf(t *testing.T, yaml string, o twin.Options) *market {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), log: &buffer{}}
	m := &market{
		site: s,
		pipe: must[*pipedrivetwin.Company](t, twinOf(t, "pipedrive", o)),
		mail: must[*brevotwin.Account](t, twinOf(t, "brevo", o)),
	}
	s.at = map[string]twin.Twin{"pipedrive": m.pipe, "brevo": m.mail}
	s.env = map[string]string{"PIPEDRIVE_API_TOKEN": m.pipe.Settings()["api_token"], "BREVO_API_KEY": m.mail.Settings()["api_key"]}
	s.configure(yaml)
	t.Cleanup(s.close)
	return m
}

// recipe is the example as it stands, with some of its text replaced.
func recipe(t *testing.T, more ...string) string {
	t.Helper()
	yaml, err := os.ReadFile(filepath.Join("..", "..", "examples", "pipedrive-brevo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(more); i += 2 {
		if !strings.Contains(string(yaml), more[i]) {
			t.Fatalf("the example does not say %q", more[i])
		}
	}
	return strings.NewReplacer(more...).Replace(string(yaml))
}

// ready is a market with the example, whose attributes and lists have been made.
func ready(t *testing.T, more ...string) *market {
	t.Helper()
	m := newMarket(t, recipe(t, more...))
	m.made()
	return m
}

func (m *market) made() {
	m.t.Helper()
	if code, out := m.run("check", "--create-fields"); code != 0 || strings.Contains(out, "✗") {
		m.t.Fatalf("check: exit %d\n%s", code, out)
	}
}

// person enters a person with an address, and returns its id.
func (m *market) person(name, email string) string {
	m.t.Helper()
	return m.put(m.pipe, "persons", "", map[string]string{"name": name, "emails": email})
}

// deal enters a deal of a person, or changes one.
func (m *market) deal(id, person string, fields ...string) string {
	m.t.Helper()
	values := map[string]string{}
	if id == "" {
		values = map[string]string{"title": "Deal of " + person, "person_id": person}
	}
	for i := 0; i < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	return m.put(m.pipe, "deals", id, values)
}

// on returns the names of the lists on which a contact is.
func (m *market) on(email string) string {
	m.t.Helper()
	return strings.Join(m.meant("lists", "name", m.value(m.mail, "contacts", "email", email, "listIds")), ", ")
}

// meant returns what records of Brevo are called that are given by their ids, in order.
func (m *market) meant(object, field, ids string) []string {
	names := map[string]string{}
	for _, r := range m.mail.Rows(object) {
		names[r.ID] = r.Fields[field]
	}
	var out []string
	for id := range strings.SplitSeq(ids, ",") {
		if id != "" {
			out = append(out, names[id])
		}
	}
	slices.Sort(out)
	return out
}

// still proves that nothing more is written (invariant 6), and that nothing was asked that the
// vendors do not know.
func (m *market) still() {
	m.t.Helper()
	before := writes(m.pipe) + writes(m.mail)
	for range 2 {
		time.Sleep(20 * time.Minute)
		m.wellSynced()
	}
	if n := writes(m.pipe) + writes(m.mail) - before; n != 0 {
		m.t.Errorf("further runs wrote %d times: %v %v", n, lastActs(m.pipe, 3), lastActs(m.mail, 3))
	}
	m.known()
}

// moves counts what was written to Brevo of people themselves; what is told of them is not that.
func (m *market) moves() int {
	n := 0
	for _, a := range m.mail.Kit().Ledger().Acts() {
		if a.By == "api" && a.Object != "events" {
			n++
		}
	}
	return n
}

func (m *market) known() {
	m.t.Helper()
	for _, tw := range m.at {
		if u := tw.Kit().Unknowns(); len(u) > 0 {
			m.t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

// The example works as it stands, with two keys: what Brevo lacks is made, and people, what
// their deals came to, their lists and their companies are at both sides.
func TestTheExampleOfPipedriveAndBrevo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		acme := m.put(m.pipe, "organizations", "", map[string]string{"name": "Acme"})
		ann := m.put(m.pipe, "persons", "", map[string]string{"name": "Ann Berg", "emails": "ann@acme.gr", "phones": "+306912345678", "org_id": acme})
		m.deal("", ann, "value", "1000", "currency", "USD", "status", "won", "stage_id", "4")
		m.deal("", ann, "value", "80.5", "currency", "EUR", "status", "won", "stage_id", "1")
		m.deal("", ann, "value", "5", "currency", "EUR", "status", "lost", "stage_id", "2")
		m.deal("", ann, "value", "70", "currency", "EUR", "stage_id", "3")
		m.person("Nobody", "")
		m.put(m.mail, "contacts", "", map[string]string{"email": "carl@form.gr", "FIRSTNAME": "Carl", "LASTNAME": "Lund"})
		time.Sleep(10 * time.Second)
		m.wellSynced()
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{
			"FULLNAME": "Ann Berg", "FIRSTNAME": "Ann", "LASTNAME": "Berg", "SMS": "306912345678", "COMPANY": "Acme",
			"WON_DEALS": "2", "LOST_DEALS": "1", "OPEN_DEALS": "1", "CLOSED_DEALS": "3", "LTV": "1000.5",
		})
		if got := m.on("ann@acme.gr"); got != "All contacts, In negotiation" {
			t.Errorf("Ann is on %s", got)
		}
		m.holds(m.pipe, "persons", "name", "Carl Lund", map[string]string{"emails": "carl@form.gr"})
		m.holds(m.mail, "contacts", "email", "carl@form.gr", map[string]string{"FULLNAME": "Carl Lund", "WON_DEALS": "0", "LTV": "0"})
		m.holds(m.mail, "companies", "name", "Acme", nil)
		if n := len(m.mail.Rows("contacts")); n != 2 {
			t.Errorf("%d contacts: who has no e-mail address is one of them", n)
		}
		m.still()
	})
}

// A deal that is dragged puts its person on the list of its stage and takes it off the one
// before in the same call; of several deals the first by pick counts.
func TestADealThatIsDraggedMovesItsPersonBetweenLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		ann := m.person("Ann Berg", "ann@acme.gr")
		deal := m.deal("", ann, "value", "100", "currency", "EUR", "stage_id", "1")
		time.Sleep(10 * time.Second)
		m.wellSynced()
		press := m.put(m.mail, "lists", "", map[string]string{"name": "Press"})
		contact := m.mail.Rows("contacts")[0]
		m.put(m.mail, "contacts", contact.ID, map[string]string{"listIds": contact.Fields["listIds"] + "," + press}) // where people put her besides
		for _, step := range []struct {
			id, field, value, want string
			writes                 int
		}{
			{deal, "stage_id", "2", "All contacts, Press, Qualified leads", 0}, // another stage of the same list
			{deal, "stage_id", "3", "All contacts, In negotiation, Press", 1},
			{deal, "status", "won", "All contacts, Customers, Press", 1},
			{"", "stage_id", "1", "All contacts, Press, Qualified leads", 1}, // an open one counts before a won one
			{"", "status", "lost", "All contacts, Churned, Press", 1},
		} {
			time.Sleep(20 * time.Minute)
			before := m.moves()
			switch {
			case step.id != "":
				m.deal(step.id, "", step.field, step.value)
			case step.value == "1":
				m.deal("", ann, "value", "1", "currency", "EUR", step.field, step.value)
			default: // all are lost
				for _, d := range m.pipe.Rows("deals") {
					m.deal(d.ID, "", "status", "lost")
				}
			}
			time.Sleep(10 * time.Second)
			m.wellSynced()
			if got := m.on("ann@acme.gr"); got != step.want {
				t.Errorf("%s %s: Ann is on %s, want %s", step.field, step.value, got, step.want)
			}
			if n := m.moves() - before; n != step.writes {
				t.Errorf("%s %s: %d writes, want %d", step.field, step.value, n, step.writes)
			}
		}
		m.still()
	})
}

// A changed deal recomputes its person, and nobody else: one page of changes is read, and one
// contact is written.
func TestAChangedDealCostsOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		var deals []string
		for i := range 30 {
			p := m.person("Person "+string(rune('A'+i%26)), "p"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@x.gr")
			deals = append(deals, m.deal("", p, "value", "10", "currency", "EUR", "stage_id", "1"))
		}
		time.Sleep(10 * time.Second)
		m.wellSynced()
		m.still()
		reads := func() int {
			return m.pipe.Kit().Count("GET", "/api/v2/persons") + m.pipe.Kit().Count("GET", "/api/v2/deals")
		}
		idle := reads()
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		idle = reads() - idle
		before, asked := m.moves(), reads()
		m.deal(deals[7], "", "status", "won")
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		if n := m.moves() - before; n != 1 {
			t.Errorf("%d writes for one deal: %v", n, lastActs(m.mail, 3))
		}
		if n := reads() - asked; n > idle {
			t.Errorf("%d lists were read for one deal, %d when nothing happens", n, idle)
		}
		m.holds(m.mail, "contacts", "email", "pha@x.gr", map[string]string{"WON_DEALS": "1", "OPEN_DEALS": "0", "LTV": "10"})
	})
}

// Several persons with one address: the first has the contact, the second is a question, and a
// person has Pipedrive fold it into the first. Its deals go with it.
func TestPersonsOfOneAddressAreMergedAsAPersonSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		ann := m.person("Ann Berg", "ann@acme.gr")
		again := m.person("A. Berg", "ann@acme.gr")
		m.deal("", again, "value", "50", "currency", "EUR", "status", "won")
		time.Sleep(10 * time.Second)
		if code, out := m.run("sync"); code != 3 {
			t.Fatalf("exit %d\n%s", code, out)
		}
		if text := m.review(); !strings.Contains(text, `"duplicate"`) || !strings.Contains(text, `"choices":["merge","dismiss"]`) {
			t.Fatalf("the review asks\n%s", text)
		}
		if code, out := m.run("review", "decide", "1", "merge"); code != 0 {
			t.Fatalf("exit %d\n%s", code, out)
		}
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		if rows := m.pipe.Rows("persons"); len(rows) != 1 || rows[0].ID != ann {
			t.Errorf("persons %v", rows)
		}
		time.Sleep(20 * time.Minute) // its deals are found by the next run
		m.wellSynced()
		m.still()
		m.holds(m.mail, "contacts", "email", "ann@acme.gr", map[string]string{"WON_DEALS": "1", "LTV": "50"})
	})
}

// Who has no address is counted, and comes when one is entered; a lead puts its person on the
// list for nurturing until it is archived.
func TestPersonsWithoutAnAddressAndLeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t)
		bob := m.person("Bob Lee", "")
		lead := m.put(m.pipe, "leads", "", map[string]string{"title": "Asked for a price", "person_id": bob})
		time.Sleep(10 * time.Second)
		if _, out := m.run("plan"); !strings.Contains(out, "1 on the left (1 filtered)") && !strings.Contains(out, "filtered") {
			t.Errorf("the plan does not count who is left out:\n%s", out)
		}
		m.wellSynced()
		if n := len(m.mail.Rows("contacts")); n != 0 {
			t.Errorf("%d contacts", n)
		}
		m.put(m.pipe, "persons", bob, map[string]string{"emails": "bob@x.gr"})
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		if got := m.on("bob@x.gr"); got != "All contacts, Nurturing" {
			t.Errorf("Bob is on %s", got)
		}
		m.put(m.pipe, "leads", lead, map[string]string{"is_archived": "true"})
		time.Sleep(20 * time.Minute)
		m.wellSynced()
		if got := m.on("bob@x.gr"); got != "All contacts" {
			t.Errorf("Bob, whose lead is archived, is on %s", got)
		}
		m.still()
	})
}

// Without an address a person may be known by its phone.
func TestPersonsWithoutAnAddressByTheirPhone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, `where: { left: "email != ''", right: "email != ''" }`, "", "match: [email]", "match: [email, { left: phone, right: SMS }]")
		m.put(m.mail, "contacts", "", map[string]string{"SMS": "+306912345678"})
		m.put(m.pipe, "persons", "", map[string]string{"name": "Bob Lee", "phones": "+30 691 234 5678"})
		m.put(m.pipe, "persons", "", map[string]string{"name": "Dot Ray", "phones": "+30 691 234 5679"})
		time.Sleep(10 * time.Second)
		m.wellSynced()
		for phone, name := range map[string]string{"306912345678": "Bob Lee", "306912345679": "Dot Ray"} {
			m.holds(m.mail, "contacts", "SMS", phone, map[string]string{"FULLNAME": name})
		}
		m.still()
	})
}

// Each event of the example is told, once, with what automations need to know: also what the
// comment offers.
func TestTheExampleTellsBrevoWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "      # - { on: deals.updated", "      - { on: deals.updated", "# public_url: https://tandem.example.com", "public_url: https://hub.test/tandem")
		ann := m.person("Ann Berg", "ann@acme.gr")
		deal := m.deal("", ann, "title", "Roof", "value", "100", "currency", "EUR", "stage_id", "1")
		m.serve()
		m.within(time.Minute, m.mail, "contacts", "email", "ann@acme.gr", "OPEN_DEALS", "1")
		if told := toldBrevo(t, m.mail); len(told) != 0 {
			t.Errorf("of the first load Brevo was told %q", told)
		}
		var told []string
		happens := func(why string, want ...string) {
			t.Helper()
			m.called(http.StatusOK, twin.HookFaults{})
			time.Sleep(20 * time.Minute)
			now := toldBrevo(t, m.mail)
			got := slices.Clone(now)
			for _, old := range told {
				if i := slices.Index(got, old); i >= 0 {
					got = slices.Delete(got, i, i+1)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: Brevo was told %q, want %q", why, got, want)
			}
			told = now
		}
		bob := m.person("Bob Lee", "bob@x.gr")
		happens("a new person", "contact_created")
		m.put(m.pipe, "persons", ann, map[string]string{"phones": "+306912345678"})
		happens("a changed person", "contact_updated")
		m.deal(deal, "", "stage_id", "3")
		happens("a deal that is dragged", "deal_stage_changed from=1 title=Roof to=3", "deal_updated title=Roof")
		m.deal(deal, "", "status", "won")
		happens("a deal that is won", "deal_updated title=Roof", "deal_won currency=EUR title=Roof value=100")
		m.deal("", ann, "title", "Door", "value", "20.5", "currency", "EUR", "stage_id", "2")
		happens("a new deal", "deal_created currency=EUR stage=2 title=Door value=20.5")
		for _, kind := range []string{"call", "email", "meeting"} {
			m.put(m.pipe, "activities", "", map[string]string{"subject": "About doors", "type": kind, "participants": ann})
		}
		happens("activities", "activity_logged subject=About doors type=call", "activity_logged subject=About doors type=email", "activity_logged subject=About doors type=meeting")
		if err := m.pipe.Merge("persons", bob, ann); err != nil {
			t.Fatal(err)
		}
		happens("a merge", "contact_merged")
		m.known()
	})
}
