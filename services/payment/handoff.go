package payment

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
)

// handoff gives the worker the context of whoever submits the job, as it is: the pool detaches it.
func handoff(faults *fault.Set) func(context.Context) context.Context {
	stranger := faults.Declare("worker-span-as-parent",
		"Card networks are notified under the span of the first job that a worker ever had.")
	return fault.Context(stranger, nil, (&firstJob{sw: stranger}).adopt)
}

// firstJob is a fault: it keeps the span of the first job, and puts it into the context of all.
type firstJob struct {
	sw *fault.Switch

	mu    sync.Mutex
	times uint64
	span  trace.SpanContext
}

func (f *firstJob) adopt(ctx context.Context) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	if times := f.sw.Times(); times != f.times {
		f.times, f.span = times, trace.SpanContextFromContext(ctx)
	}
	return trace.ContextWithSpanContext(ctx, f.span)
}
