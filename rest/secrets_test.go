package rest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// A careless transport puts all that it knows into its errors.
func TestNoSecretInAnyErrorOrLogLine(t *testing.T) {
	t.Parallel()
	careless := func(inner error) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("send %s with %v: %w", r.URL, r.Header, inner)
		})
	}
	forms := []string{secret, "s3cr3t%2Fkey%2B1", "s3cr3t%2Fkey+1", "s3cr3t"}
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
		kind connector.Kind
		is   error
	}{
		{"refused", careless(syscall.ECONNREFUSED), connector.Unavailable, syscall.ECONNREFUSED},
		{"broken", careless(io.ErrUnexpectedEOF), connector.Unavailable, io.ErrUnexpectedEOF},
		{"classified", careless(&connector.Error{Kind: connector.Forbidden, Fix: "drop " + secret, Err: errors.New(secret)}), connector.Forbidden, nil},
		{"joined", careless(errors.Join(errors.New(secret), io.EOF)), connector.Unavailable, io.EOF},
		{"echoed", twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprintf(w, "the key %s is bad at %s", r.URL.Query().Get("api_token"), r.URL)
		})), connector.Invalid, nil},
		{"redirected", twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/b" {
				http.Redirect(w, r, "/v1/b?"+r.URL.RawQuery, http.StatusFound)
				return
			}
			panic(http.ErrAbortHandler)
		})), connector.Unavailable, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				client := rest.NewClient(rest.ClientOptions{
					Transport: c.rt, Base: vendor, Sign: sign, Secrets: []string{secret},
					Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				_, raw := send(t.Context(), t, client, "GET", vendor+"/a/s3cr3t%2Fkey+1", "")
				api := rest.API{HTTP: client, Base: vendor, Classify: func(r *rest.Response) error {
					if r.Status == 400 {
						return &connector.Error{Kind: connector.Invalid, Field: secret, Err: errors.New(string(r.Body))}
					}
					return nil
				}}
				_, err := api.Do(t.Context(), rest.Call{Path: "/a/s3cr3t%2Fkey+1"})
				if connector.KindOf(err) != c.kind || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("got %v of kind %s", err, connector.KindOf(err))
				}
				texts := append(inside(err), log.String())
				if c.name != "redirected" && c.name != "echoed" {
					raw := errors.Unwrap(raw) // net/http itself adds the address that the caller gave
					texts = append(texts, inside(raw)...)
					if raw == nil || c.is != nil && !errors.Is(raw, c.is) {
						t.Errorf("without API: %v", raw)
					}
				}
				for _, text := range texts {
					for _, form := range forms {
						if strings.Contains(text, form) {
							t.Errorf("%q is in %q", form, text)
						}
					}
				}
				if !strings.Contains(log.String(), "path=") {
					t.Errorf("the log says %q", log.String())
				}
			})
		})
	}
}

// inside returns the texts of err and of all that can be got out of it.
func inside(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	switch e := err.(type) { //nolint:errorlint // each in turn
	case interface{ Unwrap() error }:
		return append(texts, inside(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			texts = append(texts, inside(inner)...)
		}
	}
	return texts
}

func TestSignedAddressIsNotInTheErrorsOfNetHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		client := p.client(rest.ClientOptions{Sign: sign, Secrets: []string{secret}})
		_, err := send(t.Context(), t, client, "POST", vendor+"/a", "{}")
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "api_token") {
			t.Errorf("got %v", err)
		}
	})
}
