package clientreturned

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	with := func(states ...string) http.Header {
		return http.Header{"Traceparent": {parent}, "Tracestate": states}
	}
	for name, test := range map[string]struct {
		header http.Header
		want   error
		valid  bool // is there something to link to?
	}{
		"nothing":            {http.Header{}, ErrMissing, false},
		"tracestate alone":   {http.Header{"Tracestate": {"a=1"}}, ErrMissing, false},
		"garbage":            {http.Header{"Traceparent": {"x"}}, ErrMalformed, false},
		"two parents":        {http.Header{"Traceparent": {parent, parent}}, ErrMalformed, false},
		"tracestate garbage": {with("="), ErrMalformed, true},
		"member twice":       {with("a=1", "a=2"), ErrMalformed, true},
		"33 members":         {with(members(33)), ErrMalformed, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc, err := Extract(test.header)
			if !errors.Is(err, test.want) || sc.IsValid() != test.valid {
				t.Errorf("Extract = valid %t, %v; want valid %t, %v",
					sc.IsValid(), err, test.valid, test.want)
			}
		})
	}
}

func TestExtractCombinesTracestateHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	Return(header, exampleSpanContext())
	header["Tracestate"] = []string{"a=1", "b=2,c=3"}
	sc, err := Extract(header)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a=1,b=2,c=3", sc.TraceState().String()); diff != "" {
		t.Errorf("tracestate (-want +got):\n%s", diff)
	}
	Return(header, trace.SpanContext{})
	if got := header.Get("traceparent"); got == "" {
		t.Error("Return of an invalid span context changed the header")
	}
}
