package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

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
