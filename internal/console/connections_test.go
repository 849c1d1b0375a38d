package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

// An acmeConn says who we are and what it has.
type acmeConn struct{ wrong error }

func (c acmeConn) Check(context.Context) (connector.Identity, error) {
	return connector.Identity{Account: "4711", Name: "Acme Ltd", Lacks: []connector.Lack{{Object: "deals", What: "update", Why: "scope deals.write is missing", Remedy: "add it to the key"}}}, c.wrong
}

func (acmeConn) Schema(context.Context) (record.Schema, error) {
	return record.Schema{Objects: []record.Object{people(), {Name: "deals", Title: "Deals"}, {Name: "notes", Title: "Notes"}}}, nil
}

func (acmeConn) Changes(context.Context, connector.Query) (connector.Page, error) {
	return connector.Page{}, nil
}

// lend gives the hub an engine whose systems answer so.
func (b *bench) lend(wrong error) {
	b.Helper()
	spec := acme()
	spec.Open = func(connector.Env) (connector.Connection, error) { return acmeConn{wrong}, nil }
	e, err := engine.New(engine.Options{Store: b.hub.store, Plan: b.hub.plan, Specs: []connector.Spec{spec}})
	b.ok(err)
	b.hub.engine = func() *engine.Engine { return e }
}

func TestConnectionsAndTheirPages(t *testing.T) {
	t.Parallel()
	b := newLived(t)
	w := b.signed(account.Viewer)
	b.want(w.get("/connections"), http.StatusOK, "Acme CRM", "Healthy", "crm &lt;script&gt;", "900 of 1,000 in 24 h")
	got := w.get("/connections/crm")
	b.want(got, http.StatusOK, "4711", "gold", "https://crm.example", "Contacts", "Deals", "not kept", "reads records", "Switch on the module API.", `href="/syncs/instep"`, `href="/connections/crm/contacts"`, `href="/connections/crm/deals/fields"`)
	if body := got.Body.String(); strings.Contains(body, "/connections/crm/test") || strings.Contains(body, script) || strings.Contains(body, "s3cret-key") {
		t.Errorf("a viewer sees an act, markup or a secret: %s", body)
	}
	b.want(w.get("/connections/nothing"), http.StatusNotFound)
	b.want(w.get("/systems"), http.StatusOK, "Acme CRM", "2 connections", "By a key", "v7")
}

func TestFieldsThatASystemLacksAreMade(t *testing.T) {
	t.Parallel()
	w := &apiWorld{world: newWorld(t, "match: [email], fields: [name, email, { left: notes, right: wish }, { left: code, right: other }]")}
	w.token = w.grantAs(account.Admin, "all", account.TokenRights()...)
	admin := w.signed(account.Admin)
	page := admin.post("/connections/b/test")
	w.want(page, http.StatusOK, "wish", "other", `action="/connections/b/fields"`, `data-ask="Make the missing fields in`)
	if strings.Contains(w.signed(account.Operator).post("/connections/b/test").Body.String(), "/connections/b/fields") {
		t.Error("an operator is offered it")
	}
	w.want(admin.post("/connections/b/fields"), http.StatusOK, "The field wish of cards was made.", "The field other of cards was made.")
	got := read[jsonl.Checked](w, "POST", "/api/v1/connections/b/fields", "")
	if !got.OK || len(got.Missing) != 0 || len(got.Created) != 0 {
		t.Errorf("there is nothing left to be made: %+v", got)
	}
	w.want(w.ask("POST", "/api/v1/connections/x/fields", ""), http.StatusNotFound)
	w.want(admin.post("/connections/x/fields"), http.StatusNotFound)
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "admin|connection.fields|b|cards.other, cards.wish|done") && !strings.Contains(lines, "admin|connection.fields|b|cards.wish, cards.other|done") {
		t.Error(lines)
	}
}

func TestATestNamesWhatIsMissingAndTheRemedy(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.lend(nil)
	w := b.signed(account.Operator)
	b.want(w.post("/connections/crm/test"), http.StatusOK, "The connection works. It has 3 objects.", "scope deals.write is missing", "add it to the key", "Nothing can be changed")
	b.lend(&connector.Error{Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Fix: "renew the key " + script, Err: errors.New("401 from the vendor")})
	b.want(w.post("/connections/crm/test"), http.StatusOK, "The connection cannot be used.", "401 from the vendor", "renew the key &lt;script&gt;")
	b.want(w.post("/connections/nothing/test"), http.StatusNotFound)
	lines := b.audited()
	if want := "operator|connection.test|crm|refused: unauthorized|done"; lines[len(lines)-2] != want {
		t.Errorf("the audit: %q, want %q", lines, want)
	}
}

