package redact

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func BenchmarkExportSpans(b *testing.B) {
	spans := tracetest.SpanStubs{{
		Name: "POST /checkouts/{id}",
		Attributes: []attribute.KeyValue{
			attribute.String("http.request.method", "POST"),
			attribute.String("http.route", "/checkouts/{id}"),
			attribute.String("url.path", "/checkouts/4bf92f3577b34da6"),
			attribute.String("server.address", "127.0.0.1"),
			attribute.Int("http.response.status_code", 200),
		},
	}}.Snapshots()
	exporter := New(Rules{}).Spans(tracetest.NewNoopExporter())
	b.ReportAllocs()
	for b.Loop() {
		if err := exporter.ExportSpans(b.Context(), spans); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkText(b *testing.B) {
	r := New(Rules{})
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Text("pay https://h/a?token=x with 4111 1111 1111 1111 as ada@example.com")
	}
}

// What a hostile caller can make us read: no byte may cost much more than in a text like ours.
func BenchmarkHostileText(b *testing.B) {
	r := New(Rules{})
	for _, piece := range []string{"plain words ", "@", "a1", "a:b@", "4111a", "bearer abcdef ", "a=1;&"} {
		b.Run(piece, func(b *testing.B) {
			s := strings.Repeat(piece, maxText/len(piece))
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				_ = r.Text(s)
			}
		})
	}
}
