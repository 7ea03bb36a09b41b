package traceidlogs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/slogtest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestACallWithoutContextHasNoIDs(t *testing.T) {
	t.Parallel()
	ctx, out, records := inSpan(t), &bytes.Buffer{}, &recorder{}
	logger := New(out, slog.LevelInfo, provider(t, records), "test")

	logger.Info("lost") // ctx is in scope, but nobody passed it on
	logger.InfoContext(ctx, "found")

	lines := decode(t, out)
	for _, key := range []string{TraceIDKey, SpanIDKey, TraceFlagsKey} {
		if got, present := lines[0][key]; present {
			t.Errorf("Info: %s = %v, want none", key, got)
		}
		if _, present := lines[1][key]; !present {
			t.Errorf("InfoContext: no %s", key)
		}
	}
	if got := records.all()[0].TraceID(); got.IsValid() {
		t.Errorf("Info: OTLP trace id = %s, want none", got)
	}
}

func TestALineOutsideAnySpanHasNoIDs(t *testing.T) {
	t.Parallel()
	halfValid := trace.ContextWithSpanContext(t.Context(),
		trace.NewSpanContext(trace.SpanContextConfig{TraceID: exampleSpanContext().TraceID()}))
	for name, ctx := range map[string]context.Context{
		"no span": t.Context(), "no span id": halfValid,
	} {
		var out bytes.Buffer
		logger := slog.New(NewHandler(slog.NewJSONHandler(&out, nil)))
		logger.InfoContext(ctx, "m")
		logger.WithGroup("g").InfoContext(ctx, "m", "k", 1)
		for _, line := range decode(t, &out) {
			if got, present := line[TraceIDKey]; present {
				t.Errorf("%s: trace_id = %v, want none", name, got)
			}
		}
	}
}

func TestIDsStayAtTheTopLevel(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	with := func(extra fields) fields {
		all := fields{
			"level": "INFO", "msg": "m",
			TraceIDKey: "4bf92f3577b34da6a3ce929d0e0e4736", SpanIDKey: "00f067aa0ba902b7",
			TraceFlagsKey: "01",
		}
		maps.Copy(all, extra)
		return all
	}
	for name, test := range map[string]struct {
		log  func(context.Context, *slog.Logger)
		want fields
	}{
		"plain": {
			func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", "a", "1") },
			with(fields{"a": "1"}),
		},
		"attributes": {
			func(ctx context.Context, l *slog.Logger) { l.With("a", "1").InfoContext(ctx, "m") },
			with(fields{"a": "1"}),
		},
		"attributes before, in and between groups": {
			func(ctx context.Context, l *slog.Logger) {
				l.With("a", "1").WithGroup("g").With("b", "2").With("c", "3").
					WithGroup("h").InfoContext(ctx, "m", "d", "4")
			},
			with(fields{"a": "1", "g": fields{"b": "2", "c": "3", "h": fields{"d": "4"}}}),
		},
		"empty group": {
			func(ctx context.Context, l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "m") },
			with(nil),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			logger := slog.New(NewHandler(slog.NewJSONHandler(&out,
				&slog.HandlerOptions{ReplaceAttr: withoutTime})))
			test.log(trace.ContextWithSpanContext(t.Context(), exampleSpanContext()), logger)
			if diff := cmp.Diff(test.want, decode(t, &out)[0]); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoggersDerivedFromOneDoNotShareAttributes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	// Three steps each: then a slice that was appended to has room for a fourth.
	groups := slog.New(NewHandler(slog.NewJSONHandler(&out, nil))).
		WithGroup("a").WithGroup("b").WithGroup("c")
	attrs := groups.With("i", "1").With("j", "1").With("k", "1")
	for _, logger := range []*slog.Logger{
		groups.WithGroup("d"), groups.WithGroup("e"), groups.With("l", "1"), groups.With("l", "2"),
		attrs.With("l", "1"), attrs.With("l", "2"), attrs.WithGroup("d"), attrs,
	} {
		logger.Info("m", "x", "y")
	}
	inner := func(line map[string]any) map[string]any {
		return line["a"].(map[string]any)["b"].(map[string]any)["c"].(map[string]any)
	}
	lines := decode(t, &out)
	for i, want := range []map[string]any{
		{"d": map[string]any{"x": "y"}},
		{"e": map[string]any{"x": "y"}},
		{"l": "1", "x": "y"},
		{"l": "2", "x": "y"},
		{"i": "1", "j": "1", "k": "1", "l": "1", "x": "y"},
		{"i": "1", "j": "1", "k": "1", "l": "2", "x": "y"},
		{"i": "1", "j": "1", "k": "1", "d": map[string]any{"x": "y"}},
		{"i": "1", "j": "1", "k": "1", "x": "y"},
	} {
		if diff := cmp.Diff(want, inner(lines[i])); diff != "" {
			t.Errorf("logger %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestHandlerKeepsTheRulesOfSlog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		out.Reset()
		return NewHandler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		return decode(t, &out)[0]
	})
}

func TestLineAndOTLPRecordAndSpanHaveTheSameIDs(t *testing.T) {
	t.Parallel()
	ctx, out, records := inSpan(t), &bytes.Buffer{}, &recorder{}
	New(out, nil, provider(t, records), "test").
		With("a", "1").WithGroup("g").InfoContext(ctx, "m", "b", "2")

	sc, line, record := trace.SpanContextFromContext(ctx), decode(t, out)[0], records.all()[0]
	if line[TraceIDKey] != sc.TraceID().String() || line[SpanIDKey] != sc.SpanID().String() {
		t.Errorf("line: ids = %v %v, want %s %s",
			line[TraceIDKey], line[SpanIDKey], sc.TraceID(), sc.SpanID())
	}
	if record.TraceID() != sc.TraceID() || record.SpanID() != sc.SpanID() ||
		record.TraceFlags() != sc.TraceFlags() {
		t.Errorf("OTLP: ids = %s %s %s, want those of the span %v",
			record.TraceID(), record.SpanID(), record.TraceFlags(), sc)
	}
	record.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv.Key == TraceIDKey {
			t.Errorf("OTLP: attribute %s repeats the record's own field", kv.Key)
		}
		return true
	})
	if got, want := record.AttributesLen(), 2; got != want {
		t.Errorf("OTLP: %d attributes, want %d (a and the group g)", got, want)
	}
	if got := record.InstrumentationScope().Name; got != "test" {
		t.Errorf("OTLP: scope = %q, want test", got)
	}
}

