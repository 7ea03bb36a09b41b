package underroot

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// The gateway begins a trace; two hops later somebody audits the order.
func Example() {
	spans := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(spans), sdktrace.WithIDGenerator(&numbers{}))
	tracer := tp.Tracer("example")
	prop := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, Propagator{})

	ctx, request := tracer.Start(context.Background(), "POST /orders")
	ctx, call := tracer.Start(WithRoot(ctx), "POST")
	headers := propagation.MapCarrier{}
	prop.Inject(ctx, headers)

	remote := prop.Extract(context.Background(), headers)
	_, audit := Start(remote, tracer, "audit order")
	audit.End()
	call.End()
	request.End()

	for _, span := range spans.Ended() {
		fmt.Printf("%q: span %s, parent %s\n",
			span.Name(), span.SpanContext().SpanID(), span.Parent().SpanID())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(), link.SpanContext.SpanID())
		}
	}

	// Output:
	// "audit order": span 0000000000000003, parent 0000000000000001
	//   link: caller 0000000000000002
	// "POST": span 0000000000000002, parent 0000000000000001
	// "POST /orders": span 0000000000000001, parent 0000000000000000
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
