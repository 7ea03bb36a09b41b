package jobroot

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkRun(b *testing.B) {
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	b.ReportAllocs()
	for b.Loop() {
		if err := Run(b.Context(), tracer, "job", func(context.Context) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