func TestLevelGatesBothOutputs(t *testing.T) {
	t.Parallel()
	ctx, out, records, level := inSpan(t), &bytes.Buffer{}, &recorder{}, &slog.LevelVar{}
	logger := New(out, level, provider(t, records), "test").With("a", 1).WithGroup("g")

	logger.DebugContext(ctx, "held back")
	if got := len(records.all()); got != 0 || out.Len() != 0 {
		t.Errorf("DEBUG at INFO: %d OTLP records and %q, want nothing", got, out)
	}
	level.Set(slog.LevelDebug)
	logger.DebugContext(ctx, "passes")
	if got := len(records.all()); got != 1 || out.Len() == 0 {
		t.Errorf("DEBUG at DEBUG: %d OTLP records and %q, want one of each", got, out)
	}
}

func TestOneOutputSurvivesTheOther(t *testing.T) {
	t.Parallel()
	records := &recorder{}
	New(brokenWriter{}, nil, provider(t, records), "test").InfoContext(t.Context(), "m")
	if got := len(records.all()); got != 1 {
		t.Errorf("writer broken: %d OTLP records, want 1", got)
	}
	var out bytes.Buffer
	logger := New(&out, nil, nil, "test")
	logger.InfoContext(t.Context(), "m")
	if _, ok := logger.Handler().(*handler); !ok {
		t.Errorf("no provider: handler is %T, want the writer's alone", logger.Handler())
	}
	if got := len(decode(t, &out)); got != 1 {
		t.Errorf("no provider: %d lines, want 1", got)
	}
}

// inSpan returns a context that holds a span of a real tracer.
func inSpan(t *testing.T) context.Context {
	t.Helper()
	tp := sdktrace.NewTracerProvider()
	ctx, span := tp.Tracer("test").Start(t.Context(), "work")
	t.Cleanup(func() { span.End() })
	return ctx
}

func provider(t *testing.T, records *recorder) *sdklog.LoggerProvider {
	t.Helper()
	return sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(records)))
}

func decode(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for dec := json.NewDecoder(bytes.NewReader(out.Bytes())); ; {
		var line map[string]any
		err := dec.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatalf("decode %q: %v", out, err)
		}
		lines = append(lines, line)
	}
}

// recorder is a log exporter that keeps what it was given.
type recorder struct {
	mu      sync.Mutex
	records []sdklog.Record
}

func (r *recorder) Export(_ context.Context, records []sdklog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range records {
		r.records = append(r.records, record.Clone())
	}
	return nil
}

func (r *recorder) Shutdown(context.Context) error   { return nil }
func (r *recorder) ForceFlush(context.Context) error { return nil }

func (r *recorder) all() []sdklog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }
