package sweep

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Two abandoned checkouts expire in one run, which is linked to both.
func Example() {
	tracer, spans := exampleTracer()
	var abandoned []Item
	for _, id := range []string{"checkout-7", "checkout-8"} {
		_, turn := tracer.Start(context.Background(), "PUT /checkouts/{id}/items")
		turn.End()
		abandoned = append(abandoned, Item{ID: id, Context: turn.SpanContext()})
	}

	sweeper := Sweeper{Tracer: tracer}
	err := sweeper.RunOnce(context.Background(), "expire checkouts",
		func(context.Context) ([]Item, error) { return abandoned, nil },
		func(_ context.Context, item Item) error {
			fmt.Println("expired", item.ID)
			return nil
		})
	if err != nil {
		fmt.Println(err)
	}
	for _, span := range spans.Ended() {
		fmt.Printf("trace %s: %s %q\n",
			span.SpanContext().TraceID().String()[30:], span.SpanKind(), span.Name())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(),
				link.SpanContext.TraceID().String()[30:], link.Attributes[1].Value.AsString())
		}
	}

	// Output:
	// expired checkout-7
	// expired checkout-8
	// trace 01: internal "PUT /checkouts/{id}/items"
	// trace 02: internal "PUT /checkouts/{id}/items"
	// trace 03: internal "expire checkouts"
	//   link: batch_item 01 checkout-7
	//   link: batch_item 02 checkout-8
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
