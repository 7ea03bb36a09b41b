package baggagepolicy

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkFilter(b *testing.B) {
	p := Policy{Allow: []string{"tenant"}}
	ctx := withBaggage(b, b.Context(), "tenant=blue,user=ada")
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Filter(ctx)
	}
}

func BenchmarkTransport(b *testing.B) {
	p := Policy{Internal: []string{"order"}}
	rt := p.Transport(roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil }))
	for name, url := range map[string]string{"internal": "http://order/", "third": "http://b.example/"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
			r.Header.Set("baggage", "tenant=blue")
			b.ReportAllocs()
			for b.Loop() {
				_, _ = rt.RoundTrip(r)
			}
		})
	}
}
