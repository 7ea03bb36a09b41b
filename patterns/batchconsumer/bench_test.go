package batchconsumer

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace/noop"
)

// The tracer does nothing here: what is measured is this package, for ten messages.
func BenchmarkProcess(b *testing.B) {
	consumer := consumer(noop.NewTracerProvider().Tracer(""))
	msgs := make([]redis.XMessage, 10)
	for i := range msgs {
		msgs[i] = redis.XMessage{ID: "1-0", Values: map[string]any{"traceparent": parentOne}}
	}
	each := func(ctx context.Context, _ redis.XMessage) error {
		_, span := consumer.Start(ctx, "fulfil order")
		span.End()
		return nil
	}
	b.ReportAllocs()
	for b.Loop() {
		consumer.Process(b.Context(), destination, msgs, each)
	}
}
