package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tandemhub/tandem/internal/cli"
	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

// A served is an installation that answers on this machine as people have it, in real time, with
// vendors in process.
type served struct {
	t    testing.TB
	base string
	log  *buffer
	at   map[string]twin.Twin // by system
}

const browserYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp: { system: dolibarr, url: "http://erp.test/api/index.php", api_key: "${ERP_SECRET}" }
  crm: { system: hubspot, access_token: "${CRM_SECRET}" }
syncs:
  companies: { left: erp.thirdparties, right: crm.companies, match: [domain], schedule: 1h }
  contacts: { left: erp.contacts, right: crm.contacts, match: [email], schedule: 1h }
`

// serving runs a command that serves, until the test ends, with more in its environment.
func serving(t testing.TB, more map[string]string, yaml string, command ...string) *served {
	t.Helper()
	s := &served{t: t, log: &buffer{}, at: map[string]twin.Twin{
		"dolibarr": twinOf(t, "dolibarr", twin.Options{NoLimits: true, Prompt: true}), "hubspot": twinOf(t, "hubspot", twin.Options{NoLimits: true, Prompt: true}),
	}}
	env := map[string]string{"ERP_SECRET": s.at["dolibarr"].Settings()["api_key"], "CRM_SECRET": s.at["hubspot"].Settings()["access_token"], "OIDC_SECRET": issuerSecret}
	maps.Copy(env, more)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.base = "http://" + listener.Addr().String()
	if yaml != "" {
		file := filepath.Join(t.TempDir(), "tandem.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		command = append([]string{"-c", file}, command...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, command, cli.Streams{
			In: strings.NewReader(""), Out: s.log, Err: s.log,
			Env:       func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			Transport: func(c plan.Connection) http.RoundTripper { return twin.Transport(s.at[c.System]) },
			Listen:    func(context.Context, string) (net.Listener, error) { return listener, nil },
		}, systems.All())
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("it ended with %d\n%s", code, s.log)
		}
	})
	return s
}

// told waits for an address that the terminal shows, and returns it without the host.
func (s *served) told(pattern string) string {
	s.t.Helper()
	want := regexp.MustCompile(`http://\S+(` + pattern + `)`)
	var found []string
	patiently(s.t, func() bool {
		found = want.FindStringSubmatch(s.log.String())
		return found != nil
	}, func() string { return "the terminal does not tell " + pattern + ":\n" + s.log.String() })
	return found[1]
}

const passphrase = "correct horse battery"

// setUp sets up the first person, and leaves them signed in.
func (s *served) setUp(w *tab) {
	s.t.Helper()
	w.to(s.told(`/setup\?token=\S+`))
	w.enter("#name", "ann", "#password", passphrase, "#repeat", passphrase)
	if status := w.press("form .btn-primary"); status != http.StatusOK || w.where() != "/" {
		s.t.Fatalf("set up: %d at %s", status, w.where())
	}
}

// What people do in a browser, and all pages, in a real one. It is long: make short leaves it out.
func TestInABrowser(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("a real browser takes its time, and the detector sees nothing there that the tests of handlers do not show it")
	}
	t.Parallel()
	c, a := newChrome(t), newAxe(t)
	journeys := map[string]func(*testing.T, *chrome, *axe){
		"the tests see what is wrong": theTestsSee, "first run": firstRun, "identity provider": byIssuer, "every page": everyPage, "alert": alert,
		"wizard": wizard, "conflict": conflict, "rewind": rewind, "keys alone": keysAlone, "mapping": remapped, "connect": connect,
	}
	var ended atomic.Int32
	t.Run("journeys", func(t *testing.T) {
		for name, journey := range journeys {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				journey(t, c, a)
				ended.Add(1)
			})
		}
	})
	if int(ended.Load()) < len(journeys) {
		return // some were left out, or ended early
	}
	for _, p := range console.Pages() {
		if !c.inspected(p.Pattern) {
			t.Errorf("no journey has looked at %s", p.Pattern)
		}
	}
}

// A page with every fault that the tests look for: each is seen.
func theTestsSee(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, browserYAML, "serve")
	w := c.tab(t, s.base)
	s.told("/setup")
	w.to("/setup")
	w.script(`(document.body.setAttribute("style", "margin:0"), console.error("loud"), setTimeout(() => { throw new Error("broken") }))`, nil)
	w.script(`(document.querySelector("label").remove(), document.querySelector("main").insertAdjacentHTML("beforeend", "<img src=\"data:,\">"))`, nil)
	var all string
	patiently(t, func() bool {
		all += strings.Join(w.complaints(), "\n")
		return strings.Contains(all, "style-src") && strings.Contains(all, "loud") && strings.Contains(all, "broken")
	}, func() string { return "what is wrong is not all seen in " + all })
	if a != nil {
		found := strings.Join(a.violations(w), "\n")
		for _, want := range []string{"label: ", "image-alt: "} {
			if !strings.Contains(found, want) {
				t.Errorf("%q is not seen in %s", want, found)
			}
		}
	}
	if status := w.to("/nowhere"); status != http.StatusNotFound {
		t.Errorf("nowhere is answered with %d", status)
	}
	if got := w.complaints(); len(got) != 1 || !strings.Contains(got[0], "404") {
		t.Errorf("a page that is not there: %q", got)
	}
}

