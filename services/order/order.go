// Package order is the checkout as a state machine: created, filled, addressed, quoted,
// authorised, confirmed, one state a turn, kept in Redis so that any instance may serve any turn.
//
// Start reading at state.go, then turns.go, the HTTP API: each turn checks its input, asks
// pricing or payment where it needs to, and changes the state in one step. Confirming places the
// order (placed.go): state and message are written in one transaction, and the message carries
// the trace context. Where the parts are wired, and with them the faults, is wire.go and faults.go.
package order

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/admin"
	"example.com/throughline/internal/document"
	"example.com/throughline/internal/env"
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/stream"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/batchconsumer"
	"example.com/throughline/patterns/outbox"
	"example.com/throughline/patterns/redelivery"
	"example.com/throughline/patterns/sweep"
	"example.com/throughline/services/payment/paymentv1"
)

// scope is the instrumentation scope of the spans that this service starts itself.
const scope = "example.com/throughline/services/order"

// Config is what a deployment decides.
type Config struct {
	Listen      string // HTTP, host:port
	Admin       string // admin listener, host:port; keep it off public networks
	RedisAddr   string // host:port
	KeyPrefix   string // in front of every Redis key, such as "shop:"
	PricingURL  string // base URL
	PaymentAddr string // gRPC, host:port
	Consumer    string // name in consumer groups; stable across restarts, unique per replica
	// RetryAfter is how long an event that was not sent, because its relay failed or died, is
	// left alone before it is tried again. Longer than any sending takes.
	RetryAfter time.Duration
	// FulfilEvery is how often what is paid for is packed; 0: only when an operator says so.
	FulfilEvery time.Duration
	// ExpireEvery is how often abandoned checkouts are ended, as FulfilEvery; ExpireAfter is how
	// long a checkout must have been left alone for that.
	ExpireEvery, ExpireAfter time.Duration
	// WebhookHosts may be called by webhooks, at public addresses only: "hooks.example.com", or
	// with a port. WebhookPrivateHosts may be called whatever address they have.
	WebhookHosts, WebhookPrivateHosts []string
	// WebhookSecret signs webhooks, at least 32 bytes. Empty: one is generated, for nobody. It comes
	// from ORDER_WEBHOOK_SECRET, in base64, or from the file that ORDER_WEBHOOK_SECRET_FILE names.
	WebhookSecret []byte
}

// ConfigFrom reads the configuration from the environment; all errors at once.
func ConfigFrom(getenv func(string) string) (Config, error) {
	r := env.New(getenv)
	cfg := Config{
		Listen:      r.Addr("ORDER_LISTEN", "127.0.0.1:8081"),
		Admin:       r.Addr("ADMIN_LISTEN", "127.0.0.1:9081"),
		RedisAddr:   r.Addr("REDIS_ADDR", "127.0.0.1:6379"),
		KeyPrefix:   r.String("REDIS_KEY_PREFIX", "shop:"),
		PricingURL:  r.URL("PRICING_URL", "http://127.0.0.1:8082"),
		PaymentAddr: r.Addr("PAYMENT_ADDR", "127.0.0.1:8083"),
		Consumer:    r.String("ORDER_CONSUMER", "order-1"),
		RetryAfter:  r.Duration("ORDER_RETRY_AFTER", 10*time.Second),
		FulfilEvery: r.Duration("ORDER_FULFIL_EVERY", 5*time.Second),
		ExpireEvery: r.Duration("ORDER_EXPIRE_EVERY", time.Minute),
		ExpireAfter: r.Duration("ORDER_EXPIRE_AFTER", 2*time.Hour),

		WebhookHosts:        hosts(r.String("ORDER_WEBHOOK_HOSTS", "")),
		WebhookPrivateHosts: hosts(r.String("ORDER_WEBHOOK_PRIVATE_HOSTS", "")),
	}
	if secrets := r.Keys("ORDER_WEBHOOK_SECRET", 1); len(secrets) == 1 {
		cfg.WebhookSecret = secrets[0]
	}
	return cfg, r.Err()
}

// Deps are the parts that an order service is made of. All are required; [Wire] makes them.
type Deps struct {
	Telemetry *telemetry.Telemetry
	Redis     *redis.Client
	Events    *redis.Client // for reads that block; it makes no spans
	Pricing   *http.Client
	Payment   paymentv1.PaymentServiceClient
	Webhook   Webhook // to customers' servers
	// Handoff turns the context of a request into that of work which outlives it.
	Handoff func(context.Context) context.Context
	// Middleware is around each handler and its SERVER span. It may be nil.
	Middleware func(http.Handler) http.Handler
	Faults     *fault.Set
	// Close releases what the clients hold. It is called once, after the last request.
	Close func() error
}

// Service is an order service with its listeners open. Serve runs it.
type Service struct {
	http, admin net.Listener
	servers     []lifecycle.Server
	deps        Deps
}

