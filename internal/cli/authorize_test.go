package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// An office is a vendor that wants a person to agree: its pages, its tokens and its API.
type office struct {
	*httptest.Server

	mu      sync.Mutex
	revoked bool
	tokens  int
	asked   int // who we are
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("client_secret") != "cl1ent-s3cret" || o.revoked || r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") != "c0de" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"no"}`)
			return
		}
		o.tokens++
		fmt.Fprintf(w, `{"access_token":"acc3ss-%d","refresh_token":"r3fresh-%d","expires_in":1800}`, o.tokens, o.tokens)
	})
	mux.HandleFunc("POST /oauth/revoke", func(http.ResponseWriter, *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.revoked = true
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.asked++
		w.Header().Set("Content-Type", "application/json")
		if o.revoked || r.Header.Get("Authorization") != fmt.Sprintf("Bearer acc3ss-%d", o.tokens) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"id":"4711","name":"Ann's Office"}`)
	})
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

// conn is a connection that can only say who it is.
type meConn struct{ env connector.Env }

func (c meConn) Check(ctx context.Context) (connector.Identity, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.env.BaseURL+"/me", nil)
	if err != nil {
		return connector.Identity{}, err
	}
	res, err := c.env.HTTP.Do(req)
	if err != nil {
		return connector.Identity{}, err
	}
	defer res.Body.Close()
	var me struct{ ID, Name string }
	if res.StatusCode != http.StatusOK {
		return connector.Identity{}, &connector.Error{Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Err: fmt.Errorf("GET /me: %d", res.StatusCode)}
	}
	err = json.NewDecoder(res.Body).Decode(&me)
	return connector.Identity{Account: me.ID, Name: me.Name}, err
}

func oauthSystem() []connector.System {
	return []connector.System{{Spec: connector.Spec{
		Name: "office", Title: "Office", BaseURL: "https://office.invalid",
		Auth: []connector.Auth{
			{Setting: "api_key", Header: "X-Key"},
			{Setting: "client_secret", Header: "Authorization", Prefix: "Bearer ", OAuth: func(connector.Settings) connector.OAuth {
				return connector.OAuth{Authorize: "https://office.invalid/agree", Token: "/oauth/token", Revoke: "/oauth/revoke", Dies: 5 * 24 * time.Hour}
			}},
		},
		Open: func(env connector.Env) (connector.Connection, error) { return meConn{env}, nil },
	}}}
}

const officePlan = `version: 1
connections:
  crm:
    system: office
    url: ${URL}
    client_id: app
    client_secret: ${CLIENT_SECRET}
  keyed:
    system: office
    url: ${URL}
    api_key: ${CLIENT_SECRET}
`

// A screen is what a person sees while a command runs.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	shown chan string
	seen  bool
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if address := regexp.MustCompile(`(?m)^  (http\S+)$`).FindSubmatch(s.text.Bytes()); address != nil && !s.seen {
		s.seen = true
		s.shown <- string(address[1])
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// attended runs a command, and does something when it shows an address.
func attended(t *testing.T, o *office, dir string, in io.Reader, does func(address string), args ...string) (code int, out, err string) {
	t.Helper()
	var stdout bytes.Buffer
	stderr := &screen{shown: make(chan string, 1)}
	env := map[string]string{"URL": o.URL, "CLIENT_SECRET": "cl1ent-s3cret"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case address := <-stderr.shown:
			does(address)
		case <-t.Context().Done():
		}
	}()
	code = Run(t.Context(), append([]string{"-c", filepath.Join(dir, "tandem.yaml")}, args...), Streams{In: in, Out: &stdout, Err: stderr, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}, oauthSystem())
	if does != nil {
		<-done
	}
	for _, secret := range []string{"cl1ent-s3cret", "acc3ss-", "r3fresh-", "c0de"} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("it shows %s:\n%s%s", secret, stdout.String(), stderr)
		}
	}
	return code, stdout.String(), stderr.String()
}

// visit is what a browser does at the end of the vendor's pages.
func visit(t *testing.T, address string, query url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func asked(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Error(err)
	}
	return u.Query()
}

func statusOf(t *testing.T, o *office, dir string) string {
	t.Helper()
	_, out, errs := attended(t, o, dir, strings.NewReader(""), nil, "status", "-o", "json")
	return out + errs
}

func TestAuthorizeInABrowserOnThisMachine(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(t), folder(t, map[string]string{"tandem.yaml": officePlan})
	code, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "check", "crm")
	if code != exitFailed || !strings.Contains(out, "nobody has authorized it yet; run tandem connections authorize crm") {
		t.Errorf("before: exit %d, %s", code, out)
	}
	if got := statusOf(t, o, dir); !strings.Contains(got, `"grant":{"authorized":false,"problem":"nobody has authorized it yet"}`) {
		t.Errorf("status before: %s", got)
	}
	code, out, errs := attended(t, o, dir, strings.NewReader(""), func(address string) {
		q := asked(t, address)
		if !strings.HasPrefix(address, o.URL+"/agree?") || !strings.HasPrefix(q.Get("redirect_uri"), "http://127.0.0.1:") || !strings.HasSuffix(q.Get("redirect_uri"), "/oauth/crm") {
			t.Errorf("the address is %s", address)
		}
		back := q.Get("redirect_uri")
		if status, text := visit(t, back, url.Values{"state": {"somebody else's"}, "code": {"c0de"}}); status != http.StatusBadRequest || !strings.Contains(text, "another request") {
			t.Errorf("another's answer: %d %s", status, text)
		}
		if status, _ := visit(t, strings.TrimSuffix(back, "crm")+"favicon.ico", nil); status != http.StatusNotFound {
			t.Errorf("another path: %d", status)
		}
		if status, text := visit(t, back, url.Values{"state": q["state"], "code": {"c0de"}}); status != http.StatusOK || !strings.Contains(text, "You can close this page") {
			t.Errorf("the answer: %d %s", status, text)
		}
	}, "connections", "authorize", "crm")
	if code != exitOK || !strings.Contains(out, "✓ crm: Office, account Ann's Office (4711)") || !strings.Contains(errs, "made ") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if got := statusOf(t, o, dir); !strings.Contains(got, `"grant":{"authorized":true,"ends":"`) {
		t.Errorf("status after: %s", got)
	}
	if code, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "status"); code != exitOK || strings.Contains(out, "its authorization ends") {
		t.Errorf("the end is told too early: %s", out)
	}
	if code, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "connections", "revoke", "crm"); code != exitOK || !o.revoked {
		t.Errorf("revoke: exit %d, %s", code, out)
	}
	if got := statusOf(t, o, dir); !strings.Contains(got, `"health":"signed out"`) {
		t.Errorf("status after it: %s", got)
	}
	if _, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "status"); !strings.Contains(out, "signed out") || !strings.Contains(out, "tandem connections authorize crm asks a person to agree") {
		t.Errorf("status after it:\n%s", out)
	}
	if code, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "check", "crm"); code != exitFailed || !strings.Contains(out, "nobody has authorized it yet") {
		t.Errorf("after: exit %d, %s", code, out)
	}
}