func firstRun(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, browserYAML, "serve")
	w := c.tab(t, s.base)
	link := s.told(`/setup\?token=\S+`)
	if w.to("/"); w.where() != "/setup" {
		t.Errorf("nobody is set up, and one is sent to %s", w.where())
	}
	w.to(link)
	w.inspect(a, "setup")
	w.enter("#name", "ann", "#password", "short", "#repeat", "short")
	w.do(chromedp.Click(chromedp.CSS("form .btn-primary"))) // which the browser itself refuses
	w.enter("#password", passphrase, "#repeat", "another long one")
	w.press("form .btn-primary")
	w.reads("The two passwords are not the same.")
	w.quiet(http.StatusUnprocessableEntity)
	s.setUp(w)
	w.reads("Home", "companies")
	w.press(`form[action="/logout"] button`)
	if w.where() != "/login" {
		t.Errorf("signed out, and at %s", w.where())
	}
	if w.to("/settings/people"); !strings.HasPrefix(w.where(), "/login?next=") {
		t.Errorf("signed out, and at %s", w.where())
	}
	w.inspect(a, "login")
	w.enter("#name", "ann", "#password", "guess")
	w.press("form .btn-primary")
	w.reads("The name or the password is not right.")
	w.quiet(http.StatusUnprocessableEntity)
	w.enter("#name", "ann", "#password", passphrase)
	w.press("form .btn-primary")
	if w.where() != "/settings/people" {
		t.Errorf("signed in, and at %s instead of where one wanted to be", w.where())
	}
	w.reads("ann", "Administrator")
	if w.to(link); w.where() != "/login" && w.where() != "/" {
		t.Errorf("the one-time link leads to %s a second time", w.where())
	}
	w.quiet()
}

func byIssuer(t *testing.T, c *chrome, a *axe) {
	i := newIssuer(t)
	s := serving(t, nil, browserYAML+"console: { oidc: { issuer: "+i.URL+", client_id: tandem, client_secret: \"${OIDC_SECRET}\", roles: { hub-operators: operator } } }\n", "serve")
	ann, kim := c.tab(t, s.base), c.tab(t, s.base)
	s.setUp(ann)
	kim.to("/account")
	kim.inspect(a, "login by an identity provider")
	kim.press(`a[href^="/login/oidc"]`)
	if !strings.HasPrefix(kim.where(), i.URL+"/authorize?") {
		t.Fatalf("sent to %s", kim.where())
	}
	kim.press("#agree")
	if kim.where() != "/account" {
		t.Fatalf("back at %s", kim.where())
	}
	kim.reads("kim@example.com", "Operator")
	if status := kim.to("/settings/people"); status != http.StatusForbidden {
		t.Errorf("an operator sees the people: %d", status)
	}
	kim.quiet(http.StatusForbidden)
	kim.to("/account")
	kim.enter("#token-name", "telephones")
	kim.press(`form[action="/account/tokens"] .btn-primary`)
	ann.to("/settings/people")
	ann.reads("kim@example.com", i.URL)
	ann.press(`a[href$="/tokens"]`)
	ann.reads("kim@example.com", "telephones")
	ann.inspect(a, "tokens of somebody else")
	ann.quiet()
}

// alert has a token die: whoever is to be told hears of it within seconds, by a call that is signed,
// and the page says that they were.
func alert(t *testing.T, c *chrome, a *axe) {
	const secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	calls := make(chan string, 10)
	pager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		key, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			t.Error(err)
		}
		sum := hmac.New(sha256.New, key)
		fmt.Fprintf(sum, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
		if r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
			t.Errorf("a call is not signed: %v", r.Header)
		}
		calls <- string(body)
	}))
	t.Cleanup(pager.Close)
	s := serving(t, map[string]string{"PAGER": pager.URL + "/secret", "PAGER_SECRET": "whsec_" + secret}, browserYAML+"notify: { test: off, webhook: { url: \"${PAGER}\", secret: \"${PAGER_SECRET}\" } }\n", "serve")
	w := c.tab(t, s.base)
	s.setUp(w)
	w.to("/settings/notifications")
	w.reads("127.0.0.1", "Never by itself", "Nobody was told anything yet.")
	w.press(`form[action="/settings/notifications/test"] button`)
	w.reads("The test is sent.", "Tried out")
	heard := func(want ...string) {
		t.Helper()
		select {
		case got := <-calls:
			for _, text := range want {
				if !strings.Contains(got, text) {
					t.Errorf("%s does not say %s", got, text)
				}
			}
		case <-time.After(soon):
			t.Fatalf("nobody heard of %s", want)
		}
	}
	heard("alert.test")
	s.at["hubspot"].Kit().Inject(twin.Fault{Kind: twin.FaultUnauthorized})
	w.to("/")
	w.press(`form[action="/syncs/run"] button`)
	heard("alert.opened", "crm", "tandem check crm")
	w.to("/settings/notifications")
	w.until(`document.body.innerText.includes("It holds")`)
	w.reads("A connection that cannot be used", "crm")
	w.inspect(a, "notifications that were told")
	w.quiet()
}

