package batchconsumer

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	destination = "orders.settled"
	parentOne   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	parentTwo   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// One message of a batch without a context must not inherit another's, nor the
// polling loop's.
func TestAMessageWithoutContextIsNobodysChild(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]any{
		"no fields":    nil,
		"garbage":      {"traceparent": "x", "tracestate": "=", "baggage": "%zz;="},
		"truncated":    {"traceparent": parentTwo[:54]},
		"not a string": {"traceparent": []byte(parentTwo)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := exampleTracer()
			consumer := consumer(tracer)
			ctx, _ := tracer.Start(withBaggage(t, t.Context(), "polling", "1"), "poll")
			errs := consumer.Process(ctx, destination, []redis.XMessage{
				{ID: "1-0", Values: map[string]any{"traceparent": parentOne, "baggage": "tenant=blue"}},
				{ID: "2-0", Values: fields},
			}, func(ctx context.Context, msg redis.XMessage) error {
				want := map[string]string{"1-0": "tenant=blue"}[msg.ID]
				if got := baggage.FromContext(ctx).String(); got != want {
					t.Errorf("baggage of %s = %q, want %q", msg.ID, got, want)
				}
				_, span := consumer.Start(ctx, "work")
				span.End()
				return nil
			})
			if diff := cmp.Diff([]error{nil, nil}, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			second, batch := spans.Ended()[1], spans.Ended()[2]
			if second.Parent().IsValid() || second.SpanContext().TraceID()[0] != 0 {
				t.Errorf("parent = %v, want a new root", second.Parent())
			}
			if diff := cmp.Diff([]string{"batch_item 00f067aa0ba902b7 1-0"}, linksOf(batch)); diff != "" {
				t.Errorf("batch's links (-want +got):\n%s", diff)
			}
			if len(linksOf(second)) != 1 {
				t.Errorf("links = %v, want one to the batch all the same", linksOf(second))
			}
		})
	}
}

func TestErrorsAreReturnedByMessage(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	first, second := &outOfStock{}, errors.New("other")
	errs := consumer(tracer).Process(t.Context(), destination,
		[]redis.XMessage{{ID: "1-0"}, {ID: "2-0"}, {ID: "3-0"}, {ID: "4-0"}},
		func(_ context.Context, msg redis.XMessage) error {
			return map[string]error{"2-0": first, "4-0": second}[msg.ID]
		})
	if len(errs) != 4 || errs[0] != nil || errs[2] != nil ||
		!errors.Is(errs[1], first) || !errors.Is(errs[3], second) {
		t.Errorf("errors = %v, want the second's and the fourth's", errs)
	}
	batch := spans.Ended()[0]
	if got := batch.Status(); got.Code != codes.Error || got.Description != "" {
		t.Errorf("status = %+v, want Error without the error's text", got)
	}
	if got := attributesOf(batch)["error.type"]; got != "out_of_stock" {
		t.Errorf("error.type = %q, want the first error's", got)
	}
}

func TestAnEmptyReadLeavesNoSpan(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	errs := consumer(tracer).Process(t.Context(), destination, nil,
		func(context.Context, redis.XMessage) error { return errors.New("called") })
	if errs != nil || len(spans.Started()) != 0 {
		t.Errorf("Process = %v with %d spans, want nothing", errs, len(spans.Started()))
	}
}

func TestBatchSpanEndsWhenWorkPanics(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	func() {
		defer func() { _ = recover() }()
		consumer(tracer).Process(t.Context(), destination, []redis.XMessage{{ID: "1-0"}},
			func(context.Context, redis.XMessage) error { panic("work") })
	}()
	if got := len(spans.Ended()); got != 1 {
		t.Errorf("%d spans ended, want 1", got)
	}
}

