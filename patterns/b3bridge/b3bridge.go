// Package b3bridge carries traces between services that speak W3C Trace Context
// and services that speak B3, the older dialect of Zipkin.
//
// # Problem
//
// A fleet moves from B3 to W3C one service at a time. Whoever writes what the
// next one does not read cuts the trace in two. Reading both with a composite
// propagator is not enough: the last valid extractor wins, whatever it is; a B3
// header that leaves the sampling decision open is taken for a refusal; and B3
// state stays in the context and colours what is written later, even when the
// trace came in as W3C.
//
// # Use
//
// Read everything, write what the peer reads: the zero [Propagator] for servers
// and for W3C peers, and one with Write set for the client of each B3 peer:
//
//	toPeer := b3bridge.Propagator{Write: b3bridge.B3Multi}
//
// A B3 header without a decision (deferred) asks us to decide, and here we
// decide to record. Debug is recorded, and stays debug towards B3 peers. A refusal
// without ids (b3: 0) is obeyed. read.go says how each is read.
//
// # Don't use
//
// Between W3C services: B3 has no tracestate and no random flag, and both end at
// the first B3 hop. Write one dialect per peer; two are for the weeks in which
// nobody knows what the peer reads. When a B3 hop has gone, remove its dialect.
//
// # Spec
//
// B3 Propagation (openzipkin/b3-propagation: multiple headers, single header,
// sampling state). W3C Trace Context, 3.2 and 3.3; W3C Baggage. OpenTelemetry,
// Propagators API: "B3 Requirements" (read single before multiple).
package b3bridge

import (
	"context"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Dialect is a set of header formats, such as W3C|B3Single.
type Dialect uint8

// The formats.
const (
	W3C      Dialect = 1 << iota // traceparent, tracestate, baggage
	B3Single                     // b3
	B3Multi                      // x-b3-traceid, -spanid, -sampled, -flags

	B3 = B3Single | B3Multi
)

// Propagator is a [propagation.TextMapPropagator] for several dialects. The zero
// value reads all of them and writes W3C.
type Propagator struct {
	// Read is what Extract understands; 0 means W3C|B3. With one B3 format the
	// other one is read too: a service that reads B3 reads both.
	Read Dialect
	// Write is what Inject writes; 0 means W3C.
	Write Dialect
	// TraceContext reads and writes the W3C headers but for baggage; nil means
	// propagation.TraceContext{}.
	TraceContext propagation.TextMapPropagator
}

var _ propagation.TextMapPropagator = Propagator{}

// debugKey is where ctx holds the id of the trace that a B3 caller wants
// debugged. It is the id and not a flag, so that another trace that is started
// under the same ctx does not become debug as well.
type debugKey struct{}

// Extract returns ctx with the remote span context that carrier holds. W3C wins
// when both are valid: it says more. B3 trace ids of 64 bits are padded with
// zeros on the left. Baggage is read with W3C.
//
// A refusal without ids (b3: 0) becomes an unsampled remote parent with ids of
// its own, if ctx has none: there is no other way to tell a sampler. All other
// decisions without ids are left to us, and debug is lost with them.
//
// If nothing valid is found, ctx keeps the span context it has.
func (p Propagator) Extract(
	ctx context.Context, carrier propagation.TextMapCarrier,
) context.Context {
	// Every format is read into a context without a span, so that what is found
	// is what carrier holds, and what was not chosen leaves no trace.
	if p.reads(W3C) {
		ctx = propagation.Baggage{}.Extract(ctx, carrier)
		bare := trace.ContextWithSpanContext(ctx, trace.SpanContext{})
		found := p.traceContext().Extract(bare, carrier)
		if trace.SpanContextFromContext(found).IsValid() {
			return withDebug(found, trace.TraceID{})
		}
	}
	if !p.reads(B3) {
		return ctx
	}
	if sc, debug := readB3(carrier); sc.IsValid() {
		if debug {
			ctx = withDebug(ctx, sc.TraceID())
		} else {
			ctx = withDebug(ctx, trace.TraceID{})
		}
		return trace.ContextWithRemoteSpanContext(ctx, sc)
	}
	if denied(carrier) && !trace.SpanContextFromContext(ctx).IsValid() {
		return trace.ContextWithRemoteSpanContext(withDebug(ctx, trace.TraceID{}), refusal())
	}
	return ctx
}

// Inject writes the span context of ctx into carrier. Without a valid one it
// writes nothing of it: the B3 propagator alone would write "b3: 0", which tells
// a Zipkin peer not to record. Baggage is written with W3C.
func (p Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if p.writes(W3C) {
		p.traceContext().Inject(ctx, carrier)
		propagation.Baggage{}.Inject(ctx, carrier)
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() && p.writes(B3) {
		p.b3().Inject(bare(ctx, sc), carrier)
	}
}

// bare holds sc, and of the B3 state that an Extract has left in ctx only that sc's
// trace is debug, if it is: the rest need not be about sc.
func bare(ctx context.Context, sc trace.SpanContext) context.Context {
	out := trace.ContextWithSpanContext(context.Background(), sc)
	if ctx.Value(debugKey{}) == sc.TraceID() {
		// Only its own Extract can tell the B3 propagator that a trace is debug.
		out = b3.New().Extract(out, propagation.MapCarrier{
			"b3": sc.TraceID().String() + "-" + sc.SpanID().String() + "-d",
		})
	}
	return out
}

// Fields returns the names of the headers that Inject may set.
func (p Propagator) Fields() []string {
	var fields []string
	if p.writes(W3C) {
		fields = append(fields, p.traceContext().Fields()...)
		fields = append(fields, propagation.Baggage{}.Fields()...)
	}
	if p.writes(B3) {
		fields = append(fields, p.b3().Fields()...)
	}
	return fields
}

func (p Propagator) reads(d Dialect) bool {
	return p.Read == 0 || p.Read&d != 0
}

func (p Propagator) writes(d Dialect) bool {
	return p.Write&d != 0 || p.Write == 0 && d == W3C
}

func (p Propagator) traceContext() propagation.TextMapPropagator {
	if p.TraceContext != nil {
		return p.TraceContext
	}
	return propagation.TraceContext{}
}

func (p Propagator) b3() propagation.TextMapPropagator {
	var encoding b3.Encoding
	if p.writes(B3Single) {
		encoding |= b3.B3SingleHeader
	}
	if p.writes(B3Multi) {
		encoding |= b3.B3MultipleHeader
	}
	return b3.New(b3.WithInjectEncoding(encoding))
}

// withDebug remembers which trace a B3 caller wants debugged. It is called for
// every context that is found, or the answer for the trace that ctx held before
// would stand.
func withDebug(ctx context.Context, id trace.TraceID) context.Context {
	return context.WithValue(ctx, debugKey{}, id)
}
