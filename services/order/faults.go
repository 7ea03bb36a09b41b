package order

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/telemetry"
)

// pricingClient is instrumented once, and injects from the CLIENT span. What fails is repeated: a
// quote changes nothing.
func pricingClient(tel *telemetry.Telemetry, faults *fault.Set) *http.Client {
	spanless := faults.Declare("inject-without-client-span",
		"Calls to pricing inject the context of the SERVER span, and make no CLIENT span.")
	double := faults.Declare("double-instrumentation",
		"The client for pricing is instrumented twice.")
	base := httpclient.NewTransport()
	client := httpclient.New(tel, httpclient.Options{
		Base: base, Repeatable: true, Propagator: withRoot(tel.Propagator),
	})
	once := client.Transport
	twice := httpclient.New(tel, httpclient.Options{Base: once}).Transport
	byHand := fault.RoundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		tel.Propagator.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
		return base.RoundTrip(r)
	})
	client.Transport = fault.Transport(spanless, fault.Transport(double, once, twice), byHand)
	return client
}

// handoff lets work outlive its request: it keeps the trace, and drops the cancellation.
func handoff(faults *fault.Set) func(context.Context) context.Context {
	background := faults.Declare("goroutine-background",
		"The goroutine that writes the receipt starts from context.Background().")
	return fault.Context(background, context.WithoutCancel,
		func(context.Context) context.Context { return context.Background() })
}

// middleware is none.
func middleware(faults *fault.Set) func(http.Handler) http.Handler {
	lost := faults.Declare("route-lost",
		"A middleware between otelhttp and the mux copies the request, and the route is lost.")
	return fault.Middleware(lost, nil, forgetRoute)
}

// forgetRoute is a fault: whoever looks at this request from outside sees one that no mux has
// matched, for the pattern is in a copy.
func forgetRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(r.Context())
		r.Pattern = ""
		next.ServeHTTP(w, r)
	})
}
