package pricing

import (
	"context"
	"time"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/b3bridge"
	"example.com/throughline/patterns/boundary"
)

// tracing is what becomes of pricing's spans.
func tracing(tel *telemetry.Telemetry, faults *fault.Set) trace.TracerProvider {
	nameless := faults.Declare("service-name-missing",
		"pricing runs without a service.name, as unknown_service.")
	skewed := faults.Declare("clock-skew", "pricing's clock is an hour slow.")
	good := tel.TracerProvider
	good = fault.TracerProvider(nameless, good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Service: "unknown_service:pricing"})
	})
	return fault.TracerProvider(skewed, good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Edit: fault.Shift(-time.Hour)})
	})
}

// inbound reads both dialects: W3C wins, and a deferred decision is ours to make.
func inbound(faults *fault.Set) propagation.TextMapPropagator {
	last := faults.Declare("b3-order-last",
		"pricing extracts W3C and then B3, and the last valid one wins.")
	deferred := faults.Declare("b3-deferred-as-deny",
		"pricing takes a B3 context without a sampling decision for a refusal.")
	b3Last := propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{}, b3.New())
	asIs := propagation.NewCompositeTextMapPropagator(
		b3.New(), propagation.TraceContext{}, propagation.Baggage{})
	both := b3bridge.Propagator{TraceContext: boundary.Propagator{}}
	return fault.Propagator(last, fault.Propagator(deferred, both, asIs), b3Last)
}

// toRating writes B3 to the rating listener, and nothing else.
func toRating(tel *telemetry.Telemetry, faults *fault.Set) propagation.TextMapPropagator {
	mismatch := faults.Declare("w3c-b3-mismatch",
		"pricing writes W3C headers to the rating listener, which reads only B3.")
	shared := faults.Declare("baggage-without-policy",
		"pricing sends its callers' baggage on to the rating listener.")
	toB3 := b3bridge.Propagator{Write: b3bridge.B3Multi}
	andBaggage := propagation.NewCompositeTextMapPropagator(toB3, propagation.Baggage{})
	return fault.Propagator(mismatch, fault.Propagator(shared, toB3, andBaggage), tel.Propagator)
}

// fanOut makes the calls of a quote at once.
func fanOut(tel *telemetry.Telemetry, faults *fault.Set) FanOut {
	reused := faults.Declare("loop-reuses-ctx",
		"pricing asks for rates in a loop that starts each span from the context of the last.")
	wrong := ladder(tel.TracerProvider.Tracer(scope))
	return func(ctx context.Context, calls ...func(context.Context) error) error {
		return fault.Pick[FanOut](reused, atOnce, wrong)(ctx, calls...)
	}
}

// ladder is a fault: "=" assigns to the ctx outside of the loop where ":=" would make a new one.
func ladder(tracer trace.Tracer) FanOut {
	return func(ctx context.Context, calls ...func(context.Context) error) error {
		for _, call := range calls {
			var span trace.Span
			ctx, span = tracer.Start(ctx, "ask for a rate") //nolint:fatcontext // this is the fault
			err := call(ctx)
			span.End()
			if err != nil {
				return err
			}
		}
		return nil
	}
}
