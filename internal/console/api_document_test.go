package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/account"
)

func TestTheDocumentDescribesEveryAddressOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			ID    string `json:"operationId"`
			Right string `json:"x-tandem-right"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	got := w.browser().get("/api/openapi.json")
	if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%q %v", doc.OpenAPI, err)
	}
	n := 0
	for _, x := range w.c.apiRoutes() {
		if !strings.HasPrefix(x.pattern, "/api/v1/") {
			continue
		}
		op := doc.Paths[x.pattern][strings.ToLower(x.method)]
		if n++; op.ID == "" || op.Right != string(x.right) {
			t.Errorf("%s %s is described as %+v", x.method, x.pattern, op)
		}
	}
	described := 0
	for _, ops := range doc.Paths {
		described += len(ops)
	}
	if n != described {
		t.Errorf("%d addresses, and %d described", n, described)
	}
	for ref := range strings.SplitSeq(got.Body.String(), `"$ref":"#/components/schemas/`) {
		name, _, _ := strings.Cut(ref, `"`)
		if !strings.HasPrefix(ref, "{") && doc.Components.Schemas[name] == nil {
			t.Errorf("the document names %s, and does not describe it", name)
		}
	}
	for name, closed := range map[string]bool{"RevertWish": true, "VerifyWish": true, "Run": false, "SyncBody": false, "ProblemBody": false, "Affected": false} {
		if strict := strings.Contains(string(doc.Components.Schemas[name]), `"additionalProperties":false`); strict != closed {
			t.Errorf("%s is strict: %v", name, strict) // answers may grow, wishes may not have a member that nobody reads
		}
	}
	if doc.Components.Schemas["ErrorModel"] != nil || doc.Components.Schemas["ProblemBody"] == nil {
		t.Error("errors are described as what they are not")
	}
	for _, lang := range []string{"en", "de"} {
		for _, b := range []*browser{w.browser(), w.signed(account.Viewer)} {
			r := httptest.NewRequest(http.MethodGet, "/api/docs", http.NoBody)
			r.Header.Set("Accept-Language", lang)
			page := b.do(r)
			w.want(page, http.StatusOK, "/api/v1/syncs/{id}/run", "Idempotency-Key", "problem+json"[:7])
			if strings.Contains(page.Body.String(), "[docs.") {
				t.Error("a text is missing")
			}
		}
	}
}
