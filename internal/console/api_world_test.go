package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/twin"
)

const apiWorldYAML = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards:
    left: a.cards
    right: b.cards
    match: [email, phone]
    prefer: ask
    fields: [name, box, email, phone, notes]
`

// An apiWorld is a console before two toy systems that a sync keeps in step.
type apiWorld struct {
	*bench

	a, b  *toy.Twin
	token string // of an operator, with all rights of one
}

func newAPIWorld(t testing.TB) *apiWorld {
	t.Helper()
	w := &apiWorld{bench: newBench(t), a: newToy(t), b: newToy(t)}
	key := w.a.Settings()["api_key"]
	p, problems := plan.Parse("tandem.yaml", []byte(apiWorldYAML), func(string) (string, bool) { return key, true }, []connector.Spec{toy.Spec()})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	w.hub.plan, w.hub.specs = p, []connector.Spec{toy.Spec()}
	w.hub.transport = func(c plan.Connection) http.RoundTripper {
		if c.Name == "a" {
			return twin.Transport(w.a)
		}
		return twin.Transport(w.b)
	}
	w.populate()
	w.token = w.grant("robot", account.See, account.Decide, account.Run, account.Revert)
	return w
}

// grant gives the operator a token.
func (w *apiWorld) grant(name string, rights ...account.Right) string {
	w.Helper()
	operator, _, err := w.c.accounts.Named(w.Context(), "operator")
	if err != nil {
		w.Fatal(err)
	}
	who := account.Principal{Person: operator, Rights: account.Operator.Rights()}
	token, _, err := w.c.accounts.Grant(w.Context(), who, name, rights, time.Time{})
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// put gives a record of a toy system fields, or makes one.
func (w *apiWorld) put(tw *toy.Twin, id string, fields map[string]string) string {
	w.Helper()
	id, err := tw.Put("cards", id, fields)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// sync runs the sync.
func (w *apiWorld) sync() engine.Report {
	w.Helper()
	var reports []engine.Report
	err := w.hub.Borrow(w.Context(), func(ctx context.Context, e *engine.Engine) (err error) {
		reports, err = e.Sync(ctx, []string{"cards"}, engine.SyncOptions{})
		return err
	})
	if err != nil || len(reports) != 1 {
		w.Fatalf("%v %v", reports, err)
	}
	return reports[0]
}

// ask asks the API with the token; pairs are headers.
func (w *apiWorld) ask(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	r.Host, r.RemoteAddr = "127.0.0.1:8420", "192.0.2.200:4711"
	got := httptest.NewRecorder()
	w.handler.ServeHTTP(got, r)
	return got
}

// read asks and decodes the answer.
func read[T any](w *apiWorld, method, path, body string) T {
	w.Helper()
	got := w.ask(method, path, body)
	if got.Code/100 != 2 {
		w.Fatalf("%s %s: %d %s\n%s", method, path, got.Code, got.Body, w.log)
	}
	var out T
	d := json.NewDecoder(bytes.NewReader(got.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		w.Fatalf("%s %s: %v\n%s", method, path, err, got.Body)
	}
	return out
}
