package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
)

func TestSystemsTellWhatConnectingThemTakes(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	all := read[list[systemBody]](w, "GET", "/api/v1/systems", "").Items
	if len(all) != 1 || all[0].System != "toy" || all[0].Used != 2 || len(all[0].Ways) != 1 || all[0].Ways[0].Way != "api_key" || all[0].URL.Default == "" || len(all[0].Abilities) == 0 {
		t.Errorf("%+v", all)
	}
	if diff := cmp.Diff(all[0], read[systemBody](w, "GET", "/api/v1/systems/toy", "")); diff != "" {
		t.Error(diff)
	}
	w.want(w.ask("GET", "/api/v1/systems/x", ""), http.StatusNotFound, "there are: toy")
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	w.sync()
	objects := read[list[objectBody]](w, "GET", "/api/v1/connections/a/objects", "").Items
	if len(objects) == 0 || objects[0].Name != "cards" || objects[0].Present != 1 || objects[0].Read == nil || len(objects[0].Fields) == 0 {
		t.Errorf("%+v", objects)
	}
	w.want(w.ask("GET", "/api/v1/connections/x/objects", ""), http.StatusNotFound)
	w.put(w.left, "", "name", "Bob", "email", "bob@x.gr")
	w.sync()
	const records = "/api/v1/connections/a/objects/cards/records"
	page := read[list[recordBody]](w, "GET", records+"?limit=1", "")
	rest := read[list[recordBody]](w, "GET", records+"?limit=1&cursor="+page.Next, "")
	if page.Items[0].Common["name"].Text() != "Bob" || rest.Items[0].Fields["name"].Text() != "Ann" || rest.Next != "" || len(rest.Items[0].Links) != 1 {
		t.Errorf("%+v then %+v", page, rest)
	}
	w.want(w.ask("GET", "/api/v1/connections/a/objects/x/records", ""), http.StatusNotFound)
	w.want(w.ask("GET", "/api/v1/connections/x/objects/cards/records", ""), http.StatusNotFound)
}

