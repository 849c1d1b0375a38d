package door

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// trace begins the span of one request, by the conventions for HTTP servers. The address stays
// out, which ends with the key (invariant 9), and so does whatever trace the vendor says that it
// belongs to: anybody can say that.
func (d *Door) trace(ctx context.Context, at *room, method string, w http.ResponseWriter) (context.Context, http.ResponseWriter, func()) {
	ctx, span := d.o.Tracer.Start(ctx, method+" /hooks/{connection}/{key}", trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot())
	if !span.IsRecording() {
		return ctx, w, func() { span.End() }
	}
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", "/hooks/{connection}/{key}"),
		attribute.String("tandem.connection", at.Name))
	watched := &watchedAnswer{ResponseWriter: w, status: http.StatusOK}
	return ctx, watched, func() {
		span.SetAttributes(attribute.Int("http.response.status_code", watched.status))
		if watched.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// A watchedAnswer remembers its status.
type watchedAnswer struct {
	http.ResponseWriter
	status int
}

func (w *watchedAnswer) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets deadlines be set.
func (w *watchedAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
