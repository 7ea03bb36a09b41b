// Package telemetrytest records in memory what a part under test would have exported.
package telemetrytest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"sync"
	"testing"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"example.com/throughline/internal/telemetry"
)

// Recorder is telemetry whose outputs stay in memory. Its level is DEBUG.
type Recorder struct {
	*telemetry.Telemetry
	Metrics *sdkmetric.ManualReader

	t      testing.TB
	spans  *tracetest.InMemoryExporter
	stdout *buffer
}

// New returns a recorder that is shut down with the test.
func New(t testing.TB) *Recorder {
	t.Helper()
	r := &Recorder{
		Metrics: sdkmetric.NewManualReader(),
		t:       t, spans: tracetest.NewInMemoryExporter(), stdout: &buffer{},
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "test", Stdout: r.stdout, Level: slog.LevelDebug,
		SpanExporter: r.spans, LogExporter: discard{}, MetricReader: r.Metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Telemetry = tel
	t.Cleanup(func() {
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Spans returns the spans that have ended, in that order.
func (r *Recorder) Spans() tracetest.SpanStubs {
	r.t.Helper()
	if err := r.Flush(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	return r.spans.GetSpans()
}

// Span returns the one span of that name; none or several end the test.
func (r *Recorder) Span(name string) tracetest.SpanStub {
	r.t.Helper()
	var found tracetest.SpanStubs
	var names []string
	for _, s := range r.Spans() {
		names = append(names, s.Name)
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("spans %q: want exactly one %q", names, name)
	}
	return found[0]
}

// Attributes returns the attributes of s with values as text.
func Attributes(s tracetest.SpanStub) map[string]string {
	return maps.Collect(func(yield func(string, string) bool) {
		for _, kv := range s.Attributes {
			if !yield(string(kv.Key), kv.Value.String()) {
				return
			}
		}
	})
}

// Lines returns the log lines written to stdout so far whose message is msg.
func (r *Recorder) Lines(msg string) []map[string]any {
	r.t.Helper()
	r.stdout.mu.Lock()
	defer r.stdout.mu.Unlock()
	var lines []map[string]any
	for line := range bytes.Lines(r.stdout.b.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			r.t.Fatalf("stdout line %q: %v", line, err)
		}
		if fields["msg"] == msg {
			lines = append(lines, fields)
		}
	}
	return lines
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

type discard struct{}

func (discard) Export(context.Context, []sdklog.Record) error { return nil }
func (discard) Shutdown(context.Context) error                { return nil }
func (discard) ForceFlush(context.Context) error              { return nil }
