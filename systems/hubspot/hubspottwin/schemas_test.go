package hubspottwin

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

func TestCustomObjectsAreUsedByAnyOfTheirNames(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.want(t, 400, "POST", api+"2-17701501", `{"properties":{"model":"M"}}`)
		made := a.want(t, 201, "POST", api+"p146000217_machine", `{"properties":{"serial_number":"S-1","model":"M","state":"running"},
			"associations":[]}`)
		a.want(t, 400, "POST", api+"p_machine", `{"properties":{"serial_number":"S-1"}}`) // it is unique
		got := a.want(t, 200, "GET", "/crm/v3/objects/2-17701501/S-1?idProperty=serial_number", "")
		if got["id"] != made["id"] {
			t.Errorf("%v", got)
		}
		a.want(t, 207, "POST", api+"2-17701501/batch/upsert", `{"inputs":[{"id":"S-1","idProperty":"serial_number","properties":{"model":"N"},"objectWriteTraceId":"1"},
			{"id":"S-2","idProperty":"serial_number","properties":{"state":"flying"},"objectWriteTraceId":"2"}]}`)
		want := []twin.Row{{ID: "1001", Fields: map[string]string{"serial_number": "S-1", "model": "N", "state": "running"}}}
		if d := cmp.Diff(want, a.Rows("2-17701501")); d != "" {
			t.Error(d)
		}
		a.Revoke("crm.objects.custom.read")
		a.want(t, 403, "GET", api+"2-17701501", "")
	})
}

func TestSchemasCanBeMade(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		const at = "/crm-object-schemas/2026-09/schemas"
		body := func(name, required string) string {
			return `{"name":"` + name + `","labels":{"singular":"Site","plural":"Sites"},"primaryDisplayProperty":"code","requiredProperties":["` + required + `"],
				"searchableProperties":["code"],"associatedObjects":["CONTACT"],"properties":[{"name":"code","label":"Code","type":"string","fieldType":"text","hasUniqueValue":true}]}`
		}
		a.want(t, 400, "POST", at, body("site", "code")) // objects are called by their names in paths, or ids
		ok := `{"name":"site","labels":{"singular":"Site","plural":"Sites"},"primaryDisplayProperty":"code","requiredProperties":["code"],
			"associatedObjects":["0-1"],"properties":[{"name":"code","label":"Code","type":"string","fieldType":"text","hasUniqueValue":true}]}`
		made := a.want(t, 201, "POST", at, ok)
		a.want(t, 409, "POST", at, ok)
		id := made["objectTypeId"].(string)
		if id != "2-17701502" || made["fullyQualifiedName"] != "p146000217_site" || len(made["associations"].([]any)) != 2 {
			t.Errorf("%v", made)
		}
		ann := fresh(t, a, "contacts")
		site := a.want(t, 201, "POST", api+id, `{"properties":{"code":"X"}}`)["id"].(string)
		a.want(t, 200, "PUT", api+id+"/"+site+"/associations/default/contacts/"+ann, "")
		if got := a.want(t, 200, "GET", "/crm-object-schemas/v3/schemas", "")["results"].([]any); len(got) != 2 {
			t.Errorf("%d", len(got))
		}
		a.want(t, 200, "GET", at+"/p146000217_site", "")
		a.want(t, 404, "GET", at+"/contacts", "")
		a.want(t, 400, "POST", at, `{"name":"other","labels":{"singular":"O"},"requiredProperties":["none"],"properties":[]}`)
	})
}

func TestListsAreRead(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		ann, bob := fresh(t, a, "contacts"), fresh(t, a, "contacts")
		since := stamp(a.Now())
		id := must(t)(a.PutList("VIPs", "contacts", bob))
		time.Sleep(time.Hour)
		if again := must(t)(a.PutList("VIPs", "contacts", bob, ann)); again != id {
			t.Errorf("%s and %s", id, again)
		}
		page := a.want(t, 200, "GET", "/crm/lists/2026-09/"+id+"/memberships?limit=1", "")
		if page["total"] != 2.0 || page["results"].([]any)[0].(map[string]any)["recordId"] != ann {
			t.Errorf("%v", page)
		}
		after := page["paging"].(map[string]any)["next"].(map[string]any)["after"].(string)
		want := []any{map[string]any{"recordId": bob, "membershipTimestamp": since}}
		if page = a.want(t, 200, "GET", "/crm/v3/lists/"+id+"/memberships?limit=1&after="+after, ""); !cmp.Equal(want, page["results"]) || page["paging"] != nil {
			t.Errorf("%v", page)
		}
		if got := a.want(t, 200, "GET", "/crm/v3/lists/records/0-1/"+bob+"/memberships", "")["results"].([]any); len(got) != 1 {
			t.Errorf("%v", got)
		}
		if err := a.Remove("contacts", bob); err != nil {
			t.Fatal(err)
		}
		if got := a.want(t, 200, "GET", "/crm/v3/lists/"+id, "")["list"].(map[string]any); got["size"] != 1.0 || got["name"] != "VIPs" {
			t.Errorf("%v", got)
		}
		if got := a.want(t, 200, "POST", "/crm/v3/lists/search", `{"query":"vip","objectTypeId":"0-1"}`); got["total"] != 1.0 {
			t.Errorf("%v", got)
		}
		if got := a.want(t, 200, "GET", "/crm/v3/lists/?listIds=1&listIds=9", "")["lists"].([]any); len(got) != 1 {
			t.Errorf("%v", got)
		}
		a.want(t, 404, "GET", "/crm/v3/lists/9", "")
	})
}

func TestOutcomesOfCallsAreListed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		status, text := call(t, a, token, "GET", "/calling/v1/dispositions", nil)
		var all []struct{ ID, Label string }
		if err := json.Unmarshal(text, &all); err != nil || status != 200 || len(all) != 6 {
			t.Fatalf("%d %s %v", status, text, err)
		}
		a.want(t, 201, "POST", api+"calls", `{"properties":{"hs_timestamp":"2026-01-02T03:04:05Z","hs_call_disposition":"`+all[0].ID+`"}}`)
	})
}
