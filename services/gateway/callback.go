package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
)

// notifiedKey is in front of the ids of orders whose customers were called, as order declares it
// too: there is the context of the span that called.
const notifiedKey = "callback:"

// notified knows which span told a customer's server of an order.
type notified struct {
	redis  *redis.Client
	prefix string
	logger *slog.Logger
}

// turn is a call back: always a new root, however the checkout's own turns are continued, for the
// one who calls is a third party. What we stored ourselves is the link to what it answers.
func (n notified) turn(ctx context.Context, workflow string) turn {
	parent, err := n.redis.Get(ctx, n.prefix+workflow).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return turn{} // not known, or too late: order will say
	case err != nil:
		return turn{err: err}
	}
	ctx = propagation.TraceContext{}.Extract(
		trace.ContextWithSpanContext(ctx, trace.SpanContext{}),
		propagation.MapCarrier{"traceparent": parent})
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		n.logger.WarnContext(ctx, "no link: the stored context is malformed",
			string(shop.WorkflowID), workflow)
		return turn{}
	}
	return turn{links: []trace.Link{shop.Link(sc, shop.LinkOrigin)}}
}

// callback takes the answer of a customer's server to our webhook, under the id of the order, which
// only that customer was told.
func (a *api) callback(w http.ResponseWriter, r *http.Request) error {
	workflow := r.PathValue("id")
	if !id.Valid(workflow) {
		return problem.New(404, "unknown-id", "id %.64q: not known", workflow)
	}
	if err := a.begin(w, r, workflow, turnOf(r.Context())); err != nil {
		return err
	}
	body, err := bodyOf(r)
	if err != nil {
		return err
	}
	var answer struct {
		Acknowledgement json.RawMessage `json:"acknowledgement"`
	}
	err = httpclient.JSON(r.Context(), a.upstream, http.MethodPut,
		a.orders+"/"+workflow+"/acknowledgement", body, &answer)
	if err != nil {
		return err
	}
	// A third party learns of the order what it has said itself.
	return httpserver.Respond(w, http.StatusOK, answer)
}
