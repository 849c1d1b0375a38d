package brevo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin/wiretest"
)

func exchanges(t *testing.T) []wiretest.Exchange {
	t.Helper()
	return wiretest.Read(t, "testdata/wire", 50)
}

func TestEveryDocumentedAnswerIsDecoded(t *testing.T) {
	t.Parallel()
	wiretest.Understood(t, exchanges(t), decoded)
}

func several[T any](t *testing.T, x wiretest.Exchange, many bool) []T {
	t.Helper()
	if many {
		return wiretest.Answer[[]T](t, x)
	}
	return []T{wiretest.Answer[T](t, x)}
}

// decoded returns what the connector makes of an exchange.
func decoded(t *testing.T, x wiretest.Exchange) map[string]any {
	t.Helper()
	got := map[string]any{}
	switch x.Decodes {
	case "none":
	case "account":
		a := wiretest.Answer[account](t, x)
		got["account"], got["name"] = a.Organization, a.Company
	case "failure":
		decodeFailed(x, got)
	case "attributes":
		fields := map[string]record.Kind{}
		for _, a := range wiretest.Answer[struct{ Attributes []attribute }](t, x).Attributes {
			f, _ := a.field()
			fields[f.Name] = f.Kind
		}
		got["fields"] = fields
	case "crm attributes":
		fields := map[string]record.Kind{}
		for _, a := range wiretest.Answer[[]saleAttribute](t, x) {
			fields[a.Name] = a.field(companies, "company").Kind
		}
		got["fields"] = fields
	case "pipelines":
		f := []record.Field{{Name: fieldStage}}
		setPipelines(f, wiretest.Answer[[]pipeline](t, x))
		stages := []string{}
		for _, c := range f[0].Choices {
			stages = append(stages, c.Label)
		}
		got["stages"] = stages
	case "hook":
		var e []hookEvent
		if json.Unmarshal(x.Hook, &e) != nil {
			e = make([]hookEvent, 1)
			if err := json.Unmarshal(x.Hook, &e[0]); err != nil {
				t.Fatal(err)
			}
		}
		mails := []string{}
		for _, h := range (&conn{settings: connector.Settings{settingKeyName: "Tandem"}}).delivery(e).Hints {
			_, mail, _ := connector.Sought(h)
			mails = append(mails, mail)
		}
		got["emails"] = mails
	default:
		decodeMore(t, x, got)
	}
	return got
}

func decodeMore(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	switch x.Decodes {
	case "lists", "list":
		p := wiretest.Answer[struct{ Lists, Folders []contactList }](t, x)
		if x.Decodes == "list" {
			p.Lists = several[contactList](t, x, false)
		}
		names := []string{}
		for _, l := range append(p.Lists, p.Folders...) {
			names = append(names, strconv.FormatInt(l.ID, 10)+" "+l.change(lists).Fields["name"].Text())
		}
		got["names"] = names
	case "process":
		p := wiretest.Answer[process](t, x)
		reports := []string{}
		for name, address := range p.Info.Import {
			if address != nil {
				reports = append(reports, name)
			}
		}
		got["status"], got["reports"] = p.Status, reports
	case "processes":
		open := []string{}
		for _, p := range wiretest.Answer[processList](t, x).Processes {
			if !p.over() {
				open = append(open, strconv.FormatInt(p.ID, 10)+" "+p.Name)
			}
		}
		got["open"] = open
	case "webhooks":
		ids := []string{}
		for _, h := range wiretest.Answer[struct{ Webhooks []webhook }](t, x).Webhooks {
			ids = append(ids, strconv.FormatInt(h.ID, 10))
			if h.URL == "" || h.Auth.Token == "" || !h.Batched || len(h.Events) == 0 {
				t.Errorf("webhook %+v", h)
			}
		}
		got["ids"] = ids
	case "token":
		a := wiretest.Answer[struct {
			Token   string `json:"access_token"`
			Expires int    `json:"expires_in"`
		}](t, x)
		got["token"], got["expires"] = a.Token, a.Expires
	default:
		decodeRecords(t, x, got)
	}
}

