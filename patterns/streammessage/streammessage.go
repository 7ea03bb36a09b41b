// Package streammessage carries a trace through a Redis Stream, in the fields of
// the message.
//
// # Problem
//
// A stream entry has no headers. What one service appends and another reads
// minutes later on another machine are two traces, unless the message itself
// says which span made it.
//
// # Use
//
// [Producer.Send] starts the PRODUCER span "send DESTINATION", puts its context
// into a copy of the message's fields and lets you append that copy, alone or in
// one MULTI with the state that the message tells of. [Consumer.Process] starts
// the CONSUMER span "process DESTINATION" for one message that you have read, as
// a child of that PRODUCER and with a link to it. What you call in between gets
// the ctx it must use, and its error ends up on the span and with you.
//
// Only the propagator you give decides what travels: with propagation.Baggage
// in it, baggage is written into the stream and kept as long as the message.
//
// # Don't use
//
// As a parent for a batch: many messages have many producers, and a span has one
// parent; give a batch's span one link to each. Nor where messages wait for days:
// a child that comes so late finds its trace cut off by the backend; link only.
// Reading, acknowledging and claiming are not covered: polled outside a trace,
// they are best not traced at all.
//
// # Spec
//
// OpenTelemetry semantic conventions for messaging spans (v1.43.0: span name,
// span kind, operation types, context propagation; no Redis page exists, so
// messaging.system is a custom value, as the conventions allow). W3C Trace
// Context has no binding for Redis: the field names are those of the headers.
package streammessage

import (
	"context"
	"maps"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The CONSUMER's link says what it is to it. No semantic convention names such
// an attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey  = attribute.Key("shop.link.type")
	LinkProducer = "producer"
)

// A Producer traces the sending of messages. Both fields are required.
type Producer struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
}

// Send traces the appending of one message to the stream called destination. It
// calls add once, with the PRODUCER span in ctx and a copy of fields that holds
// its context; fields that the propagator calls its own (traceparent,
// tracestate, ...) are replaced, so a message can be sent on as it was read. add
// returns the entry's id, for messaging.message.id, or "" if it is not known
// yet. Its error is recorded as span status Error and error.type, without the
// text, which may hold business data, and returned as it is.
func (p Producer) Send(
	ctx context.Context, destination string, fields map[string]any,
	add func(ctx context.Context, fields map[string]any) (id string, err error),
) error {
	ctx, span := p.Tracer.Start(ctx, "send "+destination,
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			semconv.MessagingSystemKey.String("redis"),
			semconv.MessagingOperationName("send"),
			semconv.MessagingOperationTypeSend,
			semconv.MessagingDestinationName(destination),
		))
	defer span.End()

	message := make(Carrier, len(fields)+2)
	maps.Copy(message, fields)
	for _, field := range p.Propagator.Fields() {
		delete(message, field) // a stale tracestate would stay where none is written
	}
	p.Propagator.Inject(ctx, message)

	id, err := add(ctx, message)
	if err != nil {
		fail(span, err)
		return err
	}
	if id != "" {
		span.SetAttributes(semconv.MessagingMessageID(id))
	}
	return nil
}

// A Consumer traces the processing of messages. Tracer and Propagator are
// required.
type Consumer struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	// Group is the consumer group the messages were read in, "" for none.
	Group string
}

// Process traces the processing of one message of the stream called destination.
// It calls handle once, with the CONSUMER span in ctx. The parent, and the link,
// is the PRODUCER span that the message names, never a span that ctx holds; ctx
// gives deadline and values, the message's baggage takes the place of its own.
// A message with no context, or a malformed one, is processed in a new root
// without a link: that is no error. The error of handle is recorded as in Send
// and returned as it is.
func (c Consumer) Process(
	ctx context.Context, destination string, msg redis.XMessage,
	handle func(ctx context.Context) error,
) error {
	// Extract leaves ctx as it is when it finds nothing. The span and baggage of
	// the polling loop must not take that place.
	ctx = trace.ContextWithSpanContext(baggage.ContextWithoutBaggage(ctx), trace.SpanContext{})
	ctx = c.Propagator.Extract(ctx, Carrier(msg.Values))

	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			semconv.MessagingSystemKey.String("redis"),
			semconv.MessagingOperationName("process"),
			semconv.MessagingOperationTypeProcess,
			semconv.MessagingDestinationName(destination),
			semconv.MessagingMessageID(msg.ID),
		),
	}
	if c.Group != "" {
		options = append(options, trace.WithAttributes(semconv.MessagingConsumerGroupName(c.Group)))
	}
	if producer := trace.SpanContextFromContext(ctx); producer.IsValid() {
		// At the start, not with AddLink: samplers see only links given here.
		options = append(options, trace.WithLinks(trace.Link{
			SpanContext: producer,
			Attributes:  []attribute.KeyValue{LinkTypeKey.String(LinkProducer)},
		}))
	}
	ctx, span := c.Tracer.Start(ctx, "process "+destination, options...)
	defer span.End()

	err := handle(ctx)
	if err != nil {
		fail(span, err)
	}
	return err
}

func fail(span trace.Span, err error) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(semconv.ErrorType(err))
}

// Carrier lets a propagator read and write the fields of a stream entry, as
// go-redis has them in XAddArgs and XMessage. Only strings are context.
type Carrier map[string]any

var _ propagation.TextMapCarrier = Carrier(nil)

// Get returns the field called key, or "" if there is none or it is no string.
func (c Carrier) Get(key string) string {
	value, _ := c[key].(string)
	return value
}

// Set sets the field called key.
func (c Carrier) Set(key, value string) { c[key] = value }

// Keys returns the names of the fields that hold strings, in no order.
func (c Carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key, value := range c {
		if _, ok := value.(string); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
