package sweep

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
)

// The tracer does nothing here: what is measured is this package, for ten items.
func BenchmarkRunOnce(b *testing.B) {
	sweeper := Sweeper{Tracer: noop.NewTracerProvider().Tracer("")}
	items := make([]Item, 10)
	for i := range items {
		items[i] = Item{ID: "w", Context: spanContext(1)}
	}
	find := func(context.Context) ([]Item, error) { return items, nil }
	touch := func(context.Context, Item) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		if err := sweeper.RunOnce(b.Context(), name, find, touch); err != nil {
			b.Fatal(err)
		}
	}
}
