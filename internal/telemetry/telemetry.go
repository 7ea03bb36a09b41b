// Package telemetry sets up OpenTelemetry once for a service: resource, providers for traces,
// metrics and logs, propagator, logger, and a [Ledger] that accounts for every span.
//
// Nothing here is global: a [Telemetry] is passed to what needs it, so that several services
// with resources of their own can live in one process. Start reading at [New]; ledger.go says
// how spans are counted, and gate.go why the SDK's batch processor needs a gate in front.
//
// Everything that leaves is redacted first (redaction.go): secrets are taken out of spans and log
// records in front of the exporters and of stdout, so that no code path goes around it.
//
// The standard OTEL_* variables win over [Config]. Exporters that Config does not give come from
// autoexport (OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT and so on), which reads the
// environment of the process. No exporter connects before it has something to send: a service
// starts and serves without a Collector.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/patterns/redact"
	"example.com/throughline/patterns/traceidlogs"
)

// scope is the instrumentation scope of the service's log records.
const scope = "example.com/throughline"

// Config describes one service. All fields are optional.
type Config struct {
	Service     string // service.name; OTEL_SERVICE_NAME wins
	Version     string // service.version
	Environment string // deployment.environment.name
	Instance    string // service.instance.id; empty means a random UUID

	Stdout io.Writer  // JSON lines; nil discards them. Writes are serialised by slog
	Level  slog.Level // of both outputs, stdout and OTLP

	// Getenv looks up the OTEL_* variables that this package reads itself: the resource,
	// propagators, sampler and queue size. Nil is an empty environment.
	Getenv func(string) string

	SpanExporter sdktrace.SpanExporter // nil: from the environment
	LogExporter  sdklog.Exporter       // nil: from the environment
	MetricReader sdkmetric.Reader      // nil: from the environment

	// SpanProcessors see every span start and end, before it is exported. They are shut down
	// with the rest.
	SpanProcessors []sdktrace.SpanProcessor

	// QueueSize bounds the spans that ended and are not yet exported; what comes on top is
	// dropped and counted. 0 means 2048; OTEL_BSP_MAX_QUEUE_SIZE wins.
	QueueSize int

	// Query names the parameters of a URL's query whose values may be exported; of all others
	// only the name is. Nil means page and limit.
	Query []string
	// Unredacted exports everything as it was recorded. It is for tests, which have to see what
	// redaction takes out.
	Unredacted bool

	// Propagators are names that OTEL_PROPAGATORS knows, in order; OTEL_PROPAGATORS wins.
	// Empty means tracecontext and baggage.
	Propagators []string
}

// Telemetry is the handle that a service passes to its parts.
type Telemetry struct {
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	LoggerProvider log.LoggerProvider
	Propagator     propagation.TextMapPropagator
	Logger         *slog.Logger // use its Context methods: ids come from ctx
	Ledger         *Ledger
	Resource       *resource.Resource

	redactor   *redact.Redactor
	traces     *sdktrace.TracerProvider
	metrics    *sdkmetric.MeterProvider
	logs       *sdklog.LoggerProvider
	records    sdklog.Processor
	gate       *gate
	variants   variants
	spanHealth *health
	logHealth  *health

	shutdown    sync.Once
	shutdownErr error
}

