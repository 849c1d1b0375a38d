package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// contactsOf returns the addresses of the contacts that Brevo links with a company.
func (m *market) contactsOf(company string) string {
	m.t.Helper()
	return strings.Join(m.meant("contacts", "email", m.value(m.mail, "companies", "name", company, "linkedContactsIds")), " ")
}

// The persons of an organization are the contacts of its company: also who gets his contact
// later, and who moves to another one. What people link besides stays (R12), and links move by
// the call that names what moves, because the other one would replace them all.
func TestThePersonsOfAnOrganizationAreTheContactsOfItsCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "schedule: 6h", "schedule: 15m")
		acme := m.put(m.pipe, "organizations", "", map[string]string{"name": "Acme"})
		berg := m.put(m.pipe, "organizations", "", map[string]string{"name": "Berg"})
		ann := m.put(m.pipe, "persons", "", map[string]string{"name": "Ann Berg", "emails": "ann@acme.gr", "org_id": acme})
		bob := m.put(m.pipe, "persons", "", map[string]string{"name": "Bob Lee", "org_id": acme}) // without an address he has no contact
		wait := func(why, ofAcme, ofBerg string) {
			t.Helper()
			time.Sleep(20 * time.Minute)
			m.wellSynced()
			if a, b := m.contactsOf("Acme"), m.contactsOf("Berg"); a != ofAcme || b != ofBerg {
				t.Errorf("%s: Acme has %q, want %q; Berg has %q, want %q", why, a, ofAcme, b, ofBerg)
			}
		}
		wait("at first", "ann@acme.gr", "")
		m.put(m.pipe, "persons", bob, map[string]string{"emails": "bob@acme.gr"})
		wait("one whose contact comes later", "ann@acme.gr bob@acme.gr", "")
		press := m.put(m.mail, "contacts", "", map[string]string{"email": "press@x.gr", "FULLNAME": "Press"})
		rows := m.mail.Rows("companies")
		row := rows[slices.IndexFunc(rows, func(r twin.Row) bool { return r.Fields["name"] == "Acme" })]
		m.put(m.mail, "companies", row.ID, map[string]string{"linkedContactsIds": row.Fields["linkedContactsIds"] + "," + press})
		m.put(m.pipe, "persons", ann, map[string]string{"org_id": berg})
		wait("one who moves", "bob@acme.gr press@x.gr", "ann@acme.gr")
		m.put(m.pipe, "persons", bob, map[string]string{"org_id": ""})
		wait("one who left", "press@x.gr", "ann@acme.gr")
		if n := m.mail.Kit().Count("PATCH", "/v3/companies/link-unlink"); n == 0 {
			t.Error("nothing was linked by the call for it")
		}
		m.still()
	})
}

// A first load of companies goes by import: some calls of the hundred that an hour has, and each
// row is told. What an hour has, and what of it is spent, stands in the status.
func TestManyOrganizationsAreImported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "schedule: 6h", "schedule: 30m")
		m.organizations(250)
		calls := m.mail.Kit()
		before := calls.Count("", "/v3/companies") + calls.Count("", "/v3/processes")
		if code, out := m.run("sync", "companies"); code != 0 {
			t.Errorf("exit %d\n%s", code, out)
		}
		n := calls.Count("", "/v3/companies") + calls.Count("", "/v3/processes") - before
		if rows := m.mail.Rows("companies"); len(rows) != 250 || calls.Count("POST", "/v3/companies") != 1 || calls.Count("POST", "/v3/companies/import") != 1 || n > 10 {
			t.Errorf("%d companies by %d calls, %d of them write", len(rows), n, calls.Count("POST", "/v3/companies"))
		}
		if _, out := m.run("status"); !strings.Contains(out, "of 100 other calls spent in 1 hour") {
			t.Errorf("status does not tell the budget:\n%s", out)
		}
		m.still()
	})
}

