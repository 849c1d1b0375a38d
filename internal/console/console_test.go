package console

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

// A fakeHub lends a store and a plan, and engines where a test has some.
type fakeHub struct {
	plan   *plan.Plan
	store  *store.Store
	specs  []connector.Spec
	grants map[string]*grant.Grant
	bell   Bell

	engine   func() *engine.Engine // nil = there is none, and whoever borrows one is not called
	progress *Progress
	asked    []string // syncs to be run
	acts     []string // pauses and their ends

	working error // what Borrow ends with; nil = nothing else works

	secrets map[string]string
	uses    string // what uses them; "" = the connection a
	oldKey  string
	delays  []Delay
	file    *store.Store // of which there is a backup; nil = there is no room for one

	brought, hinted []string
	refuses         error // what Bring and Hint end with
}

func (h *fakeHub) Plan() *plan.Plan        { return h.plan }
func (h *fakeHub) Store() *store.Store     { return h.store }
func (h *fakeHub) Specs() []connector.Spec { return h.specs }
func (h *fakeHub) Run(syncs ...string) error {
	h.asked = append(h.asked, syncs...)
	return nil
}
func (h *fakeHub) Pause(_ context.Context, sync, by string) error {
	h.acts = append(h.acts, "pause "+sync+" by "+by)
	return nil
}
func (h *fakeHub) Resume(_ context.Context, sync string) error {
	h.acts = append(h.acts, "resume "+sync)
	return nil
}
func (h *fakeHub) Grants(context.Context) (map[string]*grant.Grant, error) {
	return h.grants, nil
}
func (h *fakeHub) Borrow(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	if h.working != nil {
		return h.working
	}
	return h.Look(ctx, fn)
}
func (h *fakeHub) Look(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	if h.engine == nil {
		return nil
	}
	return fn(ctx, h.engine())
}
func (h *fakeHub) Bring(_ context.Context, _ string, r *http.Request, body []byte) (int, error) {
	h.brought = append(h.brought, r.Header.Get("Authorization")+" "+r.URL.RawQuery+" "+string(body))
	return 1, h.refuses
}
func (h *fakeHub) Hint(_ context.Context, connection string, records []record.Ref) error {
	h.hinted = append(h.hinted, fmt.Sprint(connection, records))
	return h.refuses
}
func (h *fakeHub) Progress() *Progress { return h.progress }
func (h *fakeHub) Cancel(run int64) bool {
	is := h.progress != nil && h.progress.Run == run
	if is {
		h.progress.Stopping = true
	}
	return is
}
func (h *fakeHub) Bell() *Bell                         { return &h.bell }
func (h *fakeHub) Background(fn func(context.Context)) { fn(context.Background()) }
func (h *fakeHub) Configuration(context.Context) (Configuration, error) {
	return Configuration{File: "tandem.yaml", FileText: "version: 1\n", Text: "version: 1\n"}, nil
}
func (h *fakeHub) CheckConfiguration(context.Context, string) (*plan.Plan, plan.Problems, error) {
	return h.plan, nil, nil
}
func (h *fakeHub) AdoptFile(context.Context, string, string) (int, error) { return 1, nil }
func (h *fakeHub) SaveConfiguration(context.Context, int, store.Configuration) (int, error) {
	return 1, nil
}
func (h *fakeHub) KeepConfiguration(context.Context) error    { return nil }
func (h *fakeHub) ReleaseConfiguration(context.Context) error { return nil }
func (h *fakeHub) Secrets(context.Context) ([]Secret, error) {
	var all []Secret
	for _, name := range slices.Sorted(maps.Keys(h.secrets)) {
		all = append(all, Secret{Name: name, Updated: noon(), Uses: []string{cmp.Or(h.uses, "a")}})
	}
	return append(all, Secret{Name: "wanted", Uses: []string{"b"}}), nil
}
func (h *fakeHub) SetSecret(_ context.Context, name, value string) error {
	if h.secrets == nil {
		h.secrets = map[string]string{}
	}
	if h.refuses == nil {
		h.secrets[name] = value
	}
	return h.refuses
}
func (h *fakeHub) RemoveSecret(_ context.Context, name string) (bool, error) {
	_, had := h.secrets[name]
	delete(h.secrets, name)
	return had, nil
}
func (h *fakeHub) Delays() []Delay { return h.delays }
func (h *fakeHub) Key(context.Context) (Key, error) {
	return Key{Fingerprint: "4f0c9a17be62", File: "tandem.key", Old: h.oldKey}, nil
}
func (h *fakeHub) RotateKey(context.Context) (safe.Rotation, error) {
	if h.oldKey != "" {
		return safe.Rotation{}, fmt.Errorf("%w, in %s", safe.ErrOldKey, h.oldKey)
	}
	h.oldKey = "tandem.key.old"
	return safe.Rotation{From: "0123456789ab", To: "4f0c9a17be62", Values: 3, OldFile: h.oldKey}, h.refuses
}
func (h *fakeHub) ConfirmKey(context.Context) (string, error) {
	old := h.oldKey
	h.oldKey = ""
	return old, h.refuses
}
func (h *fakeHub) Backup(ctx context.Context) (*store.Copy, error) {
	if h.file == nil {
		return nil, fmt.Errorf("back up: %w", store.ErrFull)
	}
	return h.file.Copy(ctx, store.Backup{Taken: noon(), Config: "version: 1\n"})
}
func (h *fakeHub) Unhook(_ context.Context, _ *engine.Engine, connection string) error {
	h.acts = append(h.acts, "unhook "+connection)
	return h.refuses
}
func (h *fakeHub) Status(context.Context) (Status, error) {
	return Status{Ready: true, Syncs: []SyncStatus{{Name: "contacts", Next: time.Now()}, {Name: "deals", Paused: &store.Pause{Sync: "deals", By: "ann"}}}}, nil
}

