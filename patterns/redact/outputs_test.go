package redact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

func TestNoCanaryInAScope(t *testing.T) {
	t.Parallel()
	memory := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(New(Rules{}).Spans(memory)))
	_, span := tp.Tracer("lib of "+email, trace.WithInstrumentationVersion(email),
		trace.WithInstrumentationAttributes(attribute.String("owner", email)),
	).Start(t.Context(), "work")
	span.End()
	got := memory.GetSpans()[0].InstrumentationScope
	noCanary(t, fmt.Sprintf("%+v %v", got, got.Attributes.ToSlice()))
	if got.Name != "lib of [email]" || got.Attributes.Len() != 1 {
		t.Errorf("scope = %+v", got)
	}
}

// A label that holds a secret is gone from the series and from its exemplar.
func TestNoCanaryInALabel(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader),
		sdkmetric.WithView(New(Rules{}).View))
	meter := mp.Meter("test")
	h, err := meter.Float64Histogram("h", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider()
	ctx, span := tp.Tracer("test").Start(t.Context(), "sampled")
	defer span.End()
	h.Record(ctx, 1, metric.WithAttributes(
		attribute.String("to", email), attribute.String("route", "/x"),
		attribute.String("api_key", "tok-canary"), attribute.Int64("n", 4111111111111111)))
	var got metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &got); err != nil {
		t.Fatal(err)
	}
	m := got.ScopeMetrics[0].Metrics[0]
	point := m.Data.(metricdata.Histogram[float64]).DataPoints[0]
	noCanary(t, fmt.Sprintf("%+v", point))
	if want := attribute.NewSet(attribute.String("route", "/x")); !point.Attributes.Equals(&want) {
		t.Errorf("labels %v, want the route", point.Attributes.ToSlice())
	}
	if len(point.Exemplars) != 1 || len(point.Exemplars[0].FilteredAttributes) != 0 ||
		len(point.Exemplars[0].TraceID) != 16 {
		t.Errorf("exemplars %+v, want one without attributes", point.Exemplars)
	}
	if m.Unit != "s" || len(point.Bounds) != 2 {
		t.Errorf("unit %q, bounds %v: the instrument is not what it was", m.Unit, point.Bounds)
	}
}

func TestNoCanaryComesIn(t *testing.T) {
	t.Parallel()
	next := propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{})
	prop := New(Rules{}).Propagator(next)
	in := propagation.HeaderCarrier{}
	in.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	in.Set("tracestate", "a=1,mail="+email+",b=2,token=tok-canary")
	in["Baggage"] = []string{"channel=web,user=ada%40canary.example", "session=tok-canary,tenant=7"}
	for name, carrier := range map[string]propagation.TextMapCarrier{
		"headers": in, "one value": single{in},
	} {
		ctx := prop.Extract(context.Background(), carrier)
		sc, bag := trace.SpanContextFromContext(ctx), baggage.FromContext(ctx)
		if got := sc.TraceState().String(); got != "a=1,b=2" || !sc.IsRemote() {
			t.Errorf("%s: tracestate %q, want a=1,b=2", name, got)
		}
		if bag.Member("channel").Value() != "web" || bag.Member("user").Key() != "" ||
			bag.Member("session").Key() != "" {
			t.Errorf("%s: baggage %q", name, bag)
		}
		out := propagation.MapCarrier{}
		prop.Inject(ctx, out)
		noCanary(t, fmt.Sprint(out))
	}
	if got := New(Rules{}).Members("a=1, b = 2;p,c"); got != "a=1, b = 2;p,c" {
		t.Errorf("a clean list became %q", got)
	}
}

// single is a carrier that has one value for a key.
type single struct{ in propagation.HeaderCarrier }

func (c single) Get(key string) string { return c.in.Get(key) }
func (c single) Set(key, value string) { c.in.Set(key, value) }
func (c single) Keys() []string        { return c.in.Keys() }

// handled keeps the attributes of the last record.
type handled struct {
	slog.Handler
	got map[string]any
}

func (h handled) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool { h.got[a.Key] = a.Value.Any(); return true })
	return nil
}

// What a bridge makes of a value goes by its type, so that it stays: an error is an error of the
// same error.type and leads to no original, a list is a list.
func TestTypesStayInALogRecord(t *testing.T) {
	t.Parallel()
	h := handled{slog.DiscardHandler, map[string]any{}}
	original := fmt.Errorf("no such user: %s", email)
	slog.New(New(Rules{}).Handler(enabled{h})).InfoContext(t.Context(), "refused",
		"error", original, "fine", io.EOF, "headers", []string{"a", email})
	err, ok := h.got["error"].(error)
	if !ok || err.Error() != "no such user: [email]" || errors.Unwrap(err) != nil ||
		semconv.ErrorType(err) != semconv.ErrorType(original) {
		t.Errorf("error: got %#v, want one of the same type without the address", h.got["error"])
	}
	if fine, _ := h.got["fine"].(error); !errors.Is(fine, io.EOF) {
		t.Errorf("an error without a secret: got %#v, want io.EOF", h.got["fine"])
	}
	if list := fmt.Sprintf("%#v", h.got["headers"]); list != `[]string{"a", "[email]"}` {
		t.Errorf("a list: got %s", list)
	}
}

// enabled logs at every level.
type enabled struct{ slog.Handler }

func (enabled) Enabled(context.Context, slog.Level) bool { return true }
