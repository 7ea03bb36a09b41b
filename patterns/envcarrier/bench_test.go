package envcarrier

import "testing"

func BenchmarkContext(b *testing.B) {
	env := environ{"TRACEPARENT": parent, "TRACESTATE": "a=1"}
	b.ReportAllocs()
	for b.Loop() {
		_ = Context(b.Context(), allOfW3C(), env.lookup)
	}
}

func BenchmarkEnviron(b *testing.B) {
	ctx := Context(b.Context(), allOfW3C(), environ{"TRACEPARENT": parent}.lookup)
	in := []string{"PATH=/bin", "TRACEPARENT=" + parent, "HOME=/"}
	b.ReportAllocs()
	for b.Loop() {
		_ = Environ(ctx, allOfW3C(), in)
	}
}
