package gateway

import (
	"encoding/json"
	"net/http"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
)

// createCheckout opens a checkout. The caller may choose how its turns are continued, so that
// the same turns can be compared under each strategy.
func (a *api) createCheckout(w http.ResponseWriter, r *http.Request) error {
	req := struct {
		Customer     string `json:"customer"`
		Continuation string `json:"continuation"`
		CallbackURL  string `json:"callback_url"`
	}{Continuation: "persisted"}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	s, ok := a.strategies[req.Continuation]
	if !ok {
		return problem.New(422, "invalid-continuation",
			"continuation %.64q: want persisted, client or linked", req.Continuation)
	}
	workflow := id.New()
	body := map[string]string{
		"id": workflow, "customer": req.Customer, "callback_url": req.CallbackURL,
	}
	var answer json.RawMessage
	err := httpclient.JSON(r.Context(), a.upstream, http.MethodPost, a.orders, body, &answer)
	if err != nil {
		return err
	}
	if err := a.chosen.set(r.Context(), workflow, req.Continuation); err != nil {
		return unavailable(err)
	}
	if err := a.begin(w, r, workflow, opened(r, s.first(workflow))); err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusCreated, answer)
}

// openNegotiation opens a negotiation. Its client always carries the context.
func (a *api) openNegotiation(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		ID    string `json:"id"`
		SKU   string `json:"sku"`
		Qty   int64  `json:"qty"`
		Offer int64  `json:"offer"`
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if req.ID != "" {
		return problem.New(422, "invalid-id", "id: is given by the shop, want none")
	}
	req.ID = id.New()
	var answer json.RawMessage
	err := httpclient.JSON(r.Context(), a.upstream, http.MethodPost, a.pricing, req, &answer)
	if err != nil {
		return err
	}
	first := opened(r, a.strategies["client"].first(req.ID))
	if err := a.begin(w, r, req.ID, first); err != nil {
		return err
	}
	return httpserver.Respond(w, http.StatusCreated, answer)
}

// opened is the first turn of a process, with the links to the caller that the edge decided on.
func opened(r *http.Request, first turn) turn {
	first.links = append(first.links, turnOf(r.Context()).links...)
	return first
}
