package hubspottwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

func inBubble(t *testing.T, o twin.Options, test func(t *testing.T, a *Account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, New(o).(*Account)) })
}

// want calls the API and returns the answer's JSON.
func (a *Account) want(t *testing.T, status int, method, path, body string) map[string]any {
	t.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	got, text := call(t, a, token, method, path, sent)
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	out := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return out
}

func must(t *testing.T) func(string, error) string {
	t.Helper()
	return func(id string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
}

const at = "/crm/objects/2026-09/contacts"

func TestSingleRecordsAreMadeChangedAndArchived(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		made := a.want(t, 201, "POST", at, `{"properties":{"email":" Ann@Example.COM "}}`)
		id := made["id"].(string)
		time.Sleep(time.Second)
		changed := a.want(t, 200, "PATCH", at+"/ann@example.com?idProperty=email", `{"properties":{"city":"Athens"}}`)
		if changed["id"] != id || changed["updatedAt"] == made["updatedAt"] || changed["createdAt"] != made["createdAt"] {
			t.Errorf("changed: %v, made: %v", changed, made)
		}
		got := a.want(t, 200, "GET", at+"/"+id+"?properties=email,city", "")
		if p := got["properties"].(map[string]any); p["email"] != "ann@example.com" || p["city"] != "Athens" {
			t.Errorf("%v", p)
		}
		a.want(t, 400, "PATCH", at+"/"+id+"?idProperty=city", `{"properties":{}}`)
		a.want(t, 204, "DELETE", at+"/"+id, "")
		a.want(t, 404, "GET", at+"/"+id, "")
		a.want(t, 200, "GET", at+"/"+id+"?archived=true", "")
		a.want(t, 201, "POST", at, `{"properties":{"email":"ann@example.com"}}`) // it is free again
		if err := a.Restore("contacts", id); err == nil {
			t.Error("restored beside another with the same address")
		}
		acts := []string{}
		for _, x := range a.Ledger().Acts() {
			acts = append(acts, x.By+" "+x.Verb+" "+x.ID)
		}
		if want := []string{"api create 1001", "api update 1001", "api archive 1001", "api create 1002"}; !slices.Equal(acts, want) {
			t.Errorf("ledger: %v", acts)
		}
	})
}

func TestUpsertMakesOrChanges(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		got := a.want(t, 207, "POST", at+"/batch/upsert", `{"inputs":[
			{"id":"ANN@example.com","idProperty":"email","properties":{"city":"Athens"},"objectWriteTraceId":"a"},
			{"id":"bob@example.com","idProperty":"email","properties":{"city":"Bonn"},"objectWriteTraceId":"b"},
			{"id":"bad","idProperty":"email","properties":{},"objectWriteTraceId":"c"}]}`)
		results := got["results"].([]any)
		if len(results) != 2 || results[0].(map[string]any)["new"] != false || results[1].(map[string]any)["new"] != true || got["numErrors"] != 1.0 {
			t.Errorf("%v", got)
		}
		a.want(t, 400, "POST", at+"/batch/upsert", `{"inputs":[{"id":"x","idProperty":"city","properties":{}}]}`)
		a.want(t, 400, "POST", at+"/batch/upsert", `{"inputs":[{"id":"x@example.com","idProperty":"email","properties":{}},{"id":"X@example.com","idProperty":"email","properties":{}}]}`)
	})
}

// One bad row fails a batch without marks, and nothing of it is done.
func TestBatchWithoutMarksIsAllOrNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.want(t, 400, "POST", at+"/batch/create", `{"inputs":[{"properties":{"email":"a@example.com"}},{"properties":{"email":"bad"}}]}`)
		must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		a.want(t, 409, "POST", at+"/batch/create", `{"inputs":[{"properties":{"email":"a@example.com"}},{"properties":{"email":"ann@example.com"}}]}`)
		a.want(t, 400, "POST", at+"/batch/update", `{"inputs":[{"id":"1001","properties":{"city":"Athens"}},{"id":"1001","properties":{"city":"Bonn"}}]}`)
		a.want(t, 400, "POST", at+"/batch/update", `{"inputs":[{"id":"1001","idProperty":"hs_object_id","properties":{"city":"Athens"}}]}`)
		a.want(t, 400, "POST", at+"/batch/create", `{"inputs":[]}`)
		rows := a.Rows("contacts")
		if d := cmp.Diff([]twin.Row{{ID: "1001", Fields: map[string]string{"email": "ann@example.com"}}}, rows); d != "" {
			t.Error(d)
		}
	})
}

func TestValuesAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, code, stored string }{
		{"birthday", "2026-02-28", "", "2026-02-28"}, {"birthday", "1772236800000", "", "2026-02-28"},
		{"birthday", "1772236800001", "INVALID_DATE", ""}, {"birthday", "28.2.2026", "INVALID_DATE", ""},
		{"last_visit", "2026-02-28T12:30:00+02:00", "", "2026-02-28T10:30:00.000Z"}, {"last_visit", "1772281800250", "", "2026-02-28T12:30:00.250Z"},
		{"last_visit", "yesterday", "INVALID_DATE", ""},
		{"credit_score", "1e3", "", "1e3"}, {"credit_score", "many", "INVALID_LONG", ""}, {"credit_score", "NaN", "INVALID_LONG", ""},
		{"newsletter", "yes", "INVALID_OPTION", ""}, {"newsletter", "false", "", "false"},
		{"interests", "bath;garden;bath", "", "bath;garden"}, {"interests", "bath;Garden", "INVALID_OPTION", ""},
		{"hubspot_owner_id", "1", "INVALID_OWNER_ID", ""}, {"missing", "x", "PROPERTY_DOESNT_EXIST", ""},
		{"lastmodifieddate", "1", "READ_ONLY_VALUE", ""}, {"associatedcompanyid", "1001", "READ_ONLY_VALUE", ""},
		{"email", "a b@example.com", "INVALID_EMAIL", ""}, {"email", "a@example.invalid", "INVALID_EMAIL", ""},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
				body := fmt.Sprintf(`{"properties":{"firstname":"Ann",%q:%q}}`, c.name, c.value)
				if c.code != "" {
					got := a.want(t, 400, "POST", at, body)
					if detail := got["errors"].([]any)[0].(map[string]any); detail["code"] != c.code {
						t.Errorf("%v", got)
					}
					return
				}
				a.want(t, 201, "POST", at, body)
				if got := a.Rows("contacts")[0].Fields[c.name]; got != c.stored {
					t.Errorf("stored %q, want %q", got, c.stored)
				}
			})
		})
	}
}

func TestSemicolonInFrontAdds(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		id := must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann", "interests": "garden"}))
		a.want(t, 200, "PATCH", at+"/"+id, `{"properties":{"interests":";bath;garden"}}`)
		if got := a.Rows("contacts")[0].Fields["interests"]; got != "garden;bath" {
			t.Errorf("%q", got)
		}
	})
}

