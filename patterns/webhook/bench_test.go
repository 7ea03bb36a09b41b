package webhook

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func BenchmarkInject(b *testing.B) {
	ctx := trace.ContextWithSpanContext(b.Context(), spanContext(b))
	carrier := propagation.MapCarrier{}
	b.ReportAllocs()
	for b.Loop() {
		ThirdParty{}.Inject(ctx, carrier)
	}
}

func BenchmarkVerify(b *testing.B) {
	body, now := make([]byte, 1024), time.Now()
	header := Sign(secret(), body, now)
	b.ReportAllocs()
	for b.Loop() {
		if err := Verify(secret(), header, body, now); err != nil {
			b.Fatal(err)
		}
	}
}
