package tracetree

import (
	"context"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SpanExporter returns an exporter that puts spans straight into the store: the recorder of tests
// that need no Collector. Shutdown does nothing, so one store can serve many providers.
func (s *Store) SpanExporter() sdktrace.SpanExporter { return spanRecorder{s} }

// LogExporter returns an exporter that puts log records straight into the store.
func (s *Store) LogExporter() sdklog.Exporter { return logRecorder{s} }

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
