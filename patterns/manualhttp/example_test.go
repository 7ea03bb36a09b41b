package manualhttp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func Example() {
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(spans), sdktrace.WithIDGenerator(&numbers{})).Tracer("example")
	prop := propagation.TraceContext{}

	server := httptest.NewServer(Handler{
		Tracer: tracer, Propagator: prop, Route: "/orders/{id}",
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println("traceparent:", r.Header.Get("traceparent"))
			http.NotFound(w, r)
		}),
	})
	client := http.Client{Transport: Transport{Tracer: tracer, Propagator: prop}}
	r, _ := http.NewRequestWithContext(
		context.Background(), http.MethodGet, server.URL+"/orders/o-7", nil)
	if response, err := client.Do(r); err == nil {
		_ = response.Body.Close()
	}
	server.Close()

	for _, span := range spans.Ended() {
		fmt.Printf("%s %q: span %s, parent %s, status %s\n", span.SpanKind(), span.Name(),
			span.SpanContext().SpanID(), span.Parent().SpanID(), span.Status().Code)
	}

	// Unordered output:
	// traceparent: 00-00000000000000000000000000000001-0000000000000001-01
	// server "GET /orders/{id}": span 0000000000000002, parent 0000000000000001, status Unset
	// client "GET": span 0000000000000001, parent 0000000000000000, status Error
}

// numbers is an id generator for spans that start one after the other.
type numbers struct{ traces, spans byte }

func (n *numbers) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	n.traces++
	traceID := trace.TraceID{15: n.traces}
	return traceID, n.NewSpanID(ctx, traceID)
}

func (n *numbers) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	n.spans++
	return trace.SpanID{7: n.spans}
}
