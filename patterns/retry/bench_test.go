package retry

import (
	"net/http"
	"testing"
)

// BenchmarkRoundTrip is what a request costs that needs no retry.
func BenchmarkRoundTrip(b *testing.B) {
	client := Transport{Base: &peer{answers: []answer{{status: 200}}}}
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://peer", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		response, err := client.RoundTrip(request)
		if err != nil {
			b.Fatal(err)
		}
		_ = response.Body.Close()
	}
}