// decodeRecords tells the ids, and the fields of the last record as texts.
func decodeRecords(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	var all []record.Record
	switch x.Decodes {
	case "contacts", "contact":
		s := shapeOf(record.Object{Name: contacts, Fields: append(contactFields(),
			record.Field{Name: "FIRSTNAME", Kind: record.KindText}, record.Field{Name: fieldSMS, Kind: record.KindPhone})})
		p := wiretest.Answer[contactPage](t, x)
		if x.Decodes == "contact" {
			p.Contacts = several[contact](t, x, false)
		}
		for _, c := range p.Contacts {
			all = append(all, s.record(c))
		}
	case "companies", "company", "deals", "deal":
		s := shapeOf(record.Object{Name: x.Decodes, Fields: []record.Field{
			{Name: "name", Kind: record.KindText}, {Name: "deal_name", Kind: record.KindText},
			{Name: "revenue", Kind: record.KindMoney}, {Name: "amount", Kind: record.KindMoney},
		}})
		items := wiretest.Answer[struct{ Items []sale }](t, x).Items
		if !strings.HasSuffix(x.Decodes, "s") {
			items = several[sale](t, x, false)
		}
		for _, i := range items {
			all = append(all, s.sale(i))
		}
	case "notes", "note":
		for _, n := range several[note](t, x, x.Decodes == "notes") {
			all = append(all, n.change().Record)
		}
	default:
		t.Fatalf("nothing decodes %q", x.Decodes)
	}
	ids, fields := []string{}, map[string]any{}
	for _, r := range all {
		ids = append(ids, r.ID)
		if r.Created.IsZero() || r.Modified.IsZero() || r.Version == "" {
			t.Errorf("record %s has no times", r.ID)
		}
		for name, v := range r.Fields {
			if fields[name] = any(v.String()); v.IsEmpty() {
				fields[name] = nil
			}
		}
	}
	if want, ok := x.Want["fields"].(map[string]any); ok {
		for name := range fields {
			if _, asked := want[name]; !asked {
				delete(fields, name)
			}
		}
	}
	got["ids"], got["fields"] = ids, fields
}

func decodeFailed(x wiretest.Exchange, got map[string]any) {
	path, _, _ := strings.Cut(x.Request.Path, "?")
	err := classify(&rest.Response{Status: x.Response.Status, Body: x.Response.Body, Method: x.Request.Method, Path: path, Header: http.Header{}})
	e := connector.ErrorOf(err)
	got["kind"], got["scope"], got["limit"], got["field"], got["taken"] = e.Kind, e.Scope, e.Limit, e.Field, takenFields(err)
	if want, ok := x.Want["fix"].(string); ok && strings.Contains(e.Fix, want) {
		got["fix"] = want
	}
}

// TestEveryEndpointHasAnExchange holds that each endpoint that is used has an exchange.
func TestEveryEndpointHasAnExchange(t *testing.T) {
	t.Parallel()
	var known []string
	for _, x := range exchanges(t) {
		known = append(known, endpoint(x.Request.Method, x.Request.Path))
	}
	for _, call := range []string{
		"GET /v3/account", "GET /v3/contacts/attributes", "POST /v3/contacts/attributes/normal/X", "GET /v3/contacts", "GET /v3/contacts/1",
		"POST /v3/contacts", "PUT /v3/contacts/1", "DELETE /v3/contacts/1", "POST /v3/contacts/batch", "POST /v3/contacts/import", "GET /v3/processes/1",
		"GET /v3/contacts/lists", "GET /v3/contacts/lists/1", "POST /v3/contacts/lists", "PUT /v3/contacts/lists/1",
		"GET /v3/contacts/folders", "GET /v3/contacts/folders/1",
		"GET /v3/crm/attributes/companies", "POST /v3/crm/attributes", "GET /v3/crm/pipeline/details/all",
		"GET /v3/companies", "GET /v3/companies/1", "POST /v3/companies", "PATCH /v3/companies/1", "PATCH /v3/companies/link-unlink/1", "DELETE /v3/companies/1",
		"GET /v3/crm/deals", "GET /v3/crm/deals/1", "POST /v3/crm/deals", "PATCH /v3/crm/deals/1", "PATCH /v3/crm/deals/link-unlink/1", "DELETE /v3/crm/deals/1",
		"GET /v3/crm/notes", "GET /v3/crm/notes/1", "POST /v3/crm/notes", "PATCH /v3/crm/notes/1", "DELETE /v3/crm/notes/1",
		"POST /v3/events", "POST /v3/events/batch", "GET /v3/events", "GET /v3/webhooks", "POST /v3/webhooks", "PUT /v3/webhooks/1", "DELETE /v3/webhooks/1",
		"POST /realms/partner/oauth/token",
	} {
		method, path, _ := strings.Cut(call, " ")
		if !slices.Contains(known, endpoint(method, path)) {
			t.Errorf("no exchange shows %s", call)
		}
	}
}

// endpoint is a call without what differs from record to record.
func endpoint(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if i > 2 && (strings.ContainsAny(p, "0123456789@%") || p == "X" || p == "LTV") {
			parts[i] = "*"
		}
	}
	return method + " " + strings.Join(parts, "/")
}
