package outbox

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	destination = "orders.placed"
	parent      = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

func TestAnEventWithoutContextIsSentFromANewRoot(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]map[string]string{
		"nothing":        nil,
		"garbage":        {"traceparent": "x", "tracestate": "=", "baggage": "%zz;="},
		"truncated":      {"traceparent": parent[:54]},
		"zero ids":       {"traceparent": "00-00000000000000000000000000000000-0000000000000000-01"},
		"no traceparent": {"tracestate": "congo=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, spans := exampleTracer()
			ctx, loop := tracer.Start(t.Context(), "loop") // must not become the parent
			sent := 0
			err := relay(tracer).Dispatch(ctx, destination, Event{Context: stored},
				func(ctx context.Context, fields map[string]any) (string, error) {
					sent++
					if fields["traceparent"] == nil {
						t.Error("the message has no context")
					}
					return "", nil
				})
			if err != nil || sent != 1 {
				t.Fatalf("Dispatch = %v after %d sends, want one", err, sent)
			}
			send := spans.Ended()[0]
			if send.Parent().IsValid() ||
				send.SpanContext().TraceID() == loop.SpanContext().TraceID() {
				t.Errorf("parent = %v, want a new root", send.Parent())
			}
		})
	}
}

func TestSendErrorIsOnTheSpanAndReturned(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	err := relay(tracer).Dispatch(t.Context(), destination, Event{},
		func(context.Context, map[string]any) (string, error) { return "1-0", &refused{} })
	if _, ok := err.(*refused); !ok { //nolint:errorlint // it must come back unwrapped
		t.Errorf("error = %v, want send's own", err)
	}
	checkFailed(t, spans.Ended()[0])
	if value(spans.Ended()[0], "messaging.message.id") != "" {
		t.Error("messaging.message.id of a message that was not sent")
	}
}

func TestOneFailureDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	var seen []string
	err := relay(tracer).Run(t.Context(), []Event{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		func(_ context.Context, event Event) error {
			seen = append(seen, event.ID)
			if event.ID == "b" {
				return &refused{}
			}
			return nil
		})
	if diff := cmp.Diff([]string{"a", "b", "c"}, seen); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var want *refused
	if !errors.As(err, &want) || err.Error() != `relay event "b": stream is full` {
		t.Errorf("error = %v, want b's", err)
	}
	checkFailed(t, spans.Ended()[0])
}

func TestACancelledRelayBeginsNoMoreEvents(t *testing.T) {
	t.Parallel()
	tracer, _ := exampleTracer()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := relay(tracer).Run(ctx, []Event{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		func(context.Context, Event) error {
			calls++
			cancel()
			return nil
		})
	if calls != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d calls, error %v, want 1 and %v", calls, err, context.Canceled)
	}
}

func TestAnEmptyPollLeavesNoSpan(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	err := relay(tracer).Run(t.Context(), nil, func(context.Context, Event) error {
		t.Error("called")
		return nil
	})
	if err != nil || len(spans.Started()) != 0 {
		t.Errorf("Run = %v, %d spans, want none", err, len(spans.Started()))
	}
}

