package sampling

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const traces, hops = 200, 3

func TestWithoutParentBasedTracesHaveHoles(t *testing.T) {
	t.Parallel()
	// What this pattern is for: each service samples every other span it sees.
	whole, holes := count(t, func() sdktrace.Sampler { return &everySecond{} }, true)
	if holes == 0 {
		t.Errorf("%d whole traces and no holes: the test proves nothing", whole)
	}
}

func TestAllOrNoneOfATrace(t *testing.T) {
	t.Parallel()
	for name, sampler := range map[string]func() sdktrace.Sampler{
		"trust":                    func() sdktrace.Sampler { return New(&everySecond{}, Trust) },
		"trust a ratio":            func() sdktrace.Sampler { return New(sdktrace.TraceIDRatioBased(0.5), Trust) },
		"decide by the same ratio": func() sdktrace.Sampler { return New(sdktrace.TraceIDRatioBased(0.5), Decide) },
	} {
		whole, holes := count(t, sampler, false)
		if holes != 0 || whole == 0 || whole == traces {
			t.Errorf("%s: %d of %d traces whole, %d with holes; want some and none",
				name, whole, traces, holes)
		}
	}
}

func TestRemoteParent(t *testing.T) {
	t.Parallel()
	always, never := sdktrace.AlwaysSample(), sdktrace.NeverSample()
	for name, test := range map[string]struct {
		root   sdktrace.Sampler
		remote FromRemote
		flags  trace.TraceFlags
		want   bool
	}{
		"trusted sampled=0":         {always, Trust, 0, false},
		"trusted sampled=1":         {never, Trust, 1, true},
		"sampled=0 does not poison": {always, Decide, 0, true},
		"sampled=1 costs nothing":   {never, Decide, 1, false},
		"no root sampler":           {nil, Decide, 0, true},
		"unknown policy is Trust":   {always, 7, 0, false},
	} {
		tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(New(test.root, test.remote)))
		parent := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: test.flags})
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), parent)
		ctx, server := tp.Tracer("test").Start(ctx, "server")
		_, child := tp.Tracer("test").Start(ctx, "child")
		for _, span := range []trace.Span{server, child} {
			if got := span.SpanContext(); got.IsSampled() != test.want ||
				got.TraceID() != parent.TraceID() {
				t.Errorf("%s: sampled %t in trace %s, want %t in the caller's", name,
					got.IsSampled(), got.TraceID(), test.want)
			}
		}
	}
}

// count sends requests through services, each with a sampler of its own, and
// returns how many traces were recorded whole, and how many in part.
func count(t *testing.T, sampler func() sdktrace.Sampler, skew bool) (whole, holes int) {
	t.Helper()
	memory := tracetest.NewInMemoryExporter()
	tracers := make([]trace.Tracer, hops)
	for i := range tracers {
		tracers[i] = sdktrace.NewTracerProvider(
			sdktrace.WithSampler(sampler()), sdktrace.WithSyncer(memory)).Tracer("test")
	}
	if skew { // one service has seen one more request than the others
		_, span := tracers[1].Start(t.Context(), "other")
		span.End()
		memory.Reset()
	}
	for range traces {
		request(t.Context(), tracers)
	}
	spans := map[trace.TraceID]int{}
	for _, span := range memory.GetSpans() {
		spans[span.SpanContext.TraceID()]++
	}
	for _, n := range spans {
		if n == hops {
			whole++
		} else {
			holes++
		}
	}
	return whole, holes
}

func request(ctx context.Context, tracers []trace.Tracer) {
	if len(tracers) == 0 {
		return
	}
	ctx, span := tracers[0].Start(ctx, "hop")
	defer span.End()
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	request(propagation.TraceContext{}.Extract(context.Background(), headers), tracers[1:])
}

// everySecond samples every second span that it is asked about.
type everySecond struct{ n int }

func (s *everySecond) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.n++
	if s.n%2 == 0 {
		return sdktrace.AlwaysSample().ShouldSample(p)
	}
	return sdktrace.NeverSample().ShouldSample(p)
}

func (*everySecond) Description() string { return "every second" }
