package grant_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/rest/grant"
	"github.com/tandemhub/tandem/twin"
)

const (
	clientSecret = "Cl1ent+S3cret/4711"
	redirect     = "http://127.0.0.1:8484/oauth/crm"
)

// A vendor is an OAuth server and an API behind it. Like the strictest ones it gives a new
// refresh token each time, and ends the whole grant when an old one is used again.
type vendor struct {
	mu        sync.Mutex
	life      time.Duration                        // of access tokens; 0 = it does not say, and they do not end
	keeps     bool                                 // the refresh token stays, and is not in the answers
	slow      time.Duration                        // how long giving tokens takes
	say       func(grantType string) (int, string) // an answer instead; nil or 0 = none
	challenge string
	n         int
	access    map[string]time.Time // by token, when it ends
	refresh   string               // the one that is good
	spent     map[string]bool
	revoked   func(http.ResponseWriter) // answers instead, if it is set
	ended     bool
	calls     []string // "POST api.acme.example/oauth/token refresh_token"
	seen      []string // every secret that was given, for checks that none shows
}

func newVendor() *vendor {
	return &vendor{life: 30 * time.Minute, access: map[string]time.Time{}, spent: map[string]bool{}}
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	v.mu.Lock()
	v.calls = append(v.calls, strings.TrimSpace(r.Method+" "+r.Host+r.URL.Path+" "+form.Get("grant_type")))
	slow := v.slow
	v.mu.Unlock()
	switch r.URL.Path {
	case "/v2/oauth/token", "/oauth/token":
		time.Sleep(slow)
		v.give(w, r, form)
	case "/v2/oauth/revoke":
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.revoked != nil {
			v.revoked(w)
			return
		}
		v.ended = v.ended || form.Get("token") == v.refresh
	default:
		v.api(w, r, body)
	}
}

func (v *vendor) give(w http.ResponseWriter, r *http.Request, form url.Values) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	refuse := func(code, text string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, code, text)
	}
	token := form.Get("refresh_token")
	if v.say != nil {
		if status, text := v.say(form.Get("grant_type")); status != 0 {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
			return
		}
	}
	switch {
	case form.Get("client_id") != "app" || form.Get("client_secret") != clientSecret:
		refuse("invalid_client", "who are you with "+form.Get("client_secret"))
		return
	case form.Get("grant_type") == "authorization_code":
		if form.Get("code") != "c0de-of-ann" || form.Get("redirect_uri") != redirect || grantChallenge(form.Get("code_verifier")) != v.challenge {
			refuse("invalid_grant", "no such code "+form.Get("code"))
			return
		}
		v.ended, v.spent = false, map[string]bool{}
	case v.spent[token]:
		v.ended = true // somebody else has it
		refuse("invalid_grant", "the token "+token+" was used already")
		return
	case v.ended || token != v.refresh:
		refuse("invalid_grant", "expired access/refresh token "+token)
		return
	}
	v.n++
	answer := map[string]any{"access_token": fmt.Sprintf("acc3ss-token-%d", v.n), "token_type": "bearer", "instance_url": "https://eu7.acme.example"}
	v.seen = append(v.seen, fmt.Sprintf("acc3ss-token-%d", v.n))
	ends := time.Now().Add(100 * 24 * time.Hour)
	if v.life > 0 {
		ends, answer["expires_in"] = time.Now().Add(v.life), int(v.life.Seconds())
	}
	v.access[fmt.Sprintf("acc3ss-token-%d", v.n)] = ends
	if !v.keeps || token == "" {
		if token != "" {
			v.spent[token] = true
		}
		v.refresh = fmt.Sprintf("r3fresh-token-%d", v.n)
		v.seen = append(v.seen, v.refresh)
		answer["refresh_token"] = v.refresh
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (v *vendor) api(w http.ResponseWriter, r *http.Request, body []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("Content-Type", "application/json")
	if ends, known := v.access[token]; !known || v.ended || !time.Now().Before(ends) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":"the token %s is no good"}`, token)
		return
	}
	fmt.Fprintf(w, `{"got":%q}`, body)
}

// end ends the access tokens that there are, before their time.
func (v *vendor) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.access)
}

func (v *vendor) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// count returns how many calls begin so.
func (v *vendor) count(beginning string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, c := range v.calls {
		if strings.HasPrefix(c, beginning) {
			n++
		}
	}
	return n
}

func (v *vendor) refreshes() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, c := range v.calls {
		if strings.HasSuffix(c, " refresh_token") {
			n++
		}
	}
	return n
}

