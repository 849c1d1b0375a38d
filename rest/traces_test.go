package rest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// attributes returns what a span tells.
func attributes(s sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes() {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

func TestEveryAttemptIsASpanThatTellsNobodysBusiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		n := 0
		vendor := twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"Traceparent", "Tracestate", "Baggage", "B3", "X-B3-TraceId"} {
				if r.Header.Get(name) != "" {
					t.Errorf("the vendor is sent %s", name)
				}
			}
			if n++; n == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, `{"email":"ann@x.gr"}`)
		}))
		client := rest.NewClient(rest.ClientOptions{Transport: vendor, Base: "https://crm.example.com:8443/v1", Tracer: provider.Tracer("t"),
			Secrets: []string{"s3cret"}, Sign: func(r *http.Request) { r.Header.Set("Authorization", "s3cret") }})
		ctx, parent := provider.Tracer("t").Start(context.Background(), "run")
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://crm.example.com:8443/v1/people/ann@x.gr?q=s3cret&name=Ann", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(spans.Ended()); got != 1 {
			t.Errorf("%d attempts have ended before the answer was read", got)
		}
		_, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
		ended := spans.Ended()
		if len(ended) != 2 {
			t.Fatalf("%d spans of two attempts", len(ended))
		}
		first, second := attributes(ended[0]), attributes(ended[1])
		if ended[0].Name() != "GET" || first["http.response.status_code"] != "503" || first["error.type"] != "503" || ended[0].Status().Code != codes.Error ||
			first["http.request.resend_count"] != "" || first["server.address"] != "crm.example.com" || first["server.port"] != "8443" {
			t.Errorf("the first attempt: %v", first)
		}
		if second["http.request.resend_count"] != "1" || second["http.response.status_code"] != "200" || second["error.type"] != "" {
			t.Errorf("the second attempt: %v", second)
		}
		for _, s := range ended {
			if s.Parent().SpanID() != parent.SpanContext().SpanID() {
				t.Error("an attempt is not part of what it was made for")
			}
			text := s.Name() + s.Status().Description
			for _, a := range s.Attributes() {
				text += " " + string(a.Key) + "=" + a.Value.String()
			}
			for _, private := range []string{"ann", "Ann", "s3cret", "/v1", "q="} {
				if strings.Contains(text, private) || len(s.Events()) > 0 {
					t.Errorf("a span tells %q: %s", private, text)
				}
			}
		}
	})
}

func TestAnAttemptThatFailsTellsOnlyHow(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	client := rest.NewClient(rest.ClientOptions{Transport: unreachable{}, Base: "https://crm.example.com", Retries: -1, Tracer: provider.Tracer("t")})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://crm.example.com/people/ann", strings.NewReader("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := client.Do(r); err == nil {
		_ = res.Body.Close()
		t.Fatal("it did not fail")
	}
	ended := spans.Ended()
	if len(ended) != 1 || attributes(ended[0])["error.type"] != "broken" || ended[0].Status().Description != "" {
		t.Errorf("%v", ended)
	}
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
