package order

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/webhook"
)

// notifiedKey is in front of the ids of orders whose customers were called, as the gateway
// declares it too: there is the context that a call back links to.
const notifiedKey = "callback:"

const (
	// maxCallbackURL is in bytes.
	maxCallbackURL = 512
	// notifyTimeout bounds the whole job. The call itself has 5 s.
	notifyTimeout = 8 * time.Second
)

// Webhook calls customers' servers. A *[webhook.Client] does.
type Webhook interface {
	Check(target string) error
	Post(ctx context.Context, target string, body []byte) (status int, err error)
	Close()
}

// Acknowledgement is what a customer's server said when it called back.
type Acknowledgement struct {
	Status string    `json:"status"` // received
	At     time.Time `json:"at"`
}

// webhooks tells customers' servers, in the background, what became of their orders.
type webhooks struct {
	client  Webhook
	redis   *redis.Client
	prefix  string
	ttl     time.Duration // how long a customer may take to call back
	tracer  trace.Tracer
	logger  *slog.Logger
	work    *inflight.Tracker
	handoff func(context.Context) context.Context
}

// check refuses a URL that would not be called. The answer shows the host and no more of it.
func (n webhooks) check(target string) error {
	if target == "" {
		return nil
	}
	if len(target) > maxCallbackURL {
		return problem.New(422, "invalid-callback-url",
			"callback_url: got %d bytes, want at most %d", len(target), maxCallbackURL)
	}
	if err := n.client.Check(target); err != nil {
		return problem.New(422, "invalid-callback-url",
			"callback_url: want http or https, no user, and a host that is on our list").Because(err)
	}
	return nil
}

// submit hands the call to a goroutine, as receipts are: the customer's server may take its time,
// and the order's own customer does not wait for it.
func (n webhooks) submit(ctx context.Context, o Order) {
	if o.CallbackURL == "" {
		return
	}
	n.work.Go(ctx, n.handoff(ctx), func(ctx context.Context) { n.notify(ctx, o) })
}

func (n webhooks) notify(ctx context.Context, o Order) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	ctx, span := n.tracer.Start(ctx, "notify customer", trace.WithAttributes(
		shop.WorkflowID.String(o.ID), shop.OrderID.String(o.ID)))
	defer span.End()
	status, err := n.call(ctx, o)
	if err == nil {
		n.logger.InfoContext(ctx, "customer notified", string(shop.OrderID), o.ID)
		return
	}
	failed := semconv.ErrorType(err)
	if errors.Is(err, webhook.ErrStatus) {
		failed = semconv.ErrorTypeKey.String(strconv.Itoa(status))
	}
	span.SetStatus(codes.Error, "customer not notified")
	span.SetAttributes(failed)
	n.logger.ErrorContext(ctx, "customer not notified", "error", err)
}

// call remembers the notifying span first: the customer may call back before it answers.
func (n webhooks) call(ctx context.Context, o Order) (status int, err error) {
	body, err := json.Marshal(map[string]string{"order_id": o.ID, "state": string(o.State)})
	if err != nil {
		return 0, err
	}
	w3c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, w3c)
	err = n.redis.Set(ctx, n.prefix+notifiedKey+o.ID, w3c.Get("traceparent"), n.ttl).Err()
	if err != nil {
		return 0, err
	}
	return n.client.Post(ctx, o.CallbackURL, body)
}

// acknowledge records that the customer's server has called back.
func (t *turns) acknowledge(w http.ResponseWriter, r *http.Request) error {
	var req struct {
		Status string `json:"status"`
	}
	orderID, err := identified(r)
	if err != nil {
		return err
	}
	if err := httpserver.Decode(r, &req); err != nil {
		return err
	}
	if req.Status != "received" {
		return problem.New(422, "invalid-status", "status %.64q: want received", req.Status)
	}
	return t.change(w, r, orderID, func(o *Order) error { return o.acknowledge(req.Status) })
}

// acknowledge may come again: the last one counts. An order whose customer was not called has
// nobody who could call back.
func (o *Order) acknowledge(status string) error {
	if o.CallbackURL == "" {
		return problem.New(404, "unknown-order", "order %s: not known", o.ID)
	}
	if err := o.require("acknowledgement", Confirmed, Fulfilled); err != nil {
		return err
	}
	o.Acknowledgement = &Acknowledgement{Status: status, At: time.Now().UTC()}
	return nil
}

// hosts reads a list with commas in between.
func hosts(list string) []string {
	var all []string
	for host := range strings.SplitSeq(list, ",") {
		if host = strings.TrimSpace(host); host != "" {
			all = append(all, host)
		}
	}
	return all
}
