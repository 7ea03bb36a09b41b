package redelivery

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// A settlement fails twice, and is buried at the third delivery: every delivery
// is a child of the same PRODUCER, and so is the one after the replay.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := exampleClient(server.Addr())
	defer func() { _ = client.Close() }()
	ctx, now := context.Background(), time.Unix(1767225600, 0)
	server.SetTime(now)
	tracer, spans := exampleTracer()

	reader := &Reader{
		Client: client, Stream: "orders.placed", Group: "settlement", Consumer: "payment-1",
		DeadLetter: "orders.dead", MaxDeliveries: 2, MinIdle: time.Minute,
	}
	if err := reader.Join(ctx); err != nil {
		fmt.Println(err)
	}
	client.XAdd(ctx, &redis.XAddArgs{Stream: "orders.placed", Values: map[string]any{
		"order":       "o-7",
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}})
	for range 3 {
		deliveries, err := reader.Read(ctx)
		if err != nil {
			fmt.Println(err)
		}
		for _, d := range deliveries {
			if reader.Exhausted(d) {
				fmt.Println("bury:", reader.Bury(ctx, d, "declined"))
				continue
			}
			process(tracer, d) // and no Ack: it failed
		}
		now = now.Add(2 * time.Minute)
		server.SetTime(now)
	}
	dead := client.XRange(ctx, "orders.dead", "-", "+").Val()[0]
	fmt.Println("dead:", dead.Values["order"], dead.Values["dead-letter.reason"],
		dead.Values["dead-letter.count"], dead.Values["dead-letter.id"])
	id, err := reader.Replay(ctx, dead.ID)
	fmt.Println("replayed as:", id, err)
	deliveries, err := reader.Read(ctx)
	fmt.Println("again:", deliveries[0].Message.Values["replay-of"], err)
	process(tracer, deliveries[0])

	for _, span := range spans.Ended() {
		fmt.Printf("%s %q: parent %s, delivery %d\n", span.SpanKind(), span.Name(),
			span.Parent().SpanID(), span.Attributes()[0].Value.AsInt64())
	}

	// Output:
	// bury: <nil>
	// dead: o-7 declined 3 1767225600000-0
	// replayed as: 1767225960000-0 <nil>
	// again: 1767225600000-0 <nil>
	// consumer "process orders.placed": parent 00f067aa0ba902b7, delivery 1
	// consumer "process orders.placed": parent 00f067aa0ba902b7, delivery 2
	// consumer "process orders.placed": parent 00f067aa0ba902b7, delivery 1
}

// process stands for the CONSUMER span that a tracing consumer makes: one for each
// delivery, child of the PRODUCER that the message names.
func process(tracer trace.Tracer, d Delivery) {
	parent, _ := d.Message.Values["traceparent"].(string)
	ctx := propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": parent})
	_, span := tracer.Start(ctx, "process orders.placed",
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(Attributes(d)...))
	span.End()
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
