package pricing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"example.com/throughline/internal/catalogue"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/events"
)

// Item is one line of what is to be priced.
type Item struct {
	SKU string `json:"sku"`
	Qty int64  `json:"qty"`
}

// QuoteRequest asks for the price of an order.
type QuoteRequest struct {
	OrderID       string `json:"order_id"`
	Items         []Item `json:"items"`
	Country       string `json:"country"` // ISO 3166-1 alpha-2
	Method        string `json:"method"`  // standard or express
	DiscountCode  string `json:"discount_code,omitempty"`
	NegotiationID string `json:"negotiation_id,omitempty"`
}

// Quote is a price. All amounts are in minor units; Total = Net - Discount + Shipping + Tax.
type Quote struct {
	Currency string `json:"currency"`
	Net      int64  `json:"net"`
	Discount int64  `json:"discount"`
	Shipping int64  `json:"shipping"`
	Tax      int64  `json:"tax"`
	Total    int64  `json:"total"`
}

type quotes struct {
	rating ratingClient
	deals  negotiations
	audits audits
	tracer trace.Tracer
}

func (q quotes) routes(r *httpserver.Router) {
	r.Handle("POST /quotes", q.post)
}

func (q quotes) post(w http.ResponseWriter, r *http.Request) error {
	var req QuoteRequest
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if !id.Valid(req.OrderID) {
		return problem.New(422, "invalid-id", "order_id %.64q: want 1 to 64 characters a-z, 0-9",
			req.OrderID)
	}
	trace.SpanFromContext(r.Context()).SetAttributes(
		shop.WorkflowID.String(req.OrderID), shop.OrderID.String(req.OrderID))
	quote, err := q.price(r.Context(), req)
	if err != nil {
		return err
	}
	q.audits.submit(r.Context(), req, quote)
	return httpserver.Respond(w, http.StatusOK, quote)
}

// price is the one span here that is there for its meaning. A refusal is no error of ours.
func (q quotes) price(ctx context.Context, req QuoteRequest) (quote Quote, err error) {
	ctx, span := q.tracer.Start(ctx, "price order")
	defer func() {
		if err != nil && problem.From(err).Status >= 500 {
			span.SetStatus(codes.Error, "rating failed")
			span.SetAttributes(semconv.ErrorTypeKey.String("rating_failed"))
		}
		span.SetAttributes(shop.OrderTotal.Int64(quote.Total))
		span.End()
	}()
	net, units, weight, err := q.sum(ctx, req)
	if err != nil {
		return Quote{}, err
	}
	rates, err := q.rating.all(ctx, req, net, units, weight)
	if err != nil {
		return Quote{}, err
	}
	taxable := net - rates.discount + rates.shipping
	tax := (taxable*rates.taxBasisPoints + 5000) / 10000
	return Quote{
		Currency: catalogue.Currency,
		Net:      net, Discount: rates.discount, Shipping: rates.shipping,
		Tax: tax, Total: taxable + tax,
	}, nil
}

// sum adds up net price, units and weight of the items, at the negotiated price where there is
// one.
func (q quotes) sum(ctx context.Context, req QuoteRequest) (net, units, weight int64, err error) {
	if len(req.Items) == 0 || len(req.Items) > 50 {
		return 0, 0, 0, problem.New(422, "invalid-items", "items: got %d, want 1 to 50",
			len(req.Items))
	}
	deal, err := q.deals.agreed(ctx, req.NegotiationID)
	if err != nil {
		return 0, 0, 0, err
	}
	for i, item := range req.Items {
		product, ok := catalogue.Find(item.SKU)
		if !ok {
			return 0, 0, 0, problem.New(422, "unknown-sku",
				"items[%d].sku %.64q: not in the catalogue", i, item.SKU)
		}
		if item.Qty < 1 || item.Qty > 1000 {
			return 0, 0, 0, problem.New(422, "invalid-quantity",
				"items[%d].qty %d: want 1 to 1000", i, item.Qty)
		}
		price := product.Price
		if deal.SKU == item.SKU && item.Qty >= deal.Qty {
			price = deal.Price
			events.Moment{Name: shop.EventPriceOverridden, Attributes: []attribute.KeyValue{
				shop.SKU.String(item.SKU), shop.NegotiationID.String(deal.ID),
				shop.ListPrice.Int64(product.Price), shop.AgreedPrice.Int64(deal.Price),
			}}.AddTo(trace.SpanFromContext(ctx))
		}
		net += price * item.Qty
		units += item.Qty
		weight += product.Weight * item.Qty
	}
	return net, units, weight, nil
}

// rates is what the rating listener says.
type rates struct {
	taxBasisPoints, discount, shipping int64
}

// all asks for tax, discount and shipping. They are independent of each other: three sibling spans
// that overlap, so that the wait is that of the slowest and not the sum.
func (c ratingClient) all(
	ctx context.Context, req QuoteRequest, net, units, weight int64,
) (rates, error) {
	var got rates
	err := c.fanOut(ctx,
		func(ctx context.Context) (err error) {
			got.taxBasisPoints, err = c.tax(ctx, req.OrderID, req.Country)
			return err
		},
		func(ctx context.Context) (err error) {
			got.discount, err = c.discount(ctx, req.OrderID, req.DiscountCode, net, units)
			return err
		},
		func(ctx context.Context) (err error) {
			got.shipping, err = c.shipping(ctx, req.OrderID, req.Country, req.Method, weight)
			return err
		},
	)
	return got, err
}

// FanOut makes independent calls and returns the first error.
type FanOut func(ctx context.Context, calls ...func(context.Context) error) error

// atOnce gives every call the same context, whose span is the parent of all. The first error
// cancels the others.
func atOnce(ctx context.Context, calls ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, call := range calls {
		group.Go(func() error { return call(ctx) })
	}
	return group.Wait()
}