func TestTheMessageContinuesTheRequestNotTheRelay(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	relay := relay(tracer)
	requestCtx, request := tracer.Start(withBaggage(t, t.Context(), "tenant", "blue"), "POST /orders")
	fields := map[string]any{"order": "o-7", "traceparent": "stale", "tracestate": "stale=1"}
	event := Event{ID: "o-7", Context: Capture(requestCtx, allOfW3C()), Fields: fields}
	request.End()

	pollCtx, poll := tracer.Start(withBaggage(t, t.Context(), "polling", "1"), "poll")
	var sent map[string]any
	err := relay.Run(pollCtx, []Event{event}, func(ctx context.Context, event Event) error {
		return relay.Dispatch(ctx, destination, event,
			func(ctx context.Context, fields map[string]any) (string, error) {
				sent = fields
				if got := baggage.FromContext(ctx).String(); got != "tenant=blue" {
					t.Errorf("baggage = %q, want the request's", got)
				}
				return "1-0", nil
			})
	})
	if err != nil {
		t.Fatal(err)
	}
	send, run := spans.Ended()[1], spans.Ended()[2]
	remote := request.SpanContext().WithRemote(true)
	if !send.Parent().Equal(remote) {
		t.Errorf("PRODUCER's parent = %v, want the request, remote", send.Parent())
	}
	checkProducer(t, send)
	if run.Parent().IsValid() || run.Name() != "relay outbox" ||
		run.SpanKind() != trace.SpanKindInternal ||
		run.SpanContext().TraceID() == poll.SpanContext().TraceID() {
		t.Errorf("relay = %s %q with parent %v, want a root", run.SpanKind(), run.Name(), run.Parent())
	}
	links := []sdktrace.Link{{
		SpanContext: remote,
		Attributes:  []attribute.KeyValue{attribute.String("shop.link.type", "origin")},
	}}
	if diff := cmp.Diff(links, run.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("relay's links (-want +got):\n%s", diff)
	}
	want := map[string]any{"order": "o-7", "baggage": "tenant=blue",
		"traceparent": "00-" + send.SpanContext().TraceID().String() + "-" +
			send.SpanContext().SpanID().String() + "-01"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if fields["traceparent"] != "stale" || fields["tracestate"] != "stale=1" {
		t.Errorf("the event's own fields changed: %v", fields)
	}
}

func TestLinksAreThereForTheSampler(t *testing.T) {
	t.Parallel()
	links := 0
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(samplerFunc(
		func(p sdktrace.SamplingParameters) { links = len(p.Links) })))
	event := Event{Context: map[string]string{"traceparent": parent}}
	err := relay(tp.Tracer("test")).Run(t.Context(), []Event{event, event},
		func(context.Context, Event) error { return nil })
	if err != nil || links != 2 {
		t.Errorf("sampler saw %d links (error %v), want 2", links, err)
	}
}

func TestCaptureWithoutASpanIsEmpty(t *testing.T) {
	t.Parallel()
	if got := Capture(t.Context(), allOfW3C()); got == nil || len(got) != 0 {
		t.Errorf("Capture = %v, want an empty map", got)
	}
}

func relay(tracer trace.Tracer) Relay { return Relay{Tracer: tracer, Propagator: allOfW3C()} }

func allOfW3C() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{})
}

func spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	})
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

func checkProducer(t *testing.T, span sdktrace.ReadOnlySpan) {
	t.Helper()
	if span.SpanKind() != trace.SpanKindProducer || span.Name() != "send orders.placed" {
		t.Errorf("span = %s %q", span.SpanKind(), span.Name())
	}
	got := make(map[string]string)
	for _, kv := range span.Attributes() {
		got[string(kv.Key)] = kv.Value.AsString()
	}
	want := map[string]string{
		"messaging.system": "redis", "messaging.operation.name": "send",
		"messaging.operation.type": "send", "messaging.destination.name": destination,
		"messaging.message.id": "1-0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got := span.Status().Code; got != codes.Unset {
		t.Errorf("status = %v, want unset", got)
	}
}

func checkFailed(t *testing.T, span sdktrace.ReadOnlySpan) {
	t.Helper()
	if got := span.Status(); got.Code != codes.Error || got.Description != "" {
		t.Errorf("status = %+v, want Error without the error's text", got)
	}
	if got := value(span, "error.type"); got != "stream_full" {
		t.Errorf("error.type = %q, want stream_full", got)
	}
}

func value(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, kv := range span.Attributes() {
		if kv.Key == key {
			return kv.Value.AsString()
		}
	}
	return ""
}

// refused is an error that names its own type, as semconv.ErrorType allows.
type refused struct{}

func (*refused) Error() string     { return "stream is full" }
func (*refused) ErrorType() string { return "stream_full" }

type samplerFunc func(sdktrace.SamplingParameters)

func (f samplerFunc) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	f(p)
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (samplerFunc) Description() string { return "test" }
