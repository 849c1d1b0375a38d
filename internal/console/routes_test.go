package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// expectations say for every route who may: "all", or the weakest role; a second word is the
// right with which a token may, "-" for none. A route that is missing here fails the test, and
// so does a line without a route.
func expectations() map[string]string {
	return map[string]string{
		"GET /static/{hash}/{file...}": "all -",

		"GET /setup":               "all -",
		"POST /setup":              "all -",
		"GET /login":               "all -",
		"POST /login":              "all -",
		"GET /login/oidc":          "all -",
		"GET /login/oidc/callback": "all -",
		"POST /logout":             "viewer -",

		"GET /{$}": "viewer -",

		"GET /account":                     "viewer -",
		"POST /account/password":           "viewer -",
		"POST /account/wishes":             "viewer -",
		"POST /account/sessions/{id}/end":  "viewer -",
		"POST /account/sessions/end":       "viewer -",
		"POST /account/tokens":             "viewer -",
		"POST /account/tokens/{id}/revoke": "viewer -",

		"GET /settings/people":                "admin -",
		"POST /settings/people":               "admin -",
		"POST /settings/people/{id}/role":     "admin -",
		"POST /settings/people/{id}/password": "admin -",
		"POST /settings/people/{id}/remove":   "admin -",
		"GET /settings/audit":                 "admin -",

		"GET /live":              "viewer -",
		"GET /runs":              "viewer -",
		"GET /runs/{id}":         "viewer -",
		"POST /runs/{id}/cancel": "operator -",
		"POST /runs/{id}/again":  "operator -",
		"GET /history":           "viewer -",
		"GET /records/{connection}/{object}/{id}": "viewer -",
		"POST /reverts":                     "operator -",
		"GET /reverts/{id}":                 "operator -",
		"POST /reverts/{id}":                "operator -",
		"GET /settings/notifications":       "admin -",
		"POST /settings/notifications/test": "admin -",

		"GET /demo":                  "viewer -",
		"GET /demo/enter":            "all -",
		"POST /demo/{trouble}/break": "operator -",
		"POST /demo/{trouble}/mend":  "operator -",

		"GET /review":       "viewer -",
		"GET /review/many":  "user -",
		"POST /review/many": "user -",
		"GET /review/{id}":  "viewer -",
		"POST /review/{id}": "user -",

		"GET /reports":                  "viewer -",
		"GET /reports/{report}":         "viewer -",
		"GET /reports/{report}/{table}": "viewer -",

		"GET /api/v1/me": "viewer see",

		"POST /syncs/run":                         "operator -",
		"GET /systems":                            "viewer -",
		"GET /connections":                        "viewer -",
		"GET /connections/new":                    "admin -",
		"GET /connections/{name}":                 "viewer -",
		"POST /connections/{name}/test":           "operator -",
		"POST /connections/{name}/pause":          "operator -",
		"POST /connections/{name}/resume":         "operator -",
		"POST /connections/{name}/authorize":      "admin -",
		"GET /oauth/{name}":                       "admin -",
		"POST /connections/{name}/revoke":         "admin -",
		"GET /connections/{name}/{object}":        "viewer -",
		"GET /connections/{name}/{object}/fields": "viewer -",
		"POST /connections/new":                   "admin -",
		"GET /connections/new/saved":              "admin -",
		"GET /syncs":                              "viewer -",
		"GET /syncs/{name}":                       "viewer -",
		"POST /syncs/{name}/run":                  "operator -",
		"POST /syncs/{name}/pause":                "operator -",
		"POST /syncs/{name}/resume":               "operator -",
		"GET /syncs/{name}/plan":                  "viewer -",
		"POST /syncs/{name}/plan":                 "operator -",
		"GET /syncs/{name}/verify":                "viewer -",
		"POST /syncs/{name}/verify":               "operator -",

		"GET /settings/configuration":                    "admin -",
		"POST /settings/configuration":                   "admin -",
		"GET /settings/configuration/export":             "admin -",
		"POST /settings/configuration/adopt":             "admin -",
		"POST /settings/configuration/keep":              "admin -",
		"POST /settings/configuration/release":           "admin -",
		"GET /settings/configuration/{number}":           "admin -",
		"POST /settings/configuration/{number}/rollback": "admin -",

		"GET /syncs/new":       "admin -",
		"POST /syncs/new":      "admin -",
		"GET /syncs/new/saved": "admin -",

		"GET /syncs/{name}/mapping":       "admin -",
		"POST /syncs/{name}/mapping":      "admin -",
		"POST /syncs/{name}/mapping/save": "admin -",
		"GET /syncs/{name}/mapping/saved": "admin -",

		"GET /api/openapi.json": "all -",
		"GET /api/docs":         "all -",
		"GET /api/v1/events":    "viewer see",
		"GET /api/v1/status":    "viewer see",

		"GET /api/v1/connections":               "viewer see",
		"GET /api/v1/connections/{id}":          "viewer see",
		"POST /api/v1/connections/{id}/test":    "operator run",
		"POST /api/v1/connections/{id}/pause":   "operator run",
		"POST /api/v1/connections/{id}/resume":  "operator run",
		"POST /api/v1/connections/{id}/events":  "operator run",
		"POST /api/v1/connections/{id}/changes": "operator run",
		"GET /api/v1/records":                   "viewer see",

		"GET /api/v1/syncs":              "viewer see",
		"GET /api/v1/syncs/{id}":         "viewer see",
		"POST /api/v1/syncs/{id}/run":    "operator run",
		"POST /api/v1/syncs/{id}/pause":  "operator run",
		"POST /api/v1/syncs/{id}/resume": "operator run",
		"POST /api/v1/syncs/{id}/verify": "operator run",
		"GET /api/v1/runs":               "viewer see",
		"GET /api/v1/runs/{id}":          "viewer see",

		"GET /api/v1/history":         "viewer see",
		"GET /api/v1/why":             "viewer see",
		"POST /api/v1/revert/preview": "operator revert",
		"POST /api/v1/revert":         "operator revert",

		"GET /api/v1/review":              "viewer see",
		"GET /api/v1/review/{id}":         "viewer see",
		"POST /api/v1/review/{id}/decide": "user decide",
		"POST /api/v1/review/{id}/edit":   "user decide",

		"GET /api/v1/reports/pipeline": "viewer see",

		"POST /api/v1/runs/{id}/cancel": "operator run",
		"POST /api/v1/runs/{id}/again":  "operator run",

		"GET /api/v1/syncs/{id}/verify":                         "viewer see",
		"POST /api/v1/syncs/{id}/plan":                          "operator run",
		"GET /api/v1/syncs/{id}/plan":                           "viewer see",
		"GET /api/v1/reports/volume":                            "viewer see",
		"GET /api/v1/reports/problems":                          "viewer see",
		"GET /api/v1/reports/quota":                             "viewer see",
		"POST /api/v1/person/export":                            "viewer see",
		"POST /api/v1/person/erase/preview":                     "viewer see",
		"POST /api/v1/person/erase":                             "admin configure",
		"GET /api/v1/systems":                                   "viewer see",
		"GET /api/v1/systems/{id}":                              "viewer see",
		"POST /api/v1/connections":                              "admin configure",
		"DELETE /api/v1/connections/{id}":                       "admin configure",
		"POST /api/v1/connections/{id}/revoke":                  "admin secrets",
		"GET /api/v1/connections/{id}/objects":                  "viewer see",
		"GET /api/v1/secrets":                                   "admin secrets",
		"PUT /api/v1/secrets/{id}":                              "admin secrets",
		"DELETE /api/v1/secrets/{id}":                           "admin secrets",
		"POST /api/v1/review":                                   "user decide",
		"GET /api/v1/connections/{id}/objects/{object}/records": "viewer see",
		"GET /api/v1/syncs/{id}/rules":                          "viewer see",
		"GET /api/v1/reverts":                                   "operator revert",
		"POST /api/v1/reverts":                                  "operator revert",
		"GET /api/v1/reverts/{id}":                              "operator revert",
		"POST /api/v1/reverts/{id}/apply":                       "operator revert",

		"GET /api/v1/configuration":                         "admin configure",
		"PUT /api/v1/configuration":                         "admin configure",
		"POST /api/v1/configuration/check":                  "admin configure",
		"GET /api/v1/configuration/versions":                "admin configure",
		"GET /api/v1/configuration/versions/{id}":           "admin configure",
		"POST /api/v1/configuration/versions/{id}/rollback": "admin configure",
		"POST /api/v1/configuration/adopt":                  "admin configure",
		"POST /api/v1/configuration/keep":                   "admin configure",
		"POST /api/v1/configuration/release":                "admin configure",
		"GET /api/v1/notifications":                         "admin configure",
		"POST /api/v1/notifications/test":                   "admin configure",
		"GET /api/v1/people":                                "admin people",
		"POST /api/v1/people":                               "admin people",
		"POST /api/v1/people/{id}/role":                     "admin people",
		"POST /api/v1/people/{id}/password":                 "admin people",
		"DELETE /api/v1/people/{id}":                        "admin people",
		"GET /api/v1/audit":                                 "admin people",
		"GET /api/v1/tokens":                                "viewer -",
		"POST /api/v1/tokens":                               "viewer -",
		"DELETE /api/v1/tokens/{id}":                        "viewer -",
		"GET /api/v1/sessions":                              "viewer -",
		"DELETE /api/v1/sessions/{id}":                      "viewer -",
		"DELETE /api/v1/sessions":                           "viewer -",

		"GET /settings/secrets":                "admin -",
		"POST /settings/secrets":               "admin -",
		"POST /settings/secrets/{name}/remove": "admin -",

		"POST /connections/{name}/remove": "admin -",

		"GET /settings/people/{id}/tokens":                 "admin -",
		"POST /settings/people/{id}/tokens/{token}/revoke": "admin -",
		"GET /api/v1/people/{id}/tokens":                   "admin people",
		"DELETE /api/v1/people/{id}/tokens/{token}":        "admin people",
		"PUT /api/v1/account/password":                     "viewer -",
		"GET /api/v1/account/preferences":                  "viewer -",
		"PUT /api/v1/account/preferences":                  "viewer -",
		"POST /api/v1/connections/{id}/authorize":          "admin secrets",
		"GET /api/v1/demo":                                 "viewer see",
		"POST /api/v1/demo/{id}/break":                     "operator run",
		"POST /api/v1/demo/{id}/mend":                      "operator run",

		"POST /settings/key/rotate":      "admin -",
		"POST /settings/key/confirm":     "admin -",
		"GET /settings/database":         "admin -",
		"POST /settings/database/backup": "admin -",
		"GET /api/v1/key":                "admin secrets",
		"POST /api/v1/key/rotate":        "admin secrets",
		"POST /api/v1/key/confirm":       "admin secrets",
		"GET /api/v1/database":           "admin configure",
		"POST /api/v1/database/backup":   "admin configure",

		"GET /settings/person":         "admin -",
		"POST /settings/person/find":   "admin -",
		"POST /settings/person/export": "admin -",
		"POST /settings/person/erase":  "admin -",

		"POST /connections/{name}/fields":      "admin -",
		"POST /api/v1/connections/{id}/fields": "admin configure",

		"GET /api/v1/reports/latency":           "viewer see",
		"POST /api/v1/runs":                     "operator run",
		"POST /api/v1/syncs/{id}/verifications": "operator run",
	}
}

