package boundary

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Propagator is propagation.TraceContext with the tracestate of level 2, and for
// which a flag that is not defined yet is no reason to lose the trace. The
// members that trace.TraceState can hold are in the span context, as ever. If
// there are others, the whole list is kept in ctx, for this trace id alone, and
// Inject writes both as one list in the order of arrival, with members that were
// added or changed meanwhile at the left, where the standard wants them.
type Propagator struct{}

// known are the flags that level 2 defines.
const known = uint64(trace.FlagsSampled | trace.FlagsRandom)

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
	alone := parentOnly(defined(carrier.Get("traceparent")))
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

// parentOnly is a carrier that holds a traceparent and nothing else.
type parentOnly string

// Get returns the traceparent.
func (p parentOnly) Get(key string) string {
	if key == "traceparent" {
		return string(p)
	}
	return ""
}

// Set does nothing.
func (parentOnly) Set(string, string) {}

// Keys returns the one name.
func (parentOnly) Keys() []string { return []string{"traceparent"} }

// defined returns a traceparent of version 00 without the flags that level 2 does
// not define ("Other Flags": they are to be zero in what is sent). Level 2 added
// one to version 00, and so may a later level.
func defined(traceparent string) string {
	const flags = len("00-") + 32 + len("-") + 16 + len("-")
	if len(traceparent) != flags+2 || !strings.HasPrefix(traceparent, "00-") {
		return traceparent
	}
	bits, err := strconv.ParseUint(traceparent[flags:], 16, 8)
	if err != nil || bits <= known || strings.ToLower(traceparent) != traceparent {
		return traceparent
	}
	return fmt.Sprintf("%s%02x", traceparent[:flags], bits&known)
}

// Fields returns the names of the headers that Inject may set.
func (Propagator) Fields() []string { return propagation.TraceContext{}.Fields() }
