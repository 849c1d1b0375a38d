package dolibarrtwin

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// Tagging moves no stamp and names no editor (recorded); whoever is in a category is
// listed there, and a category that goes leaves no trace.
func TestTaggingIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tw := open(twin.Options{})
		put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
		put(t, tw, contacts, "", map[string]string{"lastname": "Meyer"})
		put(t, tw, categories, "", map[string]string{"label": "VIP"})
		put(t, tw, categories, "", map[string]string{"label": "Press", "type": "4"})
		_, before := call(t, tw, "GET", "/thirdparties/1", "")
		time.Sleep(time.Minute)
		for _, x := range []struct{ method, path, want string }{
			{"GET", "/categories/1/objects?type=customer&onlyids=1", "[]"},
			{"PUT", "/thirdparties/1/categories/1", ""},
			{"PUT", "/thirdparties/1/categories/1", ""},
			{"GET", "/categories/1/objects?type=customer&onlyids=1", `["1"]`},
			{"GET", "/thirdparties?category=1&mode=1&properties=id", `[]`}, // no customer
			{"PUT", "/contacts/1/categories/2", ""},
			{"GET", "/categories/2/objects?type=contact&onlyids=1", `["1"]`},
			{"GET", "/categories?type=contact&properties=id,label", `[{"id":"2","label":"Press"}]`},
			{"DELETE", "/contacts/1/categories/2", ""},
			{"GET", "/contacts/1/categories", "[]"},
			{"PUT", "/contacts/1/categories/9", "category not found"},
		} {
			if _, body := call(t, tw, x.method, x.path, ""); !strings.Contains(body, x.want) && x.want != "[]" || x.want == "[]" && body != "[]" && !strings.Contains(body, "No third parties found") {
				t.Errorf("%s %s: %s", x.method, x.path, body)
			}
		}
		if _, after := call(t, tw, "GET", "/thirdparties/1", ""); after != before {
			t.Errorf("tagging changed the record: %s", cmp.Diff(before, after))
		}
		if got := tw.Rows(thirdParties)[0].Fields["categories"]; got != "1" {
			t.Errorf("people see the tags %q", got)
		}
		if err := tw.Remove(categories, "1"); err != nil {
			t.Fatal(err)
		}
		put(t, tw, contacts, "1", map[string]string{"categories": "2"})
		if fields := tw.Rows(thirdParties)[0].Fields; fields["categories"] != "" {
			t.Errorf("in a category that is gone: %v", fields)
		}
		if _, err := tw.Put(contacts, "1", map[string]string{"categories": "7"}); err == nil {
			t.Error("a category that is not there can be chosen")
		}
		var acts []string
		for _, a := range tw.Ledger().Acts()[4:] {
			acts = append(acts, fmt.Sprint(a.By, " ", a.Verb, " ", a.Object, " ", a.Fields["categories"]))
		}
		want := []string{"api update thirdparties 1", "api update contacts 2", "api update contacts ", "person delete categories ", "person update contacts 2"}
		if diff := cmp.Diff(want, acts); diff != "" {
			t.Errorf("- want, + in the ledger\n%s", diff)
		}
	})
}

// Every save makes an event of its own, which people do not see among theirs, and which
// is nobody's act.
func TestTheAgendaKeepsAccount(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"20", "24"} {
		tw := open(twin.Options{Version: version})
		everything(t, tw)
		put(t, tw, events, "", map[string]string{"label": "Visit", "type_code": "AC_RDV", "socpeopleassigned": "7,3"})
		_, body := call(t, tw, "GET", "/agendaevents?properties=code,label,type_code,socid&sqlfilters=(t.fk_action:=:40)", "")
		for _, want := range []string{
			`"code":"AC_COMPANY_CREATE","label":"Third party Hook Co created"`, `"code":"AC_CONTACT_MODIFY"`, `"label":"Contact Hook created"`,
			`"label":"Contact 1 deleted"`, `"label":"Invoice IN0001-0001 validated"`, `"label":"Proposal PR0001-0001 signed"`, `"label":"Project PJ0001-0001 created"`,
		} {
			want = strings.ReplaceAll(want, "0001-", tw.Now().Format("0601")+"-")
			if missing := !strings.Contains(body, want); missing != strings.Contains(want, "CONTACT_MODIFY") {
				t.Errorf("%s: %s is missing: %v in %s", version, want, missing, body)
			}
		}
		if logged := strings.Contains(body, "AC_PROJECT_MODIFY"); logged != (version == "20") {
			t.Errorf("%s: the change of a draft is logged: %v", version, logged)
		}
		rows := tw.Rows(events)
		if len(rows) != 1 || rows[0].Fields["socpeopleassigned"] != "3,7" || rows[0].Fields["userownerid"] != "1" {
			t.Errorf("%s: people see %v", version, rows)
		}
		for _, a := range tw.Ledger().Acts() {
			if a.Object == events && a.By != byPerson {
				t.Errorf("%s: %+v", version, a)
			}
		}
	}
}

