package gateway

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/fault"
	"example.com/throughline/patterns/boundary"
)

// headers cleans what comes in. Which listener a request came in by decides, never a header.
func headers(faults *fault.Set) func(trusted bool) func(http.Handler) http.Handler {
	none := boundaryMissing(faults)
	return func(trusted bool) func(http.Handler) http.Handler {
		edge := boundary.Edge{Trusted: func(*http.Request) bool { return trusted }}
		return fault.Middleware(none, edge.Handler, nil)
	}
}

// over is what otelhttp extracts of its own, after the edge has decided: nothing.
func over(faults *fault.Set) (public, trusted propagation.TextMapPropagator) {
	believed := faults.Declare("sampled-out-by-caller",
		"The public edge extracts the context of strangers, and with it their sampling decision.")
	nothing := propagation.NewCompositeTextMapPropagator()
	everything := propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{})
	public = fault.Propagator(believed, nothing, propagation.TraceContext{})
	return fault.Propagator(boundaryMissing(faults), public, everything),
		fault.Propagator(baggageWithoutPolicy(faults), nothing, propagation.Baggage{})
}

// boundaryMissing is a fault in two places.
func boundaryMissing(faults *fault.Set) *fault.Switch {
	return faults.Declare("boundary-missing",
		"The public edge is instrumented like any service: a stranger's context is the parent.")
}

// baggageWithoutPolicy is a fault in two places.
func baggageWithoutPolicy(faults *fault.Set) *fault.Switch {
	return faults.Declare("baggage-without-policy",
		"The gateway lets all baggage of trusted callers in, and copies it to its spans.")
}