// everyPage walks along the links of the demo's console until each address of its table has been
// seen, in every look, by somebody who may see all. Before that the process is killed in the middle
// of a write, of which nothing is to be seen afterwards.
func everyPage(t *testing.T, c *chrome, a *axe) {
	s := serving(t, nil, "", "demo", "--serve", "--companies", "24")
	w := c.tab(t, s.base)
	link := s.told(`/demo/enter\?token=\S+`)
	w.to(link)
	w.reads("Home", "demo")
	w.to("/demo")
	w.press(`form[action="/demo/kill/break"] button`)
	w.reads("It is broken now.")
	w.until(`document.querySelector("#demo-kill").innerText.includes("1 time so far")`)
	w.quiet()
	if status := c.tab(t, s.base).to(link); status != http.StatusUnprocessableEntity {
		t.Errorf("the link of the terminal signs in a second time: %d", status)
	}
	w.walk(a)
	w.to("/demo")
	w.until(`document.querySelector("#demo-tally").innerText.includes("In step")`)
}

// until loads the page again until an expression is true.
func (w *tab) until(expression string) {
	w.Helper()
	var is bool
	patiently(w, func() bool {
		if w.script(expression, &is); !is {
			w.to(w.where())
		}
		return is
	}, func() string {
		w.reads(expression) // which shows what is there instead
		return expression
	})
}

// comes waits until an expression is true of the page as it is.
func (w *tab) comes(expression string) {
	w.Helper()
	var is bool
	patiently(w, func() bool {
		w.script(expression, &is)
		return is
	}, func() string {
		w.reads(expression)
		return expression
	})
}

// patiently looks again and again until something is so, for as long as a busy machine may take.
func patiently(t testing.TB, is func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

func (w *tab) walk(a *axe) {
	w.Helper()
	open := map[string]bool{}
	var queue []string
	for _, p := range console.Pages() {
		if p.Public {
			continue // firstRun has seen it
		}
		open[p.Pattern] = true
		if !strings.Contains(strings.TrimSuffix(p.Pattern, "{$}"), "{") && !slices.Contains(ofSomething(), p.Pattern) {
			queue = append(queue, strings.TrimSuffix(p.Pattern, "{$}"))
		}
	}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		pattern := w.pattern(address)
		if !open[pattern] {
			continue
		}
		delete(open, pattern)
		if kind := w.kind(address); !strings.HasPrefix(kind, "text/html") {
			w.chrome.note(pattern)
			continue // a file
		}
		if status := w.to(address); status != http.StatusOK {
			w.Errorf("%s is answered with %d", address, status)
		}
		w.quiet()
		w.inspect(a, "page "+address)
		w.quiet()
		queue = append(queue, w.links()...)
	}
}

// ofSomething are pages that are about what their query names: other journeys lead there.
func ofSomething() []string {
	return []string{"/connections/new/saved", "/syncs/new/saved", "/review/many"}
}

// pattern is the row of the console's table that an address belongs to.
func (w *tab) pattern(address string) string {
	w.Helper()
	u, err := url.Parse(w.base + address)
	if err != nil {
		w.Fatal(err)
	}
	_, pattern := w.chrome.rows.Handler(&http.Request{Method: http.MethodGet, Host: u.Host, URL: u})
	return pattern
}

// kind is what an address answers with, as a browser that is signed in gets it.
func (w *tab) kind(address string) string {
	w.Helper()
	var kind string
	w.script(`fetch("`+address+`").then(r => r.headers.get("Content-Type") ?? "")`, &kind)
	return kind
}

// links are the addresses of the installation that the page leads to.
func (w *tab) links() []string {
	w.Helper()
	var all []string
	w.script(`[...document.querySelectorAll("main a[href]")].map(a => a.href)`, &all)
	all = slices.DeleteFunc(all, func(to string) bool { return !strings.HasPrefix(to, w.base+"/") })
	for i, to := range all {
		to, _, _ = strings.Cut(strings.TrimPrefix(to, w.base), "#")
		all[i] = to
	}
	return all
}
