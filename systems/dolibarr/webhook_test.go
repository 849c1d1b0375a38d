package dolibarr

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest"
)

// receive asks a connection without a network, as Receive has to do without one.
func receive(t testing.TB, body []byte) (connector.Delivery, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://hub.example.com/door/erp/key", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return new(conn).Receive(time.Time{}, r, body)
}

// Every recorded hook names its record, but for the events with which Dolibarr logs itself
// (fact 15).
func TestHooksAreHints(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, h := range hooks(t) {
		d, err := receive(t, h.Request.Body)
		if err != nil || d.Reply != nil || d.Ask != nil || d.Lost {
			t.Errorf("%s: %+v, %v", h.file, d, err)
		}
		fmt.Fprintf(&got, "%s: %v\n", h.file, d.Hints)
	}
	connectortest.Golden(t, "testdata/hooks.golden", got.String())
}

// Codes that are none of ours give no hints and no error: there are 156 of them, and
// modules add more.
func TestTriggerCodes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ code, object, want string }{
		{"COMPANY_MODIFY", `{"id":7}`, "thirdparties/7"},
		{"COMPANY_DELETE", `{"id":"7"}`, "thirdparties/7"},
		{"CONTACT_ENABLEDISABLE", `{"id":7}`, "contacts/7"},
		{"USER_MODIFY", `{"id":7}`, "users/7"},
		{"PRODUCT_PRICE_MODIFY", `{"id":7}`, "products/7"},
		{"PROJECT_CREATE", `{"id":7,"usage_opportunity":1}`, "projects/7"},
		{"PROJECT_CREATE", `{"id":7,"usage_opportunity":0}`, ""},
		{"PROJECT_DELETE", `{"id":7}`, "projects/7"},
		{"PROPAL_VALIDATE", `{"id":7}`, "proposals/7"},
		{"LINEPROPAL_INSERT", `{"id":99,"fk_propal":"7"}`, "proposals/7"},
		{"LINEPROPAL_DELETE", `{"id":99}`, ""},
		{"ORDER_CLOSE", `{"id":7}`, "orders/7"},
		{"LINEORDER_MODIFY", `{"id":99,"fk_commande":7}`, "orders/7"},
		{"ORDER_SUPPLIER_CREATE", `{"id":7}`, ""},
		{"LINEORDER_SUPPLIER_CREATE", `{"id":99,"fk_commande":7}`, ""},
		{"BILL_CANCEL", `{"id":7}`, "invoices/7"},
		{"PAYMENT_CUSTOMER_CREATE", `{"id":99,"amounts":{"9":"10.5","7":"40"}}`, "invoices/7 invoices/9"},
		{"PAYMENT_CUSTOMER_DELETE", `{"id":99,"amounts":[]}`, ""},
		{"PAYMENT_CUSTOMER_CREATE", `{"id":99,"amounts":"x"}`, ""},
		{"PAYMENT_SUPPLIER_CREATE", `{"id":99,"amounts":{"7":"40"}}`, ""},
		{"LINEBILL_MODIFY", `{"id":99,"fk_facture":7}`, "invoices/7"},
		{"BILL_SUPPLIER_VALIDATE", `{"id":7}`, ""},
		{"ACTION_MODIFY", `{"id":7,"type_code":"AC_RDV"}`, "agendaevents/7"},
		{"ACTION_CREATE", `{"id":7,"type_code":"AC_OTH_AUTO"}`, ""},
		{"CATEGORY_MODIFY", `{"id":7}`, "categories/7"},
		{"TASK_CREATE", `{"id":7}`, ""},
		{"MYMODULE_DONE", `{"id":7}`, ""},
		{"COMPANY_MODIFY", `{"id":0}`, ""},
		{"COMPANY_MODIFY", `{"id":"x"}`, ""},
		{"COMPANY_MODIFY", `{}`, ""},
		{"COMPANY_MODIFY", `null`, ""},
	} {
		d, err := receive(t, fmt.Appendf(nil, `{"triggercode":%q,"object":%s}`, x.code, x.object))
		var got []string
		for _, r := range d.Hints {
			got = append(got, r.Object+"/"+r.ID)
		}
		if err != nil || strings.Join(got, " ") != x.want {
			t.Errorf("%s %s hints at %v, %v; want %q", x.code, x.object, got, err, x.want)
		}
	}
}

// What is no hook is Invalid, and is answered 200 all the same: any other status would roll
// back what a person has just saved (fact 13).
func TestGarbageAtTheDoor(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "x", "[]", "{}", `{"triggercode":1}`, `{"triggercode":"COMPANY_MODIFY"}`, `{"triggercode":"COMPANY_MODIFY","object":[]}`, `{"triggercode":"COMPANY_MODIFY","object":"7"}`} {
		d, err := receive(t, []byte(body))
		if connector.KindOf(err) != connector.Invalid || len(d.Hints) > 0 {
			t.Errorf("%q: %+v, %v", body, d, err)
		}
	}
	door := Spec().Door
	if door.OK != http.StatusOK || door.Bad != http.StatusOK || door.Busy != http.StatusOK {
		t.Errorf("the door answers %d, %d and %d", door.OK, door.Bad, door.Busy)
	}
	if door.ReadDelay < 2*time.Second || !strings.Contains(door.Help, "non-blocking") {
		t.Errorf("hooks come before the commit, and block: delay %v, help %q", door.ReadDelay, door.Help)
	}
}

// FuzzReceive lets anybody knock: no panic, no hint at what is no record of ours.
func FuzzReceive(f *testing.F) {
	for _, h := range hooks(f) {
		f.Add([]byte(h.Request.Body))
	}
	f.Add([]byte(`{"triggercode":"BILL_","object":{"id":1e9}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := receive(t, body)
		if err != nil && (connector.KindOf(err) != connector.Invalid || len(d.Hints) > 0) {
			t.Fatalf("%v with %+v", err, d)
		}
		for _, r := range d.Hints {
			if _, err := objectOf(r.Object); err != nil || !isID(r.ID) {
				t.Fatalf("a hint at %+v", r)
			}
		}
	})
}
