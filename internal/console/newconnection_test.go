package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
)

const connectText = "version: 1\nconnections:\n  crm: { system: acme } # ours\nsyncs: {}\n"

// A parseHub reads configurations as they are read, with the hub's secrets as the environment.
type parseHub struct{ *configHub }

func (h parseHub) CheckConfiguration(_ context.Context, text string) (*plan.Plan, plan.Problems, error) {
	p, problems := plan.Parse("tandem.yaml", []byte(text), func(name string) (string, bool) {
		v, set := h.secrets[name]
		return v, set
	}, h.specs)
	return p, problems, nil
}

func connectBench(t *testing.T) (*bench, *configHub) {
	t.Helper()
	b := newConnected(t)
	b.hub.specs = []connector.Spec{browserly()}
	h := &configHub{fakeHub: b.hub, file: connectText}
	b.c.hub = h
	return b, h
}

// shopForm is the form of a connection with its secret.
func shopForm(more ...string) []string {
	return append([]string{"system", "acme", "name", "shop", "url", "https://shop.example", "region", "us", "site", "9", "way", "api_key", "secret-api_key", "s3cret-of-shop"}, more...)
}

// The file is adopted, the secret sealed and the connection saved by one form; the secret is neither in
// an answer, nor in the audit, nor in the configuration.
func TestAConnectionIsAddedByItsForm(t *testing.T) {
	t.Parallel()
	b, h := connectBench(t)
	w := b.signed(account.Admin)
	b.want(w.get("/connections/new?system=acme"), http.StatusOK, "Adopt the configuration, and save", `name="secret-api_key" type="password"`, "ACME_API_KEY")
	saved := w.post("/connections/new", shopForm("act", "adopt")...)
	b.to(saved, "/connections/new/saved?name=shop")
	want := "version: 1\nconnections:\n  crm: { system: acme } # ours\n  shop:\n    system: acme\n    url: https://shop.example\n    api_key: ${secret:shop_api_key}\n    region: us\n    site: \"9\"\nsyncs: {}\n"
	if diff := cmp.Diff(want, b.text()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"shop_api_key": "s3cret-of-shop"}, h.secrets); diff != "" {
		t.Error(diff)
	}
	if first, _, err := h.store.Configuration(t.Context(), 1); err != nil || first.Text != connectText {
		t.Errorf("the first version is %q, %v", first.Text, err)
	}
	waiting := w.get("/connections/new/saved?name=shop")
	b.want(waiting, http.StatusOK, "Being taken over")
	if waiting.Header().Get("Refresh") == "" {
		t.Error("the page does not look again")
	}
	h.plan.Connections = append(h.plan.Connections, plan.Connection{Name: "shop", System: "acme"})
	b.want(w.get("/connections/new/saved?name=shop"), http.StatusOK, "The connection is added.", `action="/connections/shop/test"`)
	b.lend(nil)
	b.want(w.post("/connections/shop/test"), http.StatusOK)
	b.want(w.get("/connections/new/saved?name=%3Cb%3E"), http.StatusNotFound)
	all := saved.Body.String() + waiting.Body.String() + strings.Join(b.audited(), "\n") + b.text()
	if strings.Contains(all, "s3cret") || !strings.Contains(all, "admin|connection.add|shop|acme|done") {
		t.Error(all)
	}

	// the configuration is kept here now: a further one takes one button, and its secret may stay outside
	page := w.get("/connections/new?system=acme")
	b.want(page, http.StatusOK, "Save, and go on to the test")
	if strings.Contains(page.Body.String(), `value="adopt"`) {
		t.Error("what is adopted is offered to be adopted")
	}
	b.to(w.post("/connections/new", "system", "acme", "name", "other", "url", "https://o.example", "site", "1", "way", "api_key"), "/connections/new/saved?name=other")
	if got := b.text(); !strings.Contains(got, "  other:\n    system: acme\n    url: https://o.example\n    api_key: ${ACME_API_KEY}\n") || len(h.secrets) != 1 {
		t.Errorf("%s\n%v", got, h.secrets)
	}
}

// What was typed stands in the form again but for secrets, and nothing of it is kept.
func TestAWrongConnectionIsToldAtItsFields(t *testing.T) {
	t.Parallel()
	b, h := connectBench(t)
	w := b.signed(account.Admin)
	wrong := []string{"system", "acme", "name", "crm", "url", "https://shop.example", "site", "", "way", "api_key", "secret-api_key", "s3cret-one", "secret-client_secret", "s3cret-two", "act", "adopt"}
	got := w.post("/connections/new", wrong...)
	b.want(got, http.StatusUnprocessableEntity, `<p class="error" id="w-name">Somebody has that name already.`, `<p class="error" id="w-site">This is needed.`,
		`<p class="error" id="w-s-client_secret">This belongs to the other way to sign in.`, "Secrets are not shown again.", `value="https://shop.example"`)
	b.want(w.post("/connections/new", shopForm("act", "adopt")...), http.StatusSeeOther)
	if all := got.Body.String() + strings.Join(b.audited(), "\n"); strings.Contains(all, "s3cret") {
		t.Error(all)
	}
	h.secrets["z_api_key"] = "another's"
	named := shopForm()
	named[3] = "z"
	b.want(w.post("/connections/new", named...), http.StatusUnprocessableEntity, `<p class="error" id="w-s-api_key">A secret is sealed under this connection’s name already`)
	if h.secrets["z_api_key"] != "another's" {
		t.Error("a secret that is in use was replaced")
	}
	b.want(w.post("/connections/new", "system", "nothing"), http.StatusUnprocessableEntity, `<option value="acme">`)
	h.edited = true
	named[3] = "y"
	b.want(w.post("/connections/new", named...), http.StatusUnprocessableEntity, "The file was edited since.")
	if _, left := h.secrets["y_api_key"]; left {
		t.Error("a secret of a connection that was refused is left")
	}
}

