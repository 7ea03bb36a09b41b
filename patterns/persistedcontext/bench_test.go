package persistedcontext

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

func BenchmarkInject(b *testing.B) {
	sc := exampleSpan(trace.SpanContext{}, 1)
	p := Process{}.next(sc, time.UnixMilli(0))
	b.ReportAllocs()
	for b.Loop() {
		p.fields()
	}
}

func BenchmarkExtract(b *testing.B) {
	p := Process{}.next(exampleSpan(trace.SpanContext{}, 1), time.UnixMilli(0))
	stored := p.fields()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(stored); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	store, _ := newStore(b)
	b.ReportAllocs()
	for b.Loop() {
		turn(b, store, 1)
	}
}
