package streammessage

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// The tracer does nothing here: what is measured is this package.

func BenchmarkInject(b *testing.B) {
	ctx := trace.ContextWithSpanContext(b.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	}))
	producer, fields := producer(noop.NewTracerProvider().Tracer("")), map[string]any{"order": "o-7"}
	add := func(context.Context, map[string]any) (string, error) { return "1-0", nil }
	b.ReportAllocs()
	for b.Loop() {
		if err := producer.Send(ctx, destination, fields, add); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	consumer := consumer(noop.NewTracerProvider().Tracer(""))
	msg := message(map[string]any{
		"order": "o-7", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	handle := func(context.Context) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		if err := consumer.Process(b.Context(), destination, msg, handle); err != nil {
			b.Fatal(err)
		}
	}
}
