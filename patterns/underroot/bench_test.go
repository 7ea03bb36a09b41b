package underroot

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkStart(b *testing.B) {
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	for name, header := range map[string]string{"child": "", "under root": root} {
		b.Run(name, func(b *testing.B) {
			ctx := both().Extract(b.Context(), propagation.MapCarrier{
				"traceparent": caller, Header: header})
			b.ReportAllocs()
			for b.Loop() {
				_, span := Start(ctx, tracer, "work")
				span.End()
			}
		})
	}
}
