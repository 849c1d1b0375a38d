package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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
	t    *testing.T
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

// serving runs a command that serves, until the test ends.
func serving(t *testing.T, yaml string, command ...string) *served {
	t.Helper()
	s := &served{t: t, log: &buffer{}, at: map[string]twin.Twin{
		"dolibarr": twinOf(t, "dolibarr", twin.Options{NoLimits: true, Prompt: true}), "hubspot": twinOf(t, "hubspot", twin.Options{NoLimits: true, Prompt: true}),
	}}
	env := map[string]string{"ERP_SECRET": s.at["dolibarr"].Settings()["api_key"], "CRM_SECRET": s.at["hubspot"].Settings()["access_token"], "OIDC_SECRET": issuerSecret}
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
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if found := want.FindStringSubmatch(s.log.String()); found != nil {
			return found[1]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the terminal does not tell %s:\n%s", pattern, s.log)
		}
	}
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
	if testing.Short() {
		t.Skip("a real browser takes its time")
	}
	t.Parallel()
	c, a := newChrome(t), newAxe(t)
	t.Run("the tests see what is wrong", func(t *testing.T) { theTestsSee(t, c, a) })
	t.Run("first run", func(t *testing.T) { firstRun(t, c, a) })
	t.Run("identity provider", func(t *testing.T) { byIssuer(t, c, a) })
	t.Run("every page", func(t *testing.T) { everyPage(t, c, a) })
}

// A page with every fault that the tests look for: each is seen.
func theTestsSee(t *testing.T, c *chrome, a *axe) {
	s := serving(t, browserYAML, "serve")
	w := c.tab(t, s.base)
	s.told("/setup")
	w.to("/setup")
	w.script(`(document.body.setAttribute("style", "margin:0"), console.error("loud"), setTimeout(() => { throw new Error("broken") }))`, nil)
	w.script(`(document.querySelector("label").remove(), document.querySelector("main").insertAdjacentHTML("beforeend", "<img src=\"data:,\">"))`, nil)
	time.Sleep(100 * time.Millisecond)
	all := strings.Join(w.complaints(), "\n")
	for _, want := range []string{"style-src", "loud", "broken"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not seen in %s", want, all)
		}
	}
	found := strings.Join(a.violations(w), "\n")
	for _, want := range []string{"label: ", "image-alt: "} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not seen in %s", want, found)
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
	s := serving(t, browserYAML, "serve")
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
	s := serving(t, browserYAML+"console: { oidc: { issuer: "+i.URL+", client_id: tandem, client_secret: \"${OIDC_SECRET}\", roles: { hub-operators: operator } } }\n", "serve")
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
	ann.to("/settings/people")
	ann.reads("kim@example.com", i.URL)
	ann.quiet()
}

// everyPage walks along the links of the demo's console until each address of its table has been
// seen, in every look, by somebody who may see all. Before that the process is killed in the middle
// of a write, of which nothing is to be seen afterwards.
func everyPage(t *testing.T, c *chrome, a *axe) {
	s := serving(t, "", "demo", "--serve", "--companies", "24")
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
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		var is bool
		if w.script(expression, &is); is {
			return
		}
		if time.Now().After(deadline) {
			w.reads(expression) // which shows what is there instead
			return
		}
		w.to(w.where())
	}
}

func (w *tab) walk(a *axe) {
	w.Helper()
	match, open := http.NewServeMux(), map[string]bool{}
	var queue []string
	for _, p := range console.Pages() {
		match.Handle(p.Pattern, http.NotFoundHandler())
		if p.Public {
			continue // firstRun has seen them
		}
		open[p.Pattern] = true
		if !strings.Contains(strings.TrimSuffix(p.Pattern, "{$}"), "{") {
			queue = append(queue, strings.TrimSuffix(p.Pattern, "{$}"))
		}
	}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		pattern := w.pattern(match, address)
		if !open[pattern] {
			continue
		}
		delete(open, pattern)
		if kind := w.kind(address); !strings.HasPrefix(kind, "text/html") {
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
	for pattern := range open {
		w.Errorf("no link of any page leads to %s", pattern)
	}
}

// pattern is the row of the console's table that an address belongs to.
func (w *tab) pattern(match *http.ServeMux, address string) string {
	w.Helper()
	u, err := url.Parse(w.base + address)
	if err != nil {
		w.Fatal(err)
	}
	_, pattern := match.Handler(&http.Request{Method: http.MethodGet, Host: u.Host, URL: u})
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
