// Package boundary receives trace context at the edge of a system, where the
// standard must be kept to the letter and callers may be anybody.
//
// # Problem
//
// A propagator sees one value per header, so it takes the first of two
// traceparents, and the first line of a tracestate that came in three. It parses
// whatever length it is given. It believes strangers: their baggage lands in our
// services, their sampled flag decides our bill. And trace.TraceState keeps the
// key grammar of level 1 of the standard, so one member that only level 2 allows
// (foo@, foo@@bar, 300@long) costs the whole tracestate.
//
// # Use
//
// Put [Edge.Handler] in front of whatever extracts, and [Propagator] in the place
// of propagation.TraceContext. With otelhttp, a stranger gets a new root with a
// link to what it sent:
//
//	edge := boundary.Edge{} // nobody is trusted
//	h = otelhttp.NewHandler(h, "", otelhttp.WithPublicEndpointFn(edge.Public),
//		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator(
//			boundary.Propagator{}, propagation.Baggage{})))
//	h = edge.Handler(h)
//
// # Don't use
//
// Trusted on the strength of a header that anyone can send: decide by listener,
// by verified client certificate or by signature. B3 headers are not looked at;
// do not read B3 from strangers. Between services of your own the propagator is
// worth having only if a vendor of yours writes such keys.
//
// # Spec
//
// W3C Trace Context Level 2: 3.2 traceparent, 3.3 tracestate (grammar, limits;
// several fields are one list in order, RFC 9110, 5.3), "Security
// Considerations". W3C Baggage, 3.3.2 "Limits". What is done with each case is in
// the table of this package's test.
package boundary

import (
	"maps"
	"net/http"
	"net/textproto"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

const (
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
	baggage     = "Baggage"

	// A traceparent of version 00 has 55 bytes; later versions may add fields.
	maxTraceparent = 512
	// W3C Trace Context asks for at least 512, W3C Baggage for at least 8192.
	defaultMaxTracestate = 4096
	defaultMaxBaggage    = 8192
)

// Edge is the policy for requests from outside. The zero value trusts nobody.
type Edge struct {
	// Trusted says whose context may continue and whose baggage may come in; nil
	// means nobody's. It sees the request before anything has been extracted.
	Trusted func(*http.Request) bool
	// MaxTracestate and MaxBaggage are in bytes, all fields of the name together;
	// 0 means 4096 and 8192. What is longer is dropped before it is parsed.
	MaxTracestate, MaxBaggage int
}

// Handler returns a handler that calls next with headers of which any propagator
// makes the right thing: at most one traceparent, at most one tracestate and
// that never empty or alone, and no baggage of strangers. Requests are never
// refused: trace context must not decide whether the work is done.
func (e Edge) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trusted := len(r.Header[baggage]) > 0 && e.trusted(r) // asked only where it matters
		if clean := e.Clean(r.Header, trusted); clean != nil {
			inner := *r // a handler may not change the request it was given
			inner.Header = clean
			r = &inner
		}
		next.ServeHTTP(w, r)
	})
}

// Public reports whether r, whose context holds what was extracted, is to start
// a trace of its own with a link to its caller: it does if there is a remote
// parent, and the caller is not trusted. It fits otelhttp.WithPublicEndpointFn.
func (e Edge) Public(r *http.Request) bool {
	return trace.SpanContextFromContext(r.Context()).IsRemote() && !e.trusted(r)
}

func (e Edge) trusted(r *http.Request) bool { return e.Trusted != nil && e.Trusted(r) }

// Clean returns the headers that should have come instead of h, or nil if those
// in h are as they should be. It is for carriers that are no HTTP request, such as
// the metadata of gRPC, with names as in http.Header.
func (e Edge) Clean(h http.Header, trusted bool) http.Header {
	var out http.Header
	set := func(name, value string) {
		if out == nil {
			out = maps.Clone(h)
		}
		if value == "" {
			delete(out, name)
			return
		}
		out[name] = []string{value}
	}

	parents, states := h[traceparent], h[tracestate]
	if len(parents) > 1 || size(parents) > maxTraceparent {
		// Which of two is meant cannot be known.
		set(traceparent, "")
		parents = nil
	}
	switch {
	case len(states) == 0:
	case len(parents) == 0 || size(states) > or(e.MaxTracestate, defaultMaxTracestate):
		set(tracestate, "") // it belongs to its traceparent and means nothing alone
	case len(states) > 1 || textproto.TrimString(states[0]) == "":
		set(tracestate, join(states))
	}
	bags := h[baggage]
	if len(bags) == 0 {
		return out
	}
	if size(bags) > or(e.MaxBaggage, defaultMaxBaggage) || !trusted {
		set(baggage, "")
	}
	return out
}

// size is that of the fields as one list, commas included.
func size(values []string) int {
	n := max(len(values)-1, 0)
	for _, value := range values {
		n += len(value)
	}
	return n
}

// join makes several fields one, in order, and leaves out the empty ones.
func join(values []string) string {
	kept := make([]string, 0, len(values))
	for _, value := range values {
		if value = textproto.TrimString(value); value != "" {
			kept = append(kept, value)
		}
	}
	return strings.Join(kept, ",")
}

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