// What the configuration says of the new lines is told at the fields that they were made of.
func TestWhatTheConfigurationSaysOfAConnectionIsToldAtItsFields(t *testing.T) {
	t.Parallel()
	b, h := connectBench(t)
	h.file = "version: 1\nconnections:\n  crm: { system: acme, url: \"https://c.example\", site: \"1\", api_key: \"${CRM_KEY}\" }\nsyncs: {}\n"
	h.secrets = map[string]string{"CRM_KEY": "x"}
	b.c.hub = parseHub{h}
	w := b.signed(account.Admin)
	got := w.post("/connections/new", "system", "acme", "name", "shop", "url", "https://shop.example", "site", "9", "way", "api_key", "act", "adopt")
	b.want(got, http.StatusUnprocessableEntity, "Something is not right yet", `<p class="error" id="w-s-api_key">the environment variable ACME_API_KEY is not set`)
	got = w.post("/connections/new", shopForm("act", "adopt", "site", "${nothing")...)
	if text := b.text(); text != "" && strings.Contains(text, "${nothing") {
		t.Errorf("saved %q", text)
	}
	if strings.Contains(got.Body.String(), "s3cret") {
		t.Error(got.Body)
	}
}

// While the file counts and nobody adopts it, the entry is shown, and no secret is kept.
func TestAConnectionIsShownToBePutIntoTheFile(t *testing.T) {
	t.Parallel()
	b, h := connectBench(t)
	w := b.signed(account.Admin)
	got := w.post("/connections/new", shopForm("act", "show")...)
	b.want(got, http.StatusOK, "For tandem.yaml", "  shop:\n    system: acme\n", "api_key: ${ACME_API_KEY}")
	if strings.Contains(got.Body.String(), "s3cret") || len(h.secrets) != 0 || b.text() != "" {
		t.Errorf("%v %q %s", h.secrets, b.text(), got.Body)
	}
	if all := strings.Join(b.audited(), "\n"); !strings.Contains(all, "admin|connection.add|shop|acme: shown only|done") {
		t.Error(all)
	}
	b.want(w.post("/connections/new", shopForm()...), http.StatusUnprocessableEntity, "The file is what counts.")
	h.file = "version: 1\nconnections: { crm: { system: acme } }\n"
	b.want(w.post("/connections/new", shopForm("act", "adopt")...), http.StatusUnprocessableEntity, "cannot be added here", "  shop:\n    system: acme\n")
	if b.text() != "" || len(h.secrets) != 0 {
		t.Errorf("%q %v", b.text(), h.secrets)
	}
}

func TestNobodyAddsAConnectionWithoutTheRight(t *testing.T) {
	t.Parallel()
	b, h := connectBench(t)
	for _, role := range []account.Role{account.Viewer, account.User, account.Operator} {
		b.want(b.signed(role).post("/connections/new", shopForm("act", "adopt")...), http.StatusForbidden)
	}
	if b.text() != "" || len(h.secrets) != 0 {
		t.Errorf("%q %v", b.text(), h.secrets)
	}
}

// Whatever is entered, the answer is a page that says what is wrong, or what was meant, and never
// holds what was typed as a secret.
func TestAnyFormOfANewConnectionIsAnswered(t *testing.T) {
	t.Parallel()
	b, _ := connectBench(t)
	w := b.signed(account.Admin)
	words := []string{"", "acme", "crm", "shop", "new", "us", "9", "https://x.example", "ftp://", "${X}", "x\x00y", "<b>", "a: b", "api_key", "client_secret", strings.Repeat("a", 5000)}
	rapid.Check(t, func(t *rapid.T) {
		values := url.Values{formField: {w.form()}, "act": {rapid.SampledFrom([]string{"", "show"}).Draw(t, "act")}}
		for _, name := range []string{"system", "name", "url", "region", "site", "client_id", "way"} {
			values[name] = rapid.SliceOfN(rapid.SampledFrom(words), 0, 2).Draw(t, name)
		}
		for _, name := range []string{"secret-api_key", "secret-client_secret"} {
			values[name] = rapid.SampledFrom([][]string{nil, {"hush-hush"}, {"hush-\x00hush"}, {" "}}).Draw(t, name)
		}
		got := w.do(postRequest("/connections/new", values))
		if got.Code != http.StatusOK && got.Code != http.StatusUnprocessableEntity || strings.Contains(got.Body.String(), "hush") {
			t.Fatalf("%v: %d %s", values, got.Code, got.Body)
		}
	})
}
