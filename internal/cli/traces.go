package cli

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// tracesTell is how often the log tells that traces cannot be sent.
	tracesTell = time.Hour
	// tracesRest bounds how long the end of the process waits for the last traces.
	tracesRest = 5 * time.Second
)

// tracesTo returns where traces go: "" = nowhere. What of it is not about whether and where, such as
// headers and the sampler, the SDK reads itself
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
func (a *app) tracesTo() string {
	env := func(name string) string { v, _ := a.Env(name); return v }
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || env("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	if to := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); to != "" {
		return to
	}
	if to := env("OTEL_EXPORTER_OTLP_ENDPOINT"); to != "" {
		return strings.TrimRight(to, "/") + "/v1/traces"
	}
	return ""
}

// trace makes ready to trace if it is asked for, and returns what ends it. Without, the tracer
// stays nil, and nobody makes spans.
func (a *app) trace(ctx context.Context) (end func(), err error) {
	to := a.tracesTo()
	if to == "" {
		return func() {}, nil
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to))
	if err != nil {
		return nil, usage("traces cannot be sent: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "tandem"), attribute.String("service.version", buildOf(debug.ReadBuildInfo()).Version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, usage("traces cannot be sent: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(&teller{SpanExporter: out, log: a.logger()}), sdktrace.WithResource(about))
	a.tracer = provider.Tracer("github.com/tandemhub/tandem")
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesRest)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			a.logger().Warn("the last traces were not sent", "error", err)
		}
	}, nil
}

// A teller logs what the SDK would say on standard error, and not more often than is of use.
type teller struct {
	sdktrace.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	told time.Time
}

// ExportSpans passes spans on. Those that cannot be sent are lost.
func (t *teller) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := t.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	t.mu.Lock()
	tell := time.Since(t.told) >= tracesTell
	if tell {
		t.told = time.Now()
	}
	t.mu.Unlock()
	if tell {
		t.log.Warn("traces cannot be sent; they are lost, and all else goes on", "error", fmt.Sprint(err))
	}
	return nil
}
