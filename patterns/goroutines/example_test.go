package goroutines

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// A request hands two jobs to a pool: a receipt that stays in its trace, and a
// cache refresh that gets one of its own.
func Example() {
	tracer, spans := exampleTracer()
	pool := NewPool(1, 10)

	ctx, cancel := context.WithCancel(context.Background())
	ctx, request := tracer.Start(ctx, "POST /orders")
	receipt := pool.Submit(ctx, func(ctx context.Context) {
		_, span := tracer.Start(ctx, "write receipt")
		defer span.End()
	})
	refresh := pool.Submit(ctx, func(ctx context.Context) {
		_, span := NewRoot(ctx, tracer, "refresh cache", LinkCaller)
		defer span.End()
	})
	request.End()
	cancel() // the response is sent; the jobs go on
	pool.Close()
	fmt.Println(receipt, refresh, pool.Submit(context.Background(), nil))

	for _, name := range []string{"write receipt", "refresh cache"} {
		span := find(spans, name)
		fmt.Printf("%q: parent is the request %t, same trace %t\n", name,
			span.Parent().SpanID() == request.SpanContext().SpanID(),
			span.SpanContext().TraceID() == request.SpanContext().TraceID())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(),
				link.SpanContext.SpanID() == request.SpanContext().SpanID())
		}
	}

	// Output:
	// <nil> <nil> pool is closed
	// "write receipt": parent is the request true, same trace true
	// "refresh cache": parent is the request false, same trace false
	//   link: caller true
}

func find(spans *tracetest.SpanRecorder, name string) sdktrace.ReadOnlySpan {
	for _, span := range spans.Ended() {
		if span.Name() == name {
			return span
		}
	}
	return nil
}

func exampleTracer() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("example"), spans
}
