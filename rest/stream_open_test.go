package rest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// Open hands on what is longer than the cap and no JSON, and makes errors of what breaks off.
func TestOpenStreamsBytesOfAnyType(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\x00bytes\xff", 1<<16)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.Error(w, "gone", http.StatusNotFound)
		default:
			if r.Header.Get("Accept") != "*/*" {
				t.Errorf("asks for %q", r.Header.Get("Accept"))
			}
			_, _ = io.WriteString(w, long)
		}
	})
	kit := twin.NewKit(twin.Options{})
	kit.Inject(twin.Fault{Kind: twin.FaultTruncate, Path: "/short"})
	var api rest.API
	spec := connector.Spec{
		Name: "acme", BaseURL: "https://api.example.com",
		Open: func(env connector.Env) (connector.Connection, error) {
			api = rest.API{HTTP: env.HTTP, Base: env.BaseURL}
			return nil, nil
		},
	}
	if _, _, err := rest.Open(spec, rest.OpenOptions{Transport: twin.Transport(kit.Wrap(h))}); err != nil {
		t.Fatal(err)
	}
	_, body, err := api.Open(t.Context(), rest.Call{Path: "/file"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); err != nil || string(got) != long || body.Close() != nil {
		t.Errorf("%d bytes of %d: %v", len(got), len(long), err)
	}
	if _, _, err := api.Open(t.Context(), rest.Call{Path: "/gone"}); connector.KindOf(err) != connector.NotFound {
		t.Errorf("what is not there: %v", err)
	}
	_, body, err = api.Open(t.Context(), rest.Call{Path: "/short"})
	if err == nil {
		_, err = io.ReadAll(body)
		_ = body.Close()
	}
	var e *connector.Error
	if !errors.As(err, &e) || e.Kind != connector.Unavailable {
		t.Errorf("what breaks off: %v", err)
	}
}
