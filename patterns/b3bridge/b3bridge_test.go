package b3bridge

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type headers = propagation.MapCarrier

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
	other   = "0af7651916cd43dd8448eb211c80319c"
	sampled = trace.FlagsSampled

	ids      = traceID + "-" + spanID
	otherIDs = other + "-" + spanID
	w3c      = "00-" + ids + "-01"
	w3cDeny  = "00-" + ids + "-00"
)

func TestNothingValidLeavesTheContextAsItIs(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]headers{
		"no headers":         {},
		"other headers":      {"accept": "*/*"},
		"garbage everywhere": {"traceparent": "x", "b3": "x-y", "x-b3-traceid": "x", "x-b3-spanid": "x"},
		"decision alone":     {"b3": "0"},
		"debug alone":        {"b3": "d"},
		"multi debug alone":  {"x-b3-flags": "1"},
		"no span id":         {"b3": traceID},
		"zero ids":           {"b3": "0000000000000000-0000000000000000-1"},
		"upper case":         {"b3": "A3CE929D0E0E4736-00F067AA0BA902B7-1"},
		"bad decision":       {"b3": ids + "-x"},
		"bad parent":         {"b3": ids + "-1-x"},
		"multi no span id":   {"x-b3-traceid": traceID, "x-b3-sampled": "1"},
		"multi bad decision": {"x-b3-traceid": traceID, "x-b3-spanid": spanID, "x-b3-sampled": "x"},
		"96-bit trace id":    {"x-b3-traceid": traceID[8:], "x-b3-spanid": spanID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := trace.ContextWithSpanContext(t.Context(), spanContext(t, other, sampled))
			if after := (Propagator{}).Extract(before, in); after != before {
				t.Errorf("context changed, span context is %v", trace.SpanContextFromContext(after))
			}
		})
	}
}

