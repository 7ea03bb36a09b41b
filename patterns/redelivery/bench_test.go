package redelivery

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// BenchmarkReadAck is what one message costs, with a Redis in the same process.
func BenchmarkReadAck(b *testing.B) {
	reader, _ := newReader(b)
	b.ReportAllocs()
	for b.Loop() {
		err := reader.Client.XAdd(b.Context(), &redis.XAddArgs{
			Stream: reader.Stream, Values: map[string]any{"order": "o-7"},
		}).Err()
		if err != nil {
			b.Fatal(err)
		}
		deliveries := read(b, reader)
		if len(deliveries) != 1 {
			b.Fatalf("%d deliveries, want 1", len(deliveries))
		}
		if err := reader.Ack(b.Context(), deliveries[0]); err != nil {
			b.Fatal(err)
		}
	}
}
