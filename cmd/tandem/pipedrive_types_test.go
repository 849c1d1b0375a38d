package main

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The name of an organization is a text, and no day: check says so from the schemas. What comes all
// the same is one question with its cause, not one for each person, and why names it.
func TestATextForADateIsToldBeforeAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, recipe(t))
		if err := m.mail.AddAttribute("COMPANY", "date"); err != nil {
			t.Fatal(err)
		}
		const told = `"COMPANY" is a date and from comes to a text: of each record what is not a day such as 2026-11-21 is left out and shown; make "COMPANY" a text where it was made, or name another field`
		code, out := m.run("check", "--create-fields")
		if code != 0 || !strings.Contains(out, told) {
			t.Errorf("check: exit %d\n%s", code, out)
		}
		for i := range 4 {
			org := m.put(m.pipe, "organizations", "", map[string]string{"name": "Acme " + strconv.Itoa(i)})
			m.put(m.pipe, "persons", "", map[string]string{"name": "Ann Berg", "emails": "ann" + strconv.Itoa(i) + "@x.gr", "org_id": org})
		}
		time.Sleep(10 * time.Second)
		if code, out := m.run("sync", "contacts"); code != 3 || len(m.mail.Rows("contacts")) != 4 {
			t.Errorf("sync: exit %d, %d contacts\n%s", code, len(m.mail.Rows("contacts")), out)
		}
		if _, out := m.run("review", "--group"); strings.Count(out, "COMPANY cannot hold the value") != 1 || strings.Contains(out, "the system says") || !strings.Contains(out, "is no day such as 2026-11-21") {
			t.Errorf("the review says\n%s", out)
		}
		if _, out := m.run("review", "show", "1"); !strings.Contains(out, "kinds that do not fit") {
			t.Errorf("no remedy is told:\n%s", out)
		}
		if _, out := m.run("why", "brevo.contacts/1", "COMPANY"); !strings.Contains(out, `"Acme 0" is no day such as`) {
			t.Errorf("why says\n%s", out)
		}
	})
}

// Somebody has made an attribute of Brevo by hand, of a type that cannot hold what is sent.
func TestAnAttributeOfTheWrongTypeIsNamed(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, attribute, kind, want string }{
		{"a number where a name goes", "FULLNAME", "float", `"name" is a text and cannot become the number "FULLNAME"`},
		{"a date where a count goes", "WON_DEALS", "date", `"WON_DEALS" is a date and cannot hold the number that from comes to; make it a number`},
		{"a yes or no where money goes", "LTV", "boolean", `"LTV" is a bool and cannot hold the number that from comes to; make it a number`},
		{"a text where money goes", "LTV", "text", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, recipe(t))
				if err := m.mail.AddAttribute(x.attribute, x.kind); err != nil {
					t.Fatal(err)
				}
				code, out := m.run("check", "--create-fields")
				if x.want != "" {
					if code != 2 || !strings.Contains(out, x.want) {
						t.Errorf("check: exit %d\n%s", code, out)
					}
				} else if code != 0 {
					t.Errorf("check: exit %d\n%s", code, out)
				}
				m.deal("", m.person("Ann Berg", "ann@x.gr"), "value", "10", "currency", "EUR", "status", "won")
				code, out = m.run("sync", "contacts")
				if x.want != "" {
					if code != 2 || !strings.Contains(out, x.want) || len(m.mail.Rows("contacts")) != 0 {
						t.Errorf("sync: exit %d\n%s", code, out)
					}
				} else if got := m.value(m.mail, "contacts", "email", "ann@x.gr", x.attribute); code != 0 || got != "10" {
					t.Errorf("sync: exit %d, %s is %q\n%s", code, x.attribute, got, out)
				}
			})
		})
	}
}
