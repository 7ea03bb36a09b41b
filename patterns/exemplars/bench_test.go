package exemplars

import (
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkRecord(b *testing.B) {
	timer, _ := newTimer(b)
	ctx, span := sdktrace.NewTracerProvider().Tracer("bench").Start(b.Context(), "work")
	defer span.End()
	b.ReportAllocs()
	for b.Loop() {
		timer.Record(ctx, time.Millisecond)
	}
}