// nobody is a column of the table beside the roles.
const nobody account.Role = "nobody"

// answered is what the handlers of this test answer with: who may, gets this.
const answered = http.StatusTeapot

// stubbed is a console whose handlers do nothing: only who may is looked at.
func stubbed(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.populate()
	routes := b.c.routes()
	for i, x := range routes {
		if x.method+" "+x.pattern == "POST /login" {
			continue // by which this test signs in
		}
		routes[i].handler = func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(answered)
			return nil
		}
	}
	var err error
	if b.handler, err = b.c.handler(routes); err != nil {
		t.Fatal(err)
	}
	return b
}

// addressOf fills in a pattern.
func addressOf(x route) string {
	name := "erp"
	if strings.HasPrefix(x.pattern, "/syncs/") {
		name = "contacts"
	}
	return strings.NewReplacer("{token}", "1", "{number}", "1", "{id}", "1", "{name}", name, "{object}", "contacts", "{report}", "volume", "{table}", "days.csv", "{$}", "", "{hash}", "0", "{file...}", "x.css").Replace(x.pattern)
}

func request(x route, form string) *http.Request {
	if x.method == http.MethodGet {
		return httptest.NewRequest(x.method, addressOf(x), http.NoBody)
	}
	r := postRequest(addressOf(x), url.Values{formField: {form}})
	r.Method = x.method
	if x.method == http.MethodDelete { // which has no form
		r.Header.Set(formHeader, form)
	}
	return r
}

