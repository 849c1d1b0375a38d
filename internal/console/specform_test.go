package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
)

// browserly is acme with a second way in, by a browser.
func browserly() connector.Spec {
	spec := acme()
	spec.Auth = append(spec.Auth, connector.Auth{Setting: "client_secret", OAuth: func(connector.Settings) connector.OAuth { return connector.OAuth{} }})
	return spec
}

// readYAML reads what a form has made as the configuration would.
func readYAML(src string, spec connector.Spec) (*plan.Plan, plan.Problems) {
	p, problems := plan.Parse("tandem.yaml", []byte("version: 1\n"+src), func(name string) (string, bool) { return "secret-of-" + name, true }, []connector.Spec{spec})
	return p, problems
}

func TestAFormMakesAnEntryThatTheConfigurationTakes(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.hub.specs = []connector.Spec{browserly()}
	w := b.signed(account.Admin)
	b.want(w.get("/connections/new"), http.StatusOK, `<option value="acme">Acme CRM</option>`)
	b.want(w.get("/connections/new?system=acme"), http.StatusOK, `value="acme"`, "where the account is", "Settings, API", "A person agrees in a browser")
	got := w.post("/connections/new", "system", "acme", "name", "crm", "url", "ftp://x", "region", "mars", "way", "client_secret", "act", "show")
	b.want(got, http.StatusUnprocessableEntity, "Somebody has that name already.", "This is no address", "That is none of the choices.", "This is needed.")
	if strings.Contains(got.Body.String(), "For tandem.yaml") {
		t.Error("a wrong form makes an entry")
	}
	b.want(w.post("/connections/new", "system", "acme", "name", "shop", "url", "https://shop.example", "region", "us", "site", "9", "way", "api_key", "act", "show"), http.StatusOK,
		"system: acme", "url: https://shop.example", "region: us", "api_key: ${ACME_API_KEY}", "<code>ACME_API_KEY</code>")
}

// Whatever somebody types: either it is refused, or the configuration takes what is made, and
// reads from it what was typed.
func TestWhatAFormMakesIsWhatWasTyped(t *testing.T) {
	t.Parallel()
	spec := browserly()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "eu", "us", "https://a.example/x", "yes", "null", "1e3", "a: b", "#c", "${X}", "- x", "'", "shop", "true", "0x1"}))
		v := url.Values{"way": {rapid.SampledFrom([]string{"api_key", "client_secret", "x"}).Draw(t, "way")}}
		for _, name := range []string{"name", "url", "region", "site", "client_id"} {
			v.Set(name, text.Draw(t, name))
		}
		form := newSpecForm(spec)
		if !form.read(v, func(string) bool { return false }) {
			return
		}
		src, err := form.document()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(v.Get("site")+v.Get("client_id")+v.Get("url"), "${") {
			return // a variable, on purpose
		}
		p, problems := readYAML(src, spec)
		if problems.HasErrors() || len(p.Connections) != 1 {
			t.Fatalf("%q is not taken: %v", src, problems)
		}
		c := p.Connections[0]
		if c.Name != form.Name.Value || c.Settings["site"] != strings.TrimSpace(v.Get("site")) {
			t.Fatalf("typed %v, read %+v from\n%s", v, c, src)
		}
	})
}
