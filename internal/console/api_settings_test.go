package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// newAdminWorld is an apiWorld with a token that may do all that a token may.
func newAdminWorld(t testing.TB) *apiWorld {
	t.Helper()
	w := newAPIWorld(t)
	w.token = w.grantAs(account.Admin, "all", account.TokenRights()...)
	return w
}

// The API and the page are two ways to the same document.
func TestTheConfigurationIsEditedInVersionsOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	h := &configHub{fakeHub: w.hub, file: "wrong\n"}
	w.c.hub = h
	const at = "/api/v1/configuration"
	now := read[configurationBody](w, "GET", at, "")
	if now.Counts != "file" || now.Version != 0 || now.Text != "wrong\n" || now.File != "dir/tandem.yaml" {
		t.Errorf("%+v", now)
	}
	w.want(w.ask("PUT", at, `{"text":"version: 1\n","after":1}`), http.StatusUnprocessableEntity, "error.outdated")
	w.want(w.ask("POST", at+"/adopt", ""), http.StatusUnprocessableEntity, "error.configuration", `"location":"line 7"`, "prefr")
	w.want(w.ask("POST", at+"/adopt", "", "Accept-Language", "de"), http.StatusUnprocessableEntity, "error.configuration", `"message":"unbekannter Schlüssel \"prefr\""`)
	h.file = "version: 1\nold: line\n"
	now = read[configurationBody](w, "POST", at+"/adopt", `{"note":"at last"}`)
	if now.Counts != "database" || now.Version != 1 || now.By != "admin" || now.Note != "at last" {
		t.Errorf("%+v", now)
	}
	checked := read[checkedText](w, "POST", at+"/check", `{"text":"version: 1\r\nnew: line"}`)
	want := []diffBody{{Kind: "same", Old: 1, New: 1, Text: "version: 1"}, {Kind: "old", Old: 2, Text: "old: line"}, {Kind: "new", New: 2, Text: "new: line"}}
	if diff := cmp.Diff(want, checked.Diff); diff != "" || !checked.Usable || len(checked.Problems) != 1 || !checked.Problems[0].Warning {
		t.Errorf("%+v %s", checked, diff)
	}
	if checked := read[checkedText](w, "POST", at+"/check", `{"text":"wrong"}`); checked.Usable || checked.Problems[0].Near != "prefer" || checked.Problems[0].Line != 7 {
		t.Errorf("%+v", checked)
	}
	for body, code := range map[string]string{`{"text":"wrong","after":1}`: "error.configuration", `{"text":"version: 1\nold: line","after":1}`: "error.same",
		`{"text":"x","after":2}`: "error.outdated", `{"text":"x"}`: "error.input"} {
		w.want(w.ask("PUT", at, body), http.StatusUnprocessableEntity, code)
	}
	now = read[configurationBody](w, "PUT", at, `{"text":"version: 1\nnew: line\n","after":1,"note":"why not"}`)
	if now.Version != 2 || now.Text != "version: 1\nnew: line\n" || now.Note != "why not" {
		t.Errorf("%+v", now)
	}
	w.want(w.signed(account.Admin).get("/settings/configuration"), http.StatusOK, "Version 2, saved by admin", "why not")
	page := read[list[versionBody]](w, "GET", at+"/versions?limit=1", "")
	rest := read[list[versionBody]](w, "GET", at+"/versions?limit=1&cursor="+page.Next, "")
	if page.Items[0].Version != 2 || rest.Items[0].Version != 1 || rest.Items[0].Note != "at last" || rest.Next != "" {
		t.Errorf("%+v then %+v", page, rest)
	}
	first := read[versionBody](w, "GET", at+"/versions/1", "")
	if first.Text != h.file || len(first.Diff) != 3 || first.Diff[1].Text != "new: line" {
		t.Errorf("%+v", first)
	}
	if same := read[versionBody](w, "GET", at+"/versions/1?against=1", ""); len(same.Diff) != 0 {
		t.Errorf("%+v", same)
	}
	w.want(w.ask("GET", at+"/versions/9", ""), http.StatusNotFound)
	h.edited = true
	w.want(w.ask("POST", at+"/versions/1/rollback", ""), http.StatusUnprocessableEntity, "error.edited")
	read[configurationBody](w, "POST", at+"/keep", "")
	if now = read[configurationBody](w, "POST", at+"/versions/1/rollback", ""); now.Version != 3 || now.Text != h.file || now.Note != "= 1" {
		t.Errorf("%+v", now)
	}
	if _, err := h.SaveConfiguration(t.Context(), 3, store.Configuration{Text: "version: 1\r\nnewer: line\r\n", At: time.Now()}); err != nil { // from a file of Windows
		t.Fatal(err)
	}
	if checked := read[checkedText](w, "POST", at+"/check", `{"text":"version: 1\nold: line"}`); len(checked.Diff) != 3 || checked.Diff[0].Kind != "same" {
		t.Errorf("an edit changes other lines: %+v", checked.Diff)
	}
	if now = read[configurationBody](w, "POST", at+"/release", ""); now.Counts != "file" {
		t.Errorf("%+v", now)
	}
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "admin|configuration.save|2|why not|done") || !strings.Contains(lines, "admin|configuration.check|dir/tandem.yaml|checked only|done") {
		t.Error(lines)
	}
}

func TestPeopleAreManagedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	const at = "/api/v1/people"
	ann := read[personBody](w, "POST", at, `{"name":"ann","role":"viewer","password":"correct horse battery"}`)
	w.want(w.ask("POST", at, `{"name":"ann","role":"viewer","password":"correct horse battery"}`), http.StatusUnprocessableEntity, "error.taken")
	w.want(w.ask("POST", at, `{"name":"bob","role":"king","password":"correct horse battery"}`), http.StatusUnprocessableEntity, "body.role")
	w.want(w.ask("POST", at, `{"name":"bob","role":"viewer","password":"short"}`), http.StatusUnprocessableEntity, "error.weak")
	w.want(w.ask("POST", at, `{"name":"bob","role":"viewer","password":"x"}`, keyHeader, "k"), http.StatusUnprocessableEntity, "nothing of this write is kept")
	id := "/" + id(ann.ID)
	if got := read[personBody](w, "POST", at+id+"/role", `{"role":"operator"}`); got.Role != account.Operator || got.Name != "ann" {
		t.Errorf("%+v", got)
	}
	read[personBody](w, "POST", at+id+"/password", `{"password":"another horse battery"}`)
	if got := w.browser().post("/login", "name", "ann", "password", "another horse battery"); got.Code != http.StatusSeeOther {
		t.Errorf("ann cannot sign in: %d", got.Code)
	}
	if all := read[list[personBody]](w, "GET", at, "").Items; len(all) != 5 || all[1].Name != "ann" || !all[1].Password || all[1].Seen == nil {
		t.Errorf("%+v", all)
	}
	read[doneBody](w, "DELETE", at+id, "")
	w.want(w.ask("DELETE", at+id, ""), http.StatusNotFound)
	w.want(w.ask("DELETE", at+"/"+idOf(w, account.Admin), ""), http.StatusUnprocessableEntity, "error.lastadmin")
	page := read[list[auditBody]](w, "GET", "/api/v1/audit?limit=2&by=admin", "")
	rest := read[list[auditBody]](w, "GET", "/api/v1/audit?by=admin&cursor="+page.Next, "")
	if len(page.Items) != 2 || page.Items[0].Outcome != store.AuditRefused || page.Items[0].Via != "token all" || len(rest.Items) != 8 {
		t.Errorf("%+v then %+v", page, rest)
	}
	lines := strings.Join(w.audited(), "\n")
	if !strings.Contains(lines, "admin|user.role|ann|viewer -> operator|done") || strings.Contains(lines, "battery") {
		t.Error(lines)
	}
}

func idOf(w *apiWorld, role account.Role) string { return id(w.people[role].ID) }

