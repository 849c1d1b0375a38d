package hubspottwin

import (
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

const api = "/crm/objects/2026-09/"

// property reads one property of a record.
func (a *Account) property(t *testing.T, object, id, name string) any {
	t.Helper()
	got := a.want(t, 200, "GET", api+object+"/"+id+"?properties="+name, "")
	return got["properties"].(map[string]any)[name]
}

func TestLeadsNeedAContactInTheSameCall(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		put := must(t)
		ann := put(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		berg := put(a.Put("companies", "", map[string]string{"name": "Berg"}))
		with := func(kind, id string) string {
			return `{"properties":{"hs_lead_name":"Garden"},"associations":[{"to":{"id":"` + id + `"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":` + kind + `}]}]}`
		}
		a.want(t, 400, "POST", api+"leads", with("610", berg)) // a company is not enough
		a.want(t, 400, "POST", api+"leads", with("578", "4711"))
		a.want(t, 400, "POST", api+"leads", with("3", ann)) // a deal's type
		made := a.want(t, 201, "POST", "/crm/v3/objects/leads", with("578", ann))
		row := a.Rows("leads")[0]
		if row.ID != made["id"] || row.Fields["associations.contacts"] != ann || row.Fields["hs_pipeline_stage"] != "new-stage-id" {
			t.Errorf("%v", row)
		}
		if err := second(a.Put("leads", "", map[string]string{"hs_lead_name": "Alone"})); err == nil {
			t.Error("a person made a lead without a contact")
		}
	})
}

func TestDealsFollowTheirStage(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.want(t, 400, "POST", api+"deals", `{"properties":{"dealname":"Garden"}}`)
		a.want(t, 400, "POST", api+"deals", `{"properties":{"dealname":"Garden","dealstage":"176200101"}}`) // of the other pipeline
		id := a.want(t, 201, "POST", api+"deals", `{"properties":{"dealname":"Garden","dealstage":"contractsent","amount":"12.5","deal_currency_code":"USD"}}`)["id"].(string)
		if got := a.property(t, "deals", id, "amount_in_home_currency"); got != nil {
			t.Errorf("dollars are worth %v euros", got)
		}
		a.want(t, 400, "PATCH", api+"deals/"+id, `{"properties":{"pipeline":"88273101"}}`)
		a.want(t, 200, "PATCH", api+"deals/"+id, `{"properties":{"pipeline":"88273101","dealstage":"176200102"}}`)
		if got := a.property(t, "deals", id, "closedate"); got != nil {
			t.Errorf("an open deal was closed at %v", got)
		}
		a.want(t, 200, "PATCH", api+"deals/"+id, `{"properties":{"dealstage":"176200103"}}`)
		for name, want := range map[string]string{
			"hs_is_closed": "true", "hs_is_closed_won": "true", "hs_deal_stage_probability": "1.0", "closedate": stamp(a.Now()),
		} {
			if got := a.property(t, "deals", id, name); got != want {
				t.Errorf("%s: %v, want %s", name, got, want)
			}
		}
		acts := a.Ledger().Acts()
		if last := acts[len(acts)-1].Fields; len(last) != 1 || last["dealstage"] != "176200103" {
			t.Errorf("the ledger has more than what was asked for: %v", last)
		}
	})
}

