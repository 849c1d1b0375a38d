package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// lent is a connection that only remembers what it was lent.
type lent struct{ env connector.Env }

func (l *lent) Check(ctx context.Context) (connector.Identity, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.env.BaseURL+"/me", nil)
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	res, err := l.env.HTTP.Do(req)
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	return connector.Identity{Account: res.Status}, res.Body.Close()
}

func lentSpec(into **lent) connector.Spec {
	return connector.Spec{
		Name: "acme", BaseURL: "https://api.acme.example/v2/",
		Auth: []connector.Auth{
			{Setting: "token", Header: "Authorization", Prefix: "Bearer ", Help: "under Access"},
			{Setting: "old_key", Header: "X-Key"},
		},
		Settings: []connector.Setting{
			{Name: "token", Secret: true}, {Name: "old_key", Secret: true}, {Name: "hook_secret", Secret: true},
			{Name: "region", Default: "eu"}, {Name: "pace", Default: "slow"},
		},
		Open: func(env connector.Env) (connector.Connection, error) {
			*into = &lent{env}
			return *into, nil
		},
	}
}

func TestOpenFillsTheEnvAndSigns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url    string
		secrets      map[string]string
		wantBase     string
		header, sent string
	}{
		{"first way", "", map[string]string{"token": "t0p", "old_key": "0ld"}, "https://api.acme.example/v2", "Authorization", "Bearer t0p"},
		{"second way", "", map[string]string{"token": "", "old_key": "0ld"}, "https://api.acme.example/v2", "X-Key", "0ld"},
		{"sandbox", "http://127.0.0.1:9/x/", map[string]string{"token": "t0p"}, "http://127.0.0.1:9/x", "Authorization", "Bearer t0p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l *lent
			var got http.Header
			c.secrets["hook_secret"] = "hush"
			abilities, h, err := rest.Open(lentSpec(&l), rest.OpenOptions{
				Settings: connector.Settings{"pace": "fast"}, Secrets: c.secrets, URL: c.url,
				Transport: twin.Transport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header })),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			if _, err := abilities.Check.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got.Get(c.header) != c.sent {
				t.Errorf("sent %v", got)
			}
			if l.env.BaseURL != c.wantBase || h.BaseURL() != c.wantBase {
				t.Errorf("base %q, %q", l.env.BaseURL, h.BaseURL())
			}
			want := connector.Settings{"region": "eu", "pace": "fast", "hook_secret": "hush"}
			if diff := cmp.Diff(want, l.env.Settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if abilities.Source != nil || l.env.Log == nil {
				t.Errorf("abilities %v, log %v", abilities.Names(), l.env.Log)
			}
		})
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	key := map[string]string{"token": "t0p-s3cret"}
	for _, c := range []struct {
		name, url, base string
		secrets         map[string]string
		kind            connector.Kind
		says            string
	}{
		{"no credential", "", "https://api.acme.example", nil, connector.Unauthorized, "fill token or old_key: under Access"},
		{"no address", "", "", key, connector.Invalid, "no address is given"},
		{"no scheme", "api.acme.example", "", key, connector.Invalid, "neither https:// nor http://"},
		{"no host", "https:///v2", "", key, connector.Invalid, "names no host"},
		{"a password in the address", "https://ann:t0p-s3cret@api.acme.example", "", key, connector.Invalid, "belong into the settings"},
		{"unreadable with a password", "https://ann:t0p-s3cret@api acme", "", key, connector.Invalid, "cannot be read"},
		{"a query", "https://api.acme.example/?key=t0p-s3cret", "", key, connector.Invalid, "has a query"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l *lent
			spec := lentSpec(&l)
			spec.BaseURL = c.base
			_, _, err := rest.Open(spec, rest.OpenOptions{Secrets: c.secrets, URL: c.url})
			var e *connector.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Scope != connector.ScopeConnection || e.Fix == "" {
				t.Fatalf("got %#v", err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if strings.Contains(err.Error(), "t0p-s3cret") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// A connection keeps to the limits of its spec, and to those that Check leads to.
func TestOpenPaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l *lent
		spec := lentSpec(&l)
		spec.Limits = func(_ connector.Settings, id connector.Identity) []connector.Limit {
			per := time.Minute
			if id.Account == "big" {
				per = time.Second
			}
			return []connector.Limit{{Units: 1, Per: per}}
		}
		abilities, h, err := rest.Open(spec, rest.OpenOptions{
			Secrets:   map[string]string{"token": "t0p"},
			Transport: twin.Transport(http.NotFoundHandler()),
		})
		if err != nil {
			t.Fatal(err)
		}
		pace := func() time.Duration {
			began := time.Now()
			for range 3 {
				if _, err := abilities.Check.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		if took := pace(); took < 2*time.Minute || took > 2*time.Minute+5*time.Second {
			t.Errorf("three calls at one a minute took %v", took)
		}
		time.Sleep(time.Hour)
		h.Learn(connector.Identity{Account: "big"})
		if took := pace(); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("three calls at one a second took %v", took)
		}
	})
}