// New sets up telemetry. Its error joins everything that is wrong with cfg and the environment.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	if cfg.Stdout == nil {
		cfg.Stdout = io.Discard
	}
	s, err := readSettings(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("telemetry of service %q: %w", cfg.Service, err)
	}
	out, err := newOutputs(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("telemetry of service %q: %w", cfg.Service, err)
	}
	redactor, raw := newRedactor(cfg), out.spans
	out = out.redacted(redactor)
	s.resource = redactedResource(redactor, s.resource)
	t := &Telemetry{Resource: s.resource, redactor: redactor}
	t.Propagator = t.Inbound(s.propagator)

	// Trouble with exporting is told on stdout only: sent through the failing exporter it
	// would make more of itself.
	local := quiet(redactor, traceidlogs.New(cfg.Stdout, cfg.Level, nil, scope))
	t.spanHealth = &health{signal: "traces", log: local}
	t.logHealth = &health{signal: "logs", log: local}

	t.metrics = sdkmetric.NewMeterProvider(append(labels(redactor),
		sdkmetric.WithResource(s.resource), sdkmetric.WithReader(out.metrics))...)
	t.MeterProvider = t.metrics

	entries, entriesErr := newEntries(t.metrics)
	t.Ledger = newLedger(s.resource, s.queueSize)
	t.gate = newGate(t.Ledger, out.spans, t.spanHealth)
	tracing := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(s.resource), sdktrace.WithSampler(s.sampler),
		sdktrace.WithRawSpanLimits(spanLimits()),
	}
	for _, p := range append(slices.Clip(cfg.SpanProcessors), entries, t.gate) {
		tracing = append(tracing, sdktrace.WithSpanProcessor(p))
	}
	t.traces = sdktrace.NewTracerProvider(tracing...)
	t.TracerProvider = t.traces
	t.variants = variants{sampler: s.sampler, exporter: out.spans, raw: raw}

	t.records = logCounter{ledger: t.Ledger, Processor: sdklog.NewBatchProcessor(
		&logExporter{Exporter: out.logs, ledger: t.Ledger, health: t.logHealth})}
	t.logs = sdklog.NewLoggerProvider(
		sdklog.WithResource(s.resource), sdklog.WithProcessor(t.records))
	t.LoggerProvider = t.logs
	t.Logger = quiet(redactor, traceidlogs.New(cfg.Stdout, cfg.Level, t.logs, scope))
	t.Ledger.drops.log, t.Ledger.drops.local = t.Logger, local

	if err := errors.Join(
		entriesErr,
		runtime.Start(runtime.WithMeterProvider(t.metrics)),
		publish(t.Ledger, t.metrics),
	); err != nil {
		return nil, errors.Join(err, t.Shutdown(ctx))
	}
	return t, nil
}

// maxValue bounds an attribute of a span where no OTEL_* variable says how: path and user agent are
// as long as a caller likes.
const maxValue = 1024

// spanLimits are those of the environment, as the SDK reads them, and its defaults, but for the one
// that is unlimited by default.
func spanLimits() sdktrace.SpanLimits {
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxValue
	}
	return limits
}

// Flush exports what has ended, been logged and been measured so far. After a nil return the
// ledger has no pending span that ended before the call. An error joins the exports that failed
// meanwhile, and ctx.Err when ctx ended first; the flush then goes on in the background.
func (t *Telemetry) Flush(ctx context.Context) error {
	return errors.Join(parallel(
		func() error {
			failed := t.spanHealth.mark()
			return errors.Join(t.variants.flush(ctx), t.traces.ForceFlush(ctx), failed())
		},
		func() error {
			failed := t.logHealth.mark()
			return errors.Join(t.logs.ForceFlush(ctx), failed())
		},
		func() error { return t.metrics.ForceFlush(ctx) },
	)...)
}

// Shutdown exports what is left and stops. Spans that end later, and spans that ctx left no time
// to export, are counted as dropped{shutdown}; the latter also make an error. Further calls wait
// for the first and return its error.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	t.shutdown.Do(func() {
		errs := parallel(
			func() error {
				failed := t.spanHealth.mark()
				// By name, here and below: once ctx has ended the providers no longer
				// reach their processors, and ledger and goroutines would stay.
				return errors.Join(t.variants.drain(ctx),
					t.gate.Shutdown(ctx), t.traces.Shutdown(ctx), failed())
			},
			func() error {
				failed := t.logHealth.mark()
				return errors.Join(t.logs.Shutdown(ctx), t.records.Shutdown(ctx), failed())
			},
		)
		t.Ledger.drops.close()
		// Metrics last, for they tell how the spans fared.
		t.shutdownErr = errors.Join(append(errs, t.metrics.Shutdown(ctx))...)
	})
	return t.shutdownErr
}

// parallel runs all at once, so that one output that hangs does not take the others' time.
func parallel(fns ...func() error) []error {
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { errs[i] = fn() })
	}
	wg.Wait()
	return errs
}
