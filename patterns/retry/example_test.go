package retry

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A server that is busy once: two CLIENT spans, siblings, and an event between.
func Example() {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	spans := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))

	client := &http.Client{Transport: Transport{
		Base:  otelhttp.NewTransport(Count(http.DefaultTransport), otelhttp.WithTracerProvider(tp)),
		Sleep: func(context.Context, time.Duration) error { return nil }, // not in an example
	}}
	ctx, parent := tp.Tracer("example").Start(context.Background(), "price order")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = response.Body.Close()
	parent.End()

	for _, span := range spans.Ended() {
		fmt.Printf("%s %q: child of price order %t\n", span.SpanKind(), span.Name(),
			span.Parent().SpanID() == parent.SpanContext().SpanID())
		for _, kv := range span.Attributes() {
			switch kv.Key {
			case "http.response.status_code", "http.request.resend_count", "error.type":
				fmt.Printf("  %s = %s\n", kv.Key, kv.Value.String())
			}
		}
		for _, event := range span.Events() {
			fmt.Println("  event:", event.Name)
			for _, kv := range event.Attributes {
				fmt.Printf("    %s = %s\n", kv.Key, kv.Value.String())
			}
		}
	}

	// Output:
	// client "HTTP GET": child of price order true
	//   http.response.status_code = 503
	//   error.type = 503
	// client "HTTP GET": child of price order true
	//   http.request.resend_count = 1
	//   http.response.status_code = 200
	// internal "price order": child of price order false
	//   event: retry
	//     http.request.resend_count = 1
	//     error.type = 503
	//     shop.retry.delay = 1
}
