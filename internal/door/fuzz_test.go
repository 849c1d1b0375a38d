package door_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/door"
)

// Whatever the path, only the right key opens, and nothing breaks.
func FuzzOnlyTheKeyOpens(f *testing.F) {
	for _, s := range []string{"a%20b/K5", "a%20b/K5/", "a%20b/K5/x", "a b/K5", "a%2520b/K5", "%zz/K5", "/K5", "a%20b//K5", "a%20b/%4B5", "../a%20b/K5", "a%20b/K5%2F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI("/hooks/" + path)
		if err != nil {
			t.Skip()
		}
		d := door.New(plain(&keeper{}, connector.Door{}))
		d.Drain() // who gets in is told that the door is busy
		r := httptest.NewRequest(http.MethodPost, "/hooks/", strings.NewReader(""))
		r.URL = u
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		parts := strings.SplitN(strings.TrimPrefix(u.EscapedPath(), "/hooks/"), "/", 3)
		name, _ := url.PathUnescape(parts[0])
		right := len(parts) > 1 && name == "a b" && parts[1] == key
		if opened := w.Code == http.StatusServiceUnavailable; opened != right {
			t.Errorf("%q: answered %d", path, w.Code)
		}
	})
}
