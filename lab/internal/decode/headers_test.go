package decode

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/patterns/clientreturned"
)

func TestAll(t *testing.T) {
	t.Parallel()
	b3 := goodTrace + "-" + goodSpan + "-1"
	for _, tc := range []struct {
		name    string
		headers []Header
		want    Verdict
		why     string
	}{
		{"two traceparents", []Header{{"traceparent", good}, {"Traceparent", good}},
			Invalid, "2 headers, at most 1"},
		{"tracestates that only together repeat a key",
			[]Header{{"traceparent", good}, {"tracestate", "a=1"}, {"tracestate", "a=2"}},
			Notable, "a second member"},
		{"half a B3 context", []Header{{"X-B3-TraceId", goodTrace}}, Invalid, "both required"},
		{"tracestates to combine",
			[]Header{{"traceparent", good}, {"tracestate", "a=1"}, {"tracestate", "b=2"}},
			Notable, "combined in their order"},
		{"tracestate alone", []Header{{"tracestate", "a=1"}}, Notable, "must not be read"},
		{"W3C and B3", []Header{{"b3", b3}, {"traceparent", good}}, Notable, "which is W3C"},
		{"both B3 encodings", []Header{{"b3", b3}, {"X-B3-TraceId", goodTrace},
			{"X-B3-SpanId", goodSpan}, {"X-B3-Sampled", "1"}}, Notable, "the single header counts"},
		{"deferred B3", []Header{{"X-B3-TraceId", goodTrace}, {"X-B3-SpanId", goodSpan}},
			Notable, "defer"},
		{"debug and sampled", []Header{{"X-B3-TraceId", goodTrace}, {"X-B3-SpanId", goodSpan},
			{"X-B3-Sampled", "1"}, {"X-B3-Flags", "1"}}, Notable, "should not be sent with it"},
		{"a good pair", []Header{{"traceparent", good}, {"tracestate", "a=1"}}, Valid, "1 of at most"},
	} {
		lines := All(tc.headers, Options{})
		if got := Worst(lines); got != tc.want || !reason(lines, tc.want, tc.why) {
			t.Errorf("%s: got %v, want %v because of %q:\n%s",
				tc.name, got, tc.want, tc.why, Format(lines))
		}
	}
}

func TestSignatureOfOurOwnMember(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key := []byte("an example: use 32 random bytes!")
	signer := clientreturned.Signer{Vendor: vendorKey, Keys: [][]byte{key}, MaxAge: time.Hour,
		MaxTurns: 3, Now: func() time.Time { return now }}
	traceID, _ := trace.TraceIDFromHex(goodTrace)
	spanID, _ := trace.SpanIDFromHex(goodSpan)
	sc, err := signer.Sign(trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled}), "checkout-1",
		clientreturned.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	headers := []Header{{"traceparent", good}, {"tracestate", sc.TraceState().String()}}
	for _, tc := range []struct {
		workflow string
		now      time.Time
		want     Verdict
		why      string
	}{
		{"checkout-2", now, Invalid, "forged"},
		{"checkout-1", now.Add(2 * time.Hour), Invalid, "expired"},
		{"checkout-1", now, Valid, "holds"},
	} {
		lines := All(headers, Options{Key: key, Workflow: tc.workflow, Now: tc.now})
		if got := Worst(lines); got != tc.want || !reason(lines, tc.want, tc.why) {
			t.Errorf("%s at %v: got %v, want %v because of %q:\n%s",
				tc.workflow, tc.now, got, tc.want, tc.why, Format(lines))
		}
	}
}