func TestSyncsOfAConnectionArePausedTogether(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	w := b.signed(account.Operator)
	b.to(w.post("/connections/crm/pause"), "/connections/crm?done=connectionpaused")
	b.to(w.post("/connections/crm/resume"), "/connections/crm?done=connectionresumed")
	b.want(w.post("/connections/nothing/pause"), http.StatusNotFound)
	b.want(w.get("/connections/crm?done=connectionpaused"), http.StatusOK, "The connection’s syncs are paused.", "Pause its syncs")
	for _, s := range b.hub.plan.Syncs {
		b.ok(b.hub.store.PauseSync(t.Context(), store.Pause{Sync: s.Name, By: "ann", At: time.Now()}))
	}
	b.want(w.get("/connections/crm"), http.StatusOK, "Resume its syncs")
}

func TestTheAddressThatAVendorCallsIsForWhoConfigures(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "https://hub.example")
	b.populate()
	b.connected()
	door, err := b.hub.store.OpenDoor(t.Context(), "crm")
	b.ok(err)
	for role, may := range map[account.Role]bool{account.Operator: false, account.Admin: true} {
		w := b.signed(role)
		if got := strings.Contains(w.get("/connections/crm").Body.String(), "https://hub.example/hooks/crm/"+door.Key); got != may {
			t.Errorf("%s sees the address: %t", role, got)
		}
	}
}

// tokens is a vendor that grants access for one code.
type tokens struct{}

func (tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	if form.Get("code") == "c0de" && strings.HasSuffix(form.Get("redirect_uri"), "/oauth/crm") || strings.HasSuffix(r.URL.Path, "/revoke") {
		_, _ = fmt.Fprint(rec, `{"access_token":"acc3ss","refresh_token":"r3fresh","expires_in":1800}`)
		return rec.Result(), nil
	}
	rec.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprint(rec, `{"error":"invalid_grant"}`)
	return rec.Result(), nil
}

// granted makes the connection crm one that a person grants.
func (b *bench) granted() {
	b.Helper()
	b.grantedFor(0)
}

// grantedFor is granted for a while without use.
func (b *bench) grantedFor(dies time.Duration) {
	b.Helper()
	kept, err := safe.Open(b.Context(), b.hub.store, safe.Places{Env: func(string) (string, bool) { return "", false }, File: b.TempDir() + "/key"}, nil)
	b.ok(err)
	g, err := grant.New(grant.Options{
		Name: "crm", ClientID: "app", Secret: "cl1ent-s3cret", Base: "https://crm.example", State: kept.State("crm"),
		OAuth: connector.OAuth{Authorize: "https://crm.example/agree", Token: "/token", Revoke: "/revoke", Dies: dies},
		HTTP:  func(string) *http.Client { return &http.Client{Transport: tokens{}} },
	})
	b.ok(err)
	b.hub.grants = map[string]*grant.Grant{"crm": g}
}

// A grant that nobody has used for long, and that nothing will renew.
func TestAccessThatEndsSoonIsTold(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.grantedFor(30 * 24 * time.Hour)
	w := b.signed(account.Admin)
	got := w.post("/connections/crm/authorize")
	state := regexp.MustCompile(`state=([A-Z0-9]+)`).FindStringSubmatch(got.Body.String())[1]
	b.to(w.get("/oauth/crm?code=c0de&state="+state), "/connections/crm?done=authorized")
	const soon = "Access ends soon"
	for days, told := range map[int]bool{0: false, 22: false, 24: true, 29: true} {
		b.c.now = func() time.Time { return time.Now().Add(time.Duration(days) * 24 * time.Hour) }
		for _, path := range []string{"/", "/connections", "/connections/crm"} {
			page := w.get(path)
			b.want(page, http.StatusOK, "unless it is used")
			if got := strings.Contains(page.Body.String(), soon); got != told {
				t.Errorf("after %d days %s tells of the end: %t", days, path, got)
			}
		}
		if got := strings.Contains(w.get("/").Body.String(), "Sign in again before that."); got != told {
			t.Errorf("after %d days people are asked to sign in again: %t", days, got)
		}
	}
}