// New opens the listeners and puts the parts together. It needs neither Redis, pricing, payment
// nor a Collector: what is missing shows in the readiness and in the answers.
func New(cfg Config, deps Deps) (*Service, error) {
	s := &Service{deps: deps}
	var err error
	if s.http, err = lifecycle.Listen(cfg.Listen); err != nil {
		return nil, fmt.Errorf("order: HTTP listener: %w", err)
	}
	if s.admin, err = lifecycle.Listen(cfg.Admin); err != nil {
		return nil, errors.Join(fmt.Errorf("order: admin listener: %w", err), s.http.Close())
	}
	work := &inflight.Tracker{}
	router := httpserver.New(httpserver.Options{
		Telemetry: deps.Telemetry, Inflight: work, Edge: deps.Middleware,
		Propagator: withRoot(deps.Telemetry.Propagator),
	})
	turns := newTurns(cfg, deps, work)
	turns.routes(router)
	server := lifecycle.NewHTTPServer(router)
	server.RegisterOnShutdown(turns.events.close)
	fulfil := newFulfilment(cfg, deps, turns.orders)
	adminHandler := admin.Handler(admin.Config{
		Telemetry: deps.Telemetry,
		Ready: map[string]func(context.Context) error{
			"redis": func(ctx context.Context) error { return deps.Redis.Ping(ctx).Err() },
		},
		Faults: deps.Faults,
		Jobs:   map[string]admin.Job{"fulfil": fulfil.run, "expire": turns.expiry.run},
		Idle:   []func(context.Context) error{work.Wait, turns.placed.pending.Idle},
	})
	s.servers = []lifecycle.Server{
		lifecycle.HTTP("order", server, s.http),
		lifecycle.Worker("receipts", awaitWork(work)),
		lifecycle.Worker("relay", turns.placed.run),
		lifecycle.Worker("fulfilment", every(cfg.FulfilEvery, fulfil.run, deps.Telemetry.Logger)),
		lifecycle.Worker("expiry",
			every(cfg.ExpireEvery, turns.expiry.run, deps.Telemetry.Logger)),
		lifecycle.Worker("relay metrics", measure(deps, turns.placed.pending, outboxKey)),
		lifecycle.Worker("fulfilment metrics", measure(deps, fulfil.messages, settled)),
		lifecycle.HTTP("admin", lifecycle.NewHTTPServer(adminHandler), s.admin),
	}
	return s, nil
}

// awaitWork keeps a service up until its background work is done.
func awaitWork(work *inflight.Tracker) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return work.Wait(drain)
	}
}

// measure publishes the lag of a consumer group.
func measure(deps Deps, c *stream.Consumer, destination string) func(context.Context) error {
	meter := deps.Telemetry.MeterProvider.Meter(scope)
	return func(ctx context.Context) error { return c.Measure(ctx, meter, destination) }
}

// URL is the base URL of the HTTP listener.
func (s *Service) URL() string { return "http://" + s.http.Addr().String() }

// AdminURL is the base URL of the admin listener.
func (s *Service) AdminURL() string { return "http://" + s.admin.Addr().String() }

// Serve runs until ctx is done; then it ends the requests in flight and the work that they left
// behind, and closes the clients.
func (s *Service) Serve(ctx context.Context) error {
	s.deps.Telemetry.Logger.InfoContext(ctx, "serving",
		string(shop.ListenerHTTP), s.URL(), string(shop.ListenerAdmin), s.AdminURL())
	err := lifecycle.Serve(ctx, 10*time.Second, s.servers...)
	return errors.Join(err, s.deps.Close())
}

func newFulfilment(
	cfg Config, deps Deps, orders document.Collection[Order],
) fulfilment {
	const group = "order.fulfilment"
	return fulfilment{
		messages: stream.New(deps.Redis, deps.Telemetry.Logger, redelivery.Reader{
			Stream: cfg.KeyPrefix + settled, Group: group, Consumer: cfg.Consumer,
			MinIdle: cfg.RetryAfter, Count: 64,
		}),
		batches: batchconsumer.Consumer{
			Tracer:     deps.Telemetry.TracerProvider.Tracer(scope),
			Propagator: deps.Telemetry.Propagator, Group: group,
		},
		orders: orders,
		logger: deps.Telemetry.Logger,
	}
}

func newTurns(cfg Config, deps Deps, work *inflight.Tracker) *turns {
	const ttl = 24 * time.Hour
	tracer := deps.Telemetry.TracerProvider.Tracer(scope)
	events := newEvents(cfg, deps, work, ttl)
	orders := document.Collection[Order]{
		Client: deps.Redis, Prefix: cfg.KeyPrefix + "order:", TTL: ttl, Also: events.append,
	}
	stock := stock{redis: deps.Redis, prefix: cfg.KeyPrefix}
	expiry := expiry{
		redis: deps.Redis, open: cfg.KeyPrefix + "orders.open", orders: orders, stock: stock,
		sweep: sweep.Sweeper{Tracer: tracer}, tracer: tracer, after: cfg.ExpireAfter,
		logger: deps.Telemetry.Logger,
	}
	return &turns{
		orders:  orders,
		events:  events,
		stock:   stock,
		expiry:  expiry,
		tracer:  tracer,
		pricing: pricing{client: deps.Pricing, url: cfg.PricingURL},
		payment: payments{client: deps.Payment},
		placed: placed{
			propagator: deps.Telemetry.Propagator,
			relay:      outbox.Relay{Tracer: tracer, Propagator: deps.Telemetry.Propagator},
			pending: stream.New(deps.Redis, deps.Telemetry.Logger, redelivery.Reader{
				Stream: cfg.KeyPrefix + outboxKey, Group: "order.relay", Consumer: cfg.Consumer,
				MinIdle: cfg.RetryAfter,
			}),
			stream:  cfg.KeyPrefix + destination,
			touched: expiry.touched,
		},
		receipts: receipts{
			redis: deps.Redis, prefix: cfg.KeyPrefix + "receipt:",
			tracer: tracer, logger: deps.Telemetry.Logger,
			work: work, handoff: deps.Handoff,
		},
		webhooks: webhooks{
			client: deps.Webhook, redis: deps.Redis, prefix: cfg.KeyPrefix, ttl: ttl,
			tracer: tracer, logger: deps.Telemetry.Logger,
			work: work, handoff: deps.Handoff,
		},
		logger:  deps.Telemetry.Logger,
		secrets: deps.Telemetry,
	}
}
