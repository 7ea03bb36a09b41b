package underroot

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// No header makes a parent outside the caller's trace.
func FuzzExtract(f *testing.F) {
	f.Add(caller, root)
	f.Add(caller, foreign)
	f.Add("", root)
	f.Fuzz(func(t *testing.T, parent, header string) {
		ctx := both().Extract(t.Context(), propagation.MapCarrier{
			"traceparent": parent, Header: header})
		got, sc := Root(ctx), trace.SpanContextFromContext(ctx)
		if got.IsValid() && got.TraceID() != sc.TraceID() {
			t.Errorf("root %v, caller %v", got, sc)
		}
		if span := started(ctx); sc.IsValid() && span.SpanContext().TraceID() != sc.TraceID() {
			t.Errorf("span is in trace %s, caller in %s", span.SpanContext().TraceID(), sc.TraceID())
		}
	})
}
