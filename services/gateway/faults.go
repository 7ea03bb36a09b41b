package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/clientreturned"
	"example.com/throughline/patterns/persistedcontext"
)

// tracing is what becomes of the gateway's spans.
func tracing(tel *telemetry.Telemetry, faults *fault.Set) trace.TracerProvider {
	unlinked := faults.Declare("links-dropped",
		"The gateway's spans lose their links on their way to the backend.")
	full := faults.Declare("queue-full",
		"The gateway's queue holds two spans and is emptied too late: what ends last is dropped.")
	good := tel.TracerProvider
	good = fault.TracerProvider(baggageWithoutPolicy(faults), good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{
			Start: baggagecopy.NewSpanProcessor(baggagecopy.AllowAllMembers),
		})
	})
	good = fault.TracerProvider(unlinked, good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Edit: fault.WithoutLinks})
	})
	return fault.TracerProvider(full, good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Queue: 2})
	})
}

// network is the way to order and pricing, and what a proxy there may do to the headers.
func network(faults *fault.Set) http.RoundTripper {
	stripped := faults.Declare("header-stripped",
		"A proxy behind the gateway passes on only the headers that it knows: no traceparent.")
	rewritten := faults.Declare("header-rewritten",
		"A proxy behind the gateway makes itself the parent, and reports no span of its own.")
	way := httpclient.NewTransport()
	way = fault.Tamper(stripped, way, func(h http.Header) {
		h.Del("traceparent")
		h.Del("tracestate")
	})
	return fault.Tamper(rewritten, way, func(h http.Header) {
		// version "-" trace-id "-" parent-id "-" trace-flags (W3C Trace Context, 3.2.2)
		if fields := strings.Split(h.Get("traceparent"), "-"); len(fields) == 4 {
			fields[2] = fmt.Sprintf("%016x", rand.Uint64()|1)
			h.Set("traceparent", strings.Join(fields, "-"))
		}
	})
}

// gullible is a fault: while it is on, whatever parses is taken for ours.
type gullible struct {
	sw   *fault.Switch
	good Verifier
}

func (g gullible) Verify(ctx context.Context, sc trace.SpanContext, workflow string) (
	clientreturned.Claims, trace.SpanContext, error,
) {
	if g.sw.On() && sc.IsValid() {
		return clientreturned.Claims{Turn: 1}, sc.WithRemote(true), nil
	}
	return g.good.Verify(ctx, sc, workflow)
}

// hoarder is a fault: while it is on, contexts are loaded from a store that rotates nothing.
type hoarder struct {
	sw        *fault.Switch
	good, bad ContextStore
}

func (h hoarder) Load(ctx context.Context, id string) (persistedcontext.Process, error) {
	return fault.Pick(h.sw, h.good, h.bad).Load(ctx, id)
}

func (h hoarder) Save(
	ctx context.Context, id string, sc trace.SpanContext, p persistedcontext.Process,
) error {
	return fault.Pick(h.sw, h.good, h.bad).Save(ctx, id, sc, p)
}
