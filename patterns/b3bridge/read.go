package b3bridge

import (
	"context"
	"crypto/rand"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// readB3 returns the span context that the B3 headers hold, an invalid one if
// they hold none, and whether its trace is debug.
func readB3(carrier propagation.TextMapCarrier) (sc trace.SpanContext, debug bool) {
	bare := context.Background()
	for _, read := range []func(propagation.TextMapCarrier) propagation.MapCarrier{single, multi} {
		headers := read(carrier)
		if len(headers) == 0 {
			continue
		}
		found := b3.New().Extract(bare, headers)
		if sc = trace.SpanContextFromContext(found); sc.IsValid() {
			return sc, isDebug(found)
		}
	}
	return sc, false
}

// single returns the b3 header, with the decision to record where it has none.
func single(carrier propagation.TextMapCarrier) propagation.MapCarrier {
	header := carrier.Get("b3")
	if header == "" {
		return nil
	}
	last := strings.LastIndexByte(header, '-')
	switch dashes := strings.Count(header, "-"); {
	case dashes == 1: // {TraceId}-{SpanId}
		header += "-1"
	case dashes == 2 && len(header)-last == 17: // {TraceId}-{SpanId}-{ParentSpanId}
		header = header[:last] + "-1" + header[last:]
	}
	return propagation.MapCarrier{"b3": header}
}

// multi returns the x-b3 headers, with the decision to record where they have
// none. A refusal in the single header takes precedence.
func multi(carrier propagation.TextMapCarrier) propagation.MapCarrier {
	if carrier.Get("x-b3-traceid") == "" {
		return nil
	}
	headers := propagation.MapCarrier{}
	for _, name := range []string{
		"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags",
	} {
		headers[name] = carrier.Get(name)
	}
	switch {
	case carrier.Get("b3") == "0":
		headers["x-b3-sampled"], headers["x-b3-flags"] = "0", ""
	case headers["x-b3-sampled"] == "":
		headers["x-b3-sampled"] = "1"
	}
	return headers
}

// isDebug asks the B3 propagator, which keeps the answer in ctx to itself.
func isDebug(ctx context.Context) bool {
	headers := propagation.MapCarrier{}
	b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)).Inject(ctx, headers)
	return headers["x-b3-flags"] == "1"
}

// denied reports whether carrier holds a refusal without ids: what a proxy adds
// to a request, such as a health check, that nobody is to record.
func denied(carrier propagation.TextMapCarrier) bool {
	switch carrier.Get("b3") {
	case "0":
		return true
	case "1", "d":
		return false
	}
	if carrier.Get("x-b3-traceid") != "" || carrier.Get("x-b3-flags") == "1" {
		return false
	}
	sampled := carrier.Get("x-b3-sampled")
	return sampled == "0" || strings.EqualFold(sampled, "false")
}

// refusal is an unsampled span context of a trace that nobody records.
func refusal() trace.SpanContext {
	var config trace.SpanContextConfig
	for !config.TraceID.IsValid() || !config.SpanID.IsValid() {
		_, _ = rand.Read(config.TraceID[:]) // never fails, and says so
		_, _ = rand.Read(config.SpanID[:])
	}
	return trace.NewSpanContext(config)
}