const password = "correct horse battery"

// cheap makes hashes that cost nothing.
func cheap() account.Cost { return account.Cost{Time: 1, Memory: 8, Threads: 1} }

// A bench is a console under test with one person of each role, who is named like it.
type bench struct {
	testing.TB

	c       *console
	hub     *fakeHub
	log     *bytes.Buffer
	handler http.Handler
	people  map[account.Role]account.Person

	browsers int
}

func newBench(t testing.TB) *bench { return newBenchAt(t, "") }

func newBenchAt(t testing.TB, publicURL string) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &bench{TB: t, hub: &fakeHub{plan: &plan.Plan{Timezone: time.UTC, PublicURL: publicURL}, store: s}, log: &bytes.Buffer{}, people: map[account.Role]account.Person{}}
	accounts := account.New(account.Options{Store: s, Cost: cheap()})
	b.c, err = newConsole(Options{Hub: b.hub, Accounts: accounts, Log: slog.New(slog.NewTextHandler(b.log, nil)), Listen: "127.0.0.1:8420"})
	if err != nil {
		t.Fatal(err)
	}
	if b.handler, err = b.c.handler(b.c.routes()); err != nil {
		t.Fatal(err)
	}
	return b
}

// populate adds a person of each role.
func (b *bench) populate() {
	b.Helper()
	for _, role := range account.Roles() {
		p, err := b.c.accounts.Add(b.Context(), account.NewUser{Name: string(role), Role: role, Password: password})
		if err != nil {
			b.Fatal(err)
		}
		b.people[role] = p
	}
}

// A browser keeps its cookies.
type browser struct {
	*bench
	cookies map[string]string
	host    string
	address string
}

func (b *bench) browser() *browser {
	b.browsers++ // each on a machine of its own
	return &browser{bench: b, cookies: map[string]string{}, host: "127.0.0.1:8420", address: fmt.Sprintf("192.0.2.%d:4711", b.browsers)}
}

// signed returns a browser in which somebody of a role is signed in.
func (b *bench) signed(role account.Role) *browser {
	b.Helper()
	w := b.browser()
	if got := w.post("/login", "name", string(role), "password", password); got.Code != http.StatusSeeOther {
		b.Fatalf("sign in as %s: %d %s", role, got.Code, got.Body)
	}
	return w
}

func (w *browser) do(r *http.Request) *httptest.ResponseRecorder {
	r.Host, r.RemoteAddr = w.host, w.address
	for name, value := range w.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	got := httptest.NewRecorder()
	w.handler.ServeHTTP(got, r)
	for _, k := range got.Result().Cookies() {
		if k.MaxAge < 0 {
			delete(w.cookies, k.Name)
		} else {
			w.cookies[k.Name] = k.Value
		}
	}
	return got
}

func (w *browser) get(path string) *httptest.ResponseRecorder {
	return w.do(httptest.NewRequest(http.MethodGet, path, http.NoBody))
}

// form returns the token that the forms of this browser carry.
func (w *browser) form() string {
	for _, name := range []string{secureName, cookieName} {
		if secret := w.cookies[name]; secret != "" {
			return formToken(secret)
		}
	}
	return ""
}

// post sends a form as a browser does: name, value, name, value …
func (w *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	values := url.Values{formField: {w.form()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return w.do(postRequest(path, values))
}

func postRequest(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (b *bench) want(got *httptest.ResponseRecorder, status int, parts ...string) {
	b.Helper()
	body, _ := io.ReadAll(bytes.NewReader(got.Body.Bytes()))
	if got.Code != status {
		b.Fatalf("status %d, want %d: %s\n%s", got.Code, status, body, b.log)
	}
	for _, part := range parts {
		if !strings.Contains(string(body), part) {
			b.Errorf("%q is not in\n%s", part, body)
		}
	}
}

func TestPagesRender(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w := b.signed(account.Admin)
	for _, path := range []string{"/", "/account", "/settings/people", "/settings/audit"} {
		for _, lang := range []string{"en", "de"} {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			r.Header.Set("Accept-Language", lang)
			got := w.do(r)
			b.want(got, http.StatusOK, fmt.Sprintf(`<html lang="%s">`, lang))
			if strings.Contains(got.Body.String(), "[") {
				t.Errorf("%s lacks a text:\n%s", path, got.Body)
			}
		}
	}
}