// A program begins the way, and its person ends it in any browser of theirs.
func TestAProgramBeginsTheWayToAVendor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	b.connected()
	b.granted()
	w := &apiWorld{world: &world{bench: b}}
	w.token = w.grantAs(account.Admin, "secrets", account.Secrets)
	const at = "/api/v1/connections/crm/authorize"
	begun := read[authorizeBody](w, "POST", at, "")
	if begun.Back != "http://127.0.0.1:8420/oauth/crm" || !strings.HasPrefix(begun.Address, "https://crm.example/agree?") || time.Until(begun.Until) > awayFor {
		t.Errorf("%+v", begun)
	}
	state := regexp.MustCompile(`state=([A-Z0-9]+)`).FindStringSubmatch(begun.Address)[1]
	if _, err := b.c.accounts.Add(t.Context(), account.NewUser{Name: "eve", Role: account.Admin, Password: password}); err != nil {
		t.Fatal(err)
	}
	eve := b.browser()
	b.to(eve.post("/login", "name", "eve", "password", password), "/")
	b.want(eve.get("/oauth/crm?code=c0de&state="+state), http.StatusBadRequest, "That sign-in was begun elsewhere")
	b.to(b.signed(account.Admin).get("/oauth/crm?code=c0de&state="+state), "/connections/crm?done=authorized")
	b.want(w.ask("POST", "/api/v1/connections/erp/authorize", ""), http.StatusNotFound)
	script := b.signed(account.Admin) // of a page: only this very browser may end it
	begun = read[authorizeBody](script, "POST", at, "")
	state = regexp.MustCompile(`state=([A-Z0-9]+)`).FindStringSubmatch(begun.Address)[1]
	b.want(b.signed(account.Admin).get("/oauth/crm?code=c0de&state="+state), http.StatusBadRequest)
	b.to(script.get("/oauth/crm?code=c0de&state="+state), "/connections/crm?done=authorized")
	if lines := strings.Join(b.audited(), "\n"); !strings.Contains(lines, "admin|connection.authorize|crm||done") || strings.Contains(lines, state) {
		t.Error(lines)
	}
}

func TestAPersonAgreesInTheBrowser(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.granted()
	w, eve := b.signed(account.Admin), b.signed(account.Admin)
	b.want(w.get("/"), http.StatusOK, "Signed out", "Nobody grants access any more.")
	got := w.post("/connections/crm/authorize")
	b.want(got, http.StatusOK, "https://crm.example/agree?", "http://127.0.0.1:8420/oauth/crm", "On to Acme CRM")
	state := regexp.MustCompile(`state=([A-Z0-9]+)`).FindStringSubmatch(got.Body.String())[1]
	b.want(eve.get("/oauth/crm?code=c0de&state="+state), http.StatusBadRequest, "That sign-in was begun elsewhere")
	b.want(w.get("/oauth/crm?code=c0de&state=other"), http.StatusBadRequest)
	b.want(w.get("/oauth/crm?error=access_denied&state="+state), http.StatusBadGateway, "access_denied")
	b.want(w.get("/oauth/crm?code=wrong&state="+state), http.StatusBadGateway)
	b.to(w.get("/oauth/crm?code=c0de&state="+state), "/connections/crm?done=authorized")
	b.want(w.get("/oauth/crm?code=c0de&state="+state), http.StatusBadRequest)
	b.want(w.get("/connections/crm?done=authorized"), http.StatusOK, "Access is granted.", "granted, without an end", "Healthy")
	b.to(w.post("/connections/crm/revoke"), "/connections/crm?done=takenback")
	b.want(w.get("/connections/crm"), http.StatusOK, "Signed out")
	for _, path := range []string{"/connections/erp/authorize", "/connections/erp/revoke"} {
		b.want(w.post(path), http.StatusNotFound)
	}
	b.want(w.get("/oauth/erp?code=c0de"), http.StatusNotFound)
	for _, line := range b.audited() {
		if strings.Contains(line, "c0de") || strings.Contains(line, "acc3ss") {
			t.Errorf("a secret is in the audit: %s", line)
		}
	}
}
