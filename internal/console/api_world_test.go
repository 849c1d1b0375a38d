package console

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// An apiWorld is a world before a program with a token.
type apiWorld struct {
	*world
	token string // of an operator, with all rights of one
}

func newAPIWorld(t testing.TB) *apiWorld {
	t.Helper()
	w := &apiWorld{world: newWorld(t, "match: [email, phone], prefer: ask, fields: ["+cardFields+"]")}
	w.token = w.grant("robot", account.See, account.Decide, account.Run, account.Revert)
	return w
}

// grant gives the operator a token.
func (w *apiWorld) grant(name string, rights ...account.Right) string {
	w.Helper()
	return w.grantAs(account.Operator, name, rights...)
}

// grantAs gives somebody of a role a token.
func (w *apiWorld) grantAs(role account.Role, name string, rights ...account.Right) string {
	w.Helper()
	who := account.Principal{Person: w.people[role], Rights: role.Rights()}
	token, _, err := w.c.accounts.Grant(w.Context(), who, name, rights, time.Time{})
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// ask asks the API with the token; pairs are headers.
func (w *apiWorld) ask(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	b := w.browser()
	b.address = "192.0.2.200:4711"
	return b.ask(method, path, body, append([]string{"Authorization", "Bearer " + w.token}, pairs...)...)
}

// ask asks the API as a script of a page does.
func (w *browser) ask(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set(formHeader, w.form())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return w.do(r)
}

// An asker is a program, or a browser.
type asker interface {
	testing.TB
	ask(method, path, body string, pairs ...string) *httptest.ResponseRecorder
}

// read asks and decodes the answer.
func read[T any](w asker, method, path, body string) T {
	w.Helper()
	got := w.ask(method, path, body)
	if got.Code/100 != 2 {
		w.Fatalf("%s %s: %d %s", method, path, got.Code, got.Body)
	}
	var out T
	d := json.NewDecoder(bytes.NewReader(got.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		w.Fatalf("%s %s: %v\n%s", method, path, err, got.Body)
	}
	return out
}
