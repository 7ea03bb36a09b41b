package spancontextpayload

import (
	"encoding/json"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	p := SpanContext{TraceID: traceID, SpanID: spanID, TraceFlags: "01", TraceState: "a=1"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Decode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	p := SpanContext{TraceID: traceID, SpanID: spanID, TraceFlags: "01", TraceState: "a=1"}
	ctx, err := Context(b.Context(), p)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(Encode(ctx)); err != nil {
			b.Fatal(err)
		}
	}
}
