package order

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/services/payment/paymentv1"
)

// tracing is what becomes of order's spans.
func tracing(tel *telemetry.Telemetry, faults *fault.Set) trace.TracerProvider {
	ratio := faults.Declare("ratio-sampler-downstream",
		"order samples half of the traces by their id, whatever its callers have decided.")
	return fault.TracerProvider(ratio, tel.TracerProvider, func() trace.TracerProvider {
		return tel.Variant(telemetry.Variant{Sampler: sdktrace.TraceIDRatioBased(0.5)})
	})
}

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
	pii := faults.Declare("pii-in-telemetry",
		"order puts the card token on its spans and into baggage.")
	return talkative{sw: pii, PaymentServiceClient: paymentv1.NewPaymentServiceClient(conn)}
}

// talkative is a fault: while it is on, whatever may help to debug a payment goes to telemetry.
type talkative struct {
	sw *fault.Switch
	paymentv1.PaymentServiceClient
}

func (t talkative) Authorise(
	ctx context.Context, req *paymentv1.AuthoriseRequest, options ...grpc.CallOption,
) (*paymentv1.AuthoriseResponse, error) {
	if t.sw.On() {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("payment.reference", req.GetCardToken()))
		if token, err := baggage.NewMemberRaw("payment.reference", req.GetCardToken()); err == nil {
			if bag, err := baggage.FromContext(ctx).SetMember(token); err == nil {
				ctx = baggage.ContextWithBaggage(ctx, bag)
			}
		}
	}
	return t.PaymentServiceClient.Authorise(ctx, req, options...)
}
