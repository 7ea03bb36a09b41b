package linkedturns

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
)

func BenchmarkInject(b *testing.B) {
	chain, carrier := turns(3), propagation.MapCarrier{}
	b.ReportAllocs()
	for b.Loop() {
		chain.Inject(carrier)
	}
}

func BenchmarkExtract(b *testing.B) {
	carrier := propagation.MapCarrier{}
	turns(3).Inject(carrier)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Extract(carrier); err != nil {
			b.Fatal(err)
		}
	}
}
