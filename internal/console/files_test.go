package console

import (
	"path"
	"testing"
)

// Pages are served, not assembled in the browser: all scripts together stay small.
func TestScriptsAreSmall(t *testing.T) {
	t.Parallel()
	f, err := newFiles()
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for name, b := range f.bytes {
		if path.Ext(name) == ".js" {
			bytes += len(b)
		}
	}
	if bytes == 0 || bytes >= 60_000 {
		t.Errorf("%d bytes of script; less than 60 kB is promised", bytes)
	}
}

func TestPagesAreWhatPeopleLookAt(t *testing.T) {
	t.Parallel()
	public := map[string]bool{}
	for _, p := range Pages() {
		public[p.Pattern] = p.Public
	}
	for pattern, want := range map[string]bool{"/login": true, "/{$}": false, "/account": false} {
		if got, has := public[pattern]; !has || got != want {
			t.Errorf("%s: listed %t, public %t", pattern, has, got)
		}
	}
	for _, pattern := range []string{"/logout", "/api/v1/me", "/static/{hash}/{file...}", "/login/oidc"} {
		if _, has := public[pattern]; has {
			t.Errorf("%s is no page", pattern)
		}
	}
}
