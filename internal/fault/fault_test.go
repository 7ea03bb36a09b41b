package fault_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
)

func TestAnUnknownFaultIsAnErrorThatNamesTheKnown(t *testing.T) {
	t.Parallel()
	var s fault.Set
	if err := s.Turn("x", true); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("Turn on an empty set = %v, want it to say that there are none", err)
	}
	s.Declare("b", "B breaks.")
	s.Declare("a", "A breaks.")
	if err := s.Turn("x", true); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("Turn = %v, want it to list a, b", err)
	}
	if (*fault.Set)(nil).Turn("x", true) == nil {
		t.Error("Turn on a nil set = nil, want an error")
	}
}

func TestNilIsOff(t *testing.T) {
	t.Parallel()
	var s *fault.Set
	sw := s.Declare("a", "A breaks.")
	if sw.On() || len(s.List()) != 0 {
		t.Error("a nil set has a fault that is on")
	}
	if got := fault.Pick(sw, "good", "bad"); got != "good" {
		t.Errorf("Pick = %q, want good", got)
	}
}

func TestTurning(t *testing.T) {
	t.Parallel()
	var s fault.Set
	sw := s.Declare("b", "B breaks.")
	s.Declare("a", "A breaks.")
	if s.Declare("b", "Other words.") != sw {
		t.Error("declaring twice made two switches")
	}
	if err := s.Turn("b", true); err != nil {
		t.Fatal(err)
	}
	want := []fault.Status{{Name: "a", About: "A breaks."}, {Name: "b", About: "B breaks.", On: true}}
	if diff := cmp.Diff(want, s.List()); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if err := s.Turn("b", false); err != nil || sw.On() {
		t.Errorf("after turning off: on = %t, error %v", sw.On(), err)
	}
}

func TestDecoratorsChooseOnEveryCall(t *testing.T) {
	t.Parallel()
	var s fault.Set
	sw := s.Declare("f", "F breaks.")
	prop := fault.Propagator(sw, propagation.TraceContext{}, propagation.Baggage{})
	hand := fault.Context(sw, nil, func(context.Context) context.Context {
		return context.Background()
	})
	rt := fault.Transport(sw, status(200), status(500))

	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
	ctx := trace.ContextWithSpanContext(t.Context(), sc)
	for _, on := range []bool{false, true, false} {
		if err := s.Turn("f", on); err != nil {
			t.Fatal(err)
		}
		carrier := propagation.MapCarrier{}
		prop.Inject(ctx, carrier)
		if injected := len(carrier) > 0; injected == on {
			t.Errorf("on=%t: injected %v", on, carrier)
		}
		parent := propagation.MapCarrier{
			"traceparent": "00-01000000000000000000000000000000-0100000000000000-01"}
		extracted := trace.SpanContextFromContext(prop.Extract(t.Context(), parent)).IsValid()
		if extracted == on {
			t.Errorf("on=%t: extracted = %t", on, extracted)
		}
		if kept := trace.SpanContextFromContext(hand(ctx)).IsValid(); kept == on {
			t.Errorf("on=%t: the context hand-off kept the span = %t", on, kept)
		}
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://x", nil)
		resp, err := rt.RoundTrip(r)
		if err != nil || (resp.StatusCode == 500) != on {
			t.Errorf("on=%t: response %v, error %v", on, resp, err)
		}
	}
	if got := prop.Fields(); !slices.Contains(got, "traceparent") || !slices.Contains(got, "baggage") {
		t.Errorf("Fields = %v, want those of both", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var s fault.Set
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			sw := s.Declare("f", "F breaks.")
			for i := range 100 {
				_ = s.Turn("f", i%2 == 0)
				_, _ = sw.On(), s.List()
			}
		})
	}
	wg.Wait()
}

type status int

func (s status) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(s), Body: http.NoBody, Request: r}, nil
}
