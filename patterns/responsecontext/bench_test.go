package responsecontext

import (
	"net/http"
	"testing"
)

func BenchmarkInject(b *testing.B) {
	sc := exampleSpanContext()
	b.ReportAllocs()
	for b.Loop() {
		Set(http.Header{}, sc)
	}
}

func BenchmarkExtract(b *testing.B) {
	h := http.Header{"Server-Timing": {`db;dur=53`, good}}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Parse(h); !ok {
			b.Fatal("nothing found")
		}
	}
}
