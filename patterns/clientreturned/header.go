package clientreturned

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Extract reads traceparent and tracestate, and nothing else: a stranger's
// baggage must not come in with the trace. Several tracestate headers are one
// list, in their order (W3C Trace Context, 3.3); several traceparent headers
// contradict each other.
//
// The error wraps ErrMissing when there is no traceparent, and ErrMalformed
// when either header is unreadable. With an unreadable tracestate the span
// context is valid all the same, for a link to whoever sent it.
func Extract(h http.Header) (trace.SpanContext, error) {
	parents := h.Values("traceparent")
	if len(parents) == 0 {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: no traceparent: %w", ErrMissing)
	}
	if len(parents) > 1 {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: %d traceparent headers, want 1: %w",
			len(parents), ErrMalformed)
	}
	state := strings.Join(h.Values("tracestate"), ",")
	// A bare context: what the request's own context holds is not the client's.
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": parents[0], "tracestate": state,
	})
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return trace.SpanContext{}, fmt.Errorf("clientreturned: traceparent %.60q: %w",
			parents[0], ErrMalformed)
	}
	// The propagator drops a tracestate that it cannot read, and does not say so.
	if _, err := trace.ParseTraceState(state); err != nil {
		return sc, fmt.Errorf("clientreturned: tracestate: %w: %w", err, ErrMalformed)
	}
	return sc, nil
}

// Return sets the traceparent and tracestate headers of a response to sc, as
// returned by Sign. A span context that is not valid sets nothing.
func Return(h http.Header, sc trace.SpanContext) {
	ctx := trace.ContextWithSpanContext(context.Background(), sc)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}
