package rest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// C9: a credential never follows a link elsewhere, and url replaces the address of links too.
func TestLinksGoElsewhereWithoutTheCredentialUnlessURLIsSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url, link string
		mark            func(context.Context) context.Context
		host, auth      string
	}{
		{"unmarked", "", "https://files.example.org/a?sig=1", nil, "api.example.com", "Bearer key"},
		{"a link", "", "https://files.example.org/a?sig=1", rest.WithLink, "files.example.org", ""},
		{"a link in the clear", "", "http://files.example.org/a?sig=1", rest.WithLink, "api.example.com", ""},
		{"a link with url set", "https://crm.example.net", "https://files.example.org/a?sig=1", rest.WithLink, "crm.example.net", ""},
		{"a credential of its own", "", "/a", rest.WithOwnCredential, "api.example.com", "Bearer own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var host, auth string
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				host, auth = r.Host, r.Header.Get("Authorization")
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte("{}"))
			})
			var api rest.API
			spec := connector.Spec{
				Name: "acme", BaseURL: "https://api.example.com",
				Auth: []connector.Auth{{Setting: "key", Header: "Authorization", Prefix: "Bearer "}},
				Open: func(env connector.Env) (connector.Connection, error) {
					api = rest.API{HTTP: env.HTTP, Base: env.BaseURL}
					return nil, nil
				},
			}
			if _, _, err := rest.Open(spec, rest.OpenOptions{
				URL: c.url, Secrets: map[string]string{"key": "key"}, Transport: twin.Transport(h),
			}); err != nil {
				t.Fatal(err)
			}
			ctx, call := t.Context(), rest.Call{Path: c.link}
			if c.mark != nil {
				ctx = c.mark(ctx)
			}
			if c.auth == "Bearer own" {
				call.Header = http.Header{"Authorization": {c.auth}}
			}
			if _, err := api.Do(ctx, call); err != nil {
				t.Fatal(err)
			}
			if host != c.host || auth != c.auth {
				t.Errorf("went to %s with %q, want %s with %q", host, auth, c.host, c.auth)
			}
		})
	}
}
