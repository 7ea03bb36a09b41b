// Package gateway is the public edge of the shop: the checkout and negotiation APIs, the trust
// boundary, and the place where a request's trace is decided.
//
// Start reading at edge.go: before a SERVER span starts, the edge decides what it continues. How
// a process is continued from turn to turn is a strategy (continuation.go): persisted, client or
// linked. The handlers (checkouts.go, negotiations.go) only pass the business on to order and
// pricing. Where the parts are wired, and with them the faults, is wire.go and faults.go.
package gateway

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
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/httpserver"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/patterns/clientreturned"
)

// scope is the instrumentation scope of the spans that this service starts itself.
const scope = "example.com/throughline/services/gateway"

// Deps are the parts that a gateway is made of. All are required; [Wire] makes them.
type Deps struct {
	Telemetry *telemetry.Telemetry
	Redis     *redis.Client
	Upstream  *http.Client // to order and pricing
	Shelf     *http.Client // to pricing's product list
	// Signer signs the contexts that go out to clients, Verifier checks those that come back.
	Signer   *clientreturned.Signer
	Verifier Verifier
	// Contexts keeps the context of persisted checkouts.
	Contexts ContextStore
	// Boundary cleans the headers of requests, on the trusted listener or on the public one.
	Boundary func(trusted bool) func(http.Handler) http.Handler
	// PublicOver and TrustedOver are what otelhttp extracts on each listener, over what the edge
	// has decided: nothing.
	PublicOver, TrustedOver propagation.TextMapPropagator
	// TrustedInbound reads the contexts of callers on the trusted listener.
	TrustedInbound propagation.TextMapPropagator
	Faults         *fault.Set
}

// Service is a gateway with its listeners open. Serve runs it.
type Service struct {
	public, trusted, admin net.Listener
	servers                []lifecycle.Server
	deps                   Deps
}

// New opens the listeners and puts the parts together. It needs neither Redis, order, pricing
// nor a Collector: what is missing shows in the readiness and in the answers.
func New(cfg Config, deps Deps) (*Service, error) {
	s, work := &Service{deps: deps}, &inflight.Tracker{}
	api, err := newAPI(cfg, deps, work)
	if err != nil {
		return nil, err
	}
	if err := s.listen(cfg); err != nil {
		return nil, err
	}
	serve := func(name string, trusted bool, l net.Listener) lifecycle.Server {
		// The edge has decided; what otelhttp would extract must not displace it.
		over := deps.PublicOver
		if trusted {
			over = deps.TrustedOver
		}
		router := httpserver.New(httpserver.Options{
			Telemetry: deps.Telemetry, Inflight: work,
			Propagator: over, Edge: func(next http.Handler) http.Handler {
				return deps.Boundary(trusted)(api.edge(trusted)(next))
			},
		})
		api.routes(router)
		server := lifecycle.NewHTTPServer(router)
		server.RegisterOnShutdown(api.streams.close)
		return lifecycle.HTTP(name, server, l)
	}
	adminHandler := admin.Handler(admin.Config{
		Telemetry: deps.Telemetry,
		Ready: map[string]func(context.Context) error{
			"redis": func(ctx context.Context) error { return deps.Redis.Ping(ctx).Err() },
		},
		Faults: deps.Faults,
		Idle:   []func(context.Context) error{work.Wait},
	})
	s.servers = []lifecycle.Server{
		serve("gateway", false, s.public),
		serve("gateway-trusted", true, s.trusted),
		lifecycle.HTTP("admin", lifecycle.NewHTTPServer(adminHandler), s.admin),
	}
	return s, nil
}

func (s *Service) listen(cfg Config) (err error) {
	if s.public, err = lifecycle.Listen(cfg.Listen); err != nil {
		return fmt.Errorf("gateway: public listener: %w", err)
	}
	if s.trusted, err = lifecycle.Listen(cfg.Trusted); err != nil {
		return errors.Join(fmt.Errorf("gateway: trusted listener: %w", err), s.public.Close())
	}
	if s.admin, err = lifecycle.Listen(cfg.Admin); err != nil {
		return errors.Join(fmt.Errorf("gateway: admin listener: %w", err),
			s.public.Close(), s.trusted.Close())
	}
	return nil
}

// URL is the base URL of the public listener.
func (s *Service) URL() string { return "http://" + s.public.Addr().String() }

// TrustedURL is the base URL of the trusted listener.
func (s *Service) TrustedURL() string { return "http://" + s.trusted.Addr().String() }

// AdminURL is the base URL of the admin listener.
func (s *Service) AdminURL() string { return "http://" + s.admin.Addr().String() }

// Serve runs until ctx is done; then it ends the requests in flight and closes the clients.
func (s *Service) Serve(ctx context.Context) error {
	s.deps.Telemetry.Logger.InfoContext(ctx, "serving",
		string(shop.ListenerHTTP), s.URL(), string(shop.ListenerTrusted), s.TrustedURL(),
		string(shop.ListenerAdmin), s.AdminURL())
	err := lifecycle.Serve(ctx, 10*time.Second, s.servers...)
	s.deps.Upstream.CloseIdleConnections()
	s.deps.Shelf.CloseIdleConnections()
	return errors.Join(err, s.deps.Redis.Close())
}
