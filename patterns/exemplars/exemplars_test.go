package exemplars

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestNoExemplarWithoutASampledSpan(t *testing.T) {
	t.Parallel()
	never := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	unsampled, _ := never.Tracer("test").Start(t.Context(), "work")
	for name, ctx := range map[string]context.Context{
		"no span": t.Context(), "not sampled": unsampled} {
		timer, reader := newTimer(t)
		timer.Record(ctx, time.Second)
		point := collect(t, reader)
		if point.Count != 1 || len(point.Exemplars) != 0 {
			t.Errorf("%s: count %d, exemplars %v, want 1 and none", name, point.Count, point.Exemplars)
		}
	}
}

func TestExemplarIsOfTheSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timer, reader := newTimer(t)
		ctx, span := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "quote order")
		stop := timer.Start()
		time.Sleep(2 * time.Second)
		span.End()
		stop(ctx, attribute.String("kind", "express"))

		point := collect(t, reader)
		if point.Sum != 2 || point.Count != 1 {
			t.Errorf("sum %v of %d, want 2 of 1", point.Sum, point.Count)
		}
		if got, _ := point.Attributes.Value("kind"); got.AsString() != "express" {
			t.Errorf("attributes = %v", point.Attributes)
		}
		if len(point.Exemplars) != 1 {
			t.Fatalf("%d exemplars, want 1", len(point.Exemplars))
		}
		got := point.Exemplars[0]
		sc := span.SpanContext()
		if trace.TraceID(got.TraceID) != sc.TraceID() || trace.SpanID(got.SpanID) != sc.SpanID() ||
			got.Value != 2 {
			t.Errorf("exemplar %x-%x %v, want %s-%s 2", got.TraceID, got.SpanID, got.Value,
				sc.TraceID(), sc.SpanID())
		}
	})
}

func TestSlowAndFastHaveTheirOwn(t *testing.T) {
	t.Parallel()
	timer, reader := newTimer(t)
	tracer := sdktrace.NewTracerProvider().Tracer("test")
	want := map[time.Duration]trace.TraceID{}
	for _, d := range []time.Duration{time.Millisecond, time.Second, time.Minute} {
		ctx, span := tracer.Start(t.Context(), "work")
		timer.Record(ctx, d)
		want[d] = span.SpanContext().TraceID()
	}
	got := collect(t, reader).Exemplars
	if len(got) != len(want) {
		t.Fatalf("%d exemplars, want %d", len(got), len(want))
	}
	for _, e := range got {
		d := time.Duration(e.Value * float64(time.Second))
		if id := want[d]; trace.TraceID(e.TraceID) != id {
			t.Errorf("%v: trace %x, want %s", d, e.TraceID, id)
		}
	}
}

func TestABadNameIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := New(sdkmetric.NewMeterProvider().Meter("test"), "9 lives", ""); err == nil {
		t.Error("no error")
	}
}

func newTimer(tb testing.TB) (Timer, *sdkmetric.ManualReader) {
	tb.Helper()
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(reader), sdkmetric.WithExemplarFilter(exemplar.TraceBasedFilter))
	timer, err := New(mp.Meter("test"), "shop.quote.duration", "Duration of quotes.")
	if err != nil {
		tb.Fatal(err)
	}
	return timer, reader
}

func collect(t *testing.T, reader *sdkmetric.ManualReader) metricdata.HistogramDataPoint[float64] {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	m := data.ScopeMetrics[0].Metrics[0]
	histogram, ok := m.Data.(metricdata.Histogram[float64])
	if !ok || m.Unit != "s" || len(histogram.DataPoints) != 1 {
		t.Fatalf("metric = %+v", m)
	}
	return histogram.DataPoints[0]
}
