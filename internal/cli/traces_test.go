package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/twin"
)

// A collector keeps the traces that it is sent, as bytes.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	got  bytes.Buffer
	path []string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = io.Copy(&c.got, r.Body)
		c.path = append(c.path, r.URL.Path)
	}))
	t.Cleanup(c.Close)
	return c
}

// private is what people entered. No trace may hold it.
func private() []string { return []string{"Annabella", "annabella@x.gr", "toy-key", "Token "} }

func tracedSync(t *testing.T, env map[string]string) string {
	t.Helper()
	a, b := newToy(t), newToy(t)
	if _, err := a.Put("cards", "", map[string]string{"name": "Annabella", "email": "annabella@x.gr"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put("cards", "", map[string]string{"name": "Annabella", "email": "annabella@x.gr", "notes": "n"}); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "tandem.yaml")
	if err := os.WriteFile(config, []byte(stationYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := Run(context.Background(), []string{"sync", "-c", config}, Streams{
		In: strings.NewReader(""), Out: &out, Err: &out,
		Env: func(name string) (string, bool) {
			if name == "KEY" {
				return a.Settings()["api_key"], true
			}
			v, ok := env[name]
			return v, ok
		},
		Transport: func(c plan.Connection) http.RoundTripper {
			if c.Name == "a" {
				return twin.Transport(a)
			}
			return twin.Transport(b)
		},
	}, []connector.System{{Spec: toy.Spec(), Twin: toy.New}})
	if code != exitOK {
		t.Errorf("exit code %d: %s", code, &out)
	}
	return out.String()
}

func TestTracesGoWhereTheStandardVariablesSay(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(string) map[string]string{
		"base": func(to string) map[string]string { return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": to + "/"} },
		"traces": func(to string) map[string]string {
			return map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": to + "/v1/traces"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t)
			tracedSync(t, env(c.URL))
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.path) == 0 || c.path[0] != "/v1/traces" {
				t.Fatalf("sent to %v", c.path)
			}
			for _, want := range []string{"run", "read page", "write batch", "transaction", "http.response.status_code", "tandem.sync", "a.cards", "service.name", "tandem"} {
				if !bytes.Contains(c.got.Bytes(), []byte(want)) {
					t.Errorf("no trace tells %q", want)
				}
			}
			for _, value := range private() {
				if bytes.Contains(c.got.Bytes(), []byte(value)) {
					t.Errorf("a trace tells %q (invariant 9)", value)
				}
			}
		})
	}
}

func TestNothingIsTracedUnlessAsked(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	for _, env := range []map[string]string{
		{}, {"OTEL_SERVICE_NAME": "x"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_SDK_DISABLED": "true"},
	} {
		a := &app{Streams: Streams{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}}
		end, err := a.trace(t.Context())
		if err != nil || a.tracer != nil {
			t.Errorf("%v: %v", env, err)
			continue
		}
		end()
	}
	if len(c.path) > 0 {
		t.Errorf("sent to %v", c.path)
	}
}

func TestACollectorThatRefusesStopsNothing(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	out := tracedSync(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": gone.URL})
	if strings.Count(out, "traces cannot be sent") != 1 {
		t.Errorf("told: %s", out)
	}
}

// The spans of a server: a delivery is a trace of its own, a run has its pages, batches and calls
// below it, and none tells what a record holds.
func TestWhatARunDoesIsBelowItsSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		s := newStation(t, stationYAML)
		s.app.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("t")
		id := s.put(s.a, "", map[string]string{"name": "Annabella", "email": "annabella@x.gr"})
		s.start()
		s.put(s.a, id, map[string]string{"notes": "Annabella's"})
		s.deliver(s.a, twin.HookFaults{})
		s.deliver(s.a, twin.HookFaults{Forged: true})
		time.Sleep(time.Minute)
		d, _, err := s.session.store.Door(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		s.close()
		byID, count := map[string]sdktrace.ReadOnlySpan{}, map[string]int{}
		for _, x := range spans.Ended() {
			byID[x.SpanContext().SpanID().String()] = x
			count[x.Name()]++
		}
		above := func(x sdktrace.ReadOnlySpan) string { return nameOf(byID[x.Parent().SpanID().String()]) }
		pages := map[string]bool{}
		for _, x := range spans.Ended() {
			switch x.Name() {
			case "read page", "write batch", "read reported":
				if above(x) != "run" {
					t.Errorf("%s is below %q", x.Name(), above(x))
				}
			case "POST", "GET":
				pages[above(x)] = true
			case "POST /hooks/{connection}/{key}":
				if x.Parent().IsValid() {
					t.Error("a delivery belongs to another trace")
				}
			}
			text := x.Name() + x.Status().Description
			for _, a := range x.Attributes() {
				text += " " + a.Value.String()
			}
			for _, value := range append(private(), d.Key) {
				if strings.Contains(text, value) || len(x.Events()) > 0 {
					t.Errorf("a span tells %q (invariant 9): %s", value, text)
				}
			}
		}
		for _, name := range []string{"run", "read page", "write batch", "read reported", "transaction", "POST /hooks/{connection}/{key}"} {
			if count[name] == 0 {
				t.Errorf("no span is called %q: %v", name, count)
			}
		}
		if !pages["read page"] || !pages["write batch"] || !pages["read reported"] {
			t.Errorf("calls are below %v", pages)
		}
	})
}

func nameOf(s sdktrace.ReadOnlySpan) string {
	if s == nil {
		return ""
	}
	return s.Name()
}
