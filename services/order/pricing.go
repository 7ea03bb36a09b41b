package order

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/patterns/underroot"
)

// withRoot carries the root of the trace as well, from the gateway to pricing.
func withRoot(prop propagation.TextMapPropagator) propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(prop, underroot.Propagator{})
}

// pricing asks the pricing service.
type pricing struct {
	client *http.Client
	url    string
}

// quoteOptions is what a customer may say about a price. Both may be empty.
type quoteOptions struct {
	DiscountCode  string `json:"discount_code,omitempty"`
	NegotiationID string `json:"negotiation_id,omitempty"`
}

// quoteRequest is the wire format of pricing's POST /quotes, as pricing declares it too.
type quoteRequest struct {
	OrderID string `json:"order_id"`
	Items   []Item `json:"items"`
	Country string `json:"country"`
	Method  string `json:"method"`
	quoteOptions
}

func (p pricing) quote(ctx context.Context, o Order, options quoteOptions) (Quote, error) {
	req := quoteRequest{
		OrderID: o.ID, Items: o.Items,
		Country: o.Shipping.Country, Method: o.Shipping.Method,
		quoteOptions: options,
	}
	var q Quote
	err := httpclient.JSON(ctx, p.client, http.MethodPost, p.url+"/quotes", req, &q)
	return q, err
}
