package streammessage

import (
	"context"
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const destination = "orders.placed"

func TestAMessageWithoutContextIsANewRoot(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, fields := range map[string]map[string]any{
		"no fields":         nil,
		"no traceparent":    {"order": "o-7", "tracestate": "congo=1"},
		"garbage":           {"traceparent": "x", "tracestate": "=", "baggage": "%zz;="},
		"zero ids":          {"traceparent": "00-00000000000000000000000000000000-0000000000000000-01"},
		"not a string":      {"traceparent": []byte(parent)},
		"number":            {"traceparent": 7},
		"another spelling":  {"Traceparent": parent},
		"truncated":         {"traceparent": parent[:54]},
		"version forbidden": {"traceparent": "ff" + parent[2:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := exampleTracer()
			ctx, polling := tracer.Start(t.Context(), "poll") // must not become the parent
			ctx = withBaggage(t, ctx, "polling", "1")

			called := 0
			err := consumer(tracer).Process(ctx, destination, message(fields),
				func(ctx context.Context) error {
					called++
					if got := baggage.FromContext(ctx).Len(); got != 0 {
						t.Errorf("%d baggage members, want none of the polling loop's", got)
					}
					return nil
				})
			if err != nil || called != 1 {
				t.Fatalf("Process = %v after %d calls of handle, want one call", err, called)
			}
			span := spans.Ended()[0]
			if span.Parent().IsValid() || len(span.Links()) != 0 ||
				span.SpanContext().TraceID() == polling.SpanContext().TraceID() {
				t.Errorf("parent %v, links %v, want a new root", span.Parent(), span.Links())
			}
		})
	}
}

func TestHandlerErrorIsOnTheSpanAndReturned(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	err := consumer(tracer).Process(t.Context(), destination, message(nil),
		func(context.Context) error { return &declined{} })
	if _, ok := err.(*declined); !ok { //nolint:errorlint // it must come back unwrapped
		t.Errorf("error = %v, want the handler's own", err)
	}
	checkFailed(t, spans.Ended()[0])
}

func TestAddErrorIsOnTheSpanAndReturned(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	err := producer(tracer).Send(t.Context(), destination, nil,
		func(context.Context, map[string]any) (string, error) { return "1-0", &declined{} })
	if _, ok := err.(*declined); !ok { //nolint:errorlint // it must come back unwrapped
		t.Errorf("error = %v, want add's own", err)
	}
	checkFailed(t, spans.Ended()[0])
	if _, present := value(spans.Ended()[0], "messaging.message.id"); present {
		t.Error("messaging.message.id of a message that was not sent")
	}
}

func TestSpanEndsWhenWorkPanics(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	func() {
		defer func() { _ = recover() }()
		_ = consumer(tracer).Process(t.Context(), destination, message(nil),
			func(context.Context) error { panic("work") })
	}()
	if got := len(spans.Ended()); got != 1 {
		t.Errorf("%d spans ended, want 1", got)
	}
}

func TestSendLeavesTheCallersFieldsAlone(t *testing.T) {
	t.Parallel()
	tracer, _ := exampleTracer()
	fields := map[string]any{"order": "o-7", "traceparent": "stale", "tracestate": "stale=1"}
	var sent map[string]any
	err := producer(tracer).Send(t.Context(), destination, fields,
		func(_ context.Context, fields map[string]any) (string, error) {
			sent = fields
			return "", nil
		})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"order": "o-7", "traceparent": "stale", "tracestate": "stale=1"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("caller's fields (-want +got):\n%s", diff)
	}
	want = map[string]any{
		"order":       "o-7",
		"traceparent": "00-00000000000000000000000000000001-0000000000000001-01",
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent fields (-want +got):\n%s", diff)
	}
}

