package main

import (
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
	mails := map[string]string{}
	for _, c := range m.mail.Rows("contacts") {
		mails[c.ID] = c.Fields["email"]
	}
	var out []string
	for id := range strings.SplitSeq(m.value(m.mail, "companies", "name", company, "linkedContactsIds"), ",") {
		if id != "" {
			out = append(out, mails[id])
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
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
