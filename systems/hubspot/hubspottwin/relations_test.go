package hubspottwin

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// fresh makes a record of any object.
func fresh(t *testing.T, a *Account, object string) string {
	t.Helper()
	fields := map[string]map[string]string{
		"contacts": {"firstname": "Ann"}, "companies": {"name": "Berg"}, "products": {"name": "Spade"}, "line_items": {"name": "Spade"},
		"deals": {"dealname": "Garden", "dealstage": "contractsent"}, "invoices": {"hs_currency": "EUR"},
		"quotes":     {"hs_title": "Q", "hs_expiration_date": "2030-01-01"},
		"2-17701501": {"serial_number": fmt.Sprint(len(a.Rows("2-17701501")))},
	}[object]
	if object == "leads" {
		fields = map[string]string{"hs_lead_name": "L", "associations.contacts": fresh(t, a, "contacts")}
	}
	if fields == nil {
		fields = map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z"}
	}
	return must(t)(a.Put(object, "", fields))
}

// Every association type can be made from both sides, and is seen from both with its own id.
func TestEveryAssociationTypeWorksFromBothSides(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{NoLimits: true}, func(t *testing.T, a *Account) {
		for _, rel := range a.between {
			for _, kind := range rel.types {
				for _, back := range []bool{false, true} {
					from, to := rel.from, rel.to
					if back {
						from, to = to, from
					}
					x, y := fresh(t, a, from.name), fresh(t, a, to.name)
					path := api + from.typeID + "/" + x + "/associations/" + to.name
					a.want(t, 201, "PUT", path+"/"+y, fmt.Sprintf(`[{"associationCategory":%q,"associationTypeId":%d}]`, kind.category, kind.id(back)))
					for _, look := range []struct {
						path string
						id   string
						back bool
					}{{path, y, back}, {api + to.name + "/" + y + "/associations/" + from.name, x, !back}} {
						found := false
						for _, r := range a.want(t, 200, "GET", look.path, "")["results"].([]any) {
							for _, typ := range r.(map[string]any)["associationTypes"].([]any) {
								m := typ.(map[string]any)
								found = found || r.(map[string]any)["toObjectId"] == look.id && m["category"] == kind.category && int(m["typeId"].(float64)) == kind.id(look.back)
							}
						}
						if !found {
							t.Errorf("%s %s: type %d is not seen", from.name, look.path, kind.id(look.back))
						}
					}
				}
			}
		}
		if u := a.Unknowns(); len(u) > 0 {
			t.Error(u)
		}
	})
}

