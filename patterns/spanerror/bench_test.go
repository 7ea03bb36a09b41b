package spanerror

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkEnd(b *testing.B) {
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	for name, outcome := range map[string]error{"success": nil, "failure": &declined{}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, span := tracer.Start(b.Context(), "work")
				err := outcome
				End(span, &err, classify)
			}
		})
	}
}