// People of an event: a create takes the keys for the ids, a change what stands under id.
// contact_id links nobody (recorded), and without an owner there is no event.
func TestEventsLinkPeople(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	for _, x := range []struct{ method, path, body, want string }{
		{"POST", "/agendaevents", `{"userownerid":4,"type_code":"AC_RDV","label":"x","datep":1796040000,"contact_id":1,"socpeopleassigned":{"12":{"id":"13"}}}`, "1"},
		{"GET", "/agendaevents/1", "", `"socpeopleassigned":{"12":{"id":"12",`},
		{"PUT", "/agendaevents/1", `{"socpeopleassigned":{"12":{"id":"13"}}}`, `"socpeopleassigned":{"13":{"id":"13",`},
		{"PUT", "/agendaevents/1", `{"socpeopleassigned":[]}`, `"socpeopleassigned":[]`},
		{"PUT", "/agendaevents/1", `{"datef":1796000000}`, `"datef":1796040000`}, // not before it begins
		{"POST", "/agendaevents", `{"type_code":"AC_RDV","label":"x"}`, "userownerid field missing"},
		{"POST", "/agendaevents", `{"userownerid":4,"type_code":"AC_NONE","label":"x"}`, "does not exist in the Event Type dictionary"},
		{"GET", "/agendaevents?user_ids=4&properties=id", "", `[{"id":"1"}]`},
		{"GET", "/agendaevents?user_ids=1&properties=id", "", `[]`},
		{"GET", "/agendaevents?properties=id&sqlfilters=(t.datep:%3E:'20261130100000')", "", `[{"id":"1"}]`},
		{"GET", "/agendaevents?properties=id&sqlfilters=(t.datep:%3E:'20261130130000')", "", `[]`},
	} {
		if _, body := call(t, tw, x.method, x.path, x.body); !strings.Contains(body, x.want) {
			t.Errorf("%s %s %s: %s", x.method, x.path, x.body, body)
		}
	}
	if len(tw.Unknowns()) > 0 {
		t.Error(tw.Unknowns())
	}
}

// A merge takes documents and events along; the other one is gone.
func TestMergeTakesPapersAlong(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	put(t, tw, thirdParties, "", map[string]string{"name": "Keep"})
	put(t, tw, thirdParties, "", map[string]string{"name": "Gone", "email": "g@x.example"})
	put(t, tw, orders, "", map[string]string{"socid": "2"})
	put(t, tw, events, "", map[string]string{"label": "Visit", "socid": "2"})
	if code, _ := call(t, tw, "PUT", "/thirdparties/1/merge/1", "{}"); code != 400 {
		t.Errorf("merged into itself: %d", code)
	}
	if code, body := call(t, tw, "PUT", "/thirdparties/1/merge/2", "{}"); code != 200 || field(t, body, "email") != "g@x.example" {
		t.Errorf("%d %s", code, body)
	}
	if a, b := tw.Rows(orders)[0].Fields["socid"], tw.Rows(events)[0].Fields["socid"]; a != "1" || b != "1" {
		t.Errorf("the order is of %s, the event of %s", a, b)
	}
	if code, _ := call(t, tw, "GET", "/thirdparties/2", ""); code != 404 {
		t.Errorf("the other one answers %d", code)
	}
}
