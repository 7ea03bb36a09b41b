package pricing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/catalogue"
	"example.com/throughline/internal/document"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
)

// maxRounds is how often the shop moves its price before it stays at its last.
const maxRounds = 5

// Negotiation is a price in the making. Prices are per unit, in minor units.
type Negotiation struct {
	ID    string `json:"id"`
	SKU   string `json:"sku"`
	Qty   int64  `json:"qty"`
	State string `json:"state"` // open or accepted
	Round int    `json:"round"`
	Offer int64  `json:"offer"` // the customer's last
	Price int64  `json:"price"` // the shop's: what accepting it costs
}

// offer lets the shop answer a customer's offer: it meets in the middle, but not below the floor.
func (n *Negotiation) offer(offer, floor int64) error {
	if n.State != "open" {
		return problem.New(409, "wrong-state", "counter: the negotiation is %s, want open", n.State)
	}
	n.Round++
	n.Offer = offer
	if offer >= n.Price {
		n.State = "accepted"
		return nil
	}
	if n.Round <= maxRounds {
		n.Price = max(floor, (n.Price+offer+1)/2)
	}
	return nil
}

type negotiations struct {
	docs   document.Collection[Negotiation]
	closed *dealCache
	logger *slog.Logger
}

func (n negotiations) routes(r *httpserver.Router) {
	r.Handle("POST /negotiations", n.open)
	r.Handle("GET /negotiations/{id}", n.read)
	r.Handle("POST /negotiations/{id}/counter", n.counter)
	r.Handle("POST /negotiations/{id}/accept", n.accept)
}

func (n negotiations) open(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		ID    string `json:"id"`
		SKU   string `json:"sku"`
		Qty   int64  `json:"qty"`
		Offer int64  `json:"offer"`
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if !id.Valid(req.ID) {
		return problem.New(422, "invalid-id", "id %.64q: want 1 to 64 characters a-z, 0-9", req.ID)
	}
	identify(r.Context(), req.ID)
	product, ok := catalogue.Find(req.SKU)
	if !ok {
		return problem.New(422, "unknown-sku", "sku %.64q: not in the catalogue", req.SKU)
	}
	if req.Qty < 1 || req.Qty > 1000 {
		return problem.New(422, "invalid-quantity", "qty %d: want 1 to 1000", req.Qty)
	}
	if err := validOffer(req.Offer); err != nil {
		return err
	}
	deal := Negotiation{
		ID: req.ID, SKU: req.SKU, Qty: req.Qty, State: "open", Price: product.Price,
	}
	if err := deal.offer(req.Offer, product.Floor); err != nil {
		return err
	}
	if err := n.docs.Create(r.Context(), deal.ID, deal); err != nil {
		return stateError(deal.ID, err)
	}
	return httpserver.Respond(w, http.StatusCreated, deal)
}

func (n negotiations) read(w http.ResponseWriter, r *http.Request) error {
	dealID, err := identified(r)
	if err != nil {
		return err
	}
	deal, err := n.docs.Get(r.Context(), dealID)
	if err != nil {
		return stateError(dealID, err)
	}
	return httpserver.Respond(w, http.StatusOK, deal)
}

func (n negotiations) counter(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Offer int64 `json:"offer"`
	}
	dealID, err := identified(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if err := validOffer(req.Offer); err != nil {
		return err
	}
	return n.change(w, r, dealID, func(deal *Negotiation) error {
		product, _ := catalogue.Find(deal.SKU)
		return deal.offer(req.Offer, product.Floor)
	})
}

func (n negotiations) accept(w http.ResponseWriter, r *http.Request) error {
	dealID, err := identified(r)
	if err != nil {
		return err
	}
	return n.change(w, r, dealID, func(deal *Negotiation) error {
		if deal.State != "open" {
			return problem.New(409, "wrong-state",
				"accept: the negotiation is %s, want open", deal.State)
		}
		deal.State = "accepted"
		return nil
	})
}

func (n negotiations) change(
	w http.ResponseWriter, r *http.Request, dealID string, step func(*Negotiation) error,
) error {
	deal, err := n.docs.Update(r.Context(), dealID, func(d *Negotiation, _ redis.Pipeliner) error {
		return step(d)
	})
	if err != nil {
		return stateError(dealID, err)
	}
	if deal.State == "accepted" {
		n.logger.InfoContext(r.Context(), "price agreed",
			string(shop.NegotiationID), dealID, string(shop.AgreedPrice), deal.Price)
	}
	return httpserver.Respond(w, http.StatusOK, deal)
}

// agreed returns the negotiation that a quote refers to: none for an empty id.
func (n negotiations) agreed(ctx context.Context, dealID string) (Negotiation, error) {
	if dealID == "" {
		return Negotiation{}, nil
	}
	if !id.Valid(dealID) {
		return Negotiation{}, problem.New(422, "unknown-negotiation",
			"negotiation_id %.64q: not known", dealID)
	}
	if deal, ok := n.closed.get(ctx, dealID); ok {
		return deal, nil
	}
	deal, err := n.docs.Get(ctx, dealID)
	if errors.Is(err, document.ErrNotFound) {
		return Negotiation{}, problem.New(422, "unknown-negotiation",
			"negotiation_id %s: not known", dealID)
	}
	if err != nil {
		return Negotiation{}, stateError(dealID, err)
	}
	if deal.State != "accepted" {
		return Negotiation{}, problem.New(409, "wrong-state",
			"negotiation %s is %s, want accepted", dealID, deal.State)
	}
	n.closed.put(deal)
	return deal, nil
}

func validOffer(offer int64) error {
	if offer < 1 || offer > 100_000_00 {
		return problem.New(422, "invalid-offer", "offer %d: want 1 to 10000000 minor units", offer)
	}
	return nil
}

func stateError(dealID string, err error) error {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		return err
	case errors.Is(err, document.ErrNotFound):
		return problem.New(404, "unknown-negotiation", "negotiation %s: not known", dealID)
	case errors.Is(err, document.ErrExists):
		return problem.New(409, "exists", "negotiation %s exists already", dealID)
	case errors.Is(err, document.ErrConflict):
		return problem.New(409, "conflict", "negotiation %s: changed by others at once", dealID)
	default:
		return problem.New(503, "unavailable",
			"negotiation state cannot be reached, try again").Because(err)
	}
}

// identified returns the id of the request's path and puts it on the SERVER span.
func identified(r *http.Request) (string, error) {
	dealID := r.PathValue("id")
	if !id.Valid(dealID) {
		return "", problem.New(404, "unknown-negotiation", "negotiation %.64q: not known", dealID)
	}
	identify(r.Context(), dealID)
	return dealID, nil
}

func identify(ctx context.Context, dealID string) {
	trace.SpanFromContext(ctx).SetAttributes(
		shop.WorkflowID.String(dealID), shop.NegotiationID.String(dealID))
}
