package hubspot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, body string
		status           int
		want             connector.Error
	}{
		{"a web page", "/crm/objects/2026-09/contacts", "<html>blocked</html>", 403, connector.Error{Kind: connector.Forbidden, Scope: connector.ScopeObject}},
		{"no body", "/crm/objects/2026-09/contacts", "", 404, connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord}},
		{"scopes as one text", "/x", `{"category":"MISSING_SCOPES","context":{"missingScopes":"crm.objects.deals.read"}}`, 403, connector.Error{Kind: connector.Forbidden, Scope: connector.ScopeObject, Fix: "crm.objects.deals.read"}},
		{"a merge too many", "/crm/objects/2026-09/contacts", `{"message":"Cannot have more than 250 identities on a profile"}`, 414, connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeRecord}},
		{"a rule of the account's", "/crm/objects/2026-09/contacts", `{"category":"VALIDATION_ERROR","message":"no","errors":[{"message":"too short","in":"lastname"}]}`, 400, connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: "lastname", Fix: "rule"}},
		{"a value with braces", "/crm/objects/2026-09/companies", `{"message":"Cannot set PropertyValueCoordinates{portalId=1, propertyName=tandem_key, value=a} on 5. 3} on 77. 42 already has that value."}`, 400, connector.Error{Kind: connector.Duplicate, Scope: connector.ScopeRecord, Field: "tandem_key"}},
		{"an unknown limit", "/x", `{"message":"slow down"}`, 429, connector.Error{Kind: connector.RateLimited, Scope: connector.ScopeConnection, Wait: burstWindow}},
		{"wrong types", "/x", `{"message":"bad","errors":"none","context":[1]}`, 400, connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := connector.ErrorOf((&conn{}).classify(&rest.Response{Status: c.status, Body: []byte(c.body), Path: c.path}))
			if e.Kind != c.want.Kind || e.Scope != c.want.Scope || e.Field != c.want.Field || e.Wait != c.want.Wait || !strings.Contains(e.Fix, c.want.Fix) {
				t.Errorf("%+v, want %+v", e, c.want)
			}
		})
	}
	for _, status := range []int{200, 201, 207, 500, 502, 522} {
		if err := (&conn{}).classify(&rest.Response{Status: status, Body: []byte("<html>")}); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestUniqueValueWithBracesNamesTheRightRecord(t *testing.T) {
	t.Parallel()
	f := failure{Message: "Cannot set PropertyValueCoordinates{portalId=1, propertyName=tandem_key, value=a} on 5. 3} on 77. 42 already has that value."}
	if e := f.duplicate(companies); e == nil || e.Existing.ID != "42" || e.Existing.Object != companies {
		t.Errorf("%+v", e)
	}
}

func FuzzDecodeFailure(f *testing.F) {
	for _, seed := range []string{
		`{"message":"Contact already exists. Existing ID: 512","category":"CONFLICT"}`,
		`{"message":"Property values were not valid: [{\"name\":\"email\",\"error\":\"INVALID_EMAIL\"}]"}`,
		`{"errors":[{"in":"x","context":{"propertyName":["a"],"n":3}}],"context":{"ids":["1",2]}}`,
		`{"message":"propertyName=a, value=b} on 1. 2 already has that value"}`,
		`<html>`, ``, `null`, `{"context":"{missingScopes=[a, b]}"}`, `{"message":" already has that value"}`,
	} {
		f.Add([]byte(seed), 400)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		e := decodeFailure(body).meaning(status, contacts)
		if e == nil {
			return
		}
		if e.Kind == "" || e.Scope == "" || e.Err == nil || e.Wait < 0 || e.Wait > 48*time.Hour {
			t.Errorf("%+v", e)
		}
		if e.Kind == connector.Duplicate && e.Existing.ID != "" && strings.Trim(e.Existing.ID, "0123456789") != "" {
			t.Errorf("existing %q", e.Existing.ID)
		}
		if !utf8.ValidString(e.Err.Error()) {
			t.Errorf("no text: %q", e.Err)
		}
	})
}
