package sampling

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func BenchmarkShouldSample(b *testing.B) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, Remote: true})
	for name, remote := range map[string]FromRemote{"trust": Trust, "decide": Decide} {
		b.Run(name, func(b *testing.B) {
			sampler := New(sdktrace.TraceIDRatioBased(0.5), remote)
			p := sdktrace.SamplingParameters{
				ParentContext: trace.ContextWithSpanContext(b.Context(), sc), TraceID: sc.TraceID()}
			b.ReportAllocs()
			for b.Loop() {
				_ = sampler.ShouldSample(p)
			}
		})
	}
}
