package tracetree_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/tracetree"
)

func orderResource() *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", "order"),
		attribute.String("service.instance.id", "o-1"))
}

func remoteContext(t *testing.T) trace.SpanContext {
	t.Helper()
	state, err := trace.ParseTraceState("v=1")
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
		TraceFlags: trace.FlagsSampled | trace.FlagsRandom,
		TraceState: state, Remote: true,
	})
}

func TestFromSDK(t *testing.T) {
	t.Parallel()
	store := tracetree.New(10)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(store.SpanExporter()),
		sdktrace.WithResource(orderResource()))
	sc := remoteContext(t)
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), sc)
	_, span := tp.Tracer("lib").Start(ctx, "process", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{
			attribute.String("shop.link.type", "producer")}}),
		trace.WithAttributes(attribute.Int("n", 1), attribute.Bool("b", true),
			attribute.StringSlice("s", []string{"x"}), attribute.Int64Slice("i", []int64{1}),
			attribute.Float64("f", 1.5)))
	span.AddEvent("retry", trace.WithAttributes(attribute.Int("n", 2)))
	span.SetStatus(codes.Error, "broken")
	span.End()

	want := []tracetree.Span{{
		TraceID: sc.TraceID().String(), ParentID: sc.SpanID().String(), ParentRemote: true,
		SpanID:  span.SpanContext().SpanID().String(),
		Service: "order", Instance: "o-1", Scope: "lib", Kind: "consumer", Name: "process",
		TraceState: "v=1", Flags: 3, Status: "error", StatusMessage: "broken",
		Attributes: map[string]any{"n": int64(1), "b": true, "s": []any{"x"},
			"i": []any{int64(1)}, "f": 1.5},
		Events: []tracetree.Event{{Name: "retry", Attributes: map[string]any{"n": int64(2)}}},
		Links: []tracetree.Link{{TraceID: sc.TraceID().String(), SpanID: sc.SpanID().String(),
			TraceState: "v=1", Attributes: map[string]any{"shop.link.type": "producer"}}},
	}}
	got := store.Trace(sc.TraceID().String())
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
	if len(got) == 1 && (got[0].Start.IsZero() || got[0].End.Before(got[0].Start)) {
		t.Errorf("span from %v to %v", got[0].Start, got[0].End)
	}
}

func TestFromSDKLog(t *testing.T) {
	t.Parallel()
	store := tracetree.New(10)
	lp := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewSimpleProcessor(store.LogExporter())),
		sdklog.WithResource(orderResource()))
	sc := remoteContext(t)
	var r log.Record
	r.SetTimestamp(epoch())
	r.SetSeverity(log.SeverityWarn)
	r.SetBody(attribute.StringValue("declined"))
	r.AddAttributes(attribute.Int("n", 1))
	logger := lp.Logger("lib")
	logger.Emit(trace.ContextWithSpanContext(t.Context(), sc), r)
	r.SetSeverityText("info")
	logger.Emit(context.WithoutCancel(t.Context()), r)

	plain := tracetree.Log{Time: epoch(), Service: "order", Instance: "o-1", Severity: "INFO",
		Body: "declined", Attributes: map[string]any{"n": int64(1)}}
	correlated := plain
	correlated.Severity = "WARN"
	correlated.TraceID, correlated.SpanID = sc.TraceID().String(), sc.SpanID().String()
	correlated.Flags = 3
	if diff := cmp.Diff([]tracetree.Log{plain, correlated}, store.All().Logs); diff != "" {
		t.Errorf("log records (-want +got):\n%s", diff)
	}
}

func TestRecordersRespectTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := tracetree.New(1)
	if err := store.SpanExporter().ExportSpans(ctx, nil); err == nil {
		t.Error("spans were exported after the context had ended")
	}
	if err := store.LogExporter().Export(ctx, nil); err == nil {
		t.Error("log records were exported after the context had ended")
	}
}
