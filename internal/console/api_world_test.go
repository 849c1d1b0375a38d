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
	w := &apiWorld{world: newWorld(t, "match: [email, phone], prefer: ask")}
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
