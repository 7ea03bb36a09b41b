package outbox

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Two requests append an event each, and the relay sends both: every message
// stays in the trace of its own request.
func Example() {
	tracer, spans := exampleTracer()
	prop := propagation.TraceContext{}

	var table []Event // a table, or a Redis list, written in the state's transaction
	for _, order := range []string{"o-7", "o-8"} {
		ctx, request := tracer.Start(context.Background(), "POST /orders/{id}/confirm")
		table = append(table, Event{
			ID: order, Context: Capture(ctx, prop), Fields: map[string]any{"order": order},
		})
		request.End()
	}

	relay := Relay{Tracer: tracer, Propagator: prop}
	err := relay.Run(context.Background(), table, func(ctx context.Context, event Event) error {
		return relay.Dispatch(ctx, "orders.placed", event,
			func(_ context.Context, fields map[string]any) (string, error) {
				fmt.Println("sent:", fields["order"], fields["traceparent"])
				return "1767225600000-0", nil // XADD
			})
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, span := range spans.Ended() {
		fmt.Printf("trace %s %s %q: span %s, parent %s\n", span.SpanContext().TraceID().String()[30:],
			span.SpanKind(), span.Name(), span.SpanContext().SpanID(), span.Parent().SpanID())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(), link.SpanContext.SpanID())
		}
	}

	// Output:
	// sent: o-7 00-00000000000000000000000000000001-0000000000000004-01
	// sent: o-8 00-00000000000000000000000000000002-0000000000000005-01
	// trace 01 internal "POST /orders/{id}/confirm": span 0000000000000001, parent 0000000000000000
	// trace 02 internal "POST /orders/{id}/confirm": span 0000000000000002, parent 0000000000000000
	// trace 01 producer "send orders.placed": span 0000000000000004, parent 0000000000000001
	// trace 02 producer "send orders.placed": span 0000000000000005, parent 0000000000000002
	// trace 03 internal "relay outbox": span 0000000000000003, parent 0000000000000000
	//   link: origin 0000000000000001
	//   link: origin 0000000000000002
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
