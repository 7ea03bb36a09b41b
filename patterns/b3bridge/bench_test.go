package b3bridge

import (
	"testing"
)

func BenchmarkExtract(b *testing.B) {
	for name, in := range map[string]headers{
		"W3C":    {"traceparent": w3c},
		"single": {"b3": ids + "-1"},
		"multi":  multiHeaders("x-b3-sampled", "1"),
		"none":   {},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Propagator{}.Extract(b.Context(), in)
			}
		})
	}
}

func BenchmarkInject(b *testing.B) {
	ctx := Propagator{}.Extract(b.Context(), headers{"b3": ids + "-1"})
	for name, write := range map[string]Dialect{
		"W3C": W3C, "single": B3Single, "multi": B3Multi,
	} {
		b.Run(name, func(b *testing.B) {
			out := headers{}
			b.ReportAllocs()
			for b.Loop() {
				Propagator{Write: write}.Inject(ctx, out)
			}
		})
	}
}
