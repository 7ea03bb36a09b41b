package order

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/telemetry"
)

// handoff lets work outlive its request: it keeps the trace, and drops the cancellation.
func handoff(
	tel *telemetry.Telemetry, faults *fault.Set,
) func(context.Context) context.Context {
	background := faults.Declare("goroutine-background",
		"The goroutine that writes the receipt starts from context.Background().")
	open := faults.Declare("long-open-span",
		"Receipts are written under a span that stays open for as long as the process lives.")
	adopted := faults.Declare("worker-span-as-parent",
		"Receipts are written under the span of their worker, whoever submitted them.")
	tracer := tel.TracerProvider.Tracer(scope)

	hand := fault.Context(background, context.WithoutCancel,
		func(context.Context) context.Context { return context.Background() })
	hand = fault.Context(open, hand, func(ctx context.Context) context.Context {
		ctx, _ = tracer.Start( //nolint:spancheck // that it never ends is the fault
			context.WithoutCancel(ctx), "receipt session")
		return ctx
	})
	return fault.Context(adopted, hand, (&worker{sw: adopted, tracer: tracer}).adopt)
}

// worker is a fault: it begins with the first job, keeps the context of its own start, and runs
// every job under that.
type worker struct {
	sw     *fault.Switch
	tracer trace.Tracer

	mu    sync.Mutex
	times uint64
	span  trace.SpanContext
}

func (w *worker) adopt(ctx context.Context) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if times := w.sw.Times(); times != w.times {
		_, span := w.tracer.Start(context.WithoutCancel(ctx), "start receipt worker",
			trace.WithNewRoot())
		span.End()
		w.times, w.span = times, span.SpanContext()
	}
	return trace.ContextWithSpanContext(context.WithoutCancel(ctx), w.span)
}
