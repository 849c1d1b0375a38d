package pipedrive

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin/wiretest"
)

func exchanges(t *testing.T) []wiretest.Exchange {
	t.Helper()
	return wiretest.Read(t, "testdata/wire", 60)
}

func TestEveryDocumentedAnswerIsDecoded(t *testing.T) {
	t.Parallel()
	wiretest.Understood(t, exchanges(t), decoded)
}

// decoded returns what the connector makes of an answer.
func decoded(t *testing.T, x wiretest.Exchange) map[string]any {
	t.Helper()
	got := map[string]any{}
	switch x.Decodes {
	case "none":
	case "me":
		m := wiretest.Answer[envelope[me]](t, x).Data
		got["account"], got["name"], got["zone"] = m.CompanyID, m.Company, m.Zone
		got["sales"], got["campaigns"] = m.admin("sales"), m.admin("campaigns")
	case "row":
		object, _ := x.Want["object"].(string)
		c := fixture(t, object, x).change(wiretest.Answer[envelope[row]](t, x).Data, false)
		got["object"], got["id"], got["fate"] = c.Object, c.ID, c.Fate
		got["fields"] = picked(x, c.Fields)
	case "users", persons, deals, leads, notes, products, callLogs:
		decodeRows(t, x, got)
	case "stages":
		stages := []string{}
		for _, s := range wiretest.Answer[envelope[[]stage]](t, x).Data {
			stages = append(stages, fmt.Sprint(s.Pipeline, "/", s.ID))
		}
		got["stages"] = stages
	case "fields":
		decodeFields(t, x, got)
	case "search":
		ids := []string{}
		var a envelope[struct{ Items []struct{ Item row } }]
		if err := json.Unmarshal(x.Response.Body, &a); err != nil {
			t.Fatal(err)
		}
		for _, one := range a.Data.Items {
			ids = append(ids, one.Item.id())
		}
		got["ids"] = ids
	case "hooks":
		var one envelope[subscription]
		if json.Unmarshal(x.Response.Body, &one) != nil {
			one.Data = wiretest.Answer[envelope[[]subscription]](t, x).Data[0]
		}
		got["url"] = one.Data.URL
	case "files", "file":
		var one envelope[attached]
		all := envelope[[]attached]{}
		if json.Unmarshal(x.Response.Body, &one) == nil && one.Data.ID != "" {
			all.Data = []attached{one.Data}
		} else {
			all = wiretest.Answer[envelope[[]attached]](t, x)
		}
		files := []string{}
		for _, a := range all.Data {
			f := a.file(record.Ref{Object: persons, ID: "1"})
			if a.hangs(f.Of) {
				files = append(files, fmt.Sprint(f.ID, " ", f.Name, " ", f.Size))
			}
		}
		got["files"] = files
	case "token":
		got["domain"] = wiretest.Answer[map[string]any](t, x)["api_domain"]
	case "failure":
		decodeFailure(t, x, got)
	case "hook":
		decodeHook(t, x, got)
	default:
		t.Fatalf("nothing decodes %q", x.Decodes)
	}
	return got
}

// fixture is an object as an account without custom fields has it.
func fixture(t *testing.T, object string, x wiretest.Exchange) *shape {
	t.Helper()
	if object == "" {
		object = x.Decodes
	}
	k, ok := kindOf(object)
	if !ok {
		t.Fatalf("no object %q", object)
	}
	return newShape(k, k.standardFields(func(string) bool { return false }))
}

// picked are the fields that the exchange asks for.
func picked(x wiretest.Exchange, all record.Fields) record.Fields {
	out := record.Fields{}
	want, _ := x.Want["fields"].(map[string]any)
	for name := range want {
		if v, ok := all[name]; ok {
			out[name] = v
		}
	}
	return out
}

func decodeRows(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	a := wiretest.Answer[envelope[[]row]](t, x)
	s := fixture(t, "", x)
	ids, gone := []string{}, []string{}
	for _, c := range s.changes(a.Data, false) {
		ids = append(ids, c.ID)
		if c.Fate != connector.Present {
			gone = append(gone, c.ID)
		}
		if !s.kind.log && (c.Created.IsZero() || c.Modified.IsZero() || c.Version == "") {
			t.Errorf("record %s has no times", c.ID)
		}
		if x.Want["fields"] != nil {
			got["fields"] = picked(x, c.Fields)
		}
	}
	got["ids"], got["gone"], got["more"] = ids, gone, a.Additional.Next != "" || a.Additional.more()
}

func decodeFields(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	fields, choices := map[string]record.Kind{}, []string{}
	for _, d := range wiretest.Answer[envelope[[]fieldDef]](t, x).Data {
		if !d.Custom {
			continue
		}
		for _, f := range d.custom() {
			fields[f.Label] = f.Kind
			for _, c := range f.Choices {
				choices = append(choices, c.Value+" "+c.Label)
			}
		}
	}
	got["fields"], got["choices"] = fields, choices
}

func decodeFailure(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	h := http.Header{}
	for name, v := range x.Response.Headers {
		h.Set(name, v)
	}
	body := []byte(x.Response.Body)
	if x.Response.HTML != "" {
		body = []byte("<html>" + x.Response.HTML + "</html>")
	}
	err := new(conn).classify(&rest.Response{Status: x.Response.Status, Header: h, Body: body, Method: x.Request.Method})
	e := connector.ErrorOf(err)
	got["kind"], got["scope"], got["limit"], got["field"], got["wait"] = e.Kind, e.Scope, e.Limit, e.Field, e.Wait.String()
	if want, ok := x.Want["fix"].(string); ok && strings.Contains(e.Fix, want) {
		got["fix"] = want
	}
}

// forgetful is a state in which nothing stays.
type forgetful struct{}

func (forgetful) Get(context.Context, string) (string, int64, error) { return "", 0, nil }

func (forgetful) Put(context.Context, string, string, int64) (int64, error) { return 1, nil }

func decodeHook(t *testing.T, x wiretest.Exchange, got map[string]any) {
	t.Helper()
	c := &conn{
		merged: map[record.Ref]string{}, hook: testHook, state: forgetful{},
		secret: func(name string) string { return map[string]string{settingHook: "pass"}[name] },
	}
	r, err := http.NewRequest(http.MethodPost, testHook, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(hookUser, "pass")
	d, err := c.Receive(time.Time{}, r, x.Request.Body)
	if err != nil {
		t.Fatal(err)
	}
	hints, merged := []string{}, map[string]string{}
	for _, h := range d.Hints {
		hints = append(hints, h.Object+"/"+h.ID)
	}
	for lost, into := range c.merged {
		merged[lost.Object+"/"+lost.ID] = into
	}
	got["hints"], got["merged"] = hints, merged
}