// An import whose answer was lost, and whose companies show only hours later, is not sent again while
// Brevo lists what may be it (R16, invariant 8). Where Brevo lists nothing, the companies stand there twice in the
// end, and each of them is told, once (R20).
func TestAnImportThatWasCutOffAndShowsLate(t *testing.T) {
	t.Parallel()
	const n, late = 25, 3 * time.Hour
	for name, listed := range map[string]bool{"listed": true, "not listed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := ready(t, "schedule: 6h", "schedule: 30m")
				m.organizations(n)
				m.mail.ImportsTake(late)
				if !listed {
					m.mail.HideProcesses()
				}
				m.mail.Kit().Inject(twin.Fault{Kind: twin.FaultLostReply, Method: "POST", Path: "/v3/companies/import", Times: 1})
				var out, why string
				for began := time.Now(); time.Since(began) < 2*late; time.Sleep(20 * time.Minute) {
					if _, out = m.run("sync", "companies"); time.Since(began) < late/2 {
						_, why = m.run("why", "pipedrive.organizations/1")
					}
				}
				if strings.Contains(why, "of Brevo is under way") != listed {
					t.Errorf("why says\n%s", why)
				}
				imports, companies, asked := 1, n, 0
				if !listed {
					imports, companies, asked = 2, 2*n, n
				}
				_, queue := m.run("review")
				if got := len(m.mail.Rows("companies")); got != companies || m.mail.Kit().Count("POST", "/v3/companies/import") != imports || !strings.Contains(out, fmt.Sprint(n, " linked")) {
					t.Errorf("%d companies by %d imports\n%s", got, m.mail.Kit().Count("POST", "/v3/companies/import"), out)
				}
				if strings.Count(queue, "has the same name as brev") != asked || asked > 0 && !strings.Contains(out, fmt.Sprint(n, " items wait for you")) {
					t.Errorf("of %d that stand twice the queue says\n%s\nand the run\n%s", asked, queue, out)
				}
				if m.known(); listed {
					m.still()
				}
			})
		})
	}
}

// Where Brevo takes no import, a hundred calls an hour are what there is: 250 organizations arrive
// in three hours, none is lost or doubled, and status says when they will be there.
func TestOrganizationsOneByOneTakeThreeHours(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := ready(t, "schedule: 6h", "schedule: 30m")
		m.mail.RefuseCompanies()
		m.organizations(250)
		began := time.Now()
		m.serve()
		if got := len(m.mail.Rows("companies")); got < 50 || got > 100 {
			t.Errorf("%d companies after a minute", got)
		}
		time.Sleep(90*time.Minute - time.Since(began))
		_, out := m.run("status")
		for _, want := range []string{"records wait to be written; at the pace so far it is done about ", "of 100 other calls spent in 1 hour"} {
			if !strings.Contains(out, want) {
				t.Errorf("status does not say %q:\n%s", want, out)
			}
		}
		m.person("Ann Berg", "ann@acme.gr") // contacts have limits of their own, and do not wait
		m.within(20*time.Minute, m.mail, "contacts", "email", "ann@acme.gr", "FULLNAME", "Ann Berg")
		_, at, _ := strings.Cut(out, "it is done about ")
		told, err := time.ParseInLocation("2006-01-02 15:04", at[:min(len(at), 16)], athens(t))
		if err != nil {
			t.Errorf("status tells no time: %v\n%s", err, out)
		}
		var done time.Time
		for len(m.mail.Rows("companies")) < 250 && time.Since(began) < 6*time.Hour {
			time.Sleep(time.Minute)
			done = time.Now()
		}
		if took := done.Sub(began); took < 90*time.Minute || took > 3*time.Hour+10*time.Minute {
			t.Errorf("it took %v, with %d companies\n%s", took, len(m.mail.Rows("companies")), m.log)
		}
		if off := done.Sub(told); off.Abs() > time.Hour {
			t.Errorf("it was done at %v, status had said %v", done, told)
		}
		names := map[string]int{}
		for _, r := range m.mail.Rows("companies") {
			names[r.Fields["name"]]++
		}
		if len(names) != 250 || len(m.mail.Rows("companies")) != 250 {
			t.Errorf("%d companies of %d names", len(m.mail.Rows("companies")), len(names))
		}
		m.known()
	})
}

// organizations enters so many.
func (m *market) organizations(n int) {
	m.t.Helper()
	for i := range n {
		m.put(m.pipe, "organizations", "", map[string]string{"name": fmt.Sprintf("Company %d", i)})
	}
	time.Sleep(10 * time.Second)
}
