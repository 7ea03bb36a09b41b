package fault_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
)

// turned returns a set with one fault, "it", and its switch.
func turned(t *testing.T, on bool) (*fault.Set, *fault.Switch) {
	t.Helper()
	var s fault.Set
	sw := s.Declare("it", "It breaks.")
	if err := s.Turn("it", on); err != nil {
		t.Fatal(err)
	}
	return &s, sw
}

func TestTamperEditsACopyAndOnlyWhileOn(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		_, sw := turned(t, on)
		var sent http.Header
		way := fault.Tamper(sw, fault.RoundTripper(
			func(r *http.Request) (*http.Response, error) {
				sent = r.Header
				return nil, http.ErrAbortHandler
			}), func(h http.Header) { h.Del("Traceparent") })
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Traceparent", "00-a-b-01")
		_, _ = way.RoundTrip(r)
		if got := sent.Get("Traceparent") == ""; got != on {
			t.Errorf("on %t: header removed %t", on, got)
		}
		if r.Header.Get("Traceparent") == "" {
			t.Errorf("on %t: the caller's own request was changed", on)
		}
	}
}

func TestMiddlewareIsChosenPerRequest(t *testing.T) {
	t.Parallel()
	faults, sw := turned(t, false)
	teapot := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })
	}
	h := fault.Middleware(sw, nil, teapot)(http.NotFoundHandler())
	for _, want := range []int{404, 418, 404} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		if rec.Code != want {
			t.Errorf("got status %d, want %d", rec.Code, want)
		}
		if err := faults.Turn("it", want == 404); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEachTurnOnIsCountedOnce(t *testing.T) {
	t.Parallel()
	faults, sw := turned(t, true)
	for _, on := range []bool{true, false, false, true} {
		if err := faults.Turn("it", on); err != nil {
			t.Fatal(err)
		}
	}
	if sw.Times() != 2 || (*fault.Switch)(nil).Times() != 0 {
		t.Errorf("turned on %d times, want 2", sw.Times())
	}
}

func TestASpanKeepsTheProviderItStartedWith(t *testing.T) {
	t.Parallel()
	faults, sw := turned(t, false)
	provider := func() (*tracetest.InMemoryExporter, trace.TracerProvider) {
		e := tracetest.NewInMemoryExporter()
		return e, sdktrace.NewTracerProvider(sdktrace.WithSyncer(e))
	}
	good, goodProvider := provider()
	bad, badProvider := provider()
	made := 0
	tracer := fault.TracerProvider(sw, goodProvider, func() trace.TracerProvider {
		made++
		return badProvider
	}).Tracer("test")

	ctx, first := tracer.Start(context.Background(), "first")
	if made != 0 {
		t.Error("the bad provider was made before it was needed")
	}
	if err := faults.Turn("it", true); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, span := tracer.Start(ctx, "second")
		span.End()
	}
	first.End()
	if made != 1 || len(good.GetSpans()) != 1 || len(bad.GetSpans()) != 2 {
		t.Fatalf("made %d, %d good spans and %d bad, want 1, 1 and 2",
			made, len(good.GetSpans()), len(bad.GetSpans()))
	}
	if bad.GetSpans()[0].Parent.SpanID() != good.GetSpans()[0].SpanContext.SpanID() {
		t.Error("spans of the two providers are not parent and child")
	}
}

func TestEditedSpans(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	span := tracetest.SpanStub{
		StartTime: noon, EndTime: noon.Add(time.Second),
		Events: []sdktrace.Event{{Name: "retry", Time: noon}},
		Links:  []sdktrace.Link{{}},
	}.Snapshot()
	if got := fault.WithoutLinks(span).Links(); len(got) != 0 {
		t.Errorf("got %d links, want none", len(got))
	}
	late := fault.Shift(time.Hour)(span)
	for what, got := range map[string]time.Time{
		"start": late.StartTime(), "end": late.EndTime().Add(-time.Second),
		"event": late.Events()[0].Time,
	} {
		if want := noon.Add(time.Hour); !got.Equal(want) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	if !span.Events()[0].Time.Equal(noon) {
		t.Error("the event of the span itself was moved")
	}
}
