package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/telemetry"
)

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"OTEL_PROPAGATORS":         "tracecontext,morse",
		"OTEL_TRACES_SAMPLER":      "sometimes",
		"OTEL_RESOURCE_ATTRIBUTES": "team=shop,nonsense",
		"OTEL_BSP_MAX_QUEUE_SIZE":  "-1",
	}
	_, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "shop", Getenv: func(name string) string { return env[name] }})
	if err == nil {
		t.Fatal("New accepted four bad values")
	}
	for name := range env {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error does not name %s: %v", name, err)
		}
	}
	for _, ratio := range []string{"2", "-0.1", "NaN", "half"} {
		_, err := telemetry.New(t.Context(), telemetry.Config{Getenv: func(name string) string {
			return map[string]string{
				"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio,
			}[name]
		}})
		if err == nil || !strings.Contains(err.Error(), "OTEL_TRACES_SAMPLER_ARG") {
			t.Errorf("ratio %s: error = %v, want it to name OTEL_TRACES_SAMPLER_ARG", ratio, err)
		}
	}
}

func TestTheEnvironmentWinsOverTheConfiguration(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"OTEL_SERVICE_NAME":        "renamed",
		"OTEL_RESOURCE_ATTRIBUTES": "service.name=ignored,service.version=2,team=a%2Cb",
		"OTEL_PROPAGATORS":         "b3multi",
		"OTEL_TRACES_SAMPLER":      "always_off",
	}
	tel := start(t, telemetry.Config{
		Service: "configured", Version: "1", Environment: "test", Instance: "i-1",
		Propagators: []string{"tracecontext"},
		Getenv:      func(name string) string { return env[name] },
	})
	got := make(map[string]string)
	for _, kv := range tel.Resource.Attributes() {
		if key := string(kv.Key); !strings.HasPrefix(key, "telemetry.sdk.") &&
			!strings.HasPrefix(key, "process.runtime.") {
			got[string(kv.Key)] = kv.Value.AsString()
		}
	}
	if diff := cmp.Diff(map[string]string{
		"service.name": "renamed", "service.version": "2", "service.instance.id": "i-1",
		"deployment.environment.name": "test", "team": "a,b",
	}, got); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	if s := tel.Ledger.Snapshot(); s.Service != "renamed" || s.Instance != "i-1" {
		t.Errorf("ledger is of %q %q, want renamed i-1", s.Service, s.Instance)
	}
	if !slices.Contains(tel.Propagator.Fields(), "x-b3-traceid") {
		t.Errorf("propagator fields = %v, want those of b3multi", tel.Propagator.Fields())
	}
	_, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "x")
	defer span.End()
	if span.SpanContext().IsSampled() {
		t.Error("span is sampled in spite of always_off")
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	s := tel.Ledger.Snapshot()
	if s.Service != "unknown_service" {
		t.Errorf("service.name = %q, want unknown_service", s.Service)
	}
	uuid := regexp.MustCompile(
		`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(s.Instance) {
		t.Errorf("service.instance.id = %q, want a random UUID", s.Instance)
	}
	fields := tel.Propagator.Fields()
	slices.Sort(fields)
	if diff := cmp.Diff([]string{"baggage", "traceparent", "tracestate"}, fields); diff != "" {
		t.Errorf("propagator fields (-want +got):\n%s", diff)
	}
}

func TestStdoutAndOTLPRecordsCarryTheSpansIDs(t *testing.T) {
	t.Parallel()
	out, logs := &buffer{}, &logExporter{}
	tel := start(t, telemetry.Config{Stdout: out, LogExporter: logs})
	ctx, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "work")
	tel.Logger.InfoContext(ctx, "inside")
	tel.Logger.DebugContext(ctx, "below the level")
	span.End()
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := span.SpanContext().TraceID()
	if got := out.lines(t); len(got) != 1 || got[0]["trace_id"] != id.String() {
		t.Errorf("stdout = %v, want one line with trace_id %s", got, id)
	}
	logs.mu.Lock()
	defer logs.mu.Unlock()
	if len(logs.records) != 1 || logs.records[0].TraceID() != id {
		t.Errorf("OTLP records = %v, want one of trace %s", logs.records, id)
	}
}

func TestExportErrorsAreLoggedWhenTheyBeginAndEnd(t *testing.T) {
	t.Parallel()
	out := &buffer{}
	failing := true
	tel := start(t, telemetry.Config{Stdout: out, SpanExporter: &spanExporter{
		fate: func(context.Context) error {
			if failing {
				return errRefused
			}
			return nil
		}}})
	for range 3 {
		end(tel, 1)
		_ = tel.Flush(t.Context())
	}
	failing = false
	for range 2 {
		end(tel, 1)
		if err := tel.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	var got []string
	for _, line := range out.lines(t) {
		if line["msg"] != "spans dropped" { // of drops_test.go
			got = append(got, line["msg"].(string))
		}
	}
	if diff := cmp.Diff(
		[]string{"telemetry export fails", "telemetry export works again"}, got); diff != "" {
		t.Errorf("stdout (-want +got):\n%s", diff)
	}
}

func TestALogExporterThatFailsMakesFlushFail(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{LogExporter: &logExporter{err: errRefused}})
	tel.Logger.InfoContext(t.Context(), "hello")
	if err := tel.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "logs") {
		t.Errorf("Flush = %v, want an error about logs", err)
	}
}

func TestLogRecordsAreCounted(t *testing.T) {
	t.Parallel()
	exporter := &logExporter{}
	tel := start(t, telemetry.Config{LogExporter: exporter})
	for i, want := range []telemetry.LogCounts{
		{Emitted: 2, Exported: 2}, {Emitted: 4, Exported: 2, Dropped: 2},
	} {
		tel.Logger.InfoContext(t.Context(), "one")
		tel.Logger.DebugContext(t.Context(), "below the level")
		tel.Logger.ErrorContext(t.Context(), "two")
		if got := tel.Ledger.Snapshot().Logs.Emitted; got != want.Emitted {
			t.Errorf("round %d: %d emitted before the flush, want %d", i, got, want.Emitted)
		}
		_ = tel.Flush(t.Context()) // fails in the second round
		if got := tel.Ledger.Snapshot().Logs; got != want {
			t.Errorf("round %d: got %+v, want %+v", i, got, want)
		}
		exporter.err = errRefused
	}
}

func TestTheLedgerIsPublishedAsMetrics(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	fate, entered, release := blocked()
	defer release()
	tel := start(t, telemetry.Config{MetricReader: reader, QueueSize: 2,
		SpanExporter: &spanExporter{fate: fate}})
	end(tel, 2)
	<-entered
	end(tel, 3)
	got := collect(t, reader)
	wanted := map[string]int64{
		"otel.sdk.processor.span.processed":            0,
		"otel.sdk.processor.span.processed queue_full": 3,
		"otel.sdk.exporter.span.exported":              0,
		"otel.sdk.processor.span.queue.size":           2,
		"otel.sdk.processor.span.queue.capacity":       2,

		// Zeros, for those who alert on an increase.
		"otel.sdk.processor.span.processed shutdown":    0,
		"otel.sdk.exporter.span.exported export_failed": 0,
		"otel.sdk.exporter.log.exported export_failed":  0,
	}
	for name, value := range wanted {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s = %d (%t), want %d", name, v, ok, value)
		}
	}
	if _, ok := got["go.goroutine.count"]; !ok {
		t.Error("no runtime metrics")
	}
}

func TestNothingBlocksWithoutACollector(t *testing.T) {
	// Not parallel: autoexport reads the environment of the process.
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1") // nobody listens there
		tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "lonely"})
		if err != nil {
			t.Fatal(err)
		}
		end(tel, 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = tel.Shutdown(ctx)
		want(t, tel, 3, 0, 0, map[string]int64{"shutdown": 3})
	}
}

func TestPropagatorNoneCarriesNothing(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{Propagators: []string{"none"}})
	ctx, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "x")
	defer span.End()
	carrier := propagation.MapCarrier{}
	tel.Propagator.Inject(ctx, carrier)
	if len(carrier) != 0 {
		t.Errorf("carrier = %v, want nothing", carrier)
	}
}

// buffer is what stdout is in these tests.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []map[string]any
	for line := range bytes.Lines(b.b.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("stdout line %q: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}

// collect returns integer sums and gauges by name and error.type.
func collect(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int64)
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				continue
			}
			for _, p := range sum.DataPoints {
				name := m.Name
				if v, ok := p.Attributes.Value("error.type"); ok {
					name += " " + v.AsString()
				}
				got[name] = p.Value
			}
		}
	}
	return got
}
