package responsecontext

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/trace"
)

func Example() {
	// In a server the span context is that of the SERVER span in r.Context().
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Server-Timing", "db;dur=53") // other metrics stay
		Set(w.Header(), exampleSpanContext())
		w.WriteHeader(http.StatusServiceUnavailable)
	})

	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, value := range response.Header().Values("Server-Timing") {
		fmt.Println("Server-Timing:", value)
	}
	if sc, ok := Parse(response.Header()); ok {
		fmt.Println("please report trace", sc.TraceID())
	}

	// Output:
	// Server-Timing: db;dur=53
	// Server-Timing: traceparent;desc="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	// please report trace 4bf92f3577b34da6a3ce929d0e0e4736
}

func exampleSpanContext() trace.SpanContext {
	traceID, _ := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	spanID, _ := trace.SpanIDFromHex("00f067aa0ba902b7")
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled,
	})
}
