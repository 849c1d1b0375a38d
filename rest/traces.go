package rest

import (
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A tracer makes a span of every attempt, by the conventions for HTTP clients
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Neither path nor query is
// told: they hold ids, and at some vendors what is searched for, which is a customer's
// business. The vendor learns nothing of it: no header is added.
type tracer struct {
	next   http.RoundTripper
	tracer trace.Tracer
	base   *url.URL
}

// resentKey is what a repetition carries its number under.
type resentKey struct{}

// RoundTrip traces an attempt until its answer has been read.
func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient))
	if !span.IsRecording() {
		return t.next.RoundTrip(req)
	}
	span.SetAttributes(t.about(req)...)
	if n, again := ctx.Value(resentKey{}).(int); again {
		span.SetAttributes(attribute.Int("http.request.resend_count", n))
	}
	res, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		failed(span, classOf(err)) // not its text, which tells the address
		span.End()
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if res.StatusCode >= http.StatusBadRequest {
		failed(span, strconv.Itoa(res.StatusCode))
	}
	res.Body = &watchedBody{ReadCloser: res.Body, done: func() { span.End() }}
	return res, nil
}

func failed(span trace.Span, class string) {
	span.SetAttributes(attribute.String("error.type", class))
	span.SetStatus(codes.Error, "")
}

// about returns what is told of a request before it is sent.
func (t *tracer) about(req *http.Request) []attribute.KeyValue {
	to := req.URL
	if t.base != nil && !followsLink(req.Context()) {
		to = t.base
	}
	about := []attribute.KeyValue{attribute.String("http.request.method", req.Method), attribute.String("server.address", to.Hostname())}
	if port, err := strconv.Atoi(to.Port()); err == nil {
		about = append(about, attribute.Int("server.port", port))
	}
	return about
}