func TestAssociationsArePaged(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{NoLimits: true}, func(t *testing.T, a *Account) {
		berg := fresh(t, a, "companies")
		for range 5 {
			must(t)(a.Put("notes", "", map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z", "associations.companies": berg}))
		}
		var got []string
		for after := "0"; after != ""; {
			page := a.want(t, 200, "GET", "/crm/v4/objects/companies/"+berg+"/associations/notes?limit=2&after="+after, "")
			for _, r := range page["results"].([]any) {
				got = append(got, fmt.Sprint(r.(map[string]any)["toObjectId"]))
			}
			after = ""
			if paging, ok := page["paging"].(map[string]any); ok {
				after = paging["next"].(map[string]any)["after"].(string)
			}
		}
		if d := cmp.Diff([]string{"1001", "1002", "1003", "1004", "1005"}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestLabelsCanBeAddedToAnyPair(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		deal, ann := fresh(t, a, "deals"), fresh(t, a, "contacts")
		const at = "/crm/associations/2026-09/contacts/deals/"
		made := a.want(t, 200, "POST", at+"labels", `{"name":"decider","label":"Decides","inverseLabel":"Decided by"}`)["results"].([]any)[0].(map[string]any)
		body := fmt.Sprintf(`{"inputs":[{"from":{"id":%q},"to":{"id":%q},"types":[{"associationCategory":"USER_DEFINED","associationTypeId":%v}]}]}`,
			deal, ann, made["typeId"])
		got := a.want(t, 200, "POST", "/crm/associations/2026-09/deals/contacts/batch/create", body)
		if d := cmp.Diff([]any{"Decides"}, got["results"].([]any)[0].(map[string]any)["labels"]); d != "" {
			t.Error(d)
		}
		a.want(t, 204, "POST", "/crm/associations/2026-09/deals/contacts/batch/labels/archive", body)
		if got := a.Rows("deals")[0].Fields["associations.contacts"]; got != ann {
			t.Errorf("the association went with its label: %q", got)
		}
	})
}

func TestTheOldPathsNameTypes(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		deal, berg := fresh(t, a, "deals"), fresh(t, a, "companies")
		one := `{"inputs":[{"from":{"id":"` + deal + `"},"to":{"id":"` + berg + `"},"type":"deal_to_company"}]}`
		const at = "/crm/v3/associations/deals/companies/"
		a.want(t, 201, "POST", at+"batch/create", one)
		a.want(t, 400, "POST", at+"batch/create", `{"inputs":[{"from":{"id":"1001"},"to":{"id":"1001"},"type":"deal_to_moon"}]}`)
		read := a.want(t, 200, "POST", at+"batch/read", `{"inputs":[{"id":"`+deal+`"}]}`)
		want := []any{map[string]any{"id": berg, "type": "deal_to_company_unlabeled"}, map[string]any{"id": berg, "type": "deal_to_company"}}
		if d := cmp.Diff(want, read["results"].([]any)[0].(map[string]any)["to"]); d != "" {
			t.Error(d)
		}
		if got := a.want(t, 200, "GET", "/crm/v3/objects/deals/"+deal+"/associations/companies", ""); !cmp.Equal(want, got["results"]) {
			t.Errorf("%v", got)
		}
		a.want(t, 204, "POST", at+"batch/archive", one)
		a.want(t, 207, "POST", at+"batch/read", `{"inputs":[{"id":"`+deal+`"}]}`)
		a.want(t, 200, "PUT", "/crm/v3/objects/deals/"+deal+"/associations/companies/"+berg+"/deal_to_company", "")
		a.want(t, 204, "DELETE", "/crm/v3/objects/deals/"+deal+"/associations/companies/"+berg+"/deal_to_company", "")
		if names := a.want(t, 200, "GET", at+"types", "")["results"].([]any); len(names) != 2 {
			t.Errorf("%v", names)
		}
		if u := a.Unknowns(); len(u) > 0 {
			t.Error(u)
		}
	})
}

// A merge takes all associations of both along, whichever side they are on.
func TestMergedDealsKeepTheirAssociations(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		berg, tal := fresh(t, a, "companies"), fresh(t, a, "companies")
		keep, lose := fresh(t, a, "deals"), fresh(t, a, "deals")
		for deal, company := range map[string]string{keep: berg, lose: tal} {
			must(t)(a.Put("deals", deal, map[string]string{"associations.companies": company}))
			must(t)(a.Put("line_items", "", map[string]string{"name": "of " + deal, "associations.deals": deal}))
			must(t)(a.Put("notes", "", map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z", "associations.deals": deal}))
		}
		into := a.want(t, 200, "POST", api+"deals/merge", `{"primaryObjectId":"`+keep+`","objectIdToMerge":"`+lose+`"}`)["id"].(string)
		for _, old := range []string{keep, lose} {
			if got := a.want(t, 200, "GET", api+"deals/"+old, "")["id"]; got != into || into == keep || into == lose {
				t.Errorf("%s leads to %v", old, got)
			}
		}
		if got := a.Rows("deals")[0].Fields["associations.companies"]; got != berg {
			t.Errorf("the primary company is %q, want %s", got, berg)
		}
		for object, want := range map[string]int{"companies": 2, "line_items": 2, "notes": 2} {
			if got := a.want(t, 200, "GET", api+"deals/"+lose+"/associations/"+object, "")["results"].([]any); len(got) != want {
				t.Errorf("%d %s, want %d", len(got), object, want)
			}
		}
		a.want(t, 404, "POST", api+"leads/merge", `{"primaryObjectId":"1","objectIdToMerge":"2"}`)
		if len(a.Unknowns()) != 1 {
			t.Errorf("%v", a.Unknowns())
		}
	})
}

func TestMeetingsShowAllTheirContacts(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		ann, bob := fresh(t, a, "contacts"), fresh(t, a, "contacts")
		id := must(t)(a.Put("meetings", "", map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z", "associations.contacts": bob + ";" + ann}))
		if got := a.Rows("meetings")[0].Fields; got["associations.contacts"] != ann+";"+bob || got["hs_meeting_start_time"] != "2026-01-02T03:04:05.000Z" {
			t.Errorf("%v", got)
		}
		must(t)(a.Put("meetings", id, map[string]string{"associations.contacts": bob}))
		if got := a.Rows("meetings")[0].Fields["associations.contacts"]; got != bob {
			t.Errorf("%q", got)
		}
		if err := a.Dissociate("meetings", id, "contacts", bob); err != nil || a.Rows("meetings")[0].Fields["associations.contacts"] != "" {
			t.Error(err, a.Rows("meetings"))
		}
		if err := a.AssociateAs("contacts", bob, "meetings", id, hubspotDefined, 199); err != nil || a.Rows("meetings")[0].Fields["associations.contacts"] != bob {
			t.Error(err, a.Rows("meetings"))
		}
	})
}

func TestErasedContactsAreGoneForGood(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		ann := must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		bob := must(t)(a.Put("contacts", "", map[string]string{"email": "bob@example.com"}))
		a.want(t, 204, "POST", at+"/gdpr-delete", `{"objectId":"`+ann+`"}`)
		if err := a.Erase(bob); err != nil {
			t.Error(err)
		}
		for _, id := range []string{ann, bob} {
			a.want(t, 404, "GET", at+"/"+id, "")
			a.want(t, 404, "GET", at+"/"+id+"?archived=true", "")
		}
		a.want(t, 201, "POST", at, `{"properties":{"email":"ann@example.com"}}`) // the API may make it again
		a.want(t, 404, "POST", api+"companies/gdpr-delete", `{"objectId":"1"}`)
	})
}
