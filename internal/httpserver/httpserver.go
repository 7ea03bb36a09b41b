// Package httpserver is the one adapter between net/http and the services' handlers: a handler
// returns an error, and the adapter makes of it the status, the problem details, the span status
// and one log record.
//
// Each route's handler is wrapped by otelhttp inside the mux. Outside of it, otelhttp would name
// the span by the route but not set http.route; and any middleware between the two that calls
// Request.WithContext would lose the name as well.
//
// In front of all that, every request's propagation headers are made such that a propagator reads
// them rightly (patterns/boundary): of two traceparents none counts, a tracestate in pieces is one,
// and nothing has more than its size. Whose context is continued is another matter: Options.Edge.
package httpserver

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/boundary"
)

// DefaultMaxBody bounds a request body, in bytes.
const DefaultMaxBody = 64 << 10

// Options configure a Router.
type Options struct {
	Telemetry *telemetry.Telemetry // required

	// Propagator extracts the parent of the SERVER span; nil means that of Telemetry.
	Propagator propagation.TextMapPropagator

	// Edge runs between mux and otelhttp: path values are there, the span is not yet. A public
	// edge chooses the remote parent here. Its Propagator must then extract nothing, for what
	// otelhttp extracts replaces what is in the context.
	Edge func(http.Handler) http.Handler

	Inflight *inflight.Tracker // counts requests; nil counts nothing
	MaxBody  int64             // of a request, in bytes; 0 means DefaultMaxBody
	// MaxRequests are served at the same time, streams among them; 0 means DefaultMaxRequests.
	// What comes on top of them is refused with 503.
	MaxRequests int
}

// HandlerFunc handles a request. It returns an error instead of writing one: a *problem.Problem
// to tell the caller what is wrong, anything else for a plain 500.
type HandlerFunc = func(http.ResponseWriter, *http.Request) error

// receivedKey is where the context holds the headers as they came over the wire, whatever an edge
// makes of them.
type receivedKey struct{}

// Router routes requests to instrumented handlers. Routes are added before it serves.
type Router struct {
	options    Options
	mux        *http.ServeMux
	clean      http.Handler // match, behind the hygiene of headers
	unmatched  http.Handler
	oversized  http.Handler
	overloaded http.Handler
	serve      http.Handler
	slots      chan struct{} // taken by requests under way
}

// New returns a router without routes.
func New(o Options) *Router {
	if o.Propagator == nil {
		o.Propagator = o.Telemetry.Propagator
	}
	o.Propagator = o.Telemetry.Inbound(o.Propagator)
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = DefaultMaxRequests
	}
	rt := &Router{
		options: o, mux: http.NewServeMux(), slots: make(chan struct{}, o.MaxRequests),
	}
	rt.unmatched = rt.instrument(rt.adapt("", rt.refuse))
	rt.oversized = rt.instrument(rt.adapt("", refuseOversized))
	rt.overloaded = rt.instrument(rt.adapt("", overloaded))
	hygiene := boundary.Edge{Trusted: func(*http.Request) bool { return true }}
	rt.clean = hygiene.Handler(http.HandlerFunc(rt.match))
	rt.serve = o.Inflight.Handler(http.HandlerFunc(rt.route))
	return rt
}

// Handle adds a route, such as "POST /checkouts/{id}", which is also the name of its spans. Like
// http.ServeMux it panics on a pattern that is malformed or taken.
func (rt *Router) Handle(pattern string, h HandlerFunc) {
	rt.HandleWith(rt.instrument, pattern, h)
}

// HandleWith is Handle with another way to start the SERVER span than otelhttp. That has to
// extract the caller's context itself.
func (rt *Router) HandleWith(
	instrument func(http.Handler) http.Handler, pattern string, h HandlerFunc,
) {
	handler := instrument(rt.adapt(pattern, h))
	if rt.options.Edge != nil {
		handler = rt.options.Edge(handler)
	}
	rt.mux.Handle(pattern, handler)
}

func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.serve.ServeHTTP(w, r) }

// route prepares every request. The bound on the body is put here, on the connection's own
// ResponseWriter: only that one takes the hint to close the connection gently, so that a caller who
// still sends reads the 413 and not a reset.
func (rt *Router) route(w http.ResponseWriter, r *http.Request) {
	// net/http looks at the original's body when it is done.
	r = r.WithContext(context.WithValue(r.Context(), receivedKey{}, r.Header))
	r.Body = http.MaxBytesReader(w, r.Body, rt.options.MaxBody)
	if oversized(r) != nil {
		rt.oversized.ServeHTTP(w, r)
		return
	}
	select {
	case rt.slots <- struct{}{}:
		defer func() { <-rt.slots }()
	default:
		rt.overloaded.ServeHTTP(w, r)
		return
	}
	rt.clean.ServeHTTP(w, r)
}

// match sends what no pattern matches to a handler of our own. A catch-all pattern "/" would do
// so too, but as a route it would also name the span, and answer 404 where 405 is due.
func (rt *Router) match(w http.ResponseWriter, r *http.Request) {
	if _, pattern := rt.mux.Handler(r); pattern == "" {
		rt.unmatched.ServeHTTP(w, r)
		return
	}
	rt.mux.ServeHTTP(w, r)
}

// instrument starts the SERVER span. otelhttp's own name for it is the method and the route, or
// the method alone.
func (rt *Router) instrument(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "",
		otelhttp.WithTracerProvider(rt.options.Telemetry.TracerProvider),
		otelhttp.WithMeterProvider(rt.options.Telemetry.MeterProvider),
		otelhttp.WithPropagators(rt.options.Propagator),
	)
}

// refuse answers what no route matches with what the mux would answer, as a problem.
func (rt *Router) refuse(w http.ResponseWriter, r *http.Request) error {
	h, _ := rt.mux.Handler(r)
	answer := &header{h: make(http.Header)}
	h.ServeHTTP(answer, r)
	if answer.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", answer.h.Get("Allow"))
		return problem.New(http.StatusMethodNotAllowed, "method-not-allowed",
			"the method is not allowed here: want one of %s", answer.h.Get("Allow"))
	}
	return problem.New(http.StatusNotFound, "no-such-path", "there is nothing at this path")
}

// header is a ResponseWriter that keeps status and header.
type header struct {
	h      http.Header
	status int
}

func (w *header) Header() http.Header         { return w.h }
func (w *header) WriteHeader(status int)      { w.status = status }
func (w *header) Write(b []byte) (int, error) { return len(b), nil }