func TestAssociationsWithLabels(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		put := must(t)
		berg, tal := put(a.Put("companies", "", map[string]string{"name": "Berg"})), put(a.Put("companies", "", map[string]string{"name": "Tal"}))
		ann := put(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		company := func() string { return a.Rows("contacts")[0].Fields["associatedcompanyid"] }
		a.want(t, 200, "PUT", at+"/"+ann+"/associations/default/companies/"+berg, "")
		if company() != berg {
			t.Error("the first association is not the primary one")
		}
		a.want(t, 201, "PUT", at+"/"+ann+"/associations/companies/"+tal, `[{"associationCategory":"USER_DEFINED","associationTypeId":37}]`)
		a.want(t, 400, "PUT", at+"/"+ann+"/associations/companies/"+tal, `[{"associationCategory":"USER_DEFINED","associationTypeId":1}]`)
		if company() != berg {
			t.Error("a label changed the primary company")
		}
		a.want(t, 200, "POST", "/crm/associations/2026-09/companies/contacts/batch/create",
			`{"inputs":[{"from":{"id":"`+tal+`"},"to":{"id":"`+ann+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":2}]}]}`)
		if company() != tal {
			t.Error("the primary company cannot be set from the company")
		}
		got := a.want(t, 200, "GET", "/crm/v4/objects/companies/"+tal+"/associations/contacts", "")
		var types []int
		for _, x := range got["results"].([]any)[0].(map[string]any)["associationTypes"].([]any) {
			types = append(types, int(x.(map[string]any)["typeId"].(float64)))
		}
		slices.Sort(types)
		if !slices.Equal(types, []int{2, 38, 280}) {
			t.Errorf("types %v", types)
		}
		a.want(t, 204, "POST", "/crm/v4/associations/contacts/companies/batch/labels/archive",
			`{"inputs":[{"from":{"id":"`+ann+`"},"to":{"id":"`+tal+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]}]}`)
		a.want(t, 204, "DELETE", at+"/"+ann+"/associations/companies/"+berg, "")
		if company() != "" {
			t.Errorf("company %q", company())
		}
		a.want(t, 207, "POST", "/crm/associations/2026-09/contacts/companies/batch/create",
			`{"inputs":[{"from":{"id":"`+ann+`"},"to":{"id":"4711"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]}]}`)
		a.want(t, 200, "POST", "/crm/associations/2026-09/contacts/companies/batch/associate/default",
			`{"inputs":[{"from":{"id":"`+ann+`"},"to":{"id":"`+berg+`"}}]}`)
	})
}

func TestSearchOperators(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		for _, f := range []map[string]string{
			{"name": "Berg Garten", "numberofemployees": "5", "domain": "berg.example"},
			{"name": "Tal", "numberofemployees": "12"},
			{"name": "See", "numberofemployees": "100", "domain": "see.example"},
		} {
			must(t)(a.Put("companies", "", f))
		}
		const search = "/crm/objects/2026-09/companies/search"
		if got := a.want(t, 200, "POST", search, `{}`); got["total"] != 0.0 {
			t.Errorf("the index is not behind: %v", got)
		}
		for filter, want := range map[string]string{
			`"operator":"EQ","propertyName":"name","value":"tal"`:                                      "1002",
			`"operator":"NEQ","propertyName":"name","value":"tal"`:                                     "1001 1003",
			`"operator":"IN","propertyName":"name","values":["tal","See"]`:                             "1002", // lower case only
			`"operator":"NOT_IN","propertyName":"name","values":["tal"]`:                               "1001 1003",
			`"operator":"GT","propertyName":"numberofemployees","value":"5"`:                           "1002 1003",
			`"operator":"LTE","propertyName":"numberofemployees","value":"12"`:                         "1001 1002",
			`"operator":"LT","propertyName":"numberofemployees","value":"12"`:                          "1001",
			`"operator":"GTE","propertyName":"numberofemployees","value":"12"`:                         "1002 1003",
			`"operator":"BETWEEN","propertyName":"numberofemployees","value":"6","highValue":"20"`:     "1002",
			`"operator":"HAS_PROPERTY","propertyName":"domain"`:                                        "1001 1003",
			`"operator":"NOT_HAS_PROPERTY","propertyName":"domain"`:                                    "1002",
			`"operator":"CONTAINS_TOKEN","propertyName":"name","value":"gart*"`:                        "1001",
			`"operator":"NOT_CONTAINS_TOKEN","propertyName":"name","value":"berg"`:                     "1002 1003",
			`"operator":"LT","propertyName":"hs_object_id","value":"1003"`:                             "1001 1002",
			`"operator":"LTE","propertyName":"hs_lastmodifieddate","value":"2000-01-01T00:00:00.000Z"`: "1001 1002 1003",
		} {
			time.Sleep(3 * time.Second)
			got := a.want(t, 200, "POST", search, `{"filterGroups":[{"filters":[{`+filter+`}]}],"sorts":["hs_object_id"]}`)
			var ids []string
			for _, r := range got["results"].([]any) {
				ids = append(ids, r.(map[string]any)["id"].(string))
			}
			if strings.Join(ids, " ") != want {
				t.Errorf("%s: %v, want %s", filter, ids, want)
			}
		}
		time.Sleep(3 * time.Second)
		for _, body := range []string{
			`{"limit":201}`, `{"sorts":["name","domain"]}`, `{"filterGroups":[{"filters":[{"propertyName":"nope","operator":"EQ","value":"1"}]}]}`,
			`{"filterGroups":[{"filters":[{"propertyName":"name","operator":"LIKE","value":"1"}]}]}`,
		} {
			a.want(t, 400, "POST", search, body)
		}
		time.Sleep(3 * time.Second)
		a.want(t, 400, "POST", search, `{"query":"`+strings.Repeat("x", 3000)+`"}`)
		if got := a.want(t, 200, "POST", search, `{"query":"berg"}`); got["total"] != 1.0 {
			t.Errorf("%v", got)
		}
		if got := a.want(t, 200, "POST", search, `{"sorts":[{"propertyName":"name","direction":"DESCENDING"}],"limit":1}`); got["results"].([]any)[0].(map[string]any)["id"] != "1002" {
			t.Errorf("%v", got)
		}
	})
}

func TestRatesRollOn(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		const details = "/account-info/2026-09/details"
		for range 190 {
			a.want(t, 200, "GET", details, "")
		}
		a.want(t, 429, "GET", details, "")
		time.Sleep(9 * time.Second)
		a.want(t, 429, "GET", details, "")
		time.Sleep(time.Second)
		a.want(t, 200, "GET", details, "")
	})
	inBubble(t, twin.Options{NoLimits: true}, func(t *testing.T, a *Account) {
		for range 300 {
			a.want(t, 200, "GET", "/account-info/v3/details", "")
		}
	})
}

func TestWhatIsUnknownIsNoted(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.want(t, 404, "GET", "/crm/v1/contacts", "")
		a.want(t, 404, "GET", "/", "")
		a.want(t, 400, "GET", "/crm/objects/2026-09/tickets", "")
		a.want(t, 404, "PUT", at+"/batch/create", "")
		a.want(t, 200, "GET", at+"?propertiesWithHistory=email", "")
		a.want(t, 200, "GET", at+"?properties=nope", "")
		a.want(t, 400, "POST", at, `{"properties":{"email":"a@example.com"},"notes":1}`)
		a.want(t, 400, "POST", at, `{"properties":{"email":7}}`)
		a.want(t, 400, "POST", at, `{"properties":{"email":null}}`)
		a.want(t, 400, "POST", at, `{`)
		if got := len(a.Unknowns()); got != 7 {
			t.Errorf("%d: %v", got, a.Unknowns())
		}
	})
}

func TestPeopleCannotDoWhatThePageRefuses(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		ann := must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		for i, err := range []error{
			second(a.Put("contacts", "", map[string]string{"email": "ANN@example.com"})),
			second(a.Put("contacts", "", map[string]string{"city": "Athens"})),
			second(a.Put("contacts", "4711", map[string]string{"city": "Athens"})),
			second(a.Put("contacts", ann, map[string]string{"associatedcompanyid": "4711"})),
			second(a.Put("contacts", ann, map[string]string{"missing": "x"})),
			second(a.Put("tickets", "", nil)),
			second(a.Put("owners", "4711", nil)),
			second(a.Put("owners", "", map[string]string{"team": "x"})),
			a.Remove("contacts", "4711"), a.Remove("owners", "4711"), a.Restore("contacts", ann), a.Purge("contacts", ann),
			second(a.Merge("contacts", ann, ann)), second(a.Merge("deals", ann, ann)), a.Associate(ann, "4711", ""),
			a.AddProperty("tickets", "x", "string/text", false), a.AddProperty("contacts", "X", "string/text", false),
			a.AddProperty("contacts", "x", "string/select", false), a.AddProperty("contacts", "x", "bool/booleancheckbox", true),
		} {
			if err == nil {
				t.Errorf("%d went through", i)
			}
		}
	})
}

func second(_ string, err error) error { return err }

// BenchmarkBatchCreate is the pace at which 10,000 contacts can be pushed, 100 a call.
func BenchmarkBatchCreate(b *testing.B) {
	a := New(twin.Options{NoLimits: true})
	transport := twin.Transport(a)
	rows := 0
	for b.Loop() {
		var body bytes.Buffer
		body.WriteString(`{"inputs":[`)
		for i := range 100 {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"properties":{"email":"c%d@example.com","firstname":"Ann","lastname":"Berg %d","phone":"+30 210 55%d","city":"Athens","country":"Greece","jobtitle":"Gardener"},"objectWriteTraceId":"%d"}`, rows, rows, rows%10, i)
			rows++
		}
		body.WriteString(`]}`)
		req, err := http.NewRequest("POST", "https://api.hubapi.com"+at+"/batch/create", &body)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := transport.RoundTrip(req)
		if err != nil || res.StatusCode != http.StatusCreated {
			b.Fatal(res, err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
