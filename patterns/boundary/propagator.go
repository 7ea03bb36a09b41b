package boundary

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Propagator is propagation.TraceContext with the tracestate of level 2. The
// members that trace.TraceState can hold are in the span context, as ever. If
// there are others, the whole list is kept in ctx, for this trace id alone, and
// Inject writes both as one list in the order of arrival, with members that were
// added or changed meanwhile at the left, where the standard wants them.
type Propagator struct{}

var _ propagation.TextMapPropagator = Propagator{}

// besideKey is where ctx holds a *beside.
type besideKey struct{}

// beside is a tracestate as it arrived, with at least one member that the span
// context cannot hold.
type beside struct {
	traceID trace.TraceID
	members []member
}

// Extract returns ctx with the remote span context that carrier holds, or ctx
// unchanged if there is no valid traceparent. A tracestate with any member that
// is not valid, or with more than 32, is dropped as a whole; of a key that is
// there twice the first, which is the most recent, is kept.
func (Propagator) Extract(
	ctx context.Context, carrier propagation.TextMapCarrier,
) context.Context {
	alone := propagation.MapCarrier{"traceparent": carrier.Get("traceparent")}
	found := propagation.TraceContext{}.Extract(context.Background(), alone)
	sc := trace.SpanContextFromContext(found)
	if !sc.IsValid() {
		return ctx // without a traceparent, no tracestate is looked at
	}
	header := carrier.Get("tracestate")
	state, err := trace.ParseTraceState(header)
	var members []member
	foreign := false
	if err != nil { // not level 1, or a key is there twice
		members = parse(header)
		state, foreign = split(members)
	}
	if foreign {
		ctx = context.WithValue(ctx, besideKey{}, &beside{sc.TraceID(), members})
	} else if ctx.Value(besideKey{}) != nil {
		ctx = context.WithValue(ctx, besideKey{}, (*beside)(nil)) // of an earlier Extract
	}
	return trace.ContextWithRemoteSpanContext(ctx, sc.WithTraceState(state))
}

// Inject writes the span context of ctx into carrier, if it is valid.
func (Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	propagation.TraceContext{}.Inject(ctx, carrier)
	kept, _ := ctx.Value(besideKey{}).(*beside)
	sc := trace.SpanContextFromContext(ctx)
	if kept == nil || !sc.IsValid() || kept.traceID != sc.TraceID() {
		return // another trace has been started since: the members are not its own
	}
	carrier.Set("tracestate", format(merge(sc.TraceState(), kept.members)))
}

// Fields returns the names of the headers that Inject may set.
func (Propagator) Fields() []string { return propagation.TraceContext{}.Fields() }
