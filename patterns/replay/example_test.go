package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// An order is confirmed twice with one key, and once with the same key for
// something else.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := exampleClient(server.Addr())
	defer func() { _ = client.Close() }()
	store := &Store{Client: client, Prefix: "order:idempotency:", TTL: time.Hour,
		InProgress: time.Minute}
	tracer, spans := exampleTracer()

	for _, body := range []string{`{"order":"o-7"}`, `{"order":"o-7"}`, `{"order":"o-8"}`} {
		ctx, span := tracer.Start(context.Background(), "POST /orders/{id}/confirm")
		claim, original, err := store.Begin(ctx, "c-42:key-1", Fingerprint([]byte(body)))
		switch {
		case errors.Is(err, ErrMismatch):
			fmt.Println("422", ErrMismatch)
		case err != nil:
			fmt.Println(err)
		case original != nil:
			original.AddLink(span)
			fmt.Println("replayed:", string(original.Response))
		default:
			fmt.Println("confirmed:", store.Finish(ctx, claim, span.SpanContext(), []byte("201")))
		}
		span.End()
	}
	for _, span := range spans.Ended() {
		fmt.Println("trace", span.SpanContext().TraceID())
		for _, link := range span.Links() {
			fmt.Println("  link", link.Attributes[0].Value.AsString(), link.SpanContext.TraceID())
		}
	}

	// Output:
	// confirmed: <nil>
	// replayed: 201
	// 422 idempotency key was used for another request
	// trace 00000000000000000000000000000001
	// trace 00000000000000000000000000000002
	//   link replay_of 00000000000000000000000000000001
	// trace 00000000000000000000000000000003
}

// A declined payment: the stock that one span reserved, another releases.
func ExampleCompensate() {
	tracer, spans := exampleTracer()
	ctx, request := tracer.Start(context.Background(), "POST /orders/{id}/confirm")
	_, reserve := tracer.Start(ctx, "reserve stock")
	reserve.End()
	_, release := Compensate(ctx, tracer, "release stock", reserve.SpanContext())
	release.End()
	request.End()
	for _, span := range spans.Ended()[:2] {
		fmt.Println(span.Name(), span.SpanContext().SpanID())
		for _, link := range span.Links() {
			fmt.Println("  link", link.Attributes[0].Value.AsString(), link.SpanContext.SpanID())
		}
	}

	// Output:
	// reserve stock 0000000000000002
	// release stock 0000000000000003
	//   link compensates 0000000000000002
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
