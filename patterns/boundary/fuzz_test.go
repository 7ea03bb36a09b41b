package boundary

import (
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Whatever arrives, what is sent on is valid, and is a fixed point.
func FuzzEdge(f *testing.F) {
	f.Add(parent, "a=1", "foo@=2,b=3", "x=y")
	f.Add(parent, "", " , ", "")
	f.Add("cc"+parent[2:]+"-more", "foo@@bar=1", "foo@@bar=2", "a=1;p")
	f.Fuzz(func(t *testing.T, parent, first, second, bag string) {
		in := http.Header{
			"Traceparent": {parent}, "Tracestate": {first, second}, "Baggage": {bag}}
		clean := through(t, Edge{}, in)
		if len(clean["Tracestate"]) > 1 || clean["Baggage"] != nil {
			t.Fatalf("headers = %q", clean)
		}
		ctx := Propagator{}.Extract(t.Context(), propagation.HeaderCarrier(clean))
		sc := trace.SpanContextFromContext(ctx)
		out := inject(ctx)
		if sc.IsValid() != (out["traceparent"] != "") {
			t.Fatalf("span context valid %t, sent on %q", sc.IsValid(), out)
		}
		if format(parse(out["tracestate"])) != out["tracestate"] {
			t.Errorf("sent on a tracestate that is not valid: %q", out["tracestate"])
		}
		again := inject(Propagator{}.Extract(t.Context(), out))
		if again["tracestate"] != out["tracestate"] || again["traceparent"] != out["traceparent"] {
			t.Errorf("second hop sends %q, first %q", again, out)
		}
	})
}
