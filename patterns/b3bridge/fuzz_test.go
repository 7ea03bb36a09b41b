package b3bridge

import (
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func FuzzExtract(f *testing.F) {
	f.Add(w3c, "", "", "", "", "")
	f.Add("", ids+"-d", "", "", "", "")
	f.Add("", "", traceID[16:], spanID, "1", "")
	f.Add("x", "d", traceID, spanID, "", "1")
	f.Add("", "0", "", "", "0", "")
	f.Fuzz(func(t *testing.T, w3c, single, id, span, decision, flags string) {
		before := trace.ContextWithSpanContext(t.Context(), spanContext(t, other, 0))
		ctx := Propagator{}.Extract(before, headers{
			"traceparent": w3c, "b3": single, "x-b3-traceid": id, "x-b3-spanid": span,
			"x-b3-sampled": decision, "x-b3-flags": flags,
		})
		sc := trace.SpanContextFromContext(ctx)
		if !sc.IsValid() || sc.IsRemote() != (ctx != before) {
			t.Fatalf("span context %v, context changed %t", sc, ctx != before)
		}
		// Without a context before, a refusal has one of its own, which is not sampled.
		alone := trace.SpanContextFromContext(Propagator{}.Extract(t.Context(), headers{
			"b3": single, "x-b3-traceid": id, "x-b3-spanid": span,
			"x-b3-sampled": decision, "x-b3-flags": flags,
		}))
		if alone.IsSampled() && (single == "0" || single == ids+"-0") {
			t.Errorf("b3 %q is sampled", single)
		}
		out := headers{}
		Propagator{Write: B3}.Inject(trace.ContextWithSpanContext(t.Context(), alone), out)
		if out["b3"] == "0" || alone.IsValid() != (len(out) > 0) {
			t.Errorf("span context %v is written as %v", alone, out)
		}
		// What was understood survives every dialect.
		for _, write := range []Dialect{W3C, B3Single, B3Multi} {
			out := headers{}
			Propagator{Write: write}.Inject(ctx, out)
			got := trace.SpanContextFromContext(Propagator{}.Extract(t.Context(), out))
			if got.TraceID() != sc.TraceID() || got.SpanID() != sc.SpanID() ||
				got.IsSampled() != sc.IsSampled() {
				t.Errorf("dialect %d: %v became %v through %v", write, sc, got, out)
			}
		}
	})
}
