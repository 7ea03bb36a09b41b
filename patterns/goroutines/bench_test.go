package goroutines

import (
	"context"
	"testing"
)

func BenchmarkSubmit(b *testing.B) {
	pool := NewPool(1, 64)
	run := func(context.Context) {}
	b.ReportAllocs()
	for b.Loop() {
		if err := pool.Submit(b.Context(), run); err != nil {
			b.Fatal(err)
		}
	}
	pool.Close()
}
