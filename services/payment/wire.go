package payment

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/redisclient"
	"example.com/throughline/internal/telemetry"
)

// Wire makes the parts of a payment service, and its faults, all off.
func Wire(cfg Config, tel *telemetry.Telemetry) Deps {
	faults := &fault.Set{}
	noExtract := faults.Declare("consumer-without-extract",
		"The settlement consumer does not read the context that the message carries.")
	stranger := faults.Declare("worker-span-as-parent",
		"The workers that notify card networks work in the span of the first job they ever had.")
	return Deps{
		Telemetry: tel,
		Redis:     redisclient.New(tel, cfg.RedisAddr),
		MessagePropagator: fault.Propagator(noExtract,
			tel.Propagator, propagation.NewCompositeTextMapPropagator()),
		Handoff: fault.Context(stranger, nil, firstSpan()),
		Faults:  faults,
	}
}

// firstSpan is a fault: a hand-off that puts the first span it has seen into every context.
func firstSpan() func(context.Context) context.Context {
	var first atomic.Pointer[trace.Span]
	return func(ctx context.Context) context.Context {
		span := trace.SpanFromContext(ctx)
		first.CompareAndSwap(nil, &span)
		return trace.ContextWithSpan(ctx, *first.Load())
	}
}
