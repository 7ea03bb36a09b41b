package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/otelconv"
)

// publish shows the ledger as metrics, under the names that semantic conventions have for the
// SDK's own (OTel SDK metrics). They are observed, not counted again, so the two cannot differ.
func publish(l *Ledger, mp metric.MeterProvider) error {
	meter := mp.Meter(scope + "/internal/telemetry")
	processed, err1 := otelconv.NewSDKProcessorSpanProcessedObservable(meter)
	exported, err2 := otelconv.NewSDKExporterSpanExportedObservable(meter)
	size, err3 := otelconv.NewSDKProcessorSpanQueueSize(meter)
	capacity, err4 := otelconv.NewSDKProcessorSpanQueueCapacity(meter)
	logs, err5 := otelconv.NewSDKExporterLogExportedObservable(meter)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return fmt.Errorf("ledger metrics: %w", err)
	}
	component := semconv.OTelComponentName("ledger/0")
	with := func(reason string) metric.MeasurementOption {
		return metric.WithAttributes(component, semconv.ErrorTypeKey.String(reason))
	}
	plain := metric.WithAttributes([]attribute.KeyValue{component}...)
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := l.Snapshot()
		failed := s.Dropped[DroppedExportFailed]
		// "Processed" means handed to the exporter, whatever came of it there. Drops are there
		// from the start, as zeros: who alerts on an increase does not see the first value of a
		// series that has just begun.
		o.ObserveInt64(processed.Inst(), s.Exported+failed, plain)
		for _, reason := range []string{DroppedQueueFull, DroppedShutdown} {
			o.ObserveInt64(processed.Inst(), s.Dropped[reason], with(reason))
		}
		o.ObserveInt64(exported.Inst(), s.Exported, plain)
		o.ObserveInt64(exported.Inst(), failed, with(DroppedExportFailed))
		o.ObserveInt64(logs.Inst(), s.Logs.Exported, plain)
		o.ObserveInt64(logs.Inst(), s.Logs.Dropped, with(DroppedExportFailed))
		o.ObserveInt64(size.Inst(), s.Pending, plain)
		o.ObserveInt64(capacity.Inst(), l.capacity, plain)
		return nil
	}, processed.Inst(), exported.Inst(), logs.Inst(), size.Inst(), capacity.Inst())
	if err != nil {
		return fmt.Errorf("ledger metrics: %w", err)
	}
	return nil
}
