package tracetree_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/telemetry"
	"example.com/throughline/internal/tracetree"
)

func TestMetricLines(t *testing.T) {
	t.Parallel()
	it := tracetree.Span{TraceID: "t", SpanID: "s", Kind: "internal", Name: "price"}
	root := tracetree.Span{TraceID: "t", SpanID: "r", Kind: "server", Name: "POST"}
	j := tracetree.Journey{Spans: []tracetree.Span{it, root}}
	point := func(route string, exemplars ...tracetree.Exemplar) tracetree.Point {
		return tracetree.Point{Service: "pricing", Metric: "d", Count: 2,
			Attributes: map[string]any{"http.route": route}, Exemplars: exemplars}
	}
	points := []tracetree.Point{
		point("/a/{id}", tracetree.Exemplar{TraceID: "t", SpanID: "s"},
			tracetree.Exemplar{TraceID: "elsewhere", SpanID: "s"}),
		point("/b", tracetree.Exemplar{TraceID: "t", SpanID: "r"}),
		point("/c", tracetree.Exemplar{TraceID: "elsewhere", SpanID: "s"}),
	}
	for line, want := range map[string]string{
		"pricing d  exemplar=@it":                          "",
		"pricing d  http.route=/a/{id} exemplar=@it  # so": "",
		"pricing d  http.route=/b exemplar=* !other":       "",
		"pricing d  http.route=/c !exemplar":               "",
		"pricing d":                                        "",
		"pricing d  http.route=/b exemplar=@it": `x:8: - pricing d  http.route=/b exemplar=@it
x:8: + pricing d  http.route=/a/{id} exemplar=@it # count 2, 1 exemplar of other journeys
x:8: + pricing d  http.route=/b exemplar=* # server POST # count 2, 0 exemplars of other journeys
x:8: + pricing d  http.route=/c # count 2, 1 exemplar of other journeys
`,
		"pricing d  http.route=/c exemplar=*": `x:8: - pricing d  http.route=/c exemplar=*
x:8: + pricing d  http.route=/a/{id} exemplar=@it # count 2, 1 exemplar of other journeys
x:8: + pricing d  http.route=/b exemplar=* # server POST # count 2, 0 exemplars of other journeys
x:8: + pricing d  http.route=/c # count 2, 1 exemplar of other journeys
`,
		"order d  !exemplar": `x:8: - order d  !exemplar
x:8: + # order has no such histogram or counter
`,
		"pricing d  !exemplar": `x:8: - pricing d  !exemplar
x:8: + pricing d  # count 2, 1 exemplar of other journeys
x:8: + pricing d  exemplar=* # server POST # count 2, 0 exemplars of other journeys
x:8: + pricing d  exemplar=@it # count 2, 1 exemplar of other journeys
`,
	} {
		ms, err := tracetree.ParseMetrics("x", 7, line+"\n")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got := ms.Match(points, j, nil, map[string]tracetree.Span{"it": it})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

// The lines are about services, and so are the ledgers that are waited for.
func TestMetricLinesOf(t *testing.T) {
	t.Parallel()
	ms, err := tracetree.ParseMetrics("x", 1, "pricing d\n")
	if err != nil {
		t.Fatal(err)
	}
	got := ms.Of([]telemetry.Snapshot{{Service: "order"}, {Service: "pricing", Instance: "p"}})
	if len(got) != 1 || got[0].Instance != "p" {
		t.Errorf("got %v, want pricing's", got)
	}
}

const exported = "otel.sdk.exporter.span.exported"

// Points that were collected before the spans were exported are not waited for in vain.
func TestPointsWaitsForTheLedger(t *testing.T) {
	t.Parallel()
	s := tracetree.New(10)
	add := func(instance string, exportedSpans, count int64) {
		s.AddPoints(
			tracetree.Point{Instance: instance, Metric: "d", Count: count},
			tracetree.Point{Instance: instance, Metric: exported, Count: 9,
				Attributes: map[string]any{"error.type": "export_failed"}},
			tracetree.Point{Instance: instance, Metric: exported, Count: exportedSpans})
	}
	ledgers := []telemetry.Snapshot{{Service: "order", Instance: "o", Exported: 3}}
	add("o", 2, 1)
	add("p", 7, 5)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gave up"))
	_, err := s.Points(ctx, ledgers)
	want := "await metrics: gave up: order (instance o): metrics of 2 exported spans arrived, want of 3"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	done := make(chan []tracetree.Point)
	go func() {
		points, err := s.Points(t.Context(), ledgers)
		if err != nil {
			t.Error(err)
		}
		done <- points
	}()
	add("o", 3, 2)
	add("o", 3, 1) // an older one that comes late
	points := <-done
	i := slices.IndexFunc(points, func(p tracetree.Point) bool { return p.Metric == "d" })
	if i < 0 || points[i].Count != 2 || len(points) != 3 {
		t.Errorf("got %v, want three of one instance, and 2 measurements", points)
	}
}

func TestTheStoreForgetsInstancesThatAreSilent(t *testing.T) {
	t.Parallel()
	s := tracetree.New(10)
	for i := range 150 {
		for _, instance := range []string{"stays", string(rune('A' + i))} {
			s.AddPoints(tracetree.Point{Instance: instance, Metric: exported, Count: 1})
		}
	}
	for instance, known := range map[string]bool{"stays": true, "A": false} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Points(ctx, []telemetry.Snapshot{{Instance: instance, Exported: 1}})
		if (err == nil) != known {
			t.Errorf("%s: error %v, want known %v", instance, err, known)
		}
	}
}

func TestFromSDKMetrics(t *testing.T) {
	t.Parallel()
	store := tracetree.New(10)
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithResource(orderResource()), sdkmetric.WithReader(
		sdkmetric.NewPeriodicReader(store.MetricExporter(), sdkmetric.WithInterval(time.Hour))))
	defer func() { _ = mp.Shutdown(context.WithoutCancel(t.Context())) }()
	meter := mp.Meter("lib")
	seconds, err := meter.Float64Histogram("seconds")
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := meter.Int64Histogram("pieces")
	if err != nil {
		t.Fatal(err)
	}
	counter, err := meter.Int64Counter(exported)
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := sdktrace.NewTracerProvider().Tracer("lib").Start(t.Context(), "work")
	seconds.Record(ctx, 1, metric.WithAttributes(attribute.String("kind", "express")))
	pieces.Record(t.Context(), 1)
	counter.Add(t.Context(), 7)
	if err := mp.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := store.Points(t.Context(), []telemetry.Snapshot{{Instance: "o-1", Exported: 7}})
	if err != nil {
		t.Fatal(err)
	}
	sc := span.SpanContext()
	want := []tracetree.Point{
		{Metric: exported, Count: 7},
		{Metric: "pieces", Count: 1},
		{Metric: "seconds", Count: 1, Attributes: map[string]any{"kind": "express"},
			Exemplars: []tracetree.Exemplar{
				{TraceID: sc.TraceID().String(), SpanID: sc.SpanID().String()}}},
	}
	for i := range want {
		want[i].Service, want[i].Instance = "order", "o-1"
	}
	byName := cmpopts.SortSlices(func(a, b tracetree.Point) bool { return a.Metric < b.Metric })
	if diff := cmp.Diff(want, got, byName); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}
