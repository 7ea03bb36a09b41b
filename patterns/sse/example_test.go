package sse

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// An order is shipped while a browser listens: the event is a trace of its own,
// linked to the request that shipped it.
func Example() {
	tracer, spans := exampleTracer()
	_, cause := tracer.Start(context.Background(), "POST /orders/{id}/ship")
	cause.End()
	events := make(chan Event, 1)
	events <- Event{ID: "1", Name: "order.shipped", Data: map[string]any{"order": "o-7"},
		Cause: cause.SpanContext()}
	close(events)

	handler := func(w http.ResponseWriter, r *http.Request) {
		ctx, _ := tracer.Start(r.Context(), "GET /orders/{id}/events") // by otelhttp
		err := Stream{Tracer: tracer}.Serve(w, r.WithContext(ctx), events)
		if err != nil {
			fmt.Println(err)
		}
	}
	recorder := httptest.NewRecorder()
	handler(recorder, httptest.NewRequest(http.MethodGet, "/orders/o-7/events", http.NoBody))

	fmt.Print(recorder.Body)
	for _, span := range spans.Ended() {
		fmt.Printf("trace %s: %s %q\n",
			span.SpanContext().TraceID().String()[30:], span.SpanKind(), span.Name())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(),
				link.SpanContext.TraceID().String()[30:])
		}
	}

	// Output:
	// id: 1
	// event: order.shipped
	// data: {"order":"o-7","traceparent":"00-00000000000000000000000000000003-0000000000000003-01"}
	//
	// trace 01: internal "POST /orders/{id}/ship"
	// trace 02: internal "GET /orders/{id}/events"
	// trace 03: producer "send order.shipped"
	//   link: origin 01
}

// exampleTracer numbers its traces and spans, so that the output is fixed.
func exampleTracer() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(spans), sdktrace.WithIDGenerator(&numbers{}))
	return tp.Tracer("example"), spans
}

// numbers is an id generator for one goroutine: 1, 2, 3, ...
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
