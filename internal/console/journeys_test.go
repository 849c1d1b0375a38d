package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// to wants a redirect.
func (b *bench) to(got *httptest.ResponseRecorder, address string) {
	b.Helper()
	b.want(got, http.StatusSeeOther)
	if at := got.Header().Get("Location"); at != address {
		b.Fatalf("sent to %q, want %q", at, address)
	}
}

// audited returns the audit, the oldest first, a line each: by, what, target, detail, outcome.
func (b *bench) audited() []string {
	b.Helper()
	all, err := b.hub.store.Audits(b.Context(), store.AuditQuery{})
	if err != nil {
		b.Fatal(err)
	}
	lines := make([]string, len(all))
	for i, a := range all {
		lines[len(all)-1-i] = strings.Join([]string{a.By, a.What, a.Target, a.Detail, a.Outcome}, "|")
	}
	return lines
}

func (b *bench) sameAudit(want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, b.audited()); diff != "" {
		b.Errorf("the audit (-want +got):\n%s", diff)
	}
}

func TestFirstRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.browser()
	b.to(w.get("/"), "/setup")
	b.to(w.get("/login"), "/setup")
	word, err := b.c.accounts.OfferSetup()
	if err != nil {
		t.Fatal(err)
	}
	b.want(w.get("/setup?token="+word), http.StatusOK, `value="`+word+`"`)
	b.want(w.post("/setup", "token", "guess", "name", "eve", "password", password, "repeat", password), http.StatusUnprocessableEntity, "The one-time token is not right.")
	b.want(w.post("/setup", "token", word, "name", "ann", "password", password, "repeat", "x"), http.StatusUnprocessableEntity, "The two passwords are not the same.")
	b.want(w.post("/setup", "token", word, "name", "ann", "password", "short", "repeat", "short"), http.StatusUnprocessableEntity, "Take at least 12 characters")
	b.to(w.post("/setup", "token", word, "name", "ann", "password", password, "repeat", password), "/")
	b.want(w.get("/"), http.StatusOK, "There are no connections yet.", "Sign out")
	b.to(b.browser().get("/setup"), "/login")
	b.want(b.browser().post("/setup", "token", word, "name", "eve", "password", password, "repeat", password), http.StatusUnprocessableEntity)
	b.sameAudit("|setup|eve||refused", "ann|setup|ann||done", "|setup|eve||refused")
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.browser()
	b.to(w.get("/settings/audit?by=ann"), "/login?next=%2Fsettings%2Faudit%3Fby%3Dann")
	b.want(w.get("/login?next=/settings/audit"), http.StatusOK, `name="next" value="/settings/audit"`)
	b.want(w.get("/login?next=//evil.example"), http.StatusOK, `name="next" value=""`)
	for _, name := range []string{"admin", "nobody-of-that-name"} {
		b.want(w.post("/login", "name", name, "password", "wrong"), http.StatusUnprocessableEntity, "The name or the password is not right.", `value="`+name+`"`)
	}
	b.to(w.post("/login", "name", "admin", "password", password, "next", "/settings/audit"), "/settings/audit")
	first := w.cookies[cookieName]
	b.want(w.get("/settings/audit"), http.StatusOK, "Nobody signed in", "sign.in")
	b.to(w.get("/login"), "/")
	b.to(w.post("/login", "name", "admin", "password", password), "/")
	if w.cookies[cookieName] == first {
		t.Error("signing in again kept the session's secret")
	}
	if p, err := b.c.accounts.Session(t.Context(), first); err != nil || p.Somebody() {
		t.Errorf("the session before is still %s's: %v", p.Name, err)
	}
	second := w.cookies[cookieName]
	b.to(w.post("/logout"), "/login")
	w.cookies[cookieName] = second
	b.to(w.get("/account"), "/login?next=%2Faccount")
	b.sameAudit("|sign.in|admin||refused", "|sign.in|nobody-of-that-name||refused", "admin|sign.in|admin||done", "admin|sign.in|admin||done", "admin|sign.out|admin||done")
}

func TestGuessingIsSlowedDownAndLeavesNoFloodInTheAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.populate()
		w := b.browser()
		refused := 0
		for range 50 {
			if got := w.post("/login", "name", "admin", "password", "guess"); got.Code == http.StatusTooManyRequests {
				refused++
				if got.Header().Get("Retry-After") == "" || !strings.Contains(got.Body.String(), "Too many tries. Try again in") {
					t.Fatalf("%v %s", got.Header(), got.Body)
				}
			}
		}
		if refused != 46 {
			t.Errorf("%d of 50 tries at once were refused", refused)
		}
		if n := len(b.audited()); n != 4 {
			t.Errorf("%d lines in the audit", n)
		}
		time.Sleep(time.Second)
		b.to(w.post("/login", "name", "admin", "password", password), "/")
	})
}

func TestOnesOwnAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w, elsewhere := b.signed(account.Viewer), b.signed(account.Viewer)
	b.want(w.get("/account"), http.StatusOK, "You are viewer, Viewer.", "Here", "Sign out there")
	b.to(w.post("/account/wishes", "language", "de", "theme", "dark"), "/account?done=wishes")
	b.want(w.get("/account?done=wishes"), http.StatusOK, `<html lang="de" data-theme="dark">`, "Ihre Einstellungen sind gespeichert.")
	b.want(w.post("/account/wishes", "language", "xx"), http.StatusUnprocessableEntity)
	b.want(w.get("/account?done=no.such"), http.StatusOK)
	b.to(w.post("/account/wishes"), "/account?done=wishes")

	b.want(w.post("/account/password", "present", "wrong", "password", "another long password", "repeat", "another long password"), http.StatusUnprocessableEntity, "The name or the password is not right.")
	b.to(w.post("/account/password", "present", password, "password", "another long password", "repeat", "another long password"), "/account?done=password")
	b.want(w.get("/account"), http.StatusOK)
	b.want(elsewhere.get("/account"), http.StatusSeeOther)

	got := w.post("/account/tokens", "name", "ci", "right", "see", "days", "30")
	b.want(got, http.StatusOK, "never shown again")
	token := regexp.MustCompile(`tandem_[a-z2-7]{52}`).FindString(got.Body.String())
	r := httptest.NewRequest(http.MethodGet, "/api/v1/me", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	b.want(b.browser().do(r), http.StatusOK, `"token":"ci"`, `"rights":["see"]`)
	if strings.Contains(w.get("/account").Body.String(), token) {
		t.Error("the token is shown a second time")
	}
	shown := w.get("/account")
	b.want(shown, http.StatusOK, `action="/account/tokens/1/revoke" data-ask="Revoke ci? Programs that use it are turned away at once`)
	if n := strings.Count(shown.Body.String(), "/account/tokens/1/revoke"); n != 1 {
		t.Errorf("one token is listed %d times", n)
	}
	b.want(w.post("/account/tokens", "name", "ci", "right", "people", "days", "30"), http.StatusUnprocessableEntity, "none that you do not have")
	b.want(w.post("/account/tokens", "name", "ci", "right", "see", "days", "9999"), http.StatusUnprocessableEntity)
	b.want(w.post("/account/tokens/77/revoke"), http.StatusNotFound)
	b.to(w.post("/account/tokens/1/revoke"), "/account?done=revoked")
	b.want(b.browser().do(r), http.StatusUnauthorized)
	b.want(w.post("/account/sessions/999/end"), http.StatusNotFound)
	b.to(w.post("/account/sessions/end"), "/account?done=sessions")
	b.want(w.get("/account"), http.StatusOK)
	for _, line := range b.audited() {
		if strings.Contains(line, token) || strings.Contains(line, "another long") {
			t.Errorf("a secret is in the audit: %s", line)
		}
	}
}

func TestManagingPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w, eve := b.signed(account.Admin), b.signed(account.Viewer)
	b.want(eve.get("/settings/people"), http.StatusForbidden, "Your role does not allow that.")
	b.to(w.post("/settings/people", "name", "kim", "role", "user", "password", password), "/settings/people?done=added")
	b.want(w.get("/settings/people?done=added"), http.StatusOK, "5 people can use this Tandem.", "kim", "The person is added.")
	b.want(w.post("/settings/people", "name", "KIM", "role", "user", "password", password), http.StatusUnprocessableEntity, "Somebody has that name already.", `value="KIM"`)
	b.want(w.post("/settings/people", "name", "<script>alert(1)</script>", "role", "user", "password", password), http.StatusUnprocessableEntity, "&lt;script&gt;alert(1)&lt;/script&gt;")
	b.want(w.post("/settings/people", "name", "lee", "role", "root", "password", password), http.StatusUnprocessableEntity)
	b.want(w.post("/settings/people", "name", "lee", "role", "user", "password", ""), http.StatusUnprocessableEntity, "at least 12 characters")
	id := func(role account.Role) string { return fmt.Sprintf("/settings/people/%d", b.people[role].ID) }
	b.to(w.post(id(account.Viewer)+"/role", "role", "operator"), "/settings/people?done=role")
	b.want(eve.get("/"), http.StatusSeeOther)
	b.want(w.post(id(account.Admin)+"/role", "role", "user"), http.StatusUnprocessableEntity, "Nobody else is an administrator.")
	b.want(w.post(id(account.Admin)+"/remove"), http.StatusUnprocessableEntity)
	b.to(w.post(id(account.User)+"/password", "password", "reset by the admin"), "/settings/people?done=reset")
	b.to(w.post(id(account.User)+"/remove"), "/settings/people?done=removed")
	b.want(w.post(id(account.User)+"/remove"), http.StatusNotFound)
	b.want(w.post("/settings/people/x/remove"), http.StatusNotFound)
	want := []string{
		"admin|sign.in|admin||done", "viewer|sign.in|viewer||done",
		"admin|user.add|kim|user|done", "admin|user.add|KIM|user|refused", "admin|user.add|<script>alert(1)</script>|user|refused",
		"admin|user.add|lee|root|refused", "admin|user.add|lee|user|refused",
		"admin|user.role|viewer|viewer -> operator|done", "admin|user.role|admin|admin -> user|refused", "admin|user.remove|admin||refused",
		"admin|user.password|user||done", "admin|user.remove|user||done", "admin|user.remove|||refused", "admin|user.remove|||refused",
	}
	b.sameAudit(want...)
	// What people write is shown as that, in the audit too.
	b.want(w.get("/settings/audit"), http.StatusOK, "&lt;script&gt;alert(1)&lt;/script&gt;")
	if strings.Contains(w.get("/settings/audit").Body.String(), "<script>alert") {
		t.Error("a name is markup")
	}
}

