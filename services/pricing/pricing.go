// Package pricing gives prices and negotiates them.
//
// Start reading at quote.go: a quote fans out to tax, discount and shipping at once, each a call
// to the rating listener (rating.go), which stands for an old fleet that speaks only B3. A
// negotiation (negotiation.go) takes several turns, whose continuity the client carries. pricing
// itself reads W3C and B3. Where the parts are wired, and with them the faults, is wire.go and
// faults.go.
package pricing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/admin"
	"example.com/throughline/internal/document"
	"example.com/throughline/internal/env"
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/exemplars"
)

// scope is the instrumentation scope of the spans that this service starts itself.
const scope = "example.com/throughline/services/pricing"

// Config is what a deployment decides.
type Config struct {
	Listen    string // HTTP, host:port
	Rating    string // HTTP, host:port; reads and writes B3 only
	Admin     string // admin listener, host:port; keep it off public networks
	RatingURL string // base URL of a rating listener; empty: this service's own
	RedisAddr string // host:port
	KeyPrefix string // in front of every Redis key, such as "shop:"
}

// ConfigFrom reads the configuration from the environment; all errors at once.
func ConfigFrom(getenv func(string) string) (Config, error) {
	r := env.New(getenv)
	cfg := Config{
		Listen:    r.Addr("PRICING_LISTEN", "127.0.0.1:8082"),
		Rating:    r.Addr("RATING_LISTEN", "127.0.0.1:8084"),
		Admin:     r.Addr("ADMIN_LISTEN", "127.0.0.1:9082"),
		RatingURL: r.URL("RATING_URL", ""),
		RedisAddr: r.Addr("REDIS_ADDR", "127.0.0.1:6379"),
		KeyPrefix: r.String("REDIS_KEY_PREFIX", "shop:"),
	}
	return cfg, r.Err()
}

// Deps are the parts that a pricing service is made of. All are required; [Wire] makes them.
type Deps struct {
	Telemetry *telemetry.Telemetry
	Redis     *redis.Client
	// Inbound reads what callers of pricing send: W3C or B3, and the root of the trace.
	Inbound propagation.TextMapPropagator
	// RatingInbound reads what callers of the rating listener send: B3.
	RatingInbound propagation.TextMapPropagator
	// Rating calls the rating listener, and writes B3.
	Rating *http.Client
	// FanOut makes the calls that one quote needs.
	FanOut FanOut
	Faults *fault.Set
}

// Service is a pricing service with its listeners open. Serve runs it.
type Service struct {
	http, rating, admin net.Listener
	servers             []lifecycle.Server
	deps                Deps
}

// New opens the listeners and puts the parts together. It needs neither Redis nor a Collector:
// what is missing shows in the readiness and in the answers.
func New(cfg Config, deps Deps) (*Service, error) {
	timer, err := exemplars.New(deps.Telemetry.MeterProvider.Meter(scope),
		shop.QuoteDuration{}.Name(), "Duration of quotes that were given.")
	if err != nil {
		return nil, fmt.Errorf("pricing: %w", err)
	}
	s := &Service{deps: deps}
	if err := s.listen(cfg); err != nil {
		return nil, err
	}
	if cfg.RatingURL == "" {
		cfg.RatingURL = s.RatingURL()
	}
	work := &inflight.Tracker{}
	adminHandler := admin.Handler(admin.Config{
		Telemetry: deps.Telemetry,
		Ready: map[string]func(context.Context) error{
			"redis": func(ctx context.Context) error { return deps.Redis.Ping(ctx).Err() },
		},
		Faults: deps.Faults,
		Idle:   []func(context.Context) error{work.Wait},
	})
	public := lifecycle.NewHTTPServer(newPrices(cfg, deps, work, timer))
	rating := lifecycle.NewHTTPServer(newRating(cfg, deps, work))
	s.servers = []lifecycle.Server{
		lifecycle.HTTP("pricing", public, s.http),
		lifecycle.Worker("audits", awaitWork(work)),
		lifecycle.HTTP("rating", rating, s.rating),
		lifecycle.HTTP("admin", lifecycle.NewHTTPServer(adminHandler), s.admin),
	}
	return s, nil
}

func (s *Service) listen(cfg Config) (err error) {
	if s.http, err = lifecycle.Listen(cfg.Listen); err != nil {
		return fmt.Errorf("pricing: HTTP listener: %w", err)
	}
	if s.rating, err = lifecycle.Listen(cfg.Rating); err != nil {
		return errors.Join(fmt.Errorf("pricing: rating listener: %w", err), s.http.Close())
	}
	if s.admin, err = lifecycle.Listen(cfg.Admin); err != nil {
		return errors.Join(fmt.Errorf("pricing: admin listener: %w", err),
			s.http.Close(), s.rating.Close())
	}
	return nil
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

// URL is the base URL of the HTTP listener.
func (s *Service) URL() string { return "http://" + s.http.Addr().String() }

// RatingURL is the base URL of the rating listener.
func (s *Service) RatingURL() string { return "http://" + s.rating.Addr().String() }

// AdminURL is the base URL of the admin listener.
func (s *Service) AdminURL() string { return "http://" + s.admin.Addr().String() }

// Serve runs until ctx is done; then it ends the requests in flight, those that need the rating
// listener before the rating listener, and closes the clients.
func (s *Service) Serve(ctx context.Context) error {
	s.deps.Telemetry.Logger.InfoContext(ctx, "serving",
		string(shop.ListenerHTTP), s.URL(), string(shop.ListenerRating), s.RatingURL(),
		string(shop.ListenerAdmin), s.AdminURL())
	err := lifecycle.Serve(ctx, 10*time.Second, s.servers...)
	s.deps.Rating.CloseIdleConnections()
	return errors.Join(err, s.deps.Redis.Close())
}

// newPrices serves quotes and negotiations.
func newPrices(
	cfg Config, deps Deps, work *inflight.Tracker, timer exemplars.Timer,
) http.Handler {
	router := httpserver.New(httpserver.Options{
		Telemetry: deps.Telemetry, Propagator: deps.Inbound, Inflight: work,
	})
	tracer := deps.Telemetry.TracerProvider.Tracer(scope)
	deals := negotiations{
		docs: document.Collection[Negotiation]{
			Client: deps.Redis, Prefix: cfg.KeyPrefix + "negotiation:", TTL: 24 * time.Hour,
		},
		closed: &dealCache{},
		logger: deps.Telemetry.Logger,
	}
	deals.routes(router)
	products(router, deps)
	quotes{
		rating: ratingClient{client: deps.Rating, url: cfg.RatingURL, fanOut: deps.FanOut},
		deals:  deals,
		audits: audits{
			redis: deps.Redis, prefix: cfg.KeyPrefix + "audit:", work: work,
			tracer: tracer, logger: deps.Telemetry.Logger,
		},
		tracer: tracer,
		timer:  timer,
	}.routes(router)
	return router
}
