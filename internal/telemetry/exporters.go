package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/shop"
)

// outputs are where the three signals go.
type outputs struct {
	spans   sdktrace.SpanExporter
	logs    sdklog.Exporter
	metrics sdkmetric.Reader
}

// newOutputs takes the outputs of cfg, and those it does not give from the environment.
func newOutputs(ctx context.Context, cfg Config) (outputs, error) {
	out := outputs{spans: cfg.SpanExporter, logs: cfg.LogExporter, metrics: cfg.MetricReader}
	var errs []error
	if out.spans == nil {
		exporter, err := autoexport.NewSpanExporter(ctx)
		out.spans = exporter
		errs = append(errs, wrap("span exporter", err))
	}
	if out.logs == nil {
		exporter, err := autoexport.NewLogExporter(ctx)
		out.logs = exporter
		errs = append(errs, wrap("log exporter", err))
	}
	if out.metrics == nil {
		reader, err := autoexport.NewMetricReader(ctx)
		out.metrics = reader
		errs = append(errs, wrap("metric reader", err))
	}
	if err := errors.Join(errs...); err != nil {
		return outputs{}, errors.Join(err, out.stop(ctx))
	}
	return out, nil
}

// stop shuts down what was made before something else failed.
func (o outputs) stop(ctx context.Context) error {
	var errs []error
	if o.spans != nil {
		errs = append(errs, o.spans.Shutdown(ctx))
	}
	if o.logs != nil {
		errs = append(errs, o.logs.Shutdown(ctx))
	}
	if o.metrics != nil {
		errs = append(errs, o.metrics.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// spanExporter counts in the ledger what became of each batch. It keeps errors from the batch
// processor, which would hand them to the global error handler: health tells them.
type spanExporter struct {
	next    sdktrace.SpanExporter
	ledger  *Ledger
	health  *health
	running context.Context // done when Shutdown has given up
}

func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.ledger.isClosed() {
		return nil // counted as dropped{shutdown}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.running, cancel)()
	err := e.next.ExportSpans(ctx, spans)
	e.ledger.settle(len(spans), err)
	e.health.result(ctx, err)
	return nil
}

func (e *spanExporter) Shutdown(ctx context.Context) error { return e.next.Shutdown(ctx) }

// logExporter does for log records what spanExporter does for spans.
type logExporter struct {
	sdklog.Exporter
	ledger *Ledger
	health *health
}

func (e *logExporter) Export(ctx context.Context, records []sdklog.Record) error {
	err := e.Exporter.Export(ctx, records)
	e.ledger.settleLogs(len(records), err)
	e.health.result(ctx, err)
	return nil
}

// logCounter counts what comes into the processor.
type logCounter struct {
	sdklog.Processor
	ledger *Ledger
}

func (c logCounter) OnEmit(ctx context.Context, record *sdklog.Record) error {
	c.ledger.emit()
	return c.Processor.OnEmit(ctx, record)
}

// health remembers how exporting one signal goes, and logs only when that changes: a Collector
// that is away for an hour makes two lines, not thousands.
type health struct {
	signal string
	log    *slog.Logger

	mu       sync.Mutex
	failures int64
	failing  bool
	last     error
}

func (h *health) result(ctx context.Context, err error) {
	h.mu.Lock()
	changed := h.failing != (err != nil)
	h.failing = err != nil
	if err != nil {
		h.failures++
		h.last = err
	}
	h.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		h.log.ErrorContext(ctx, "telemetry export fails",
			string(shop.Signal), h.signal, "error", err)
	default:
		h.log.InfoContext(ctx, "telemetry export works again", string(shop.Signal), h.signal)
	}
}

// mark returns a function that returns the last error if an export failed since the mark.
func (h *health) mark() func() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.failures
	return func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.failures == before {
			return nil
		}
		return fmt.Errorf("%d exports of %s failed, the last: %w",
			h.failures-before, h.signal, h.last)
	}
}
