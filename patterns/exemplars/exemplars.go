// Package exemplars ties a latency histogram to traces: a slow bucket names a
// request that was slow.
//
// # Problem
//
// The p99 jumps. A dashboard shows that, and nothing leads from there to one of
// the requests. A trace id as a metric label would, and would make a time series
// per request.
//
// # Use
//
// The SDK keeps a few measurements per bucket with the ids of the span they were
// made in, if it is given the ctx of that span. [Timer] does, with the buckets
// that semantic conventions advise for seconds:
//
//	timer, err := exemplars.New(meter, "shop.quote.duration", "Duration of quotes.")
//	...
//	stop := timer.Start()
//	price, err := quote(ctx)
//	stop(ctx, attribute.String("shop.quote.kind", kind))
//
// ctx is the one that holds the span. Before or after the span's end is the same.
//
// # Don't use
//
// With context.Background(), or with the ctx from before the span: there is no
// exemplar, or the parent's. With the filter AlwaysOn, which keeps measurements
// whose trace was not sampled; the default, TraceBased, does not. Head sampling
// says which traces exist, so with tail sampling an exemplar may point to one that
// was dropped. Prometheus stores them only if told to, and scrapes them only as
// OpenMetrics.
//
// # Spec
//
// OpenTelemetry Metrics SDK, "Exemplar" (TraceBased filter, aligned histogram
// reservoir); semantic conventions v1.43.0, http.server.request.duration for the
// boundaries.
package exemplars

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Timer measures durations. Make one with New; it is safe for concurrent use.
type Timer struct {
	histogram metric.Float64Histogram
}

// New returns a timer that records into the histogram called name, in seconds.
func New(meter metric.Meter, name, description string) (Timer, error) {
	histogram, err := meter.Float64Histogram(name,
		metric.WithUnit("s"),
		metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(
			0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	if err != nil {
		return Timer{}, fmt.Errorf("make histogram %q: %w", name, err)
	}
	return Timer{histogram: histogram}, nil
}

// Start starts a measurement. stop ends it and records it with the span in ctx
// and with attrs, which must have few values. Each call of stop records.
func (t Timer) Start() (stop func(ctx context.Context, attrs ...attribute.KeyValue)) {
	start := time.Now()
	return func(ctx context.Context, attrs ...attribute.KeyValue) {
		t.Record(ctx, time.Since(start), attrs...)
	}
}

// Record records a duration that was measured elsewhere.
func (t Timer) Record(ctx context.Context, d time.Duration, attrs ...attribute.KeyValue) {
	t.histogram.Record(ctx, d.Seconds(), metric.WithAttributes(attrs...))
}
