// Package outbox keeps a message in the trace of the request that caused it,
// although another piece of code sends it later.
//
// # Problem
//
// With a transactional outbox a request writes its event beside its state, and a
// relay sends it: seconds later, perhaps in another process. The context in the
// relay's hands at that moment is that of its own loop. A message sent with it
// belongs to nobody's trace, or, worse, to that of the event before.
//
// # Use
//
// [Capture] the context where the event is appended, in the same transaction, and
// store the fields with the event. The relay gives what it has read to
// [Relay.Run], which opens one span for the batch and calls you for each event;
// there, call [Relay.Dispatch]: its PRODUCER span "send DESTINATION" has the
// captured context as remote parent, and the message carries the PRODUCER. Remove
// an event only after its Dispatch has returned nil; what is sent twice after a
// crash has the same parent twice, and the receiver's id to tell it by.
//
// # Don't use
//
// When the request itself sends: then its ctx is the right one and there is
// nothing to store. Nor for events that wait for days: a child that comes so late
// finds its trace cut off by the backend; link instead. The captured context is
// as private as the event's row: baggage is stored with it if the propagator you
// give has propagation.Baggage in it.
//
// # Spec
//
// OpenTelemetry semantic conventions for messaging spans (v1.43.0: span name,
// span kind, operation types; no Redis page exists, so messaging.system is a
// custom value, as the conventions allow). OpenTelemetry Trace API, "Link".
package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The relay's links say what they are. No semantic convention names such an
// attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey = attribute.Key("shop.link.type")
	LinkOrigin  = "origin"
)

// Capture returns what must be stored with the event so that its message can
// continue the span in ctx: the fields that prop injects. Without a span the map
// may be empty; it is never nil.
func Capture(ctx context.Context, prop propagation.TextMapPropagator) map[string]string {
	fields := propagation.MapCarrier{}
	prop.Inject(ctx, fields)
	return fields
}

// An Event is what the outbox holds of one message.
type Event struct {
	// ID names the event in errors; it is not recorded on any span.
	ID string
	// Context is what Capture returned when the event was appended.
	Context map[string]string
	// Fields are the message itself.
	Fields map[string]any
}

// A Relay traces the sending of what an outbox holds. Both fields are required.
type Relay struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
}

// Run traces the relaying of one batch: an INTERNAL span "relay outbox", which is
// a new root with a link to the captured context of every event, and calls
// dispatch once for each, in order, with that span in ctx. No events, no span and
// no call: an idle relay leaves nothing behind.
//
// An event that fails does not stop the next ones; once ctx is done no more are
// begun. The errors are returned joined, each behind its event's ID, and the
// first one's type is recorded as error.type. A span keeps 128 links by default
// (OTEL_SPAN_LINK_COUNT_LIMIT): read no more events at a time.
func (r Relay) Run(
	ctx context.Context, events []Event, dispatch func(ctx context.Context, event Event) error,
) error {
	if len(events) == 0 {
		return nil
	}
	links := make([]trace.Link, 0, len(events))
	for _, event := range events {
		if sc := trace.SpanContextFromContext(r.extract(ctx, event)); sc.IsValid() {
			links = append(links, trace.Link{
				SpanContext: sc,
				Attributes:  []attribute.KeyValue{LinkTypeKey.String(LinkOrigin)},
			})
		}
	}
	// Links at the start, not with AddLink: samplers see only links given here.
	ctx, span := r.Tracer.Start(ctx, "relay outbox", trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindInternal), trace.WithLinks(links...))
	defer span.End()

	var all []error
	for _, event := range events {
		err := ctx.Err()
		if err == nil {
			err = dispatch(ctx, event)
		}
		if err == nil {
			continue
		}
		if all = append(all, fmt.Errorf("relay event %.80q: %w", event.ID, err)); len(all) == 1 {
			fail(span, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(all...)
}

// Dispatch traces the sending of one event to the stream called destination. It
// calls send once, with the PRODUCER span in ctx and a copy of the event's fields
// that holds the PRODUCER's context; fields that the propagator calls its own
// (traceparent, tracestate, ...) are replaced. send returns the entry's id, for
// messaging.message.id, or "" if it is not known.
//
// The PRODUCER's remote parent is the captured context, never a span that ctx
// holds; ctx gives deadline and values, the captured baggage takes the place of
// its own. An event with no context, or a malformed one, is sent from a new root:
// that is no error. The error of send is recorded as span status Error and
// error.type, without the text, which may hold business data, and returned as it
// is.
func (r Relay) Dispatch(
	ctx context.Context, destination string, event Event,
	send func(ctx context.Context, fields map[string]any) (id string, err error),
) error {
	ctx, span := r.Tracer.Start(r.extract(ctx, event), "send "+destination,
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			semconv.MessagingSystemKey.String("redis"),
			semconv.MessagingOperationName("send"),
			semconv.MessagingOperationTypeSend,
			semconv.MessagingDestinationName(destination),
		))
	defer span.End()

	injected := propagation.MapCarrier{}
	r.Propagator.Inject(ctx, injected)
	message := make(map[string]any, len(event.Fields)+len(injected))
	maps.Copy(message, event.Fields)
	for _, field := range r.Propagator.Fields() {
		delete(message, field) // a stale tracestate would stay where none is written
	}
	for field, value := range injected {
		message[field] = value
	}

	id, err := send(ctx, message)
	if err != nil {
		fail(span, err)
		return err
	}
	if id != "" {
		span.SetAttributes(semconv.MessagingMessageID(id))
	}
	return nil
}

// extract puts the event's context in the place of the relay's. Extract leaves
// ctx as it is when it finds nothing: the loop's span must not stay there.
func (r Relay) extract(ctx context.Context, event Event) context.Context {
	ctx = trace.ContextWithSpanContext(baggage.ContextWithoutBaggage(ctx), trace.SpanContext{})
	return r.Propagator.Extract(ctx, propagation.MapCarrier(event.Context))
}

func fail(span trace.Span, err error) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(semconv.ErrorType(err))
}