// A kv is the memory that all processes of an installation share.
type kv struct {
	mu     sync.Mutex
	last   int64
	values map[string]string
	at     map[string]int64
	before func(key, value string) error // may refuse a write
}

func newKV() *kv { return &kv{values: map[string]string{}, at: map[string]int64{}} }

func (m *kv) Get(ctx context.Context, key string) (string, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.at[key], ctx.Err()
}

func (m *kv) Put(ctx context.Context, key, value string, version int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if m.before != nil {
		if err := m.before(key, value); err != nil {
			return 0, err
		}
	}
	if m.at[key] != version {
		return 0, connector.ErrStale
	}
	m.last++
	m.values[key], m.at[key] = value, m.last
	if value == "" {
		delete(m.at, key)
	}
	return m.at[key], nil
}

// A process is a connection as one process of the hub has it open.
type process struct {
	*testing.T
	v   *vendor
	kv  *kv
	h   *rest.Handle
	g   *grant.Grant
	api rest.API
	env connector.Env
	log *bytes.Buffer
}

type thing struct{}

func (thing) Check(context.Context) (connector.Identity, error) { return connector.Identity{}, nil }

func spec(env *connector.Env, change func(*connector.OAuth)) connector.Spec {
	return connector.Spec{
		Name: "acme", Title: "Acme", BaseURL: "https://api.acme.example/v2",
		Auth: []connector.Auth{{Setting: "client_secret", Header: "Authorization", Prefix: "Bearer ", OAuth: func(connector.Settings) connector.OAuth {
			o := connector.OAuth{
				Authorize: "https://app.acme.example/oauth/authorize?tenant=1", Token: "/oauth/token", Revoke: "/oauth/revoke",
				Scopes: []string{"crm", "users"}, Extra: map[string]string{"prompt": "consent"},
			}
			if change != nil {
				change(&o)
			}
			return o
		}}},
		Open: func(e connector.Env) (connector.Connection, error) {
			*env = e
			return thing{}, nil
		},
	}
}

func start(t *testing.T, v *vendor, m *kv, change ...func(*rest.OpenOptions, *connector.OAuth)) *process {
	t.Helper()
	p := &process{T: t, v: v, kv: m, log: &bytes.Buffer{}}
	o := rest.OpenOptions{
		Name: "crm", Settings: connector.Settings{"client_id": "app"}, Secrets: map[string]string{"client_secret": clientSecret},
		Transport: twin.Transport(v), State: m,
		Log: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o, &connector.OAuth{})
	}
	_, h, err := rest.Open(spec(&p.env, func(oauth *connector.OAuth) {
		for _, c := range change {
			c(&rest.OpenOptions{}, oauth)
		}
	}), o)
	if err != nil {
		t.Fatal(err)
	}
	p.h, p.g = h, h.Grant()
	p.api = rest.API{HTTP: p.env.HTTP, Base: p.env.BaseURL}
	return p
}

// authorize is what Ann does in her browser.
func (p *process) authorize() {
	p.Helper()
	r, err := p.g.Begin(redirect)
	if err != nil {
		p.Fatal(err)
	}
	if err := p.g.Finish(p.Context(), r, p.agree(r)); err != nil {
		p.Fatal(err)
	}
}

// agree is the query that the vendor sends Ann's browser back with.
func (p *process) agree(r *grant.Request) url.Values {
	p.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		p.Fatal(err)
	}
	p.v.set(func() { p.v.challenge = u.Query().Get("code_challenge") })
	return url.Values{"state": {u.Query().Get("state")}, "code": {"c0de-of-ann"}}
}

// post sends a request with a body to the API.
func (p *process) post() error {
	p.Helper()
	var into struct{ Got string }
	_, err := p.api.Do(p.Context(), rest.Call{Method: "POST", Path: "/things", Body: map[string]string{"a": "b"}, Into: &into})
	if err == nil && into.Got != `{"a":"b"}` {
		p.Errorf("the API got %q", into.Got)
	}
	return err
}

func (p *process) must() {
	p.Helper()
	if err := p.post(); err != nil {
		p.Error(err)
	}
}

// quiet fails if a text shows a token, a code or the client's secret (invariant 9).
func (p *process) quiet(texts ...string) {
	p.Helper()
	secrets := append([]string{clientSecret, url.QueryEscape(clientSecret), "c0de-of-ann"}, p.v.seen...)
	for _, text := range append(texts, p.log.String()) {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				p.Errorf("%q shows %q", text, s)
			}
		}
	}
}