func TestAuthorizeWhatGoesWrong(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(t), folder(t, map[string]string{"tandem.yaml": officePlan})
	answer := func(query url.Values) func(string) {
		return func(address string) {
			q := asked(t, address)
			query.Set("state", q.Get("state"))
			visit(t, q.Get("redirect_uri"), query)
		}
	}
	for name, c := range map[string]struct {
		does func(string)
		args string
		code int
		says string
	}{
		"no such connection":     {nil, "shop", exitUsage, `there is no connection "shop"; there are: crm, keyed`},
		"it has a key":           {nil, "keyed", exitUsage, "connection keyed is not authorized in a browser"},
		"an address elsewhere":   {nil, "crm --redirect-url https://tandem.example.com/oauth/crm", exitUsage, "--no-browser"},
		"no address":             {nil, "crm --redirect-url nonsense", exitUsage, "is no address"},
		"the person says no":     {answer(url.Values{"error": {"access_denied"}}), "crm", exitFailed, "the vendor did not authorize it: access_denied"},
		"a code that is no good": {answer(url.Values{"code": {"old"}}), "crm", exitFailed, "invalid_grant no"},
		"no code":                {answer(url.Values{}), "crm", exitFailed, "holds no code"},
		"nobody comes":           {func(string) {}, "crm --timeout 50ms", exitFailed, "nobody came back in less than a second; nothing was changed"},
		"nothing is pasted":      {func(string) {}, "crm --no-browser", exitUsage, "no address was pasted"},
		"a port that is taken":   {nil, "crm --redirect-url " + strings.Replace(o.URL, "127.0.0.1", "localhost", 1) + "/oauth/crm", exitFailed, "listen on 127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := attended(t, o, dir, strings.NewReader(""), c.does, append([]string{"connections", "authorize"}, strings.Fields(c.args)...)...)
			if code != c.code || !strings.Contains(errs, c.says) || out != "" {
				t.Errorf("exit %d, out %q\n%s", code, out, errs)
			}
		})
	}
}