// Whoever has found a token cannot make another: tokens and sessions are a person's in a browser.
func TestTokensAndSessionsAreOnesOwnInABrowser(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	w.want(w.ask("GET", "/api/v1/tokens", ""), http.StatusForbidden, "this takes the right own")
	w.want(w.ask("POST", "/api/v1/tokens", `{"name":"more","rights":["see"],"days":1}`), http.StatusForbidden)
	mine := w.signed(account.User)
	made := read[tokenBody](mine, "POST", "/api/v1/tokens", `{"name":"mine","rights":["see"],"days":30}`)
	if !strings.HasPrefix(made.Token, account.TokenPrefix) || made.Expires == nil || time.Until(*made.Expires) > 31*24*time.Hour {
		t.Errorf("%+v", made)
	}
	w.token = made.Token
	if me := read[meBody](w, "GET", "/api/v1/me", ""); me.Token != "mine" || me.Name != "user" {
		t.Errorf("%+v", me)
	}
	w.want(mine.ask("POST", "/api/v1/tokens", `{"name":"mine","rights":["run"],"days":0}`), http.StatusUnprocessableEntity, "error.right")
	all := read[list[tokenBody]](mine, "GET", "/api/v1/tokens", "").Items
	if len(all) != 1 || all[0].Token != "" || all[0].ID != made.ID {
		t.Errorf("%+v", all)
	}
	read[doneBody](mine, "DELETE", "/api/v1/tokens/"+id(made.ID), "")
	w.want(w.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
	w.want(mine.ask("DELETE", "/api/v1/tokens/"+id(made.ID), ""), http.StatusNotFound)

	other, third := w.signed(account.User), w.signed(account.User)
	sessions := read[list[sessionBody]](mine, "GET", "/api/v1/sessions", "").Items
	here := 0
	for _, s := range sessions {
		if s.Here {
			here++
		}
	}
	if len(sessions) != 3 || here != 1 {
		t.Errorf("%+v", sessions)
	}
	for _, s := range read[list[sessionBody]](other, "GET", "/api/v1/sessions", "").Items {
		if s.Here {
			read[doneBody](mine, "DELETE", "/api/v1/sessions/"+id(s.ID), "")
			w.want(mine.ask("DELETE", "/api/v1/sessions/"+id(s.ID), ""), http.StatusNotFound)
		}
	}
	w.want(other.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
	if left := read[list[sessionBody]](mine, "DELETE", "/api/v1/sessions", "").Items; len(left) != 1 || !left[0].Here {
		t.Errorf("%+v", left)
	}
	w.want(third.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
}

func TestAnAdministratorRevokesTheTokensOfOthers(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	robot := newAPIWorld(t)
	robot.world, robot.token = w.world, w.grant("<b>robot</b>", account.See)
	at := "/api/v1/people/" + idOf(w, account.Operator) + "/tokens"
	all := read[list[tokenBody]](w, "GET", at, "").Items
	if len(all) != 2 || all[0].Name != "<b>robot</b>" || all[0].Token != "" || !cmp.Equal(all[0].Rights, []account.Right{account.See}) {
		t.Fatalf("%+v", all)
	}
	read[meBody](robot, "GET", "/api/v1/me", "")
	w.want(w.ask("DELETE", "/api/v1/people/"+idOf(w, account.Viewer)+"/tokens/"+id(all[0].ID), ""), http.StatusNotFound) // it is not theirs
	read[doneBody](w, "DELETE", at+"/"+id(all[0].ID), "")
	w.want(robot.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
	w.want(w.ask("GET", "/api/v1/people/99/tokens", ""), http.StatusNotFound)

	page, admin := "/settings/people/"+idOf(w, account.Operator)+"/tokens", w.signed(account.Admin)
	robot.token = w.grant("<b>second</b>", account.Run)
	second := read[list[tokenBody]](w, "GET", at, "").Items[0].ID
	w.want(admin.get("/settings/people"), http.StatusOK, `href="`+page+`"`)
	w.want(admin.get(page), http.StatusOK, "Tokens of operator", "&lt;b&gt;second&lt;/b&gt;", `action="`+page+"/"+id(second)+`/revoke"`)
	w.to(admin.post(page+"/"+id(second)+"/revoke"), page+"?done=revoked")
	w.want(admin.post(page+"/"+id(second)+"/revoke"), http.StatusNotFound)
	w.want(robot.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
	w.want(admin.get("/settings/people/99/tokens"), http.StatusNotFound)
	w.want(admin.get("/settings/people/"+idOf(w, account.Viewer)+"/tokens"), http.StatusOK, "There is no token.")
	if lines := strings.Join(w.audited(), "\n"); strings.Count(lines, "|token.revoke|<b>") != 2 || !strings.Contains(lines, "admin|token.revoke|<b>second</b>|operator|done") {
		t.Error(lines)
	}
}

func TestTheOwnAccountIsChangedByAScriptOfAPage(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	mine, other := w.signed(account.User), w.signed(account.User)
	const at = "/api/v1/account/"
	w.want(w.ask("PUT", at+"password", `{"present":"x","password":"y"}`), http.StatusForbidden, "this takes the right own")
	w.want(mine.ask("PUT", at+"password", `{"present":"wrong","password":"another horse battery"}`), http.StatusUnprocessableEntity, "error.wrong")
	w.want(mine.ask("PUT", at+"password", `{"present":"`+password+`","password":"short"}`), http.StatusUnprocessableEntity, "error.weak")
	before := mine.form()
	got := read[exchangedBody](mine, "PUT", at+"password", `{"present":"`+password+`","password":"another horse battery"}`)
	if !got.Done || got.Form == before || got.Form != mine.form() {
		t.Errorf("%+v, and the browser's is %s", got, mine.form())
	}
	w.want(other.ask("GET", "/api/v1/me", ""), http.StatusUnauthorized)
	if got := read[wishes](mine, "GET", at+"preferences", ""); got != (wishes{}) {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{`{"language":"xx"}`, `{"theme":"pink"}`} {
		w.want(mine.ask("PUT", at+"preferences", body), http.StatusUnprocessableEntity)
	}
	want := wishes{Language: "de", Theme: "dark"}
	read[wishes](mine, "PUT", at+"preferences", `{"language":"de","theme":"dark"}`)
	if got := read[wishes](mine, "GET", at+"preferences", ""); got != want {
		t.Errorf("%+v", got)
	}
	w.want(mine.get("/account"), http.StatusOK, `<html lang="de"`)
	if got := read[wishes](mine, "PUT", at+"preferences", `{"language":"","theme":""}`); got != (wishes{}) {
		t.Errorf("%+v", got)
	}
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "user|password.change|user||done") || !strings.Contains(lines, "user|wishes.change|user||done") || strings.Contains(lines, "battery") {
		t.Error(lines)
	}
}

func TestWhoIsToldIsSeenAndTriedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	w.want(w.ask("POST", "/api/v1/notifications/test", ""), http.StatusNotFound)
	a := &fakeAlerts{}
	w.c.alerts = a
	w.hub.plan.Notify = plan.Notify{Email: &plan.Email{Server: "mail:587", From: "t@x.gr", To: []string{"ann@x.gr"}}, On: []string{"failure"}, Test: 7 * 24 * time.Hour}
	got := read[notificationsBody](w, "GET", "/api/v1/notifications", "")
	if got.Email == nil || got.Email.Server != "mail:587" || got.Webhook || got.Days != 7 || len(got.Notices) != 0 || !cmp.Equal(got.On, []string{"failure"}) {
		t.Errorf("%+v", got)
	}
	read[doneBody](w, "POST", "/api/v1/notifications/test", "")
	a.err = errors.New("the server is away")
	w.want(w.ask("POST", "/api/v1/notifications/test", ""), http.StatusBadGateway, "error.notsent")
	if got = read[notificationsBody](w, "GET", "/api/v1/notifications", ""); got.Wrong != "the server is away" || a.tests != 2 {
		t.Errorf("%+v %d", got, a.tests)
	}
}
