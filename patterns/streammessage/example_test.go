package streammessage

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// One service appends, another reads: one trace, and a link that says why.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := exampleClient(server.Addr())
	defer func() { _ = client.Close() }()
	tracer, spans := exampleTracer()
	prop := propagation.TraceContext{}
	ctx := context.Background()

	producer := Producer{Tracer: tracer, Propagator: prop}
	err := producer.Send(ctx, "orders.placed", map[string]any{"order": "o-7"},
		func(ctx context.Context, fields map[string]any) (string, error) {
			return client.XAdd(ctx, &redis.XAddArgs{
				Stream: "orders.placed", ID: "1767225600000-0", Values: fields,
			}).Result()
		})
	if err != nil {
		fmt.Println(err)
	}

	messages, err := client.XRange(ctx, "orders.placed", "-", "+").Result()
	if err != nil {
		fmt.Println(err)
	}
	consumer := Consumer{Tracer: tracer, Propagator: prop, Group: "settlement"}
	for _, msg := range messages {
		fmt.Println("message:", msg.Values["order"], msg.Values["traceparent"])
		err := consumer.Process(ctx, "orders.placed", msg, func(context.Context) error {
			return nil // settle the order
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	for _, span := range spans.Ended() {
		fmt.Printf("%s %q: span %s, parent %s\n", span.SpanKind(), span.Name(),
			span.SpanContext().SpanID(), span.Parent().SpanID())
		for _, link := range span.Links() {
			fmt.Println("  link:", link.Attributes[0].Value.AsString(), link.SpanContext.SpanID())
		}
	}

	// Output:
	// message: o-7 00-00000000000000000000000000000001-0000000000000001-01
	// producer "send orders.placed": span 0000000000000001, parent 0000000000000000
	// consumer "process orders.placed": span 0000000000000002, parent 0000000000000001
	//   link: producer 0000000000000001
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

// exampleClient keeps the connection free of commands that are not its user's.
func exampleClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:            addr,
		MaxRetries:      -1,
		DialerRetries:   1,
		DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
}
