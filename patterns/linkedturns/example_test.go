package linkedturns

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Three turns of one backorder are three traces, and every one finds the one
// before it and the first.
func Example() {
	spans := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(spans), sdktrace.WithIDGenerator(&numbers{}))
	stored := propagation.MapCarrier{} // with the backorder, in the database

	for range 3 {
		chain, err := Extract(stored)
		if err != nil {
			fmt.Println(err) // the chain is zero, so this turn begins a new one
		}
		_, span := tp.Tracer("example").Start(context.Background(), "POST /backorders/{id}",
			trace.WithNewRoot(),
			trace.WithLinks(chain.Links()...),
			trace.WithAttributes(attribute.String("shop.workflow.id", "backorder-7")),
		)
		chain.Next(span.SpanContext()).Inject(stored)
		span.End()
	}

	for _, span := range spans.Ended() {
		fmt.Println("trace", span.SpanContext().TraceID())
		for _, link := range span.Links() {
			fmt.Println("  link", link.Attributes[0].Value.AsString(), link.SpanContext.TraceID())
		}
	}
	for _, field := range []string{OriginTraceparent, PreviousTraceparent, TurnNumber} {
		fmt.Println(field, stored[field])
	}

	// Output:
	// trace 00000000000000000000000000000001
	// trace 00000000000000000000000000000002
	//   link previous_turn 00000000000000000000000000000001
	//   link origin 00000000000000000000000000000001
	// trace 00000000000000000000000000000003
	//   link previous_turn 00000000000000000000000000000002
	//   link origin 00000000000000000000000000000001
	// origin-traceparent 00-00000000000000000000000000000001-0000000000000001-01
	// previous-traceparent 00-00000000000000000000000000000003-0000000000000003-01
	// turn 3
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
