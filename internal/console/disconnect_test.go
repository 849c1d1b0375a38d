package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

const disconnectText = "version: 1\nconnections:\n  a: { system: toy }\n  b: { system: toy }\nsyncs: {}\n"

// hooked is a world whose configuration is in its store, with a vendor that calls a, and a secret of a.
func hooked(t *testing.T, text string) (*apiWorld, *configHub) {
	t.Helper()
	w := newAdminWorld(t)
	h := &configHub{fakeHub: w.hub, file: text}
	w.c.hub = h
	_, err := h.AdoptFile(t.Context(), "ann", "")
	w.ok(err)
	d, err := h.store.OpenDoor(t.Context(), "a")
	w.ok(err)
	d.Address = "https://hub.test/hooks/a/" + d.Key
	w.ok(h.store.SaveDoor(t.Context(), d))
	w.hub.secrets = map[string]string{"a_key": "s3cret"}
	return w, h
}

// counts is the text that counts.
func (h *configHub) counts(t *testing.T) string {
	t.Helper()
	now, err := h.Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now.Text
}

func (w *apiWorld) door(t *testing.T) (store.Door, bool) {
	t.Helper()
	d, found, err := w.hub.store.Door(t.Context(), "a")
	w.ok(err)
	return d, found
}

func TestAConnectionIsTakenOutWithAllThatIsItsOwn(t *testing.T) {
	t.Parallel()
	w, h := hooked(t, disconnectText)
	admin := w.signed(account.Admin)
	w.want(admin.get("/connections/a"), http.StatusOK, `action="/connections/a/remove" data-ask="Take a out of the configuration?`)
	if got := w.signed(account.Operator).get("/connections/a"); strings.Contains(got.Body.String(), "/remove") {
		t.Error("an operator is offered to take it out")
	}
	w.to(admin.post("/connections/a/remove"), "/connections?done=disconnected")
	w.want(admin.get("/connections?done=disconnected"), http.StatusOK, "The connection is taken out of the configuration.")
	if diff := cmp.Diff("version: 1\nconnections:\n  b: { system: toy }\nsyncs: {}\n", h.counts(t)); diff != "" {
		t.Error(diff)
	}
	if _, found := w.door(t); found || len(w.hub.secrets) > 0 || !slices.Equal(w.hub.acts, []string{"unhook a"}) {
		t.Errorf("a door: %t, %v, %v", found, w.hub.secrets, w.hub.acts)
	}
	lines := strings.Join(w.audited(), "\n")
	if !strings.Contains(lines, "admin|connection.remove|a|a_key|done") || strings.Contains(lines, "s3cret") {
		t.Error(lines)
	}
	w.want(admin.post("/connections/x/remove"), http.StatusNotFound)
}

// Before it is certain that the connection may go, nothing is taken back.
func TestAConnectionThatMayNotGoIsLeftWhole(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct {
		text   string
		before func(h *configHub)
		status int
		say    string
	}{
		"used":           {"version: 1\nconnections:\n  a: { system: toy }\nsyncs: {} # wrong\n", func(*configHub) {}, http.StatusUnprocessableEntity, "The connection is in use: cards."},
		"the file":       {disconnectText, func(h *configHub) { _ = h.ReleaseConfiguration(t.Context()) }, http.StatusUnprocessableEntity, "The file is what counts."},
		"edited":         {disconnectText, func(h *configHub) { h.edited = true }, http.StatusUnprocessableEntity, "The file was edited since."},
		"not a line":     {"connections: {a: {}}\n", func(*configHub) {}, http.StatusUnprocessableEntity, "It cannot be used as it is."},
		"something runs": {disconnectText, func(h *configHub) { h.working = errBusy }, http.StatusServiceUnavailable, "Something else is working."},
	} {
		w, h := hooked(t, x.text)
		x.before(h)
		w.want(w.signed(account.Admin).post("/connections/a/remove"), x.status, x.say)
		w.want(w.ask("DELETE", "/api/v1/connections/a", ""), x.status, x.say)
		if d, found := w.door(t); !found || d.Address == "" || w.hub.secrets["a_key"] == "" || len(w.hub.acts) > 0 || h.counts(t) != x.text {
			t.Errorf("%s: %+v %v %v", what, d, w.hub.secrets, w.hub.acts)
		}
	}
}

// A vendor that cannot be reached is told of. Its door stays, for the server to try again.
func TestAVendorThatIsAwayDoesNotKeepItsConnection(t *testing.T) {
	t.Parallel()
	for _, page := range []bool{true, false} {
		w, h := hooked(t, disconnectText)
		h.refuses = errors.New("connection reset")
		if page {
			admin := w.signed(account.Admin)
			w.to(admin.post("/connections/a/remove"), "/connections?done=disconnectedonly")
			w.want(admin.get("/connections?done=disconnectedonly"), http.StatusOK, "could not be told everything")
		} else if out := read[disconnectedBody](w, "DELETE", "/api/v1/connections/a", ""); !out.Done || out.Problem != "connection reset" || !slices.Equal(out.Secrets, []string{"a_key"}) {
			t.Errorf("%+v", out)
		}
		if _, found := w.door(t); !found || len(w.hub.secrets) > 0 || strings.Contains(h.counts(t), "  a:") {
			t.Errorf("a door: %t, %v, %s", found, w.hub.secrets, h.counts(t))
		}
	}
}

// To take out a connection takes no right to its secrets, and they stay.
func TestSecretsStayForWhoMayNotSetThem(t *testing.T) {
	t.Parallel()
	w, h := hooked(t, disconnectText)
	w.token = w.grantAs(account.Admin, "less", account.Configure)
	out := read[disconnectedBody](w, "DELETE", "/api/v1/connections/a", "")
	if !out.Done || len(out.Secrets) > 0 || w.hub.secrets["a_key"] == "" || strings.Contains(h.counts(t), "  a:") {
		t.Errorf("%+v %v", out, w.hub.secrets)
	}
}

// What notifications use is told apart by nothing from what a connection of that name uses: it stays.
func TestSecretsOfNotificationsStayWithAConnectionOfThatName(t *testing.T) {
	t.Parallel()
	w, h := hooked(t, strings.ReplaceAll(disconnectText, "  a:", "  notify:"))
	h.uses = "notify"
	w.hub.plan.Connections[0].Name = "notify"
	out := read[disconnectedBody](w, "DELETE", "/api/v1/connections/notify", "")
	if !out.Done || len(out.Secrets) > 0 || w.hub.secrets["a_key"] == "" || strings.Contains(h.counts(t), "  notify:") {
		t.Errorf("%+v %v", out, w.hub.secrets)
	}
}