func TestWhoSignsInElsewhereNeedsNoPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	b.hub.plan.Console.OIDC = &plan.OIDC{Issuer: "https://id.example"}
	w := b.signed(account.Admin)
	b.to(w.post("/settings/people", "name", "kim@example.com", "role", "user", "password", ""), "/settings/people?done=added")
	b.want(w.get("/settings/people"), http.StatusOK, "Identity provider, once")
	b.want(b.browser().get("/login"), http.StatusOK, "Sign in with your organisation")
	b.want(b.browser().post("/login", "name", "kim@example.com", "password", ""), http.StatusUnprocessableEntity)
}

func TestTheAuditIsPaged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Admin)
	for i := range auditLines + 5 {
		if _, err := b.hub.store.AppendAudit(t.Context(), store.Audit{At: time.Now(), By: "a&b", What: "x", Target: fmt.Sprintf("no-%d.", i)}); err != nil {
			t.Fatal(err)
		}
	}
	first := w.get("/settings/audit?by=a%26b")
	b.want(first, http.StatusOK, "no-54.", "no-5.", "Begun")
	older := regexp.MustCompile(`/settings/audit\?before=\d+[^"]*`).FindString(first.Body.String())
	second := w.get(strings.ReplaceAll(older, "&amp;", "&"))
	b.want(second, http.StatusOK, "no-4.", "no-0.")
	if body := second.Body.String(); strings.Contains(body, "no-5.") || strings.Contains(body, "before=") || strings.Contains(body, "sign.in") {
		t.Errorf("from %s: %s", older, body)
	}
	b.want(w.get("/settings/audit?before=x"), http.StatusNotFound)
	b.want(w.get("/settings/audit?by=nobody"), http.StatusOK, "Nothing by nobody.")
}

func TestTheDeviceOfASession(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36":                         "Chrome, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1":     "Safari, iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15.0; rv:140.0) Gecko/20100101 Firefox/140.0":                                           "Firefox, macOS",
		"curl/8.5.0 <script>": "curl/8.5.0 <script>",
		"":                    "",
	} {
		if got := device(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// Nothing is done of which there is no word: without the audit the write does not happen.
func TestAWriteThatCannotBeAuditedIsNotDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Admin)
	done := false
	routes := []route{{method: "POST", pattern: "/write", right: account.See, audit: "write", handler: func(_ http.ResponseWriter, r *http.Request) error {
		done = true
		note(r, "it", "")
		lines, err := b.hub.store.Audits(r.Context(), store.AuditQuery{What: "write"})
		if err != nil || len(lines) != 1 || lines[0].Outcome != "" {
			t.Errorf("while it is done the audit says %v: %v", lines, err)
		}
		return fmt.Errorf("it broke")
	}}}
	var err error
	if b.handler, err = b.c.handler(routes); err != nil {
		t.Fatal(err)
	}
	b.want(w.post("/write"), http.StatusInternalServerError)
	if lines := b.audited(); !done || lines[len(lines)-1] != "admin|write|it||failed" {
		t.Errorf("%v", lines)
	}
	done = false
	other, err := store.Open(t.Context(), store.Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	b.hub.store = other
	if b.want(w.post("/write"), http.StatusInternalServerError); done {
		t.Error("it was done all the same")
	}
}

func FuzzSigningIn(f *testing.F) {
	f.Add("ann", "secret", "/", "form=x&name=%zz")
	b := newBench(f)
	b.populate()
	f.Fuzz(func(t *testing.T, name, word, next, raw string) {
		w := b.browser()
		values := url.Values{"name": {name}, "password": {word}, "next": {next}}
		for _, body := range []string{values.Encode(), raw} {
			r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if got := w.do(r); got.Code >= http.StatusInternalServerError || got.Code == http.StatusSeeOther && word != password {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		}
	})
}
