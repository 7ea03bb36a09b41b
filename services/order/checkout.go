package order

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/spancontextpayload"
)

// pay reserves the stock and authorises the card. A declined card gives the stock back.
func (t *turns) pay(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		CardToken string `json:"card_token"`
	}
	o, err := t.load(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if len(req.CardToken) == 0 || len(req.CardToken) > 64 {
		return problem.New(422, "invalid-card-token", "card_token of %d bytes, want 1 to 64", len(req.CardToken))
	}
	if err := o.require("payment", Quoted); err != nil {
		return err
	}
	unlock, err := t.stock.lock(r.Context(), o.ID)
	if err != nil {
		return err
	}
	defer unlock()
	reserved, err := t.authorise(r.Context(), o, req.CardToken)
	if err != nil {
		return err
	}
	err = t.change(w, r, o.ID, func(now *Order) error {
		if err := now.unchanged(o); err != nil {
			return err
		}
		return now.authorise(*reserved)
	})
	var refused *problem.Problem
	if errors.As(err, &refused) && refused.Status == http.StatusConflict {
		o.Reserved = reserved
		t.giveBack(r.Context(), o)
	}
	return err
}

// authorise holds the stock while payment decides, and gives it back unless the card is good.
func (t *turns) authorise(
	ctx context.Context, o Order, cardToken string,
) (reserved *spancontextpayload.SpanContext, err error) {
	o.Reserved, err = t.stock.take(ctx, t.tracer, o)
	if err != nil {
		return nil, err
	}
	declined, err := t.payment.authorise(ctx, o, cardToken)
	if err == nil && declined == "" {
		return o.Reserved, nil
	}
	t.giveBack(ctx, o)
	if err != nil {
		return nil, err
	}
	trace.SpanFromContext(ctx).SetAttributes(shop.DeclineReason.String(declined))
	return nil, problem.New(402, "card-declined", "the card was declined: %s", declined).
		With("decline_reason", declined)
}

// giveBack releases the stock of an order, whether its caller still waits or not.
func (t *turns) giveBack(ctx context.Context, o Order) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := t.stock.giveBack(ctx, t.tracer, o); err != nil {
		t.logger.ErrorContext(ctx, "stock stays reserved", "error", err)
	}
}

// confirm places the order, or asks a person where its total is over the limit. The receipt
// follows in the background.
func (t *turns) confirm(w http.ResponseWriter, r *http.Request) error {
	o, err := t.load(r)
	if err != nil {
		return err
	}
	if err := o.require("confirm", Authorised, Approved); err != nil {
		return err
	}
	if o.Quote.Total > reviewLimit && o.State != Approved {
		return t.ask(w, r, o)
	}
	return t.place(w, r, o)
}

// place captures the payment and places the order: it is confirmed by its customer, and by a
// person where one had to be asked. After a failure it can be called again.
func (t *turns) place(w http.ResponseWriter, r *http.Request, o Order) (err error) {
	if o.Payment, err = t.payment.capture(r.Context(), o.ID); err != nil {
		return err
	}
	confirmed, err := t.placed.confirm(r.Context(), t.orders, o)
	if err != nil {
		return stateError(o.ID, err)
	}
	confirmed.Payment = o.Payment
	trace.SpanFromContext(r.Context()).SetAttributes(shop.OrderState.String(string(Confirmed)))
	t.logger.InfoContext(r.Context(), "order confirmed", string(shop.OrderID), o.ID)
	t.receipts.submit(r.Context(), confirmed)
	t.webhooks.submit(r.Context(), confirmed)
	return httpserver.Respond(w, http.StatusOK, confirmed.shown())
}

// receipt answers with the receipt, once it is written.
func (t *turns) receipt(w http.ResponseWriter, r *http.Request) error {
	orderID, err := identified(r)
	if err != nil {
		return err
	}
	text, err := t.receipts.read(r.Context(), orderID)
	if err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusOK, Receipt{OrderID: orderID, Text: text})
}
