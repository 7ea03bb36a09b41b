// Package underroot attaches work to the root of its trace rather than to the
// caller that happened to trigger it.
//
// # Problem
//
// A request passes six services before somebody audits it, sends the receipt and
// warms a cache. As children of the sixth service those spans sit at the bottom
// of a deep tree, inside a span that has nothing to do with them and may end
// before they do. To the reader they are steps of the request itself.
//
// # Use
//
// Where the trace begins, [WithRoot]. Put [Propagator] behind
// propagation.TraceContext in the composite of every service on the way, so that
// the root travels beside the caller. Where the work begins, [Start]: its parent
// is the root, and a link of type caller says who triggered it.
//
//	prop := propagation.NewCompositeTextMapPropagator(
//		propagation.TraceContext{}, underroot.Propagator{})
//
// # Don't use
//
// For work that the caller waits for. The critical path of a trace is found by
// following parents: what hangs under the root is not counted as a part of its
// caller, so the caller shows a gap, its latency looks self-made, and tools that
// compute self time or dependency graphs are wrong. A service that does not carry
// the root's header cuts nothing: Start then makes an ordinary child. From
// strangers, accept neither header.
//
// # Spec
//
// OpenTelemetry Trace API, "Link". The header root-traceparent is this package's
// own; its value is that of W3C Trace Context, 3.2. W3C knows one parent only.
package underroot

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The link says what it is to the span. No semantic convention names such an
// attribute, so the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey = attribute.Key("shop.link.type")
	LinkCaller  = "caller"
)

// Header is the name of the field that carries the root.
const Header = "root-traceparent"

// rootKey is where ctx holds the root's trace.SpanContext.
type rootKey struct{}

// WithRoot returns ctx in which the current span is the root. Call it once, with
// the ctx of the span that began the trace.
func WithRoot(ctx context.Context) context.Context {
	return context.WithValue(ctx, rootKey{}, trace.SpanContextFromContext(ctx))
}

// Root returns the root of the trace that ctx is in, or one that is not valid if
// it is not known. Flags and tracestate are those of the current span: they
// belong to the trace, and the caller's are newer.
func Root(ctx context.Context) trace.SpanContext {
	root, _ := ctx.Value(rootKey{}).(trace.SpanContext)
	sc := trace.SpanContextFromContext(ctx)
	if !root.IsValid() || root.TraceID() != sc.TraceID() {
		return trace.SpanContext{} // another trace has been started since
	}
	return root.WithTraceFlags(sc.TraceFlags()).WithTraceState(sc.TraceState())
}

// Start starts a span as a child of the root, with a link to the current span.
// If the root is not known, or is the current span, it starts an ordinary child
// without that link. The ctx it returns keeps the root.
func Start(
	ctx context.Context, tracer trace.Tracer, name string, opts ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	caller, root := trace.SpanContextFromContext(ctx), Root(ctx)
	if root.IsValid() && root.SpanID() != caller.SpanID() {
		ctx = trace.ContextWithSpanContext(ctx, root)
		// At the start, not with AddLink: samplers see only links given here.
		opts = append(slices.Clip(opts), trace.WithLinks(trace.Link{
			SpanContext: caller,
			Attributes:  []attribute.KeyValue{LinkTypeKey.String(LinkCaller)},
		}))
	}
	return tracer.Start(ctx, name, opts...)
}

// Propagator carries the root. In a composite it comes after the one that
// carries the caller.
type Propagator struct{}

var _ propagation.TextMapPropagator = Propagator{}

// Inject writes the root, if it is known.
func (Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	out := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, Root(ctx)), out)
	if value := out["traceparent"]; value != "" {
		carrier.Set(Header, value)
	}
}

// Extract returns ctx with the root that carrier holds. If it holds none that is
// valid and of the trace that ctx is in, ctx stays as it is.
func (Propagator) Extract(
	ctx context.Context, carrier propagation.TextMapCarrier,
) context.Context {
	in := propagation.MapCarrier{"traceparent": carrier.Get(Header)}
	root := trace.SpanContextFromContext(
		propagation.TraceContext{}.Extract(context.Background(), in))
	if !root.IsValid() || root.TraceID() != trace.SpanContextFromContext(ctx).TraceID() {
		return ctx
	}
	return context.WithValue(ctx, rootKey{}, root)
}

// Fields returns the names of the headers that Inject may set.
func (Propagator) Fields() []string { return []string{Header} }
