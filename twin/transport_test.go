package twin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// seen is what a caller sees of an answer, and the handler of its request.
type seen struct {
	Status, Length int
	Header         http.Header
	Body           string
	URI, Host      string
	Sent           string
}

func TestInProcessIsAsOnASocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, body string
		handler            http.HandlerFunc
	}{
		{"nothing is written", "GET", "", func(http.ResponseWriter, *http.Request) {}},
		{"only a status", "PUT", "x", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }},
		{"the type is guessed", "GET", "", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }},
		{"the type is given", "POST", `{"a":1}`, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte("{}"))
		}},
		{"no content", "DELETE", "", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic("a body was taken")
			}
		}},
		{"only the head is asked for", "HEAD", "", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }},
		{"the first status counts", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Early", "1")
			w.WriteHeader(404)
			w.Header().Set("X-Late", "1")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var in seen
			h := twin.NewKit(twin.Options{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				in = seen{URI: r.RequestURI, Host: r.Host, Sent: string(b)}
				c.handler(w, r)
			}))
			server := httptest.NewServer(h)
			defer server.Close()
			look := func(rt http.RoundTripper) seen {
				req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+"/a%2Fb?x=1#part", strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				res, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				b, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				out := in
				out.Status, out.Length, out.Header, out.Body = res.StatusCode, int(res.ContentLength), res.Header, string(b)
				out.Header.Del("Date")
				return out
			}
			socket := &http.Transport{}
			defer socket.CloseIdleConnections()
			if d := cmp.Diff(look(socket), look(twin.Transport(h))); d != "" {
				t.Errorf("-socket +process: %s", d)
			}
		})
	}
}

// noted is a body that notes whether it was closed.
type noted struct {
	io.Reader
	closed bool
}

func (n *noted) Close() error { n.closed = true; return nil }

func TestTransportClosesTheRequestsBody(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), ended} {
		body := &noted{Reader: strings.NewReader("x")}
		req, err := http.NewRequestWithContext(ctx, "POST", "http://x/", body)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := twin.Transport(newAccount(twin.Options{})).RoundTrip(req); err == nil {
			res.Body.Close()
		}
		if !body.closed {
			t.Error("left open")
		}
	}
}

func TestReadingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), 1000)) })
	res, err := twin.Transport(h).RoundTrip(httptest.NewRequest("GET", "http://x/", nil).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := res.Body.Read(make([]byte, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestATwinsOwnPanicIsSeen(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the panic is gone")
		}
	}()
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake") })
	res, err := twin.Transport(h).RoundTrip(httptest.NewRequest("GET", "http://x/", nil))
	t.Errorf("got %v, %v", res, err)
}

func BenchmarkTransport(b *testing.B) {
	page := bytes.Repeat([]byte("x"), 500_000)
	rt := twin.Transport(twin.NewKit(twin.Options{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		res, err := rt.RoundTrip(httptest.NewRequest("GET", "http://x/", nil))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}
