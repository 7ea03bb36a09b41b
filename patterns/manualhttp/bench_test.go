package manualhttp

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func BenchmarkRoundTripAndServe(b *testing.B) {
	tracer := sdktrace.NewTracerProvider().Tracer("bench")
	h := handler(tracer, respond(200))
	transport := Transport{Tracer: tracer, Propagator: propagation.TraceContext{},
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			h.ServeHTTP(httptest.NewRecorder(), r)
			return &http.Response{StatusCode: http.StatusOK}, nil
		})}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://h/orders/o-7", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := transport.RoundTrip(r); err != nil {
			b.Fatal(err)
		}
	}
}
