package sse

import (
	"io"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
)

// The tracer does nothing here: what is measured is this package.
func BenchmarkSend(b *testing.B) {
	stream := Stream{Tracer: noop.NewTracerProvider().Tracer("")}
	event := Event{ID: "1", Name: "order.shipped", Data: map[string]any{"order": "o-7"},
		Cause: spanContext()}
	b.ReportAllocs()
	for b.Loop() {
		if err := stream.send(b.Context(), io.Discard, event); err != nil {
			b.Fatal(err)
		}
	}
}