func TestAuthorizeByPasting(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(t), folder(t, map[string]string{"tandem.yaml": officePlan})
	in, keyboard := io.Pipe()
	code, out, errs := attended(t, o, dir, in, func(address string) {
		q := asked(t, address)
		if q.Get("redirect_uri") != "https://tandem.example.com/oauth/crm" {
			t.Errorf("redirect to %s", q.Get("redirect_uri"))
		}
		for _, line := range []string{
			"", "what?", "https://tandem.example.com/oauth/crm?state=x&code=c0de",
			"https://tandem.example.com/oauth/crm?code=c0de&state=" + url.QueryEscape(q.Get("state")),
		} {
			fmt.Fprintln(keyboard, line)
		}
	}, "connections", "authorize", "crm", "--no-browser", "--redirect-url", "https://tandem.example.com/oauth/crm")
	if code != exitOK || !strings.Contains(out, "✓ crm: Office") || !strings.Contains(errs, "That is not the address") || !strings.Contains(errs, "belongs to another request") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// While tandem serve runs, what would die of not being used is renewed every day.
func TestGrantsAreLookedAfter(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o, dir := newOffice(t), folder(t, map[string]string{"tandem.yaml": officePlan})
	a := &app{config: filepath.Join(dir, "tandem.yaml"), systems: oauthSystem(), Streams: Streams{Err: &log, Env: func(name string) (string, bool) {
		v, ok := map[string]string{"URL": o.URL, "CLIENT_SECRET": "cl1ent-s3cret"}[name]
		return v, ok
	}}}
	s, err := a.open(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(&err)
	a.keepGrants(t.Context(), s, a.logger())
	if !strings.Contains(log.String(), "the connection needs a person") || !strings.Contains(log.String(), "tandem connections authorize crm") {
		t.Errorf("nobody was told: %s", log.String())
	}
	state := s.safe.State("crm")
	old := time.Now().Add(-4 * 24 * time.Hour).Format(time.RFC3339)
	if _, err := state.Put(t.Context(), "hub:oauth", fmt.Sprintf(`{"access":"a","refresh":"r","got":%q,"expires":%q,"used":%q}`, old, old, old), 0); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := attended(t, o, dir, strings.NewReader(""), nil, "status"); !strings.Contains(out, "crm: its authorization ends 20") {
		t.Errorf("the end is not told ahead: %s", out)
	}
	log.Reset()
	a.keepGrants(t.Context(), s, a.logger())
	if o.tokens != 1 {
		t.Errorf("renewed %d times: %s", o.tokens, log.String())
	}
}

// A grant is used by whoever owns the database, and by no copy of it: a token works once.
func TestARestoreLeavesGrantsAlone(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(t), t.TempDir()
	only, _, _ := strings.Cut(officePlan, "  keyed:")
	if err := os.WriteFile(filepath.Join(dir, "tandem.yaml"), []byte(only), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := attended(t, o, dir, strings.NewReader(""), func(address string) {
		q := asked(t, address)
		visit(t, q.Get("redirect_uri"), url.Values{"code": {"c0de"}, "state": {q.Get("state")}})
	}, "connections", "authorize", "crm")
	if code != 0 {
		t.Fatal(errs)
	}
	backup := filepath.Join(dir, "b.tandem")
	if code, _, errs := attended(t, o, dir, strings.NewReader(""), nil, "backup", backup); code != 0 {
		t.Fatal(errs)
	}
	tokens, said := o.tokens, o.asked
	code, out, errs := attended(t, o, dir, strings.NewReader(""), nil, "restore", backup)
	if code != 0 || !strings.Contains(out, "who they are, or did not answer: crm; their first run asks") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if o.tokens != tokens || o.asked != said {
		t.Errorf("it was given %d tokens and asked %d times", o.tokens-tokens, o.asked-said)
	}
}
