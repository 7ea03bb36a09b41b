package telemetry_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
)

func TestEntrySpansAreCountedByWhatTheyGoOnFrom(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	tel := start(t, telemetry.Config{MetricReader: reader, SpanExporter: &spanExporter{}})
	tracer := tel.TracerProvider.Tracer("test")
	run := func(
		ctx context.Context, kind trace.SpanKind, opts ...trace.SpanStartOption,
	) (context.Context, trace.Span) {
		ctx, span := tracer.Start(ctx, "x", append(opts, trace.WithSpanKind(kind))...)
		span.End()
		return ctx, span
	}
	caller := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	link := trace.WithLinks(shop.Link(caller, shop.LinkProducer))

	_, orphan := run(t.Context(), trace.SpanKindServer)
	remote := trace.ContextWithRemoteSpanContext(t.Context(), caller)
	run(remote, trace.SpanKindServer)
	ctx, _ := run(remote, trace.SpanKindConsumer, link)
	run(ctx, trace.SpanKindConsumer) // a batch that was received in a span of its own
	run(ctx, trace.SpanKindClient)   // work that goes out
	run(t.Context(), trace.SpanKindConsumer, link)
	run(t.Context(), trace.SpanKindInternal, link) // a job

	got := counts(t, reader)
	want := map[string]int64{
		"shop.entry.spans server none": 1, "shop.entry.spans server remote": 1,
		"shop.entry.spans consumer none":   0, // none, and known to be none
		"shop.entry.spans consumer remote": 1, "shop.entry.spans consumer local": 1,
		"shop.entry.spans consumer linked": 1, "shop.span.links producer": 3,
	}
	if diff := cmp.Diff(want, got.values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := got.exemplars["shop.entry.spans server none"]; len(e) != 1 ||
		trace.SpanID(e[0].SpanID) != orphan.SpanContext().SpanID() {
		t.Errorf("exemplars %v, want the way to the orphan", e)
	}
}

// counted is what the counters of the shop say, each by name and the values of its attributes.
type counted struct {
	values    map[string]int64
	exemplars map[string][]metricdata.Exemplar[int64]
}

func counts(t *testing.T, reader *sdkmetric.ManualReader) counted {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := counted{map[string]int64{}, map[string][]metricdata.Exemplar[int64]{}}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok || m.Name[:5] != "shop." {
				continue
			}
			for _, p := range sum.DataPoints {
				key := m.Name
				for _, kv := range p.Attributes.ToSlice() {
					key += " " + kv.Value.AsString()
				}
				got.values[key], got.exemplars[key] = p.Value, p.Exemplars
			}
		}
	}
	return got
}
