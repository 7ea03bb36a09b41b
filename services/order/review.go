package order

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/redact"
	"example.com/throughline/patterns/spancontextpayload"
)

// reviewLimit is the total above which a person has to agree, in minor units.
const reviewLimit = 1_000_00

// Review is a question to a person, and the answer.
type Review struct {
	Asked    time.Time `json:"asked"`
	Decision string    `json:"decision,omitempty"` // approve or reject
	Reviewer string    `json:"reviewer,omitempty"`
	// Question is the span that asked: what the decision's trace links to, hours later.
	Question spancontextpayload.SpanContext `json:"question,omitzero"`
}

// ask parks an order until a person has decided.
func (t *turns) ask(w http.ResponseWriter, r *http.Request, o Order) error {
	question := spancontextpayload.Encode(r.Context())
	o, err := t.step(r.Context(), o.ID, func(now *Order) error {
		now.Review = &Review{Asked: time.Now().UTC(), Question: question}
		return now.await()
	})
	if err != nil {
		return stateError(o.ID, err)
	}
	t.logger.InfoContext(r.Context(), "order waits for review", string(shop.OrderID), o.ID)
	return httpserver.Respond(w, http.StatusAccepted, o.shown())
}

// review takes a person's decision. It is a trace of its own, linked to the turn that asked: no
// span stays open while a person thinks, and the wait is an attribute.
func (t *turns) review(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Decision string `json:"decision"`
		Reviewer string `json:"reviewer"`
	}
	o, err := t.load(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if req.Decision != "approve" && req.Decision != "reject" {
		return problem.New(422, "invalid-decision",
			"decision %.64q: want approve or reject", req.Decision)
	}
	if len(req.Reviewer) == 0 || len(req.Reviewer) > 64 {
		return problem.New(422, "invalid-reviewer", "reviewer: want 1 to 64 bytes")
	}
	if redact.HasCard(req.Reviewer) {
		return cardNumber("reviewer")
	}
	if err := o.require("review", InReview); err != nil {
		return err
	}
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(shop.ReviewWait.Float64(time.Since(o.Review.Asked).Seconds()),
		shop.ReviewDecision.String(req.Decision))
	if question, err := o.Review.Question.Decode(); err == nil {
		span.AddLink(shop.Link(question, shop.LinkQuestion))
	}
	o, err = t.step(r.Context(), o.ID, func(now *Order) error {
		return now.decide(req.Decision, req.Reviewer)
	})
	if err != nil {
		return stateError(o.ID, err)
	}
	if o.State == Rejected {
		if err := t.stock.giveBack(r.Context(), t.tracer, o); err != nil {
			return err
		}
		return httpserver.Respond(w, http.StatusOK, o.shown())
	}
	return t.place(w, r, o)
}
