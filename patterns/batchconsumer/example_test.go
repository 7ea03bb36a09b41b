package batchconsumer

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Two orders, read at once: the work on each continues the order's own trace.
func Example() {
	tracer, spans := exampleTracer()
	consumer := Consumer{
		Tracer: tracer, Propagator: propagation.TraceContext{}, Group: "fulfilment",
	}
	messages := []redis.XMessage{ // from one XREADGROUP
		{ID: "1767225600000-0", Values: map[string]any{"order": "o-7",
			"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
		{ID: "1767225600000-1", Values: map[string]any{"order": "o-8",
			"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
	}
	errs := consumer.Process(context.Background(), "orders.settled", messages,
		func(ctx context.Context, _ redis.XMessage) error {
			_, span := consumer.Start(ctx, "fulfil order")
			defer span.End()
			return nil // and do it
		})
	fmt.Println(errs)
	for _, span := range spans.Ended() {
		fmt.Printf("trace %.8s %s %q: span %s, parent %s\n", span.SpanContext().TraceID(),
			span.SpanKind(), span.Name(), span.SpanContext().SpanID(), span.Parent().SpanID())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(), link.SpanContext.SpanID())
		}
	}

	// Output:
	// [<nil> <nil>]
	// trace 4bf92f35 internal "fulfil order": span 0000000000000002, parent 00f067aa0ba902b7
	//   link: batch 0000000000000001
	// trace 0af76519 internal "fulfil order": span 0000000000000003, parent b7ad6b7169203331
	//   link: batch 0000000000000001
	// trace 00000000 consumer "process orders.settled": span 0000000000000001, parent 0000000000000000
	//   link: batch_item 00f067aa0ba902b7
	//   link: batch_item b7ad6b7169203331
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
