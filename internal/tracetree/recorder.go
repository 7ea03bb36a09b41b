package tracetree

import (
	"context"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SpanExporter returns an exporter that puts spans straight into the store: the recorder of tests
// that need no Collector. Shutdown does nothing, so one store can serve many providers.
func (s *Store) SpanExporter() sdktrace.SpanExporter { return spanRecorder{s} }

// LogExporter returns an exporter that puts log records straight into the store.
func (s *Store) LogExporter() sdklog.Exporter { return logRecorder{s} }

// MetricExporter returns an exporter that puts metrics straight into the store.
func (s *Store) MetricExporter() sdkmetric.Exporter { return metricRecorder{s} }

type spanRecorder struct{ store *Store }

func (r spanRecorder) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out := make([]Span, 0, len(spans))
	for _, s := range spans {
		out = append(out, FromSDK(s))
	}
	r.store.AddSpans(out...)
	return nil
}

func (spanRecorder) Shutdown(context.Context) error { return nil }

type logRecorder struct{ store *Store }

func (r logRecorder) Export(ctx context.Context, records []sdklog.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out := make([]Log, 0, len(records))
	for _, rec := range records {
		out = append(out, FromSDKLog(rec))
	}
	r.store.AddLogs(out...)
	return nil
}

func (logRecorder) Shutdown(context.Context) error   { return nil }
func (logRecorder) ForceFlush(context.Context) error { return nil }

type metricRecorder struct{ store *Store }

func (metricRecorder) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (metricRecorder) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (r metricRecorder) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.store.AddPoints(FromSDKMetrics(all)...)
	return nil
}

func (metricRecorder) Shutdown(context.Context) error   { return nil }
func (metricRecorder) ForceFlush(context.Context) error { return nil }
