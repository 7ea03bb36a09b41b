package boundary

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

const (
	parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	other  = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
)

func TestHandlerGivesEveryPropagatorTheRightHeaders(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for name, test := range map[string]struct{ in, want http.Header }{
		"two traceparents are none, and their tracestate goes": {
			http.Header{"Traceparent": {parent, other}, "Tracestate": {"a=1"}}, http.Header{}},
		"two equal traceparents are two": {
			http.Header{"Traceparent": {parent, parent}}, http.Header{}},
		"traceparent too long": {
			http.Header{"Traceparent": {"cc" + parent[2:] + "-" + long}, "Tracestate": {"a=1"}},
			http.Header{}},
		"tracestate alone": {
			http.Header{"Tracestate": {"a=1"}}, http.Header{}},
		"tracestate too long": {
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1", "b=" + long}},
			http.Header{"Traceparent": {parent}}},
		"empty tracestate": {
			http.Header{"Traceparent": {parent}, "Tracestate": {" \t"}},
			http.Header{"Traceparent": {parent}}},
		"several empty": {
			http.Header{"Traceparent": {parent}, "Tracestate": {"", " "}},
			http.Header{"Traceparent": {parent}}},
		"several are one, in order": {
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1,b=2", "", "\tc=3 ", "d=4"}},
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1,b=2,c=3,d=4"}}},
		"baggage of a stranger": {
			http.Header{"Traceparent": {parent}, "Baggage": {"a=1"}},
			http.Header{"Traceparent": {parent}}},
		"nothing to do": {
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1"}, "Accept": {"a", "b"}},
			http.Header{"Traceparent": {parent}, "Tracestate": {"a=1"}, "Accept": {"a", "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := test.in.Clone()
			if diff := cmp.Diff(test.want, through(t, Edge{}, test.in)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, test.in); diff != "" {
				t.Errorf("the caller's own headers changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestTrustedBaggageComesInWithinTheLimit(t *testing.T) {
	t.Parallel()
	edge := Edge{Trusted: everybody, MaxBaggage: 7}
	for _, test := range []struct{ in, want []string }{
		{[]string{"a=1,b=2"}, []string{"a=1,b=2"}},
		{[]string{"a=1", "b=2"}, []string{"a=1", "b=2"}},
		{[]string{"a=1", "bb=2"}, nil},
	} {
		if got := through(t, edge, http.Header{"Baggage": test.in})["Baggage"]; !slices.Equal(
			got, test.want) {
			t.Errorf("baggage %q came in as %q, want %q", test.in, got, test.want)
		}
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trusted     func(*http.Request) bool
		traceparent string
		want        bool
	}{
		"stranger":                {nil, parent, true},
		"stranger without parent": {nil, "", false},
		"trusted":                 {everybody, parent, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		ctx := Propagator{}.Extract(r.Context(), carrier{"traceparent": test.traceparent})
		if got := (Edge{Trusted: test.trusted}).Public(r.WithContext(ctx)); got != test.want {
			t.Errorf("%s: public = %t, want %t", name, got, test.want)
		}
	}
	local := trace.ContextWithSpanContext(t.Context(), trace.SpanContextFromContext(
		Propagator{}.Extract(t.Context(), carrier{"traceparent": parent})).WithRemote(false))
	r := httptest.NewRequestWithContext(local, http.MethodGet, "/", nil)
	if (Edge{}).Public(r) {
		t.Error("a local parent made the endpoint public")
	}
}

func everybody(*http.Request) bool { return true }

// through returns the headers that a handler behind edge gets.
func through(t *testing.T, edge Edge, in http.Header) http.Header {
	t.Helper()
	var got http.Header
	h := edge.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header = in
	h.ServeHTTP(httptest.NewRecorder(), r)
	return got
}
