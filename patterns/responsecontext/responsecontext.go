// Package responsecontext tells the caller of an HTTP service which trace served
// the request, in a header that browsers let scripts read.
//
// # Problem
//
// "It failed a minute ago" is not enough to find a trace. The server knows the
// trace of every response; the client, which has to report the failure, does
// not, unless it traces too.
//
// # Use
//
// [Set] the context of the SERVER span before the response is written:
//
//	Server-Timing: traceparent;desc="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
//
// A client shows the trace id, logs it, or [Parse]s it and links its own span to
// it. A script reads it from PerformanceServerTiming; on another origin it needs
// Timing-Allow-Origin. Whether the trace was kept is in the flags: 01 means that
// the server sampled it.
//
// # Don't use
//
// To continue a trace: this is for people and links, it is not signed, and it
// has no tracestate. Ids are no secrets, but where even the number of spans is
// one, strip the header at the public edge.
//
// # Spec
//
// W3C Server Timing, "The Server-Timing Header Field". The metric's name is a
// convention of browser instrumentations, not part of a standard; its value is
// that of the header in W3C Trace Context, 3.2.
package responsecontext

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	header = "Server-Timing"
	metric = "traceparent"
)

// Set adds a Server-Timing header with sc to h. Other metrics stay. A span
// context that is not valid adds nothing.
func Set(h http.Header, sc trace.SpanContext) {
	w3c := propagation.MapCarrier{}
	ctx := trace.ContextWithSpanContext(context.Background(), sc)
	propagation.TraceContext{}.Inject(ctx, w3c)
	if parent := w3c["traceparent"]; parent != "" {
		h.Add(header, metric+`;desc="`+parent+`"`)
	}
}

// Parse returns the span context that the Server-Timing headers of a response
// hold, as a remote one. It reports false when there is none, when it is
// malformed, or when there are several and they differ: of two servers on the
// way, one cannot say which is meant.
func Parse(h http.Header) (trace.SpanContext, bool) {
	var found trace.SpanContext
	for _, rest := range h.Values(header) {
		for rest != "" {
			var name, params string
			name, rest = cut(rest, ',')
			name, params = cut(name, ';')
			if !strings.EqualFold(trim(name), metric) {
				continue
			}
			sc := parse(description(params))
			if !sc.IsValid() || found.IsValid() && !found.Equal(sc) {
				return trace.SpanContext{}, false
			}
			found = sc
		}
	}
	return found, found.IsValid()
}

func parse(traceparent string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// description is the value of the first parameter called desc, as the
// specification has it: later ones do not count.
func description(params string) string {
	for params != "" {
		var param string
		param, params = cut(params, ';')
		key, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(trim(key), "desc") {
			return unquote(trim(value))
		}
	}
	return ""
}

// cut is strings.Cut, but for separators inside a quoted string.
func cut(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++ // the next one is quoted, whatever it is
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote is the content of a quoted string (RFC 9110, 5.6.4), or a token as it
// is. What is neither is no traceparent, so it needs no error of its own.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func trim(s string) string { return strings.Trim(s, " \t") }