func TestPipelinesCanBeMadeAndEdited(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		const at = "/crm/pipelines/2026-09/deals"
		a.want(t, 400, "POST", at, `{"label":"Upsell","displayOrder":2,"stages":[{"label":"New","displayOrder":0,"metadata":{}}]}`)
		made := a.want(t, 201, "POST", at, `{"label":"Upsell","displayOrder":2,"stages":[{"label":"New","displayOrder":0,"metadata":{"probability":"0.1"}}]}`)
		id := made["id"].(string)
		stage := a.want(t, 201, "POST", at+"/"+id+"/stages", `{"label":"Won","displayOrder":1,"metadata":{"probability":"1.0"}}`)
		if stage["metadata"].(map[string]any)["isClosed"] != "true" {
			t.Errorf("%v", stage)
		}
		won := stage["id"].(string)
		a.want(t, 201, "POST", api+"deals", `{"properties":{"dealname":"Garden","pipeline":"`+id+`","dealstage":"`+won+`"}}`)
		a.want(t, 400, "DELETE", at+"/"+id+"/stages/"+won, "") // it is in use
		a.want(t, 400, "DELETE", at+"/"+id, "")
		a.want(t, 200, "PATCH", at+"/"+id+"/stages/"+won, `{"label":"Done"}`)
		if got := a.want(t, 200, "GET", "/crm/v3/pipelines/deals/"+id+"/stages/"+won, ""); got["label"] != "Done" {
			t.Errorf("%v", got)
		}
		a.want(t, 200, "PATCH", at+"/"+id, `{"label":"More"}`)
		a.want(t, 204, "DELETE", at+"/88273101", "")
		a.want(t, 404, "GET", at+"/88273101", "")
		props := a.want(t, 200, "GET", "/crm/properties/2026-09/deals/pipeline", "")
		if n := len(props["options"].([]any)); n != 2 {
			t.Errorf("%d options: %v", n, props["options"])
		}
		a.want(t, 400, "GET", "/crm/pipelines/2026-09/contacts", "")
	})
}

func TestLinesAddUp(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		p := must(t)(a.Put("products", "", map[string]string{"name": "Spade", "price": "19.99", "hs_sku": "S-1"}))
		quote := must(t)(a.Put("quotes", "", map[string]string{"hs_title": "Q", "hs_expiration_date": "2030-01-01"}))
		line := a.want(t, 201, "POST", api+"line_items", `{"properties":{"hs_product_id":"`+p+`","quantity":"3"},
			"associations":[{"to":{"id":"`+quote+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":68}]}]}`)
		props := line["properties"].(map[string]any)
		if props["name"] != "Spade" || props["hs_sku"] != "S-1" || props["amount"] != "59.97" {
			t.Errorf("%v", props)
		}
		id := line["id"].(string)
		total := func(want string) {
			t.Helper()
			if got := a.property(t, "quotes", quote, "hs_quote_amount"); got != want {
				t.Errorf("the quote is over %v, want %s", got, want)
			}
		}
		total("59.97")
		a.want(t, 200, "PATCH", api+"line_items/"+id, `{"properties":{"hs_discount_percentage":"10","quantity":"2"}}`)
		total("35.98") // 39.98 less 3.998
		a.want(t, 400, "PATCH", api+"line_items/"+id, `{"properties":{"amount":"1"}}`)
		a.want(t, 400, "POST", api+"line_items", `{"properties":{"hs_product_id":"4711"}}`)
		a.want(t, 204, "DELETE", api+"line_items/"+id, "")
		total("0")
	})
}

func TestInvoicesGoFromDraftToOpenToPaid(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		put := must(t)
		a.want(t, 400, "POST", api+"invoices", `{"properties":{"hs_title":"no currency"}}`)
		a.want(t, 400, "POST", api+"invoices", `{"properties":{"hs_currency":"EUR","hs_invoice_status":"open"}}`)
		id := a.want(t, 201, "POST", api+"invoices", `{"properties":{"hs_currency":"EUR"}}`)["id"].(string)
		status := func(code int, to string) {
			t.Helper()
			a.want(t, code, "PATCH", api+"invoices/"+id, `{"properties":{"hs_invoice_status":"`+to+`"}}`)
		}
		status(400, "open")
		ann := put(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		a.want(t, 200, "PUT", api+"invoices/"+id+"/associations/default/contacts/"+ann, "")
		status(400, "open") // still no line
		put(a.Put("line_items", "", map[string]string{"name": "Spade", "price": "20", "associations.invoices": id}))
		if err := a.Pay(id, "5"); err == nil {
			t.Error("a draft was paid")
		}
		status(200, "open")
		for name, want := range map[string]string{"hs_number": "INV-" + id, "hs_amount_billed": "20", "hs_balance_due": "20", "hs_invoice_date": stamp(a.Now())} {
			if got := a.property(t, "invoices", id, name); got != want {
				t.Errorf("%s: %v, want %s", name, got, want)
			}
		}
		status(400, "draft")
		status(400, "paid")
		a.want(t, 400, "PATCH", api+"invoices/"+id, `{"properties":{"hs_currency":"USD"}}`)
		a.want(t, 400, "PATCH", api+"invoices/"+id, `{"properties":{"hs_amount_paid":"20"}}`)
		for _, amount := range []string{"5", "15"} {
			if err := a.Pay(id, amount); err != nil {
				t.Error(err)
			}
		}
		if got := a.Rows("invoices")[0].Fields; got["hs_invoice_status"] != "paid" || got["hs_balance_due"] != "0" {
			t.Errorf("%v", got)
		}
	})
}

func TestTasksAreDoneAndOpenedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		id := a.want(t, 201, "POST", api+"tasks", `{"properties":{"hs_timestamp":"1772281800250","hs_task_subject":"Call"}}`)["id"].(string)
		if got := a.Rows("tasks")[0].Fields; got["hs_task_status"] != "NOT_STARTED" || got["hs_timestamp"] != "2026-02-28T12:30:00.250Z" {
			t.Errorf("%v", got)
		}
		a.want(t, 200, "PATCH", api+"tasks/"+id, `{"properties":{"hs_task_status":"COMPLETED"}}`)
		done := stamp(a.Now())
		time.Sleep(time.Minute)
		a.want(t, 200, "PATCH", api+"tasks/"+id, `{"properties":{"hs_task_subject":"Call again"}}`)
		if got := a.property(t, "tasks", id, "hs_task_completion_date"); got != done {
			t.Errorf("done at %v, want %s", got, done)
		}
		a.want(t, 200, "PATCH", api+"tasks/"+id, `{"properties":{"hs_task_status":"WAITING"}}`)
		if got := a.property(t, "tasks", id, "hs_task_completion_date"); got != nil {
			t.Errorf("done at %v", got)
		}
		a.want(t, 400, "POST", api+"calls", `{"properties":{"hs_call_title":"no time"}}`)
		a.want(t, 400, "POST", api+"notes", `{"properties":{"hs_timestamp":"2026-01-02T03:04:05Z","hs_note_body":"`+strings.Repeat("ö", 65537)+`"}}`)
		a.want(t, 201, "POST", api+"notes", `{"properties":{"hs_timestamp":"2026-01-02T03:04:05Z","hs_note_body":"`+strings.Repeat("ö", 65536)+`"}}`)
	})
}

// What is logged on a record moves its stamp: the record seems changed although no
// property that anybody syncs is.
func TestActivitiesMoveTheStampOfTheirRecord(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		ann := must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		time.Sleep(time.Hour)
		must(t)(a.Put("notes", "", map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z", "associations.contacts": ann}))
		if got := a.property(t, "contacts", ann, "lastmodifieddate"); got != stamp(a.Now()) {
			t.Errorf("changed at %v, want %s", got, stamp(a.Now()))
		}
	})
}

func TestLifecycleStagesGoForwardOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		id := must(t)(a.Put("companies", "", map[string]string{"name": "Berg", "lifecyclestage": "customer"}))
		for _, step := range []struct{ write, want string }{{"lead", "customer"}, {"", ""}, {"lead", "lead"}, {"opportunity", "opportunity"}} {
			a.want(t, 200, "PATCH", api+"companies/"+id, `{"properties":{"lifecyclestage":"`+step.write+`"}}`)
			if got := a.Rows("companies")[0].Fields["lifecyclestage"]; got != step.want {
				t.Errorf("after %q it is %q, want %q", step.write, got, step.want)
			}
		}
	})
}