func TestEveryMessageContinuesItsOwnTrace(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	consumer := consumer(tracer)
	ctx, poll := tracer.Start(t.Context(), "poll")
	consumer.Process(ctx, destination, []redis.XMessage{
		{ID: "1-0", Values: map[string]any{"traceparent": parentOne}},
		{ID: "2-0", Values: map[string]any{"traceparent": parentTwo}},
	}, func(ctx context.Context, _ redis.XMessage) error {
		_, span := consumer.Start(ctx, "fulfil order", attribute.String("shop.order.id", "o-7"))
		span.End()
		return nil
	})
	one, two, batch := spans.Ended()[0], spans.Ended()[1], spans.Ended()[2]
	if batch.Parent().IsValid() ||
		batch.SpanContext().TraceID() == poll.SpanContext().TraceID() {
		t.Errorf("batch's parent = %v, want a new root", batch.Parent())
	}
	if batch.SpanKind() != trace.SpanKindConsumer || batch.Name() != "process orders.settled" {
		t.Errorf("batch = %s %q", batch.SpanKind(), batch.Name())
	}
	want := map[string]string{
		"messaging.system": "redis", "messaging.operation.name": "process",
		"messaging.operation.type": "process", "messaging.destination.name": destination,
		"messaging.consumer.group.name": "fulfilment", "messaging.batch.message_count": "2",
	}
	if diff := cmp.Diff(want, attributesOf(batch)); diff != "" {
		t.Errorf("batch's attributes (-want +got):\n%s", diff)
	}
	links := []string{"batch_item 00f067aa0ba902b7 1-0", "batch_item b7ad6b7169203331 2-0"}
	if diff := cmp.Diff(links, linksOf(batch)); diff != "" {
		t.Errorf("batch's links (-want +got):\n%s", diff)
	}
	for parent, span := range map[string]sdktrace.ReadOnlySpan{
		"00f067aa0ba902b7": one, "b7ad6b7169203331": two,
	} {
		if !span.Parent().IsRemote() || span.Parent().SpanID().String() != parent ||
			span.SpanKind() != trace.SpanKindInternal || span.Name() != "fulfil order" {
			t.Errorf("%s %q has parent %v, want %s, remote", span.SpanKind(), span.Name(),
				span.Parent(), parent)
		}
		back := []string{"batch " + batch.SpanContext().SpanID().String()}
		if diff := cmp.Diff(back, linksOf(span)); diff != "" {
			t.Errorf("work's links (-want +got):\n%s", diff)
		}
	}
}

func TestLinksAreThereForTheSampler(t *testing.T) {
	t.Parallel()
	var links []int
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(samplerFunc(
		func(p sdktrace.SamplingParameters) { links = append(links, len(p.Links)) })))
	consumer := consumer(tp.Tracer("test"))
	message := redis.XMessage{ID: "1-0", Values: map[string]any{"traceparent": parentOne}}
	consumer.Process(t.Context(), destination, []redis.XMessage{message, message, message},
		func(ctx context.Context, msg redis.XMessage) error {
			if msg.ID == "1-0" {
				_, span := consumer.Start(ctx, "work")
				span.End()
			}
			return nil
		})
	if diff := cmp.Diff([]int{3, 1, 1, 1}, links); diff != "" {
		t.Errorf("links that the sampler saw (-want +got):\n%s", diff)
	}
}

func TestStartOutsideABatchHasNoLink(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	_, span := consumer(tracer).Start(t.Context(), "work")
	span.End()
	if got := linksOf(spans.Ended()[0]); got != nil {
		t.Errorf("links = %v, want none", got)
	}
}

func consumer(tracer trace.Tracer) Consumer {
	return Consumer{Tracer: tracer, Group: "fulfilment",
		Propagator: propagation.NewCompositeTextMapPropagator(
			propagation.TraceContext{}, propagation.Baggage{})}
}

func linksOf(span sdktrace.ReadOnlySpan) []string {
	var links []string
	for _, link := range span.Links() {
		text := fmt.Sprint(link.Attributes[0].Value.AsString(), " ", link.SpanContext.SpanID())
		for _, kv := range link.Attributes[1:] {
			text += " " + kv.Value.AsString()
		}
		links = append(links, text)
	}
	return links
}

func attributesOf(span sdktrace.ReadOnlySpan) map[string]string {
	got := make(map[string]string)
	for _, kv := range span.Attributes() {
		got[string(kv.Key)] = kv.Value.String()
	}
	return got
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

// outOfStock is an error that names its own type, as semconv.ErrorType allows.
type outOfStock struct{}

func (*outOfStock) Error() string     { return "mug is out of stock" }
func (*outOfStock) ErrorType() string { return "out_of_stock" }

type samplerFunc func(sdktrace.SamplingParameters)

func (f samplerFunc) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	f(p)
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (samplerFunc) Description() string { return "test" }
