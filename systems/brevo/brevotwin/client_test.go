package brevotwin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// What Brevo's own client for Node can ask of contacts, lists and folders is answered in the form
// of its types (https://github.com/getbrevo/brevo-node); recorded from that client at this twin.
func TestTheVendorsOwnClientIsUnderstood(t *testing.T) {
	t.Parallel()
	a, _ := New(twin.Options{NoLimits: true}).(*Account)
	a.ImportsTake(time.Hour)
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string // in the answer
	}{
		{"POST", "/contacts/attributes/category/GENDER", `{"type":"category","enumeration":[{"value":1,"label":"male"}]}`, 201, ""},
		{"PUT", "/contacts/attributes/category/GENDER", `{"enumeration":[{"value":1,"label":"male"},{"value":2,"label":"female"}]}`, 204, ""},
		{"POST", "/contacts/attributes/normal/WINES", `{"type":"multiple-choice","multiCategoryOptions":["red"]}`, 201, ""},
		{"PUT", "/contacts/attributes/normal/WINES", `{"multiCategoryOptions":["white"]}`, 204, ""},
		{"DELETE", "/contacts/attributes/multiple-choice/WINES/red", "", 204, ""},
		{"DELETE", "/contacts/attributes/multiple-choice/WINES/red", "", 404, "document_not_found"},
		{"GET", "/contacts/attributes", "", 200, `"multiCategoryOptions":["white"]`},
		{"POST", "/contacts/folders", `{"name":"CRM"}`, 201, `"id":101`},
		{"PUT", "/contacts/folders/101", `{"name":"Sales"}`, 204, ""},
		{"POST", "/contacts/lists", `{"name":"Leads","folderId":101}`, 201, `"id":102`},
		{"GET", "/contacts/folders/101/lists", "", 200, `"name":"Leads"`},
		{"POST", "/contacts", `{"email":"a+b@x.io","ext_id":"crm-1","attributes":{"GENDER":"2","WINES":["white"]},"listIds":[2]}`, 201, `"id":1`},
		{"POST", "/contacts/lists/102/contacts/add", `{"emails":["a+b@x.io","nobody@x.io"]}`, 201, `"failure":["nobody@x.io"]`},
		{"POST", "/contacts/lists/102/contacts/add", `{"ids":[1]}`, 400, "already in list"},
		{"GET", "/contacts/lists/102/contacts?limit=500&offset=0", "", 200, `"count":1`},
		{"POST", "/contacts/lists/102/contacts/remove", `{"extIds":["crm-1"]}`, 201, `"success":["crm-1"]`},
		{"POST", "/contacts/lists/2/contacts/remove", `{"all":true}`, 201, `"total":1`},
		{"GET", "/contacts/segments", "", 200, `"count":0`},
		{"POST", "/contacts/import", `{"newList":{"listName":"New","folderId":101},"fileBody":"EMAIL;LASTNAME\nc@x.io;Berg\n"}`, 202, "processId"},
		{"GET", "/processes?limit=10&offset=0", "", 200, `"status":"in_process"`},
		{"POST", "/events", `{"event_name":"won","identifiers":{"email_id":"a+b@x.io"},"contact_properties":{"LASTNAME":"Berg"}}`, 204, ""},
		{"GET", "/events?contact_id=1&startDate=2000-01-01&endDate=2100-01-01", "", 200, `"count":1`},
		{"GET", "/events?contact_id=2", "", 200, `"count":0`},
		{"GET", "/events?startDate=2000-01-01", "", 400, "mandatory"},
		{"GET", "/contacts/1", "", 200, `"LASTNAME":"Berg"`},
		{"POST", "/webhooks", `{"url":"https://hub.example.com/h","type":"marketing","events":["spam"],"headers":[{"key":"X-A","value":"b"}],"auth":{"type":"bearer","token":"t"}}`, 201, "id"},
		{"PUT", "/webhooks/106", `{"events":["contactUpdated"]}`, 204, ""},
		{"GET", "/webhooks/106", "", 200, `"token":"t"`},
		{"DELETE", "/contacts/attributes/category/GENDER", "", 204, ""},
		{"DELETE", "/contacts/lists/2", "", 204, ""},
		{"DELETE", "/contacts/folders/101", "", 204, ""},
		{"GET", "/contacts/lists", "", 200, `"count":0`},
		{"GET", "/contacts/1", "", 200, `"listIds":[]`},
	} {
		r := httptest.NewRequest(c.method, "/v3"+c.path, strings.NewReader(c.body))
		r.Header.Set("Api-Key", apiKey)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Body)
		if err != nil || w.Code != c.status || !strings.Contains(string(body), c.has) || len(body) > 0 && !json.Valid(body) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, body)
		}
	}
	if u := a.Unknowns(); len(u) > 0 {
		t.Errorf("the twin does not know %v", u)
	}
}

// An import meets contacts that are there, too, unless it is told not to update them; then they
// are put on its lists all the same.
func TestAnImportUpdatesUnlessItIsToldNotTo(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"": "New", `,"updateExistingContacts":true`: "New", `,"updateExistingContacts":false`: "Old"} {
		a, _ := New(twin.Options{NoLimits: true}).(*Account)
		a.ImportsTake(0)
		id, err := a.Put("contacts", "", map[string]string{"email": "ann@x.io", "LASTNAME": "Old"})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/v3/contacts/import", strings.NewReader(`{"listIds":[2],"jsonBody":[{"email":"Ann@x.io","attributes":{"LASTNAME":"New"}}]`+said+`}`))
		r.Header.Set("Api-Key", apiKey)
		a.ServeHTTP(httptest.NewRecorder(), r)
		if rows := a.Rows("contacts"); len(rows) != 1 || rows[0].ID != id || rows[0].Fields["LASTNAME"] != want || rows[0].Fields["listIds"] != "2" {
			t.Errorf("%s: %v", said, rows)
		}
	}
}
