package order

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/retry"
	"example.com/throughline/services/payment/paymentv1"
)

// tracing is what becomes of order's spans.
func tracing(tel *telemetry.Telemetry, faults *fault.Set) trace.TracerProvider {
	ratio := faults.Declare("ratio-sampler-downstream",
		"order samples half of the traces by their id, whatever its callers have decided.")
	good := tel.TracerProvider
	good = fault.TracerProvider(pii(faults), good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Unredacted: true})
	})
	return fault.TracerProvider(ratio, good, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Sampler: sdktrace.TraceIDRatioBased(0.5)})
	})
}

// pii is one fault in several places.
func pii(faults *fault.Set) *fault.Switch {
	return faults.Declare("pii-in-telemetry",
		"order puts card tokens and customers' URLs on its spans, and exports them unredacted.")
}

// pricingClient is instrumented once, and injects from the CLIENT span. What fails is repeated: a
// quote changes nothing.
func pricingClient(tel *telemetry.Telemetry, faults *fault.Set) *http.Client {
	spanless := faults.Declare("inject-without-client-span",
		"Calls to pricing inject the context of the SERVER span, and make no CLIENT span.")
	below := faults.Declare("retry-below-instrumentation",
		"Calls to pricing are repeated below the instrumentation: one CLIENT span for all attempts.")
	double := faults.Declare("double-instrumentation",
		"The client for pricing is instrumented twice.")
	lost := faults.Declare("root-not-passed-on",
		"order does not tell pricing which span began the trace.")
	base := httpclient.NewTransport()
	prop := fault.Propagator(lost, withRoot(tel.Propagator), tel.Propagator)
	client := httpclient.New(tel, httpclient.Options{
		Base: base, Repeatable: true, Propagator: prop,
	})
	once := client.Transport
	twice := httpclient.New(tel, httpclient.Options{Base: once}).Transport
	byHand := fault.RoundTripper(func(r *http.Request) (*http.Response, error) {
		ctx := r.Context()
		r = r.Clone(ctx)
		tel.Propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
		return base.RoundTrip(r)
	})
	client.Transport = fault.Transport(spanless, fault.Transport(double, once, twice), byHand)
	client.Transport = fault.Transport(below, client.Transport, repeatingBelow(tel, base, prop))
	return client
}

// repeatingBelow is a fault: what repeats failed requests is given to the instrumentation as if it
// were the network.
func repeatingBelow(
	tel *telemetry.Telemetry, base http.RoundTripper, prop propagation.TextMapPropagator,
) http.RoundTripper {
	network := retry.Transport{Base: base, MinDelay: 50 * time.Millisecond}
	return httpclient.New(tel, httpclient.Options{
		Propagator: prop,
		Base: fault.RoundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("Idempotency-Key", id.New())
			return network.RoundTrip(r)
		}),
	}).Transport
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

// paymentClient tells nobody but payment what it is told.
func paymentClient(
	conn grpc.ClientConnInterface, faults *fault.Set,
) paymentv1.PaymentServiceClient {
	return talkative{sw: pii(faults), PaymentServiceClient: paymentv1.NewPaymentServiceClient(conn)}
}

// talkative is a fault: while it is on, whatever may help to debug a payment goes to telemetry.
type talkative struct {
	sw *fault.Switch
	paymentv1.PaymentServiceClient
}

func (t talkative) Authorise(
	ctx context.Context, req *paymentv1.AuthoriseRequest, options ...grpc.CallOption,
) (*paymentv1.AuthoriseResponse, error) {
	if !t.sw.On() {
		return t.PaymentServiceClient.Authorise(ctx, req, options...)
	}
	span, token := trace.SpanFromContext(ctx), req.GetCardToken()
	span.SetAttributes(attribute.String("payment.reference", token))
	if member, err := baggage.NewMemberRaw("payment.reference", token); err == nil {
		if bag, err := baggage.FromContext(ctx).SetMember(member); err == nil {
			ctx = baggage.ContextWithBaggage(ctx, bag)
		}
	}
	resp, err := t.PaymentServiceClient.Authorise(ctx, req, options...)
	if reason := resp.GetDeclineReason(); reason != "" {
		span.SetStatus(codes.Error, "card "+token+" declined: "+reason)
	}
	return resp, err
}
