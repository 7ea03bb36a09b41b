package fanout

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkAll(b *testing.B) {
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	nothing := func(context.Context) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		err := All(b.Context(), tracer, Task{"a", nothing}, Task{"b", nothing}, Task{"c", nothing})
		if err != nil {
			b.Fatal(err)
		}
	}
}