func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	b := stubbed(t)
	want := expectations()
	browsers := map[account.Role]*browser{nobody: b.browser()}
	for _, role := range account.Roles() {
		browsers[role] = b.signed(role)
	}
	seen := map[string]bool{}
	for _, x := range b.c.routes() {
		key := x.method + " " + x.pattern
		seen[key] = true
		line, known := want[key]
		if !known {
			t.Errorf("%s is missing from the table: say who may", key)
			continue
		}
		who, _, _ := strings.Cut(line, " ")
		for role, w := range browsers {
			may := who == "all" || role != nobody && !account.Role(who).Above(role)
			r := request(x, w.form())
			got := w.do(r).Code
			if key == "POST /login" && may && got == http.StatusUnprocessableEntity {
				continue // its own answer, to an empty form
			}
			if (got == answered) != may {
				t.Errorf("%s by %s: %d, may: %t", key, role, got, may)
			}
			if role == nobody && !may && got != http.StatusSeeOther && got != http.StatusUnauthorized {
				t.Errorf("%s by nobody: %d, and not the way to sign in", key, got)
			}
		}
	}
	for key := range want {
		if !seen[key] {
			t.Errorf("%s is in the table and no route", key)
		}
	}
}

// A token works below /api/ only, and with the route's right only.
func TestEveryRouteForTokens(t *testing.T) {
	t.Parallel()
	b := stubbed(t)
	want := expectations()
	admin, err := b.c.accounts.Session(t.Context(), b.signed(account.Admin).cookies[cookieName])
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[account.Right]string{}
	for _, right := range account.TokenRights() {
		if tokens[right], _, err = b.c.accounts.Grant(t.Context(), admin, string(right), []account.Right{right}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range b.c.routes() {
		key := x.method + " " + x.pattern
		who, with, _ := strings.Cut(want[key], " ")
		for right, token := range tokens {
			r := request(x, "")
			r.Header.Set("Authorization", "Bearer "+token)
			got := b.browser().do(r).Code
			may := who == "all" || with == string(right)
			if key != "POST /login" && (got == answered) != may {
				t.Errorf("%s with a token to %s: %d, may: %t", key, right, got, may)
			}
		}
	}
}

func TestEveryWriteHasANameInTheAuditAndNoReadHas(t *testing.T) {
	t.Parallel()
	for _, x := range newBench(t).c.routes() {
		writes := x.method != http.MethodGet && !x.asks || slices.Contains([]string{"/login/oidc/callback", "/oauth/{name}", "/demo/enter"}, x.pattern) // links of other sites, and of the terminal
		if writes != (x.audit != "") {
			t.Errorf("%s %s: its name in the audit is %q", x.method, x.pattern, x.audit)
		}
		if x.right == public && writes && !strings.HasPrefix(x.pattern, "/login") && x.pattern != "/setup" && x.pattern != "/demo/enter" {
			t.Errorf("%s %s: everybody may write", x.method, x.pattern)
		}
	}
}

func TestARouteWithoutARightIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.c.handler([]route{{method: "GET", pattern: "/x", handler: b.c.showHome}}); err == nil {
		t.Error("it was taken")
	}
}

// Every write by a session takes the form's token, wherever the request seems to come from.
func TestEveryWriteTakesTheFormsToken(t *testing.T) {
	t.Parallel()
	b := stubbed(t)
	w, other := b.signed(account.Admin), b.signed(account.Admin)
	for _, x := range b.c.routes() {
		if x.method == http.MethodGet {
			continue
		}
		for what, form := range map[string]string{"none": "", "another session's": other.form(), "wrong": "x"} {
			if got := w.do(request(x, form)); got.Code != http.StatusForbidden {
				t.Errorf("%s %s with %s: %d", x.method, x.pattern, what, got.Code)
			}
		}
		for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := request(x, w.form())
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set(header, value)
			if got := w.do(r); got.Code != http.StatusForbidden {
				t.Errorf("%s %s from another site (%s): %d", x.method, x.pattern, header, got.Code)
			}
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/account/wishes", http.NoBody)
	r.Header.Set(formHeader, w.form())
	if got := w.do(r); got.Code != answered {
		t.Errorf("a script with the token in a header: %d", got.Code)
	}
}

func TestUnknownAddressesAreNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Viewer)
	b.want(w.get("/nowhere"), http.StatusNotFound, "There is nothing here.")
	got := w.get("/api/v1/nowhere")
	b.want(got, http.StatusNotFound, `"code":"error.notfound"`)
	if kind := got.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("an error of the API is %s", kind)
	}
	b.want(b.browser().get("/api/v1/me"), http.StatusUnauthorized, fmt.Sprintf(`"status":%d`, http.StatusUnauthorized))
	b.want(w.get("/api/v1/me"), http.StatusOK, `"name":"viewer"`, `"rights":["own","see"]`)
}
