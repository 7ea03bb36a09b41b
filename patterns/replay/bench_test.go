package replay

import (
	"strconv"
	"testing"
)

// BenchmarkFirst is what the first request of a key costs, with a Redis in the
// same process.
func BenchmarkFirst(b *testing.B) {
	store, _ := newStore(b)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		claim := begin(b, store, strconv.Itoa(n))
		if err := store.Finish(b.Context(), claim, spanContext(), []byte("201")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	store, _ := newStore(b)
	if err := store.Finish(b.Context(), begin(b, store, key), spanContext(), []byte("201")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, original, err := store.Begin(b.Context(), key, asked); err != nil || original == nil {
			b.Fatal(err)
		}
	}
}