func TestRoundTripThroughAConsumerGroup(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	tracer, spans := exampleTracer()
	ctx, request := tracer.Start(t.Context(), "POST /orders")
	ctx = withBaggage(t, ctx, "tenant", "blue")
	if err := client.XGroupCreateMkStream(ctx, destination, "settlement", "0").Err(); err != nil {
		t.Fatal(err)
	}
	err := producer(tracer).Send(ctx, destination, map[string]any{"order": "o-7"},
		func(ctx context.Context, fields map[string]any) (string, error) {
			var entry *redis.StringCmd // in one transaction with the state it tells of
			_, err := client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
				tx.Set(ctx, "order:o-7", "placed", 0)
				entry = tx.XAdd(ctx, &redis.XAddArgs{Stream: destination, Values: fields})
				return nil
			})
			return entry.Val(), err
		})
	if err != nil {
		t.Fatal(err)
	}
	streams, err := client.XReadGroup(t.Context(), &redis.XReadGroupArgs{
		Group: "settlement", Consumer: "c", Streams: []string{destination, ">"}, Count: 1,
	}).Result()
	if err != nil {
		t.Fatal(err)
	}
	msg := streams[0].Messages[0]
	err = consumer(tracer).Process(t.Context(), destination, msg, func(ctx context.Context) error {
		if got := baggage.FromContext(ctx).Member("tenant").Value(); got != "blue" {
			t.Errorf("baggage tenant = %q, want blue", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	send, process := spans.Ended()[0], spans.Ended()[1]
	if send.Parent().SpanID() != request.SpanContext().SpanID() {
		t.Errorf("PRODUCER's parent = %v, want the request", send.Parent())
	}
	checkSpan(t, send, trace.SpanKindProducer, "send orders.placed", map[string]string{
		"messaging.system": "redis", "messaging.operation.name": "send",
		"messaging.operation.type":   "send",
		"messaging.destination.name": destination, "messaging.message.id": msg.ID,
	})
	checkSpan(t, process, trace.SpanKindConsumer, "process orders.placed", map[string]string{
		"messaging.system": "redis", "messaging.operation.name": "process",
		"messaging.operation.type":   "process",
		"messaging.destination.name": destination, "messaging.message.id": msg.ID,
		"messaging.consumer.group.name": "settlement",
	})
	remote := send.SpanContext().WithRemote(true)
	if !process.Parent().Equal(remote) {
		t.Errorf("CONSUMER's parent = %v, want the PRODUCER, remote", process.Parent())
	}
	links := []sdktrace.Link{{
		SpanContext: remote,
		Attributes:  []attribute.KeyValue{attribute.String("shop.link.type", "producer")},
	}}
	if diff := cmp.Diff(links, process.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("CONSUMER's links (-want +got):\n%s", diff)
	}
}

func TestLinkIsThereForTheSampler(t *testing.T) {
	t.Parallel()
	var links []trace.Link
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(samplerFunc(
		func(p sdktrace.SamplingParameters) { links = p.Links })))
	err := consumer(tp.Tracer("test")).Process(t.Context(), destination, message(map[string]any{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}), func(context.Context) error { return nil })
	if err != nil || len(links) != 1 {
		t.Errorf("sampler saw %d links (error %v), want 1", len(links), err)
	}
}

func TestCarrierHoldsOnlyStrings(t *testing.T) {
	t.Parallel()
	c := Carrier{"a": "1", "b": 2}
	c.Set("c", "3")
	keys := c.Keys()
	slices.Sort(keys)
	if diff := cmp.Diff([]string{"a", "c"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if c.Get("a") != "1" || c.Get("b") != "" || c.Get("c") != "3" || c.Get("d") != "" {
		t.Errorf("carrier = %v", c)
	}
}

func producer(tracer trace.Tracer) Producer {
	return Producer{Tracer: tracer, Propagator: allOfW3C()}
}

func consumer(tracer trace.Tracer) Consumer {
	return Consumer{Tracer: tracer, Propagator: allOfW3C(), Group: "settlement"}
}

func allOfW3C() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{})
}

func message(fields map[string]any) redis.XMessage {
	return redis.XMessage{ID: "1767225600000-0", Values: fields}
}

func newClient(t *testing.T) *redis.Client {
	t.Helper()
	client := exampleClient(miniredis.RunT(t).Addr())
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func withBaggage(t *testing.T, ctx context.Context, key, value string) context.Context {
	t.Helper()
	member, err := baggage.NewMember(key, value)
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	return baggage.ContextWithBaggage(ctx, bag)
}

func checkSpan(
	t *testing.T, span sdktrace.ReadOnlySpan, kind trace.SpanKind, name string, want map[string]string,
) {
	t.Helper()
	if span.SpanKind() != kind || span.Name() != name {
		t.Errorf("span = %s %q, want %s %q", span.SpanKind(), span.Name(), kind, name)
	}
	got := make(map[string]string)
	for _, kv := range span.Attributes() {
		got[string(kv.Key)] = kv.Value.AsString()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: attributes (-want +got):\n%s", name, diff)
	}
	if got := span.Status().Code; got != codes.Unset {
		t.Errorf("%s: status = %v, want unset", name, got)
	}
}

func checkFailed(t *testing.T, span sdktrace.ReadOnlySpan) {
	t.Helper()
	if got := span.Status(); got.Code != codes.Error || got.Description != "" {
		t.Errorf("status = %+v, want Error without the error's text", got)
	}
	if got, _ := value(span, "error.type"); got != "card_declined" {
		t.Errorf("error.type = %q, want card_declined", got)
	}
}

func value(span sdktrace.ReadOnlySpan, key attribute.Key) (string, bool) {
	for _, kv := range span.Attributes() {
		if kv.Key == key {
			return kv.Value.AsString(), true
		}
	}
	return "", false
}

// declined is an error that names its own type, as semconv.ErrorType allows.
type declined struct{}

func (*declined) Error() string     { return "card 4242 declined" }
func (*declined) ErrorType() string { return "card_declined" }

type samplerFunc func(sdktrace.SamplingParameters)

func (f samplerFunc) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	f(p)
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (samplerFunc) Description() string { return "test" }
