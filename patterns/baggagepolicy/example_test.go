package baggagepolicy

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Two members are in the baggage, one may be an attribute, none may leave.
func Example() {
	policy := Policy{Allow: []string{"tenant"}, Internal: []string{"order"}}
	memory := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(policy.Processor()), sdktrace.WithSyncer(memory))

	bag, err := baggage.Parse("tenant=blue,coupon=SUMMER")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := baggage.ContextWithBaggage(context.Background(), bag)
	ctx, span := tp.Tracer("example").Start(ctx, "place order")
	client := http.Client{Transport: policy.Transport(roundTrip(show))}
	for _, url := range []string{"http://order/orders", "http://bank.example/pay"} {
		r, _ := http.NewRequestWithContext(policy.Filter(ctx), http.MethodPost, url, nil)
		propagation.Baggage{}.Inject(r.Context(), propagation.HeaderCarrier(r.Header))
		if response, err := client.Do(r); err == nil {
			_ = response.Body.Close()
		}
	}
	span.End()
	for _, kv := range memory.GetSpans()[0].Attributes {
		fmt.Printf("attribute %s=%s\n", kv.Key, kv.Value.AsString())
	}

	// Output:
	// order baggage: "tenant=blue"
	// bank.example baggage: ""
	// attribute tenant=blue
}

func show(r *http.Request) (*http.Response, error) {
	fmt.Printf("%s baggage: %q\n", r.URL.Hostname(), r.Header.Get("baggage"))
	return &http.Response{Body: http.NoBody}, nil
}
