// Package manualhttp carries a trace over HTTP by hand, once, so that what
// instrumentation does for you can be read on one page.
//
// # Problem
//
// With otelhttp on both ends a trace just continues, until it does not. Who has
// never seen the four steps cannot tell which one is missing: start a CLIENT
// span, inject its context into the headers, extract it on the other side, start
// a SERVER span as its child.
//
// # Use
//
// Read [Transport.RoundTrip] and [Handler.ServeHTTP] side by side. The one line
// that goes wrong most often is the order in RoundTrip: the headers carry the
// context of the CLIENT span, not of its parent. Injected a line earlier, the
// SERVER span would hang beside the CLIENT span instead of under it.
//
// # Don't use
//
// In production, where otelhttp does this and metrics, protocol versions,
// streaming bodies and hijacked connections too. Never together with it: two
// CLIENT spans per call are worse than none. Strangers' context is accepted here;
// a public edge must not.
//
// # Spec
//
// OpenTelemetry, "Propagators API" (inject, extract); semantic conventions
// v1.43.0, "HTTP spans": names, required attributes, status (a 4xx is an error
// for who sent the request, not for who refused it).
package manualhttp

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Transport is the client's half: an http.RoundTripper. Tracer and Propagator are
// required; a nil Base is http.DefaultTransport.
type Transport struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	Base       http.RoundTripper
}

// RoundTrip sends r in a CLIENT span, which ends when the headers of the response
// are there.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	// 1. The CLIENT span: the parent is whatever span the request's ctx holds.
	ctx, span := t.Tracer.Start(r.Context(), spanName(r.Method, ""),
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			semconv.HTTPRequestMethodKey.String(method(r.Method)),
			semconv.URLFull(withoutSecrets(r.URL)),
			semconv.ServerAddress(r.URL.Hostname()),
			semconv.ServerPort(port(r.URL)),
		))
	defer span.End()

	// 2. Its context goes into the headers: ctx, not r.Context(). A RoundTripper
	// may not change the request it was given, so they are those of a copy.
	out := r.Clone(ctx)
	t.Propagator.Inject(ctx, propagation.HeaderCarrier(out.Header))

	response, err := t.base().RoundTrip(out)
	if err != nil {
		// The text may hold the URL; the type is enough to group by.
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorType(err))
		return nil, err
	}
	finish(span, response.StatusCode, http.StatusBadRequest)
	return response, nil
}

func (t Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// Handler is the server's half, for one route. All fields are required.
type Handler struct {
	Tracer     trace.Tracer
	Propagator propagation.TextMapPropagator
	Route      string // the path as it was registered, such as /orders/{id}
	Next       http.Handler
}

// ServeHTTP calls Next with a SERVER span in the request's context.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// 3. The caller's span becomes the remote parent in ctx. Without one, or with
	// a malformed one, ctx stays as it is, and the SERVER span is a root.
	ctx := h.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))

	// 4. The SERVER span, named by the route and never by the path: names are few.
	ctx, span := h.Tracer.Start(ctx, spanName(r.Method, h.Route),
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			semconv.HTTPRequestMethodKey.String(method(r.Method)),
			semconv.HTTPRoute(h.Route),
			semconv.URLPath(r.URL.Path),
			semconv.URLScheme(scheme(r)),
		))
	defer span.End()

	seen := &statusWriter{ResponseWriter: w, status: http.StatusInternalServerError}
	defer func() { finish(span, seen.status, http.StatusInternalServerError) }()
	h.serve(ctx, seen, r)
}

func (h Handler) serve(ctx context.Context, w *statusWriter, r *http.Request) {
	h.Next.ServeHTTP(w, r.WithContext(ctx))
	if !w.written { // net/http will send it; had Next panicked, we would not be here
		w.status = http.StatusOK
	}
}

// finish sets what the response says. From status code failed on it is an error
// of this side; below, the status stays Unset: Ok is for people to set.
func finish(span trace.Span, status, failed int) {
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= failed {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
}

// method is r.Method if it is known: a name that callers choose has no bound.
func method(name string) string {
	if name == "" {
		return http.MethodGet // as net/http has it
	}
	if known := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS",
		"TRACE", "QUERY"}; slices.Contains(known, name) {
		return name
	}
	return semconv.HTTPRequestMethodOther.Value.AsString()
}

func spanName(name, route string) string {
	name = method(name)
	if name == semconv.HTTPRequestMethodOther.Value.AsString() {
		name = "HTTP"
	}
	if route != "" {
		name += " " + route
	}
	return name
}

// withoutSecrets is u without user, query and fragment.
func withoutSecrets(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// statusWriter remembers the status code.
type statusWriter struct {
	http.ResponseWriter
	status  int
	written bool
}

func (w *statusWriter) WriteHeader(status int) {
	if !w.written && status >= 200 { // 1xx are not the answer
		w.status, w.written = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if !w.written {
		w.status, w.written = http.StatusOK, true
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the rest.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