// A connection is added with its secret by one request, and taken out again by another; the secret is
// neither in the configuration, nor in an answer, nor in the audit.
func TestAConnectionIsAddedAndTakenOutOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	const text = "version: 1\nconnections:\n  a: { system: toy } # ours\nsyncs: {}\n"
	h := &configHub{fakeHub: w.hub, file: text}
	w.c.hub = h
	const at, wish = "/api/v1/connections", `{"system":"toy","name":"crm","url":"https://crm.test","secrets":{"api_key":"s3cret"}}`
	for body, say := range map[string]string{
		`{"system":"toy","url":"https://x"}`: `"saved":false`, `{"system":"toy","url":"https://x","preview":true}`: "${TOY_API_KEY}",
	} {
		w.want(w.ask("POST", at, body), http.StatusOK, say, `"connection":"toy"`)
	}
	w.want(w.ask("POST", at, wish), http.StatusUnprocessableEntity, "error.notadopted")
	read[configurationBody](w, "POST", "/api/v1/configuration/adopt", "")
	for body, say := range map[string]string{
		`{"system":"x"}`: "there are: toy", `{"system":"toy","url":"https://x","name":"a"}`: "body.name", `{"system":"toy","url":"ftp:x"}`: "body.url",
		`{"system":"toy","url":"https://x","settings":{"color":"red"}}`:    "body.settings.color",
		`{"system":"toy","url":"https://x","settings":{"api_key":"open"}}`: "body.settings.api_key", `{"system":"toy","url":"https://x","way":"oath"}`: "body.way",
		`{"system":"toy","url":"https://x","secrets":{"api_key":" "}}`: "body.secrets.api_key", `{"system":"toy","url":"https://x","secrets":{"other":"x"}}`: "body.secrets.other",
	} {
		got := w.ask("POST", at, body)
		if got.Code/100 != 4 || !strings.Contains(got.Body.String(), say) {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	added := w.ask("POST", at, wish)
	w.want(added, http.StatusOK, `"saved":true`, `"version":2`, "${secret:crm_api_key}")
	now := read[configurationBody](w, "GET", "/api/v1/configuration", "")
	want := "version: 1\nconnections:\n  a: { system: toy } # ours\n  crm:\n    system: toy\n    url: https://crm.test\n    api_key: ${secret:crm_api_key}\nsyncs: {}\n"
	if diff := cmp.Diff(want, now.Text); diff != "" || w.hub.secrets["crm_api_key"] != "s3cret" || now.Note != "+ crm" {
		t.Errorf("%v %+v %s", w.hub.secrets, now, diff)
	}
	read[disconnectedBody](w, "DELETE", at+"/a", "")
	if now := read[configurationBody](w, "GET", "/api/v1/configuration", ""); strings.Contains(now.Text, "ours") || now.Version != 3 {
		t.Errorf("%+v", now)
	}
	w.want(w.ask("DELETE", at+"/x", ""), http.StatusNotFound)
	w.want(w.ask("DELETE", at+"/b", ""), http.StatusUnprocessableEntity, "error.configuration")
	w.want(w.ask("POST", at+"/a/revoke", ""), http.StatusNotFound)
	if all := added.Body.String() + strings.Join(w.audited(), "\n"); strings.Contains(all, "s3cret") || !strings.Contains(all, "admin|connection.add|crm|toy|done") {
		t.Error(all)
	}
}

// What a connection was to bring along is not left behind if it is refused, and takes a right of its own.
func TestASecretIsNotLeftOfAConnectionThatWasRefused(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	h := &configHub{fakeHub: w.hub, file: "version: 1\nconnections:\n  a: { system: toy }\n"}
	w.c.hub = h
	read[configurationBody](w, "POST", "/api/v1/configuration/adopt", "")
	h.edited = true
	const wish = `{"system":"toy","name":"crm","url":"https://crm.test","secrets":{"api_key":"s3cret"}}`
	w.want(w.ask("POST", "/api/v1/connections", wish), http.StatusUnprocessableEntity, "error.edited")
	if len(w.hub.secrets) != 0 {
		t.Errorf("%v", w.hub.secrets)
	}
	w.token = w.grantAs(account.Admin, "less", account.Configure)
	w.want(w.ask("POST", "/api/v1/connections", wish), http.StatusForbidden, "this takes the right secrets")
}

func TestSecretsAreSetAndNeverShown(t *testing.T) {
	t.Parallel()
	w := newAdminWorld(t)
	const at = "/api/v1/secrets"
	read[doneBody](w, "PUT", at+"/a_key", `{"value":" s3cret "}`)
	w.want(w.ask("PUT", at+"/a_key", `{"value":"two\nlines"}`), http.StatusUnprocessableEntity, "body.value")
	w.want(w.ask("PUT", at+"/1", `{"value":"x"}`), http.StatusUnprocessableEntity, "path.id")
	w.want(w.ask("PUT", at+"/a_key", `{"value":"x"}`, keyHeader, "k"), http.StatusUnprocessableEntity, "nothing of this write is kept")
	listed := w.ask("GET", at, "")
	w.want(listed, http.StatusOK, `"secret":"a_key","set":true`, `"secret":"wanted","set":false`)
	if strings.Contains(listed.Body.String(), "s3cret") || w.hub.secrets["a_key"] != "s3cret" {
		t.Errorf("%s %v", listed.Body, w.hub.secrets)
	}
	w.hub.refuses = errors.Join(ErrNoKey)
	w.want(w.ask("PUT", at+"/a_key", `{"value":"x"}`), http.StatusConflict, "error.unusable")
	read[doneBody](w, "DELETE", at+"/a_key", "")
	w.want(w.ask("DELETE", at+"/a_key", ""), http.StatusNotFound)
}

func TestTheRulesOfASyncAreTold(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.sync()
	got := read[rulesBody](w, "GET", "/api/v1/syncs/cards/rules", "")
	if len(got.Fields) != 9 || got.Fields[0].Left != "name" || got.Fields[0].Direction != bothWays || !cmp.Equal(got.Match, []string{"email", "phone"}) || got.Implied || got.Unknown || len(got.Guard) != 3 {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("GET", "/api/v1/syncs/x/rules", ""), http.StatusNotFound)
}
