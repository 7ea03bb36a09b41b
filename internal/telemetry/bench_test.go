package telemetry_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/telemetry"
)

// BenchmarkSpan is a SERVER span as otelhttp makes it, from its start to the exporter's hands:
// what redaction costs is the ratio of the two.
func BenchmarkSpan(b *testing.B) {
	for name, unredacted := range map[string]bool{"redacted": false, "unredacted": true} {
		b.Run(name, func(b *testing.B) {
			tel, err := telemetry.New(b.Context(), telemetry.Config{
				Service: "bench", Unredacted: unredacted, QueueSize: 100_000,
				SpanExporter: tracetest.NewNoopExporter(), LogExporter: &logExporter{},
				MetricReader: sdkmetric.NewManualReader(),
			})
			if err != nil {
				b.Fatal(err)
			}
			tracer := tel.TracerProvider.Tracer("bench")
			b.ReportAllocs()
			for n := 1; b.Loop(); n++ {
				_, span := tracer.Start(b.Context(), "POST /checkouts/{id}/payment",
					trace.WithSpanKind(trace.SpanKindServer))
				span.SetAttributes(
					attribute.String("http.request.method", "POST"),
					attribute.String("http.route", "/checkouts/{id}/payment"),
					attribute.String("url.path", "/checkouts/k7xq2m4n8p/payment"),
					attribute.String("url.scheme", "http"),
					attribute.String("server.address", "127.0.0.1"),
					attribute.Int("server.port", 8080),
					attribute.String("network.peer.address", "127.0.0.1"),
					attribute.Int("network.peer.port", 51312),
					attribute.String("user_agent.original", "curl/8.5.0"),
					attribute.String("network.protocol.version", "1.1"),
					attribute.Int("http.response.status_code", 200),
					attribute.String("shop.workflow.id", "k7xq2m4n8p"),
				)
				span.End()
				if n%512 == 0 {
					if err := tel.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := tel.Shutdown(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
