package conformance

import (
	"context"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/boundary"
)

// carried is one thing that a dialect can say, and headers that say it.
type carried struct {
	what    string
	headers propagation.MapCarrier
}

// The B3 ids are those of the case's caller.
const (
	b3IDs  = traceID + "-" + spanID
	b3Span = "05e3ac9a4f6e3b90" // of the caller's caller
)

func w3cSays() []carried {
	with := func(name, value string) propagation.MapCarrier {
		return propagation.MapCarrier{"traceparent": valid, name: value}
	}
	return []carried{
		{"ids, sampled", with("traceparent", valid)},
		{"ids, not sampled", with("traceparent", valid[:53]+"00")},
		{"the random flag", with("traceparent", valid[:53]+"03")},
		{"tracestate", with("tracestate", "a=1")},
		{"tracestate, a key of level 2", with("tracestate", "a@=1")},
		{"baggage", with("baggage", "a=1")},
	}
}

func b3Says() []carried {
	single := func(value string) propagation.MapCarrier {
		return propagation.MapCarrier{"b3": value}
	}
	multi := func(pairs ...string) propagation.MapCarrier {
		headers := propagation.MapCarrier{"x-b3-traceid": traceID, "x-b3-spanid": spanID}
		for pair := range slices.Chunk(pairs, 2) {
			headers[pair[0]] = pair[1]
		}
		return headers
	}
	return []carried{
		{"accept", single(b3IDs + "-1")},
		{"accept, in several headers", multi("x-b3-sampled", "1")},
		{"deny", single(b3IDs + "-0")},
		{"deny, in several headers", multi("x-b3-sampled", "0")},
		{"defer", single(b3IDs)},
		{"defer, in several headers", multi()},
		{"debug", single(b3IDs + "-d")},
		{"debug, in several headers", multi("x-b3-flags", "1")},
		{"trace id of 64 bits", single(traceID[16:] + "-" + spanID + "-1")},
		{"parent span id", single(b3IDs + "-1-" + b3Span)},
		{"parent span id, in several headers",
			multi("x-b3-sampled", "1", "x-b3-parentspanid", b3Span)},
		{"deny, no ids", single("0")},
		{"accept, no ids", single("1")},
		{"debug, no ids", single("d")},
	}
}

// The ends of a bridge: one reads all and writes W3C, the other writes B3.
func toW3C() b3bridge.Propagator { return b3bridge.Propagator{TraceContext: boundary.Propagator{}} }

func toB3(d b3bridge.Dialect) b3bridge.Propagator {
	return b3bridge.Propagator{Write: d, TraceContext: boundary.Propagator{}}
}

// overB3 is the table of what comes back when W3C went over a hop that speaks B3.
func overB3() string {
	var b strings.Builder
	b.WriteString(row("W3C says", "sent", "arrives", "changed") + "|---|---|---|---|\n")
	for _, c := range w3cSays() {
		arrives := hop(toW3C(), hop(toB3(b3bridge.B3Multi), c.headers))
		b.WriteString(row(c.what, code(c.headers), code(arrives), changed(c.headers, arrives)))
	}
	return b.String()
}

// overW3C is the table of what comes back when B3 went over a hop that speaks W3C, and of what it
// is when one service reads B3 and writes it.
func overW3C() string {
	var b strings.Builder
	b.WriteString(row("B3 says", "sent", "W3C between", "comes back", "changed",
		"changed in one service") + "|---|---|---|---|---|---|\n")
	for _, c := range b3Says() {
		dialect := b3bridge.B3Single
		if c.headers["b3"] == "" {
			dialect = b3bridge.B3Multi
		}
		between := hop(toW3C(), c.headers)
		back := hop(toB3(dialect), between)
		within := hop(toB3(dialect), c.headers)
		b.WriteString(row(c.what, code(c.headers), code(between), code(back),
			changed(c.headers, back), changed(c.headers, within)))
	}
	return b.String()
}

// readTable is what becomes of B3 headers that are not as they should be.
func readTable() string {
	var b strings.Builder
	b.WriteString(row("what is odd", "sent", "read as") + "|---|---|---|\n")
	for _, c := range oddB3() {
		ctx := toW3C().Extract(context.Background(), c.headers)
		read := "nothing"
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			read = code(hop(toW3C(), c.headers))
		}
		b.WriteString(row(c.what, code(c.headers), read))
	}
	return b.String()
}

func oddB3() []carried {
	single := func(what, value string) carried {
		return carried{what, propagation.MapCarrier{"b3": value}}
	}
	return []carried{
		single("trace id in capitals", strings.ToUpper(traceID)+"-"+spanID+"-1"),
		single("trace id of 31 digits", traceID[1:]+"-"+spanID+"-1"),
		single("trace id of 15 digits", traceID[17:]+"-"+spanID+"-1"),
		single("span id of 15 digits", traceID+"-"+spanID[1:]+"-1"),
		single("trace id of zeros", strings.Repeat("0", 32)+"-"+spanID+"-1"),
		single("span id of zeros", traceID+"-"+strings.Repeat("0", 16)+"-1"),
		single("unknown decision", b3IDs+"-2"),
		single("parent span id that is none", b3IDs+"-1--"),
		single("no decision, but a parent span id", b3IDs+"-"+b3Span),
		{"single is broken, several are not", propagation.MapCarrier{
			"b3": "x", "x-b3-traceid": traceID, "x-b3-spanid": spanID, "x-b3-sampled": "1"}},
		{"both, and they differ", propagation.MapCarrier{
			"b3": b3IDs + "-1", "x-b3-traceid": traceID, "x-b3-spanid": b3Span, "x-b3-sampled": "0"}},
		{"W3C as well", propagation.MapCarrier{
			"traceparent": valid[:53] + "00", "b3": b3IDs + "-d"}},
	}
}

// hop is a service that passes on what it has read, without a span of its own, so that ids can be
// compared.
func hop(prop propagation.TextMapPropagator, in propagation.MapCarrier) propagation.MapCarrier {
	out := propagation.MapCarrier{}
	prop.Inject(prop.Extract(context.Background(), in), out)
	return out
}

// code shows headers.
func code(headers propagation.MapCarrier) string {
	if len(headers) == 0 {
		return "nothing"
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		lines = append(lines, "`"+name+": "+short(headers[name])+"`")
	}
	return strings.Join(lines, "<br>")
}
