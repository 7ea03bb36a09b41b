package decode

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// FuzzExplain holds the explanation against what the Go SDK does with the same
// value: what is called invalid must be refused there, what is called valid
// must be accepted.
func FuzzExplain(f *testing.F) {
	f.Add("traceparent", good)
	f.Add("traceparent", "cc-"+goodTrace+"-"+goodSpan+"-09-what")
	f.Add("tracestate", "congo=t61rcWkgMzE,,1a@rojo=00f067aa0ba902b7, ")
	f.Add("tracestate", "throughline="+signedToken)
	f.Add("baggage", "serverNode=DF%2028;ttl=3 , b = 2")
	f.Add("b3", goodTrace+"-"+goodSpan+"-d-"+goodSpan)
	f.Add("b3", goodSpan+"-"+goodSpan)
	f.Add("X-B3-TraceId", goodSpan)
	f.Add("Server-Timing", `traceparent;desc="`+good+`"`)
	f.Fuzz(func(t *testing.T, name, value string) {
		lines := Explain(name, value)
		if len(lines) == 0 {
			t.Fatal("no line")
		}
		for _, l := range lines {
			if l.Verdict == Invalid && l.Why == "" {
				t.Errorf("invalid without a reason: %+v", l)
			}
		}
		_ = Format(All([]Header{{name, value}}, Options{Key: []byte("k")}))
		worst := Worst(lines)
		accepted, known := sdk(name, value)
		if known && worst != Notable && accepted != (worst == Valid) {
			t.Errorf("%s: %q: accepted by the SDK is %t, but said to be %v:\n%s",
				name, value, accepted, worst, Format(lines))
		}
	})
}

// sdk reports whether the SDK accepts all of the value. Our own member of
// tracestate is stricter than W3C.
func sdk(name, value string) (accepted, known bool) {
	switch strings.ToLower(name) {
	case "traceparent":
		ctx := propagation.TraceContext{}.Extract(context.Background(),
			propagation.MapCarrier{"traceparent": value})
		return trace.SpanContextFromContext(ctx).IsValid(), true
	case "tracestate":
		_, err := trace.ParseTraceState(value)
		return err == nil, !strings.Contains(value, vendorKey)
	case "baggage":
		_, err := baggage.Parse(value)
		return err == nil, true
	case "b3":
		h := http.Header{}
		h.Set("b3", value)
		ctx := b3.New().Extract(context.Background(), propagation.HeaderCarrier(h))
		// It reads by position and lets some garbage pass, so one direction only.
		accepted = trace.SpanContextFromContext(ctx).IsValid()
		return accepted, !accepted
	}
	return false, false
}

// FuzzParseHeader: whatever is pasted is read or refused, and what is read can
// be explained and printed, one line of text for each finding.
func FuzzParseHeader(f *testing.F) {
	f.Add("> Traceparent: " + good)
	f.Add(good)
	f.Add("TRACESTATE=a=1")
	f.Add(goodTrace + "-" + goodSpan)
	f.Add("baggage: a=%0a\r\nb")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHeader(text)
		if err != nil {
			return
		}
		lines := All([]Header{h, h}, Options{})
		if got := strings.Count(Format(lines), "\n"); got != len(lines) {
			t.Errorf("%d findings in %d lines:\n%s", len(lines), got, Format(lines))
		}
	})
}
