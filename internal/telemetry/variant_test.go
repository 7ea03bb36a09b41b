package telemetry_test

import (
	"context"
	"slices"
	"testing"

	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/telemetry"
)

// endWith starts and ends n spans of another provider.
func endWith(tp trace.TracerProvider, n int) {
	for range n {
		_, span := tp.Tracer("test").Start(context.Background(), "variant")
		span.End()
	}
}

func TestAVariantsOwnQueueIsCountedInTheSameLedger(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{SpanExporter: &spanExporter{}})
	narrow := tel.Variant(telemetry.Variant{Queue: 2})
	for round := range int64(2) {
		endWith(narrow, 5)
		want(t, tel, 5*round+5, 2*round, 2, map[string]int64{"queue_full": 3*round + 3})
		if err := tel.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, tel, 5*round+5, 2*round+2, 0, map[string]int64{"queue_full": 3*round + 3})
	}
	endWith(narrow, 1)
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, tel, 11, 5, 0, map[string]int64{"queue_full": 6})
	endWith(narrow, 1)
	endWith(tel.Variant(telemetry.Variant{Queue: 2}), 1)
	want(t, tel, 13, 5, 0, map[string]int64{"queue_full": 6, "shutdown": 2})
}

func TestAVariantDiffersInWhatItSaysAndInNothingElse(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	tel := start(t, telemetry.Config{
		Service: "shop", Instance: "i-1", Environment: "test", SpanExporter: exporter,
	})
	endWith(tel.Variant(telemetry.Variant{Sampler: sdktrace.NeverSample()}), 1)
	endWith(tel.Variant(telemetry.Variant{
		Service: "other",
		Edit: func(span sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
			stub := tracetest.SpanStubFromReadOnlySpan(span)
			stub.Name = "edited"
			return stub.Snapshot()
		},
	}), 1)
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, tel, 1, 1, 0, nil)
	spans := exporter.GetSpans()
	if len(spans) != 1 || spans[0].Name != "edited" {
		t.Fatalf("got %v, want the edited span", spans)
	}
	for key, text := range map[attribute.Key]string{
		semconv.ServiceNameKey:               "other",
		semconv.ServiceInstanceIDKey:         "i-1",
		semconv.DeploymentEnvironmentNameKey: "test",
	} {
		if got, _ := spans[0].Resource.Set().Value(key); got.AsString() != text {
			t.Errorf("%s = %q, want %q", key, got.AsString(), text)
		}
	}
}

func TestAnUnredactedVariantExportsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	tel := start(t, telemetry.Config{SpanExporter: exporter})
	for _, tp := range []trace.TracerProvider{
		tel.TracerProvider, tel.Variant(telemetry.Variant{Unredacted: true}),
	} {
		_, span := tp.Tracer("test").Start(t.Context(), "call")
		span.SetAttributes(semconv.URLFull("https://example.com/?key=canary"))
		span.End()
		if err := tel.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want(t, tel, 2, 2, 0, nil)
	var got []string
	for _, span := range exporter.GetSpans() {
		got = append(got, span.Attributes[0].Value.AsString())
	}
	wanted := []string{"https://example.com/?key=REDACTED", "https://example.com/?key=canary"}
	if !slices.Equal(got, wanted) {
		t.Errorf("exported %q, want %q", got, wanted)
	}
}

func TestAVariantsProcessorSeesSpansStart(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	tel := start(t, telemetry.Config{SpanExporter: exporter})
	member, err := baggage.NewMember("plan", "gold")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Variant(telemetry.Variant{
		Start: baggagecopy.NewSpanProcessor(baggagecopy.AllowAllMembers),
	}).Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "call")
	span.End()
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := exporter.GetSpans()[0].Attributes; len(got) != 1 || got[0].Key != "plan" {
		t.Errorf("attributes %v, want plan=gold", got)
	}
}
