package embedded

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/telemetry"
)

// How an export is tried again, and how often metrics are exported unasked.
const (
	retryFirst      = 100 * time.Millisecond
	retryAtMost     = 500 * time.Millisecond
	metricsInterval = 15 * time.Second
)

// exporters gives each service of a platform telemetry that goes to the
// Collector at endpoint, and nowhere else: the OTEL_* variables of whoever
// starts the lab would rename all four services at once.
type exporters struct {
	ctx      context.Context //nolint:containedctx // platform.Config.Telemetry has no ctx
	endpoint string
	timeout  time.Duration
	logs     io.Writer
	err      error // of all services, joined

	processor func(service string) sdktrace.SpanProcessor
}

func (e *exporters) telemetry(service string) telemetry.Config {
	var processors []sdktrace.SpanProcessor
	if e.processor != nil {
		processors = append(processors, e.processor(service))
	}
	spans, err := otlptracegrpc.New(e.ctx, otlptracegrpc.WithEndpoint(e.endpoint),
		otlptracegrpc.WithInsecure(), otlptracegrpc.WithTimeout(e.timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true,
			InitialInterval: retryFirst, MaxInterval: retryAtMost, MaxElapsedTime: e.timeout}))
	e.err = errors.Join(e.err, err)
	logs, err := otlploggrpc.New(e.ctx, otlploggrpc.WithEndpoint(e.endpoint),
		otlploggrpc.WithInsecure(), otlploggrpc.WithTimeout(e.timeout),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: true,
			InitialInterval: retryFirst, MaxInterval: retryAtMost, MaxElapsedTime: e.timeout}))
	e.err = errors.Join(e.err, err)
	metrics, err := otlpmetricgrpc.New(e.ctx, otlpmetricgrpc.WithEndpoint(e.endpoint),
		otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithTimeout(e.timeout),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: true,
			InitialInterval: retryFirst, MaxInterval: retryAtMost, MaxElapsedTime: e.timeout}))
	e.err = errors.Join(e.err, err)
	return telemetry.Config{
		Version:      "lab",
		Environment:  "lab",
		Stdout:       e.logs,
		Level:        slog.LevelDebug, // the wire records are DEBUG, and the lab is about them
		SpanExporter: spans, SpanProcessors: processors,
		LogExporter:  logs,
		MetricReader: sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(metricsInterval)),
	}
}
