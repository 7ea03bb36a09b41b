package payment

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/streammessage"
)

// polls is a fault: while it is on, every poll for messages is a CLIENT span, as messaging
// conventions have it for a receive, and as if every poll received something. The one that does
// links to its messages; the others lead nowhere.
func polls(tel *telemetry.Telemetry, faults *fault.Set) redis.Hook {
	return pollHook{
		sw: faults.Declare("polls-outside-the-trace",
			"Each poll for messages is a root span, ten a second, most of them for nothing."),
		tracer: tel.TracerProvider.Tracer(scope), propagator: tel.Propagator,
	}
}

type pollHook struct {
	sw         *fault.Switch
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

func (h pollHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h pollHook) ProcessPipelineHook(
	next redis.ProcessPipelineHook,
) redis.ProcessPipelineHook {
	return next
}

func (h pollHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmd)
		// Asked afterwards: a poll that waits was there before the fault was turned on.
		read, ok := cmd.(*redis.XStreamSliceCmd)
		if !ok || !h.sw.On() {
			return err
		}
		_, span := h.tracer.Start(ctx, "receive "+destination,
			trace.WithSpanKind(trace.SpanKindClient),
			trace.WithTimestamp(start), trace.WithLinks(h.links(read)...),
			trace.WithAttributes(
				semconv.MessagingSystemKey.String("redis"),
				semconv.MessagingOperationName("receive"),
				semconv.MessagingOperationTypeReceive,
				semconv.MessagingDestinationName(destination),
			))
		span.End()
		return err
	}
}

// links has one for each message that was read.
func (h pollHook) links(read *redis.XStreamSliceCmd) []trace.Link {
	var links []trace.Link
	for _, stream := range read.Val() {
		for _, msg := range stream.Messages {
			ctx := h.propagator.Extract(context.Background(), streammessage.Carrier(msg.Values))
			if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
				links = append(links, shop.Link(sc, shop.LinkProducer))
			}
		}
	}
	return links
}
