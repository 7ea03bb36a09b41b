package telemetry_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("refused by test")

// spanExporter counts spans that it accepts. Each export asks fate, if there is one.
type spanExporter struct {
	fate func(ctx context.Context) error

	mu    sync.Mutex
	names []string
	shut  atomic.Bool
}

func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.fate != nil {
		if err := e.fate(ctx); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range spans {
		e.names = append(e.names, s.Name())
	}
	return nil
}

func (e *spanExporter) Shutdown(context.Context) error {
	e.shut.Store(true)
	return nil
}

func (e *spanExporter) accepted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.names...)
}

// blocked returns a fate that tells of each export and holds it until release is called. It
// ignores ctx, like the worst of exporters.
func blocked() (fate func(context.Context) error, entered chan struct{}, release func()) {
	entered, gate := make(chan struct{}, 1000), make(chan struct{})
	return func(context.Context) error {
		entered <- struct{}{}
		<-gate
		return nil
	}, entered, sync.OnceFunc(func() { close(gate) })
}

type logExporter struct {
	mu      sync.Mutex
	records []sdklog.Record
	err     error
}

func (e *logExporter) Export(_ context.Context, records []sdklog.Record) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range records {
		e.records = append(e.records, r.Clone())
	}
	return e.err
}

func (e *logExporter) Shutdown(context.Context) error   { return nil }
func (e *logExporter) ForceFlush(context.Context) error { return nil }

// start returns telemetry that is shut down with the test. Outputs not given are in memory.
func start(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	if cfg.SpanExporter == nil {
		cfg.SpanExporter = &spanExporter{}
	}
	if cfg.LogExporter == nil {
		cfg.LogExporter = &logExporter{}
	}
	if cfg.MetricReader == nil {
		cfg.MetricReader = sdkmetric.NewManualReader()
	}
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	return tel
}

// end starts and ends n spans.
func end(tel *telemetry.Telemetry, n int) {
	tracer := tel.TracerProvider.Tracer("test")
	for range n {
		_, span := tracer.Start(context.Background(), "work")
		span.End()
	}
}

// want compares a ledger, which must balance in any case.
func want(
	t *testing.T, tel *telemetry.Telemetry, ended, exported, pending int64, dropped map[string]int64,
) {
	t.Helper()
	got := tel.Ledger.Snapshot()
	if err := got.Balanced(); err != nil {
		t.Error(err)
	}
	if got.Ended != ended || got.Exported != exported || got.Pending != pending {
		t.Errorf("ledger = %+v, want ended %d, exported %d, pending %d",
			got, ended, exported, pending)
	}
	for _, reason := range []string{"queue_full", "export_failed", "shutdown"} {
		if got.Dropped[reason] != dropped[reason] {
			t.Errorf("dropped{%s} = %d, want %d", reason, got.Dropped[reason], dropped[reason])
		}
	}
}
