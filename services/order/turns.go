package order

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/redact"
	"example.com/throughline/patterns/spancontextpayload"
)

// turns is the HTTP API: one handler a turn of the checkout.
type turns struct {
	orders   document.Collection[Order]
	stock    stock
	pricing  pricing
	payment  payments
	placed   placed
	receipts receipts
	expiry   expiry
	webhooks webhooks
	tracer   trace.Tracer
	events   *events
	logger   *slog.Logger
	secrets  secrets
}

// secrets takes them out of what callers have sent by other ways than headers.
type secrets interface {
	Redact(text string) string
	RedactMembers(tracestate string) string
}

func (t *turns) routes(r *httpserver.Router) {
	r.Handle("POST /orders", t.create)
	r.Handle("POST /imports", t.imports)
	r.Handle("GET /orders/{id}", t.read)
	r.Handle("GET /orders/{id}/receipt", t.receipt)
	r.Handle("GET /orders/{id}/events", t.listen)
	r.Handle("PUT /orders/{id}/items", t.items)
	r.Handle("PUT /orders/{id}/shipping", t.shipping)
	r.Handle("POST /orders/{id}/quote", t.quote)
	r.Handle("POST /orders/{id}/payment", t.pay)
	r.Handle("POST /orders/{id}/confirm", t.confirm)
	r.Handle("POST /orders/{id}/review", t.review)
	r.Handle("PUT /orders/{id}/acknowledgement", t.acknowledge)
}

func (t *turns) create(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		ID       string `json:"id"`
		Customer string `json:"customer"`

		CallbackURL string `json:"callback_url"`
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	o := Order{ID: req.ID, Customer: req.Customer, CallbackURL: req.CallbackURL}
	if err := t.open(r.Context(), &o); err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusCreated, o.shown())
}

// cardNumber refuses a text that is to be kept: the number of a card never is.
func cardNumber(field string) error {
	return problem.New(422, "card-number", "%s: holds the number of a card, want none", field)
}

// open checks and stores a new order.
func (t *turns) open(ctx context.Context, o *Order) error {
	if !id.Valid(o.ID) {
		return problem.New(422, "invalid-id", "id %.64q: want 1 to 64 characters a-z, 0-9", o.ID)
	}
	if len(o.Customer) == 0 || len(o.Customer) > 64 {
		return problem.New(422, "invalid-customer", "customer: want 1 to 64 bytes")
	}
	if err := t.webhooks.check(o.CallbackURL); err != nil {
		return err
	}
	if redact.HasCard(o.Customer) || redact.HasCard(o.CallbackURL) {
		return cardNumber("customer or callback_url")
	}
	identify(ctx, o.ID)
	o.State, o.Created = Created, time.Now().UTC()
	o.LastTurn = spancontextpayload.Encode(ctx)
	// First the note, then the order: a note without an order is forgotten by the next sweep.
	t.expiry.touched(ctx, t.expiry.redis, *o)
	err := t.orders.Create(ctx, o.ID, *o)
	if errors.Is(err, document.ErrExists) {
		return problem.New(409, "exists", "order %s exists already", o.ID)
	}
	if err != nil {
		return unavailable("order state", err)
	}
	return t.created(ctx, *o)
}

func (t *turns) read(w http.ResponseWriter, r *http.Request) error {
	o, err := t.load(r)
	if err != nil {
		return err
	}
	if o.State == Confirmed || o.State == Fulfilled {
		if o.Payment, err = t.payment.state(r.Context(), o.ID); err != nil {
			return err
		}
	}
	return httpserver.Respond(w, http.StatusOK, o.shown())
}

func (t *turns) items(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Items []Item `json:"items"`
	}
	orderID, err := identified(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if err := validItems(req.Items); err != nil {
		return err
	}
	if err := t.stock.check(r.Context(), req.Items); err != nil {
		return err
	}
	return t.change(w, r, orderID, func(o *Order) error { return o.fill(req.Items) })
}

func validItems(items []Item) error {
	if len(items) == 0 || len(items) > 50 {
		return problem.New(422, "invalid-items", "items: got %d, want 1 to 50", len(items))
	}
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		if item.Qty < 1 || item.Qty > 1000 {
			return problem.New(422, "invalid-quantity",
				"items[%d].qty %d: want 1 to 1000", i, item.Qty)
		}
		if seen[item.SKU] {
			return problem.New(422, "duplicate-sku", "items[%d].sku %.64q: is there twice",
				i, item.SKU)
		}
		seen[item.SKU] = true
	}
	return nil
}

func (t *turns) shipping(w http.ResponseWriter, r *http.Request) error {
	var req Shipping
	orderID, err := identified(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if req.Method != "standard" && req.Method != "express" {
		return problem.New(422, "invalid-method",
			"method %.64q: want standard or express", req.Method)
	}
	if len(req.Country) != 2 {
		return problem.New(422, "invalid-country",
			"country %.64q: want an ISO 3166-1 alpha-2 code such as DE", req.Country)
	}
	return t.change(w, r, orderID, func(o *Order) error { return o.address(req) })
}

func (t *turns) quote(w http.ResponseWriter, r *http.Request) error {
	var req quoteOptions
	o, err := t.load(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if err := o.require("quote", Addressed, Quoted); err != nil {
		return err
	}
	q, err := t.pricing.quote(r.Context(), o, req)
	if err != nil {
		return err
	}
	trace.SpanFromContext(r.Context()).SetAttributes(shop.OrderTotal.Int64(q.Total))
	return t.change(w, r, o.ID, func(now *Order) error {
		if err := now.unchanged(o); err != nil {
			return err
		}
		return now.price(q)
	})
}

// load reads the order of the request's path.
func (t *turns) load(r *http.Request) (Order, error) {
	orderID, err := identified(r)
	if err != nil {
		return Order{}, err
	}
	o, err := t.orders.Get(r.Context(), orderID)
	if err != nil {
		return Order{}, stateError(orderID, err)
	}
	return o, nil
}

// change applies one step to the order and answers with the new state.
func (t *turns) change(
	w http.ResponseWriter, r *http.Request, orderID string, step func(*Order) error,
) error {
	o, err := t.step(r.Context(), orderID, step)
	if err != nil {
		return stateError(orderID, err)
	}
	return httpserver.Respond(w, http.StatusOK, o.shown())
}

// step changes the order in one transaction, and with it what the next sweep must know.
func (t *turns) step(
	ctx context.Context, orderID string, step func(*Order) error,
) (Order, error) {
	return t.orders.Update(ctx, orderID, func(o *Order, also redis.Pipeliner) error {
		if err := step(o); err != nil {
			return err
		}
		o.LastTurn = spancontextpayload.Encode(ctx)
		t.expiry.touched(ctx, also, *o)
		return nil
	})
}

func stateError(orderID string, err error) error {
	switch {
	case errors.Is(err, document.ErrNotFound):
		return problem.New(404, "unknown-order", "order %s: not known", orderID)
	case errors.Is(err, document.ErrConflict):
		return problem.New(409, "conflict", "order %s: changed by others at once", orderID)
	default:
		return unavailable("order state", err)
	}
}

// identified returns the id of the request's path and puts it on the SERVER span.
func identified(r *http.Request) (string, error) {
	orderID := r.PathValue("id")
	if !id.Valid(orderID) {
		return "", problem.New(404, "unknown-order", "order %.64q: not known", orderID)
	}
	identify(r.Context(), orderID)
	return orderID, nil
}

func identify(ctx context.Context, orderID string) {
	trace.SpanFromContext(ctx).SetAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))
}
