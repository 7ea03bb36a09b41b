package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Variant is what a further tracer provider of the same service does differently. What is zero
// stays as it is; ledger and exporter are the service's own.
type Variant struct {
	Service string                                            // service.name
	Sampler sdktrace.Sampler                                  // in place of the configured one
	Start   sdktrace.SpanProcessor                            // sees every span start
	Edit    func(sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan // of every span that ended

	// Queue is the capacity of a queue of its own, which nothing but Flush empties. What does
	// not fit is dropped and counted.
	Queue int

	// Unredacted exports its spans as they were recorded.
	Unredacted bool
}

// Variant returns a provider of the spans that are to be different. The spans of both providers
// can be each other's parents. It lives until Shutdown.
func (t *Telemetry) Variant(v Variant) trace.TracerProvider {
	processor := edited{SpanProcessor: t.gate, start: v.Start, edit: v.Edit}
	switch {
	case v.Unredacted:
		processor.SpanProcessor = t.variants.keep(
			newGate(t.Ledger, shared{t.variants.raw}, t.spanHealth))
	case v.Queue > 0:
		processor.SpanProcessor = t.variants.keep(narrow(t, v.Queue))
	}
	if v.Sampler == nil {
		v.Sampler = t.variants.sampler
	}
	res := t.Resource
	if v.Service != "" {
		// Without a schema of its own there is none to conflict with.
		res, _ = resource.Merge(res, resource.NewSchemaless(semconv.ServiceName(v.Service)))
	}
	return sdktrace.NewTracerProvider(sdktrace.WithResource(res),
		sdktrace.WithRawSpanLimits(spanLimits()),
		sdktrace.WithSampler(v.Sampler), sdktrace.WithSpanProcessor(processor))
}

// edited edits what it passes on. What it passes on to has no interest in starts.
type edited struct {
	sdktrace.SpanProcessor
	start sdktrace.SpanProcessor
	edit  func(sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan
}

func (p edited) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	if p.start != nil {
		p.start.OnStart(ctx, span)
	}
}

func (p edited) OnEnd(span sdktrace.ReadOnlySpan) {
	if p.edit != nil {
		span = p.edit(span)
	}
	p.SpanProcessor.OnEnd(span)
}

// variants is what variants need, and the queues that they have.
type variants struct {
	sampler       sdktrace.Sampler
	exporter, raw sdktrace.SpanExporter // redacted, and not

	mu      sync.Mutex
	queues  []*gate
	drained bool
}

// narrow is a queue that only a flush empties.
func narrow(t *Telemetry, size int) *gate {
	return newGateOf(size, t.Ledger, shared{t.variants.exporter}, t.spanHealth,
		func(o *sdktrace.BatchSpanProcessorOptions) {
			// Never full, and never due.
			o.MaxExportBatchSize, o.BatchTimeout = size+1, 24*time.Hour
		})
}

// keep sees to it that a queue is flushed, and drained, with the others.
func (v *variants) keep(g *gate) *gate {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.queues = append(v.queues, g); v.drained {
		_ = g.drain(context.Background()) // empty, so it does not wait
	}
	return g
}

func (v *variants) flush(ctx context.Context) error {
	return v.each(func(g *gate) error { return g.ForceFlush(ctx) })
}

// drain comes before the ledger is closed.
func (v *variants) drain(ctx context.Context) error {
	v.mu.Lock()
	v.drained = true
	v.mu.Unlock()
	return v.each(func(g *gate) error {
		defer g.giveUp()
		return g.drain(ctx)
	})
}

func (v *variants) each(do func(*gate) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var errs []error
	for _, g := range v.queues {
		errs = append(errs, do(g))
	}
	return errors.Join(errs...)
}

// shared is an exporter that somebody else shuts down.
type shared struct{ sdktrace.SpanExporter }

func (shared) Shutdown(context.Context) error { return nil }
