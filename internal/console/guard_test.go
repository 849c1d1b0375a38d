package console

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	nonces := map[string]bool{}
	for _, path := range []string{"/login", "/login", "/nowhere", "/api/v1/me", "/static/0/x.css"} {
		h := b.browser().get(path).Header()
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'nonce-"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: %q is not in %q", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": ""} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		nonces[policy] = true
	}
	if len(nonces) != 5 {
		t.Errorf("%d nonces for 5 answers", len(nonces))
	}
}

// Pages have no inline script, no inline style and no handler in an attribute.
func TestPagesHaveNothingInline(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(>|\s[^>]*>[^<\s])`)
	bare := regexp.MustCompile(`<script\s[^>]*>`)
	for _, name := range names {
		b, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.Find(b); found != nil {
			t.Errorf("%s: %s", name, found)
		}
		for _, tag := range bare.FindAllString(string(b), -1) {
			if !strings.Contains(tag, `nonce="{{`) || !strings.Contains(tag, "src=") {
				t.Errorf("%s: %s has no nonce, or no file", name, tag)
			}
		}
		for _, form := range regexp.MustCompile(`<form[^>]*method="post"[^>]*>(.{0,40})`).FindAllStringSubmatch(strings.ReplaceAll(string(b), "\n", ""), -1) {
			if !strings.HasPrefix(form[1], `{{template "form" `) {
				t.Errorf("%s: a form without its token: %s", name, form[0])
			}
		}
	}
}

func TestCookiesBehindTLSAndOnThisMachine(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "https://tandem.example.com")
	b.populate()
	signIn := func(host string) *http.Cookie {
		w := b.browser()
		w.host = host
		got := w.post("/login", "name", "admin", "password", password)
		b.want(got, http.StatusSeeOther)
		if hsts := got.Header().Get("Strict-Transport-Security"); (hsts != "") != strings.Contains(host, ".example.com") {
			t.Errorf("%s: HSTS is %q", host, hsts)
		}
		cookies := got.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: cookies %v", host, cookies)
		}
		return cookies[0]
	}
	for host, name := range map[string]string{"tandem.example.com": "__Host-tandem", "TANDEM.example.com:443": "__Host-tandem", "127.0.0.1:8420": "tandem"} {
		k := signIn(host)
		secure := name != "tandem"
		if k.Name != name || k.Secure != secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
			t.Errorf("%s: %+v", host, k)
		}
	}
	// A cookie that a neighbouring host can set is none here.
	w := b.browser()
	w.host, w.cookies["tandem"] = "tandem.example.com", signIn("127.0.0.1:8420").Value
	b.want(w.get("/account"), http.StatusSeeOther)
}

func TestHostsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, "https://tandem.example.com")
	for host, want := range map[string]int{
		"127.0.0.1:8420": http.StatusOK, "localhost": http.StatusOK, "LOCALHOST:1": http.StatusOK, "[::1]:8420": http.StatusOK,
		"tandem.example.com": http.StatusOK, "Tandem.Example.Com:8443": http.StatusOK,
		"evil.example": http.StatusMisdirectedRequest, "tandem.example.com.evil.example": http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example": http.StatusMisdirectedRequest, "192.0.2.1": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		w := b.browser()
		w.host = host
		if got := w.get("/setup"); got.Code != want {
			t.Errorf("%q: %d, want %d", host, got.Code, want)
		}
	}
	// Whoever listens everywhere is found at the address that a connection came to.
	at := func(host string) int {
		r := httptest.NewRequest(http.MethodGet, "/setup", http.NoBody)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:8420")))))
		w := b.browser()
		w.host = host
		return w.do(r).Code
	}
	if at("192.0.2.9:8420") != http.StatusOK || at("192.0.2.8:8420") == http.StatusOK {
		t.Error("the address of the connection")
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ public, peer, forwarded, want string }{
		{"", "127.0.0.1:1", "198.51.100.1", "127.0.0.1"},
		{"https://x.example", "127.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"https://x.example", "[::1]:1", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
		{"https://x.example", "172.17.0.1:1", "2001:db8::1", "2001:db8::1"},
		{"https://x.example", "127.0.0.1:1", "<script>", "127.0.0.1"},
		{"https://x.example", "203.0.113.1:1", "198.51.100.1", "203.0.113.1"},
		{"https://x.example", "[::ffff:203.0.113.1]:1", "", "203.0.113.1"},
	} {
		b := newBenchAt(t, x.public)
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = x.peer
		if x.forwarded != "" {
			r.Header.Set("X-Forwarded-For", x.forwarded)
		}
		if got := b.c.address(r); got != x.want {
			t.Errorf("%+v: %s", x, got)
		}
	}
}

func TestAPanicIsAnErrorPageAndALineOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var err error
	broken := func(_ http.ResponseWriter, r *http.Request) error {
		return errors.New(strings.Fields(r.Method)[1])
	}
	b.handler, err = b.c.handler([]route{{method: "GET", pattern: "/broken", right: public, handler: broken}})
	if err != nil {
		t.Fatal(err)
	}
	b.want(b.browser().get("/broken"), http.StatusInternalServerError, "Something went wrong here.")
	if log := b.log.String(); !strings.Contains(log, "index out of range") || !strings.Contains(log, "/broken") {
		t.Errorf("the log: %s", log)
	}
}

func TestBodiesAndAnswersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		took := make(chan time.Duration, 1)
		slow := func(_ http.ResponseWriter, r *http.Request) error {
			began := time.Now()
			<-r.Context().Done()
			took <- time.Since(began)
			return r.Context().Err()
		}
		read := func(w http.ResponseWriter, r *http.Request) error {
			if err := r.ParseForm(); err != nil {
				return invalid("error.choice")
			}
			w.WriteHeader(http.StatusOK)
			return nil
		}
		var err error
		b.handler, err = b.c.handler([]route{
			{method: "GET", pattern: "/slow", right: public, handler: slow},
			{method: "POST", pattern: "/read", right: public, handler: read, audit: "x"},
			{method: "POST", pattern: "/little", right: public, handler: read, audit: "x", body: 10},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.want(b.browser().get("/slow"), http.StatusInternalServerError)
		if d := <-took; d != mostTime {
			t.Errorf("it took %v", d)
		}
		long := strings.Repeat("x", mostBody)
		for path, want := range map[string]int{"/read": http.StatusUnprocessableEntity, "/little": http.StatusUnprocessableEntity} {
			b.want(b.browser().do(postRequest(path, url.Values{"x": {long}})), want)
		}
		b.want(b.browser().do(postRequest("/read", url.Values{"x": {long[:1000]}})), http.StatusOK)
	})
}

func TestFilesAreKeptForEverAtAnAddressOfTheirContent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	address := b.c.files.address("console.css")
	page := b.browser().get("/setup")
	b.want(page, http.StatusOK, `href="`+address+`"`)
	got := b.browser().get(address)
	b.want(got, http.StatusOK, ".page")
	if h := got.Header(); h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", h)
	}
	b.want(b.browser().get(strings.Replace(address, b.c.files.hash, "0000000000000000", 1)), http.StatusNotFound)
	b.want(b.browser().get(b.c.files.address("no.css")), http.StatusNotFound)
}

func FuzzWhereToGoAfterSigningIn(f *testing.F) {
	for _, s := range []string{"/", "/account?x=1", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example"} {
		f.Add(s)
	}
	base, err := url.Parse("https://tandem.example.com/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got := local(to)
		if got == "" {
			return
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) {
			t.Errorf("%q leads to %q", to, got)
		}
	})
}

func TestTheRolesOfAConfigurationAreThoseOfAccounts(t *testing.T) {
	t.Parallel()
	for _, role := range account.Roles() {
		if roleOf(map[string]string{"g": string(role)}, []any{"x", "g"}) != role {
			t.Errorf("%s", role)
		}
	}
	if got := roleOf(map[string]string{"a": "viewer", "b": "admin", "c": "user"}, []any{"a", "b", "c", 7}); got != account.Admin {
		t.Errorf("the strongest: %s", got)
	}
	if got := roleOf(map[string]string{"a": "viewer"}, "a"); got != account.Viewer {
		t.Errorf("one group as a text: %s", got)
	}
	if got := roleOf(map[string]string{"a": "viewer"}, nil); got != "" {
		t.Errorf("no groups: %s", got)
	}
}