func TestNothingIsWrittenWithoutASpanContext(t *testing.T) {
	t.Parallel()
	accepted := Propagator{}.Extract(t.Context(), headers{"b3": "1"})
	for name, ctx := range map[string]context.Context{"no span": t.Context(), "b3: 1": accepted} {
		out := headers{}
		Propagator{Write: W3C | B3}.Inject(ctx, out)
		if diff := cmp.Diff(headers{}, out); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

func TestB3StateDoesNotLeakIntoAnotherTrace(t *testing.T) {
	t.Parallel()
	debug := headers{"b3": ids + "-d"}
	alone := headers{"traceparent": "00-" + otherIDs + "-00"}
	both := headers{"traceparent": alone["traceparent"], "b3": debug["b3"]}
	undecided := headers{"traceparent": alone["traceparent"], "b3": ids}
	earlier := Propagator{}.Extract(t.Context(), debug)
	for name, ctx := range map[string]context.Context{
		"debug beside W3C":        Propagator{}.Extract(t.Context(), both),
		"deferred beside W3C":     Propagator{}.Extract(t.Context(), undecided),
		"debug in ctx before W3C": Propagator{}.Extract(earlier, alone),
		"debug in ctx, another trace": trace.ContextWithSpanContext(
			earlier, spanContext(t, other, 0)),
	} {
		out := headers{}
		Propagator{Write: B3}.Inject(ctx, out)
		want := headers{
			"b3":           otherIDs + "-0",
			"x-b3-traceid": other, "x-b3-spanid": spanID, "x-b3-sampled": "0",
		}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

func TestDebugOfTheSameTraceEndsWhenW3CContinuesIt(t *testing.T) {
	t.Parallel()
	ctx := Propagator{}.Extract(t.Context(), headers{"b3": ids + "-d"})
	ctx = Propagator{}.Extract(ctx, headers{"traceparent": w3c})
	out := headers{}
	Propagator{Write: B3Single}.Inject(ctx, out)
	if want := ids + "-1"; out["b3"] != want {
		t.Errorf("b3 = %q, want %q", out["b3"], want)
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	const padded = "0000000000000000a3ce929d0e0e4736"
	for name, test := range map[string]struct {
		in    headers
		id    string
		flags trace.TraceFlags
	}{
		"W3C":                 {headers{"traceparent": w3c}, traceID, sampled},
		"W3C wins":            {headers{"traceparent": w3c, "b3": otherIDs + "-1"}, traceID, sampled},
		"W3C wins, unsampled": {headers{"traceparent": w3cDeny, "b3": ids + "-1"}, traceID, 0},
		"B3 when W3C is bad":  {headers{"traceparent": "x", "b3": otherIDs + "-1"}, other, sampled},
		"single":              {headers{"b3": ids + "-1"}, traceID, sampled},
		"single deny":         {headers{"b3": ids + "-0"}, traceID, 0},
		"single defer":        {headers{"b3": ids}, traceID, sampled},
		"single debug":        {headers{"b3": ids + "-d"}, traceID, sampled},
		"single with parent":  {headers{"b3": ids + "-1-" + spanID}, traceID, sampled},
		"single 64 bit":       {headers{"b3": padded[16:] + "-" + spanID + "-1"}, padded, sampled},
		"single 64 bit defer": {headers{"b3": padded[16:] + "-" + spanID}, padded, sampled},
		"multi":               {multiHeaders("x-b3-sampled", "1"), traceID, sampled},
		"multi true":          {multiHeaders("x-b3-sampled", "true"), traceID, sampled},
		"multi deny":          {multiHeaders("x-b3-sampled", "0"), traceID, 0},
		"multi defer":         {multiHeaders("x-b3-sampled", ""), traceID, sampled},
		"multi debug":         {multiHeaders("x-b3-flags", "1"), traceID, sampled},
		"multi 64 bit": {headers{
			"x-b3-traceid": padded[16:], "x-b3-spanid": spanID,
		}, padded, sampled},
		"multi when single is bad": {headers{
			"b3": "d", "x-b3-traceid": traceID, "x-b3-spanid": spanID, "x-b3-sampled": "0",
		}, traceID, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := Propagator{}.Extract(t.Context(), test.in)
			want := spanContext(t, test.id, test.flags).WithRemote(true)
			if got := trace.SpanContextFromContext(ctx); !got.Equal(want) {
				t.Errorf("span context = %s-%s-%s, want %s-%s-%s, remote", got.TraceID(),
					got.SpanID(), got.TraceFlags(), want.TraceID(), want.SpanID(), want.TraceFlags())
			}
		})
	}
}

func TestReadIsObeyed(t *testing.T) {
	t.Parallel()
	w3c := headers{"traceparent": w3c, "baggage": "a=1"}
	single := headers{"b3": ids + "-1"}
	for name, test := range map[string]struct {
		read Dialect
		in   headers
		want bool
	}{
		"B3 reads no W3C":       {B3, w3c, false},
		"B3 reads single":       {B3, single, true},
		"B3Multi reads single":  {B3Multi, single, true},
		"W3C reads no B3":       {W3C, single, false},
		"W3C reads W3C":         {W3C, w3c, true},
		"W3C and B3 read multi": {W3C | B3, multiHeaders("", ""), true},
	} {
		ctx := Propagator{Read: test.read}.Extract(t.Context(), test.in)
		if got := trace.SpanContextFromContext(ctx).IsValid(); got != test.want {
			t.Errorf("%s: span context valid %t, want %t", name, got, test.want)
		}
		want := 0
		if test.want && test.in["baggage"] != "" {
			want = 1
		}
		if got := baggage.FromContext(ctx).Len(); got != want {
			t.Errorf("%s: %d baggage members, want %d", name, got, want)
		}
	}
}

func TestInject(t *testing.T) {
	t.Parallel()
	bag := func(h headers) headers { h["baggage"] = "a=1"; return h }
	for name, test := range map[string]struct {
		in    headers
		write Dialect
		want  headers
	}{
		"zero is W3C": {bag(headers{"b3": ids + "-1"}), 0, bag(headers{"traceparent": w3c})},
		"W3C":         {bag(headers{"b3": ids + "-0"}), W3C, bag(headers{"traceparent": w3cDeny})},
		"tracestate": {
			headers{"traceparent": w3c, "tracestate": "c=1"}, W3C | B3Single,
			headers{"traceparent": w3c, "tracestate": "c=1", "b3": ids + "-1"},
		},
		"single":            {bag(headers{"b3": ids + "-1"}), B3Single, headers{"b3": ids + "-1"}},
		"single deny":       {headers{"b3": ids + "-0"}, B3Single, headers{"b3": ids + "-0"}},
		"single debug":      {headers{"b3": ids + "-d"}, B3Single, headers{"b3": ids + "-d"}},
		"deferred: decided": {headers{"b3": ids}, B3Single, headers{"b3": ids + "-1"}},
		"multi":             {headers{"b3": ids + "-1"}, B3Multi, multiHeaders("x-b3-sampled", "1")},
		"multi decided":     {multiHeaders("", ""), B3Multi, multiHeaders("x-b3-sampled", "1")},
		"multi debug":       {headers{"b3": ids + "-d"}, B3Multi, multiHeaders("x-b3-flags", "1")},
		"multi to single":   {multiHeaders("x-b3-flags", "1"), B3Single, headers{"b3": ids + "-d"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prop, out := Propagator{Write: test.write}, headers{}
			prop.Inject(prop.Extract(t.Context(), test.in), out)
			if diff := cmp.Diff(test.want, out); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			fields := make(map[string]bool)
			for _, field := range prop.Fields() {
				fields[field] = true
			}
			for name := range out {
				if !fields[name] {
					t.Errorf("Inject wrote %s, which is not one of Fields() %v", name, prop.Fields())
				}
			}
		})
	}
}

func TestDebugHoldsForTheSpansOfItsTrace(t *testing.T) {
	t.Parallel()
	ctx := Propagator{}.Extract(t.Context(), headers{"b3": ids + "-d"})
	child := spanContext(t, traceID, sampled).WithSpanID(trace.SpanID{7: 1})
	out := headers{}
	Propagator{Write: B3Single}.Inject(trace.ContextWithSpanContext(ctx, child), out)
	if want := traceID + "-0000000000000001-d"; out["b3"] != want {
		t.Errorf("b3 = %q, want %q", out["b3"], want)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	w3c := []string{"traceparent", "tracestate", "baggage"}
	multi := []string{"x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"}
	for write, want := range map[Dialect][]string{
		0: w3c, W3C: w3c, B3Single: {"b3"}, B3Multi: multi, B3: append([]string{"b3"}, multi...),
		W3C | B3Single: append(append([]string{}, w3c...), "b3"),
	} {
		if diff := cmp.Diff(want, Propagator{Write: write}.Fields()); diff != "" {
			t.Errorf("Write %d (-want +got):\n%s", write, diff)
		}
	}
}

func spanContext(t *testing.T, id string, flags trace.TraceFlags) trace.SpanContext {
	t.Helper()
	tid, err := trace.TraceIDFromHex(id)
	if err != nil {
		t.Fatal(err)
	}
	sid, err := trace.SpanIDFromHex(spanID)
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: tid, SpanID: sid, TraceFlags: flags})
}

// multiHeaders are the two ids and one more header, if value is not empty.
func multiHeaders(name, value string) headers {
	h := headers{"x-b3-traceid": traceID, "x-b3-spanid": spanID}
	if value != "" {
		h[name] = value
	}
	return h
}
