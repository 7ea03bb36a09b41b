package fault

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// TracerProvider returns a provider whose spans come from bad while the fault is on when they
// start. bad is made when it is first needed.
func TracerProvider(
	sw *Switch, good trace.TracerProvider, bad func() trace.TracerProvider,
) trace.TracerProvider {
	return tracerProvider{sw: sw, good: good, bad: sync.OnceValue(bad)}
}

type tracerProvider struct {
	embedded.TracerProvider
	sw   *Switch
	good trace.TracerProvider
	bad  func() trace.TracerProvider
}

func (p tracerProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return tracer{
		sw: p.sw, good: p.good.Tracer(name, options...),
		bad: sync.OnceValue(func() trace.Tracer { return p.bad().Tracer(name, options...) }),
	}
}

type tracer struct {
	embedded.Tracer
	sw   *Switch
	good trace.Tracer
	bad  func() trace.Tracer
}

func (t tracer) Start(
	ctx context.Context, name string, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	if t.sw.On() {
		return t.bad().Start(ctx, name, options...)
	}
	return t.good.Start(ctx, name, options...)
}
