package engine

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tandemhub/tandem/connector"
)

// A run is a span; below it are the pages that it reads, the batches that it writes, and below
// those the vendor's calls. Attributes name objects and count records: what a record holds,
// and the text of an error, which may quote it, stay out (invariant 9).

// span begins a span.
func (e *Engine) span(ctx context.Context, name string, about ...attribute.KeyValue) (context.Context, trace.Span) {
	return e.tracer.Start(ctx, name, trace.WithAttributes(about...))
}

// ended ends a span.
func ended(span trace.Span, err error, about ...attribute.KeyValue) {
	if span.IsRecording() {
		span.SetAttributes(about...)
		if err != nil {
			span.SetAttributes(attribute.String("error.type", string(connector.KindOf(err))))
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

func (r *run) aboutReport(rep Report) []attribute.KeyValue {
	return slices.Concat(r.about(), []attribute.KeyValue{
		attribute.String("tandem.status", rep.Status), attribute.Bool("tandem.reconciled", rep.Reconciled),
		attribute.Int("tandem.records.read", rep.Left.Read+rep.Right.Read),
		attribute.Int("tandem.records.created", rep.Left.Created+rep.Right.Created),
		attribute.Int("tandem.records.updated", rep.Left.Updated+rep.Right.Updated),
		attribute.Int("tandem.records.deleted", rep.Left.Deleted+rep.Right.Deleted),
	})
}

func (r *run) about() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("tandem.sync", r.p.Name), attribute.String("tandem.run", RunName(r.id)),
		attribute.Bool("tandem.hinted", r.rec.Hinted)}
}
