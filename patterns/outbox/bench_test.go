package outbox

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// The tracer does nothing here: what is measured is this package.

func BenchmarkCapture(b *testing.B) {
	ctx := trace.ContextWithSpanContext(b.Context(), spanContext())
	prop := allOfW3C()
	b.ReportAllocs()
	for b.Loop() {
		Capture(ctx, prop)
	}
}

func BenchmarkDispatch(b *testing.B) {
	relay := relay(noop.NewTracerProvider().Tracer(""))
	event := Event{Context: map[string]string{"traceparent": parent},
		Fields: map[string]any{"order": "o-7"}}
	send := func(context.Context, map[string]any) (string, error) { return "1-0", nil }
	b.ReportAllocs()
	for b.Loop() {
		if err := relay.Dispatch(b.Context(), destination, event, send); err != nil {
			b.Fatal(err)
		}
	}
}
