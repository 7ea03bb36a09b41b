package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/replay"
)

// ttl is how long what the gateway remembers of a checkout outlives its last turn: as long as
// the order itself.
const ttl = 24 * time.Hour

// api is the public API, the same on both listeners.
type api struct {
	upstream       *http.Client
	shelf          *http.Client // to the product list, instrumented by hand
	orders         string       // base URL
	pricing        string       // base URL
	products       string       // URL
	strategies     map[string]strategy
	notified       notified
	streams        *streams
	chosen         chosen
	replays        replays
	trustedInbound propagation.TextMapPropagator
	rejections     metric.Int64Counter
	turns          turnCounter
}

func newAPI(cfg Config, deps Deps, work *inflight.Tracker) (*api, error) {
	logger := deps.Telemetry.Logger
	rejections, err := deps.Telemetry.MeterProvider.Meter(scope).Int64Counter(
		shop.ContinuationRejections{}.Name(),
		metric.WithUnit(shop.ContinuationRejections{}.Unit()),
		metric.WithDescription("Contexts that clients returned and that were not continued."))
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	turns, err := newTurnCounter(deps.Telemetry.MeterProvider)
	if err != nil {
		return nil, err
	}
	return &api{
		rejections:     rejections,
		turns:          turns,
		upstream:       deps.Upstream,
		shelf:          deps.Shelf,
		orders:         cfg.OrderURL + "/orders",
		pricing:        cfg.PricingURL + "/negotiations",
		products:       cfg.PricingURL + "/products",
		trustedInbound: deps.TrustedInbound,
		streams:        newStreams(work),
		notified:       notified{redis: deps.Redis, prefix: cfg.KeyPrefix + notifiedKey, logger: logger},
		chosen:         chosen{redis: deps.Redis, prefix: cfg.KeyPrefix + "continuation:", ttl: ttl},
		replays: replays{logger: logger, store: &replay.Store{
			Client: deps.Redis, Prefix: cfg.KeyPrefix + "replay:", TTL: ttl,
			InProgress: 30 * time.Second,
		}},
		strategies: map[string]strategy{
			"persisted": persisted{store: deps.Contexts, logger: logger},
			"linked": linked{
				redis: deps.Redis, prefix: cfg.KeyPrefix + "chain:", ttl: ttl, logger: logger,
			},
			"client": client{signer: deps.Signer, verifier: deps.Verifier, logger: logger},
		},
	}, nil
}

func (a *api) routes(r *httpserver.Router) {
	r.Handle("GET /products", a.listProducts)

	r.Handle("POST /checkouts", a.createCheckout)
	r.Handle("GET /checkouts/{id}", a.relay(http.MethodGet, a.orders, ""))
	r.Handle(listening, a.events)
	r.Handle("GET /checkouts/{id}/receipt", a.relay(http.MethodGet, a.orders, "/receipt"))
	r.Handle("PUT /checkouts/{id}/items", a.relay(http.MethodPut, a.orders, "/items"))
	r.Handle("PUT /checkouts/{id}/shipping", a.relay(http.MethodPut, a.orders, "/shipping"))
	r.Handle("POST /checkouts/{id}/quote", a.relay(http.MethodPost, a.orders, "/quote"))
	r.Handle("POST /checkouts/{id}/payment", a.relay(http.MethodPost, a.orders, "/payment"))
	r.Handle("POST /checkouts/{id}/confirm", a.once(a.relay(http.MethodPost, a.orders, "/confirm")))
	r.Handle("POST /callbacks/{id}", a.callback)

	r.Handle("POST /negotiations", a.openNegotiation)
	r.Handle("GET /negotiations/{id}", a.relay(http.MethodGet, a.pricing, ""))
	r.Handle("POST /negotiations/{id}/counter", a.relay(http.MethodPost, a.pricing, "/counter"))
	r.Handle("POST /negotiations/{id}/accept", a.relay(http.MethodPost, a.pricing, "/accept"))
}

// relay passes a turn on to {base}/{id}{action} and its answer back. What the body must say is
// for the service behind to judge; that it is JSON of a bounded size is judged here.
func (a *api) relay(
	method, base, action string,
) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		workflow := r.PathValue("id")
		if !id.Valid(workflow) {
			return problem.New(404, "unknown-id", "id %.64q: not known", workflow)
		}
		t := turnOf(r.Context())
		if err := a.begin(w, r, workflow, t); err != nil {
			return err
		}
		body, err := bodyOf(r)
		if err != nil {
			return err
		}
		var answer json.RawMessage
		ctx := t.rooted(r.Context())
		err = httpclient.JSON(ctx, a.upstream, method, base+"/"+workflow+action, body, &answer)
		if err != nil {
			return err
		}
		return httpserver.Respond(w, http.StatusOK, answer)
	}
}

// bodyOf returns the body of a request that may have one: an empty one counts as {}.
func bodyOf(r *http.Request) (any, error) {
	if r.Method == http.MethodGet {
		return nil, nil
	}
	if r.ContentLength == 0 {
		return struct{}{}, nil
	}
	var body json.RawMessage
	if err := httpserver.Decode(r, &body); err != nil {
		return nil, err
	}
	return body, nil
}
