package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/account"
)

// Values go in and never come out: neither on the page, nor in an address, nor in the audit.
func TestSecretsAreSealedRotatedAndRemovedOnTheirPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.signed(account.Admin)
	page := admin.get(secretsAt)
	w.want(page, http.StatusOK, `id="secret-wanted"`, `<a href="/connections/b">b</a>`, `type="password" autocomplete="off"`, `aria-current="page">Secrets</a>`)
	w.reads(page.Body.String(), "secret-wanted", "wanted", "missing", "b", "Set it", "New value of wanted", "Seal")
	if strings.Contains(page.Body.String(), "/settings/secrets/wanted/remove") {
		t.Error("what is not there can be removed")
	}
	shown := page.Body.String()
	for _, value := range []string{" s3cret-one ", "s3cret-two"} {
		w.to(admin.post(secretsAt, "name", "a_key", "value", value), secretsAt+"?done=sealed")
		page = admin.get(secretsAt + "?done=sealed")
		w.want(page, http.StatusOK, "The secret is sealed.", `data-ask="Remove a_key? It is in use:`)
		w.reads(page.Body.String(), "secret-a_key", "a_key", "Set", "a", "Rotate", "New value of a_key", "Remove")
		shown += page.Body.String()
	}
	if w.hub.secrets["a_key"] != "s3cret-two" {
		t.Errorf("%q", w.hub.secrets)
	}
	const bad = "The value is empty, too long"
	for _, x := range [][3]string{
		{"a_key", "s3cret\nlines", bad}, {"a_key", " ", bad}, {"other", "s3cret-" + strings.Repeat("x", mostSecret), bad},
		{"<script>", "s3cret-three", "A secret is called by a letter"},
	} {
		got := admin.post(secretsAt, "name", x[0], "value", x[1])
		w.want(got, http.StatusUnprocessableEntity, x[2])
		shown += got.Body.String()
	}
	if strings.Contains(shown, `value="<script>`) || !strings.Contains(shown, `value="&lt;script&gt;"`) {
		t.Error("a wrong name is not shown as it was entered")
	}
	w.to(admin.post(secretsAt+"/a_key/remove"), secretsAt+"?done=unsealed")
	w.want(admin.post(secretsAt+"/a_key/remove"), http.StatusNotFound)
	w.sameAudit("admin|sign.in|admin||done", "admin|secret.set|a_key||done", "admin|secret.set|a_key||done",
		"admin|secret.set|a_key||refused", "admin|secret.set|a_key||refused", "admin|secret.set|other||refused", "admin|secret.set|||refused",
		"admin|secret.remove|a_key||done", "admin|secret.remove|a_key||refused")
	if all := shown + strings.Join(w.audited(), "\n"); strings.Contains(all, "s3cret") {
		t.Error("a value is shown")
	}
}

func TestALostKeyIsToldInPlainWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hub.refuses = fmt.Errorf("%w: %w", ErrNoKey, errors.New("looked in /etc"))
	got := w.signed(account.Admin).post(secretsAt, "name", "a_key", "value", "s3cret")
	w.want(got, http.StatusConflict, "The key that secrets are sealed under is not where it is looked for", "tandem secret set NAME")
	if body := got.Body.String(); strings.Contains(body, "s3cret") || strings.Contains(body, "/etc") || len(w.hub.secrets) > 0 {
		t.Errorf("%v %s", w.hub.secrets, body)
	}
}

func TestThePageOfSecretsSaysWhatUsesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.renders("secrets", secretsPage{})
	uses := usesOf(w.hub.plan, []string{"a", "console", "notify", "gone"})
	if len(uses) != 4 || uses[0].Path != "/connections/a" || !uses[1].SignIn || !uses[2].Notify || uses[3] != (secretUse{Name: "gone"}) {
		t.Errorf("%+v", uses)
	}
	w.renders("secrets", secretsPage{Name: "x", Most: 1, Secrets: []secretLine{
		{Secret: Secret{Name: "all", Updated: noon()}, Of: uses}, {Secret: Secret{Name: "idle", Updated: noon()}}, {Secret: Secret{Name: "none"}, Of: uses},
	}})
}

// A connection's page leads to where its sealed secrets are changed, for who may.
func TestAConnectionLeadsToItsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hub.plan.Connections[0].Vaulted = map[string]string{"api_key": "a_key", "other": "a_key"}
	got := w.signed(account.Admin).get("/connections/a")
	w.want(got, http.StatusOK, `<code>a_key</code> <a href="/settings/secrets#secret-a_key" aria-label="Rotate a_key">Rotate</a>`)
	if strings.Count(got.Body.String(), "#secret-a_key") != 1 {
		t.Error("it is there twice")
	}
	for who, at := range map[account.Role]string{account.Operator: "/connections/a", account.Admin: "/connections/b"} {
		if got := w.signed(who).get(at); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "#secret-") {
			t.Errorf("%s at %s: %d", who, at, got.Code)
		}
	}
}

// Whatever is entered: only a good name and a good value are sealed, and no value is repeated.
func TestNothingBadIsSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.signed(account.Admin)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z][a-z0-9_-]{0,9}`)).Draw(t, "name")
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`v[0-9a-f]{20}`)).Draw(t, "value")
		clear(w.hub.secrets)
		got := admin.post(secretsAt, "name", name, "value", value)
		kept, is := w.hub.secrets[name]
		if is != (got.Code == http.StatusSeeOther) || is && (badSecret(value) || kept != strings.TrimSpace(value)) || !is && got.Code != http.StatusUnprocessableEntity {
			t.Fatalf("%q %q: %d, %v", name, value, got.Code, is)
		}
		if len(value) > 20 && strings.Contains(got.Body.String(), value) {
			t.Fatal("the value is shown")
		}
	})
}
