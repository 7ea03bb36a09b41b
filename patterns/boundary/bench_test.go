package boundary

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkHandler(b *testing.B) {
	for name, h := range map[string]http.Header{
		"clean": {"Traceparent": {parent}, "Tracestate": {"a=1,b=2"}},
		"mend":  {"Traceparent": {parent}, "Tracestate": {"a=1", "b=2"}, "Baggage": {"a=1"}},
	} {
		b.Run(name, func(b *testing.B) {
			handler := Edge{}.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
			r.Header = h
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(w, r)
			}
		})
	}
}

func BenchmarkExtract(b *testing.B) {
	for name, state := range map[string]string{"level1": "a=1,b=2", "level2": "a=1,b@=2"} {
		b.Run(name, func(b *testing.B) {
			in := carrier{"traceparent": parent, "tracestate": state}
			b.ReportAllocs()
			for b.Loop() {
				_ = Propagator{}.Extract(b.Context(), in)
			}
		})
	}
}

func BenchmarkInject(b *testing.B) {
	for name, state := range map[string]string{"level1": "a=1,b=2", "level2": "a=1,b@=2"} {
		b.Run(name, func(b *testing.B) {
			ctx := Propagator{}.Extract(b.Context(), carrier{
				"traceparent": parent, "tracestate": state})
			b.ReportAllocs()
			for b.Loop() {
				Propagator{}.Inject(ctx, carrier{})
			}
		})
	}
}
