// Package batchconsumer traces the processing of many messages that were read at
// once, each of which belongs to a trace of its own.
//
// # Problem
//
// A read returns ten messages of ten orders. One span for the batch cannot be the
// child of all ten producers, so their work ends up in the batch's trace, where
// nobody who follows an order finds it; or in the trace of whichever order came
// first, where nine strangers do not belong.
//
// # Use
//
// [Consumer.Process] starts one CONSUMER span "process DESTINATION" for the
// batch, a new root with one link to each message's PRODUCER, and calls you for
// each message with a ctx whose remote parent is that message's PRODUCER. Start
// the work there with [Consumer.Start]: its span continues the order's own trace
// and links back to the batch. So the batch's trace shows what was read together,
// and each order's trace shows what was done for it.
//
// # Don't use
//
// For messages that are read and handled one by one: the PRODUCER can be the
// parent of their CONSUMER span, which is easier to follow. Nor where the work of
// a batch cannot be told apart, as in one bulk insert: then it is the batch's, and
// the links are all there is. Messages that wait for days should only be linked.
//
// # Spec
//
// OpenTelemetry semantic conventions for messaging spans (v1.43.0: batch
// receiving and processing, messaging.batch.message_count, attributes of a single
// message on its link; no Redis page exists, so messaging.system is a custom
// value, as the conventions allow). OpenTelemetry Trace API, "Link".
package batchconsumer

import (
	"context"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Every link says what it is. No semantic convention names such an attribute, so
// the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey   = attribute.Key("shop.link.type")
	LinkBatchItem = "batch_item" // from the batch to the PRODUCER of a message
	LinkBatch     = "batch"      // from the work on a message to its batch
)

// A Consumer traces the processing of batches. Tracer and Propagator are required.
type Consumer struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	// Group is the consumer group the messages were read in, "" for none.
	Group string
}

// Process traces the processing of msgs, one read from the stream called
// destination. It calls each once per message, in order, and returns what each
// returned, error by error: acknowledge the messages whose entry is nil. No
// messages, no span.
//
// The ctx of each holds the message's own context as remote span context, or none
// if the message has none or a malformed one, and the message's baggage; never
// the span or baggage of the polling loop. Start a span there before anything
// else. After an error the batch span has status Error and the first error's type
// as error.type, without its text, which may hold business data.
//
// A span keeps 128 links by default (OTEL_SPAN_LINK_COUNT_LIMIT): read no more at
// a time.
func (c Consumer) Process(
	ctx context.Context, destination string, msgs []redis.XMessage,
	each func(ctx context.Context, msg redis.XMessage) error,
) []error {
	if len(msgs) == 0 {
		return nil
	}
	contexts := make([]context.Context, len(msgs))
	links := make([]trace.Link, 0, len(msgs))
	for i, msg := range msgs {
		from := c.extract(ctx, msg)
		contexts[i] = from
		if producer := trace.SpanContextFromContext(from); producer.IsValid() {
			links = append(links, trace.Link{
				SpanContext: producer,
				Attributes: []attribute.KeyValue{
					LinkTypeKey.String(LinkBatchItem), semconv.MessagingMessageID(msg.ID),
				},
			})
		}
	}
	_, span := c.start(ctx, destination, len(msgs), links)
	defer span.End()

	errs, failed := make([]error, len(msgs)), false
	for i, msg := range msgs {
		ctx := context.WithValue(contexts[i], batchKey{}, span.SpanContext())
		errs[i] = each(ctx, msg)
		if errs[i] != nil && !failed {
			failed = true
			span.SetStatus(codes.Error, "")
			span.SetAttributes(semconv.ErrorType(errs[i]))
		}
	}
	return errs
}

// Start starts the INTERNAL span of the work on one message; call it with the ctx
// that each was given, and a name that says what is done, without ids: "fulfil
// order". Its remote parent is the message's PRODUCER, and it links to the batch.
// The caller ends it and records its errors.
func (c Consumer) Start(
	ctx context.Context, name string, attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(attributes...),
	}
	if batch, _ := ctx.Value(batchKey{}).(trace.SpanContext); batch.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{
			SpanContext: batch,
			Attributes:  []attribute.KeyValue{LinkTypeKey.String(LinkBatch)},
		}))
	}
	return c.Tracer.Start(ctx, name, options...)
}

// start gives the links at the start, not with AddLink: samplers see only those.
func (c Consumer) start(
	ctx context.Context, destination string, count int, links []trace.Link,
) (context.Context, trace.Span) {
	attributes := []attribute.KeyValue{
		semconv.MessagingSystemKey.String("redis"),
		semconv.MessagingOperationName("process"),
		semconv.MessagingOperationTypeProcess,
		semconv.MessagingDestinationName(destination),
		semconv.MessagingBatchMessageCount(count),
	}
	if c.Group != "" {
		attributes = append(attributes, semconv.MessagingConsumerGroupName(c.Group))
	}
	return c.Tracer.Start(ctx, "process "+destination, trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attributes...), trace.WithLinks(links...))
}

// extract puts the message's context in the place of the loop's. Extract leaves
// ctx as it is when it finds nothing: what the loop holds must not stay there.
func (c Consumer) extract(ctx context.Context, msg redis.XMessage) context.Context {
	ctx = trace.ContextWithSpanContext(baggage.ContextWithoutBaggage(ctx), trace.SpanContext{})
	return c.Propagator.Extract(ctx, carrier(msg.Values))
}

// batchKey is the key of the batch's span context in the ctx of each.
type batchKey struct{}

// carrier lets a propagator read the fields of a stream entry. Only strings are
// context.
type carrier map[string]any

func (c carrier) Get(key string) string {
	value, _ := c[key].(string)
	return value
}

func (c carrier) Set(key, value string) { c[key] = value }

func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for key, value := range c {
		if _, ok := value.(string); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
