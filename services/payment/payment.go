// Package payment authorises, captures and settles the payments of orders.
//
// Start reading at [Service]. The calls of order arrive over gRPC (server.go). The settlement
// follows the messages on the stream orders.placed (settlement.go), in the trace of the request
// that sent them, and leaves a notification to workers (network.go). What was left over a job
// settles (job.go). The state of a payment lives in Redis (account.go), so that any instance may
// serve any call. Where the parts are wired, and with them the faults (faults.go, handoff.go), is
// wire.go.
package payment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"example.com/throughline/internal/admin"
	"example.com/throughline/internal/env"
	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/lifecycle"
	"example.com/throughline/internal/rpcspan"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/services/payment/paymentv1"
)

// scope is the instrumentation scope of the spans that this service starts itself.
const scope = "example.com/throughline/services/payment"

// Config is what a deployment decides.
type Config struct {
	Listen    string // gRPC, host:port
	Admin     string // admin listener, host:port; keep it off public networks
	RedisAddr string // host:port
	KeyPrefix string // in front of every Redis key, such as "shop:"
	Consumer  string // name in the consumer group; stable across restarts, unique per replica
	// RetryAfter is how long a settlement that failed, or whose consumer died, is left alone
	// before it is tried again. Longer than any settlement takes.
	RetryAfter time.Duration
}

// ConfigFrom reads the configuration from the environment; all errors at once.
func ConfigFrom(getenv func(string) string) (Config, error) {
	r := env.New(getenv)
	cfg := Config{
		Listen:    r.Addr("PAYMENT_LISTEN", "127.0.0.1:8083"),
		Admin:     r.Addr("ADMIN_LISTEN", "127.0.0.1:9083"),
		RedisAddr: r.Addr("REDIS_ADDR", "127.0.0.1:6379"),
		KeyPrefix: r.String("REDIS_KEY_PREFIX", "shop:"),
		Consumer:  r.String("PAYMENT_CONSUMER", "payment-1"),

		RetryAfter: r.Duration("PAYMENT_RETRY_AFTER", 30*time.Second),
	}
	return cfg, r.Err()
}

// Deps are the parts that a payment service is made of. All are required; [Wire] makes them.
type Deps struct {
	Telemetry *telemetry.Telemetry
	Redis     *redis.Client
	// MessagePropagator reads the span context that a message carries.
	MessagePropagator propagation.TextMapPropagator
	// Handoff turns the context of a settlement into that of the work it submits.
	Handoff func(context.Context) context.Context
	Faults  *fault.Set
}

// Service is a payment service with its listeners open. Serve runs it.
type Service struct {
	grpc, admin net.Listener
	servers     []lifecycle.Server
	deps        Deps
}

// New opens the listeners and puts the parts together. It needs neither Redis nor a Collector:
// what is missing shows in the readiness.
func New(cfg Config, deps Deps) (*Service, error) {
	s := &Service{deps: deps}
	var err error
	if s.grpc, err = lifecycle.Listen(cfg.Listen); err != nil {
		return nil, fmt.Errorf("payment: gRPC listener: %w", err)
	}
	if s.admin, err = lifecycle.Listen(cfg.Admin); err != nil {
		return nil, errors.Join(fmt.Errorf("payment: admin listener: %w", err), s.grpc.Close())
	}
	work := &inflight.Tracker{}
	accounts := newAccounts(cfg, deps)
	network := newNetwork(cfg, deps, work)
	settlement := newSettlement(cfg, deps, accounts, network)
	adminMux := http.NewServeMux()
	deadLetters{
		redis: deps.Redis, reader: &settlement.messages.Reader, redact: deps.Telemetry.Redact,
	}.routes(adminMux)
	adminMux.Handle("/", admin.Handler(admin.Config{
		Telemetry: deps.Telemetry,
		Ready:     map[string]func(context.Context) error{"redis": ping(deps.Redis)},
		Faults:    deps.Faults,
		// Once more at the end, for what the settlement has left behind.
		Idle: []func(context.Context) error{work.Wait, settlement.messages.Idle, work.Wait},
	}))
	s.servers = []lifecycle.Server{
		lifecycle.GRPC("payment", newServer(deps, accounts, work), s.grpc),
		lifecycle.Worker("settlement", settlement.run),
		lifecycle.Worker("settlement metrics", settlement.measure),
		lifecycle.Worker("card network", func(ctx context.Context) error {
			<-ctx.Done()
			network.close()
			return nil
		}),
		lifecycle.HTTP("admin", lifecycle.NewHTTPServer(adminMux), s.admin),
	}
	return s, nil
}

// Addr is the address of the gRPC listener.
func (s *Service) Addr() string { return s.grpc.Addr().String() }

// AdminURL is the base URL of the admin listener.
func (s *Service) AdminURL() string { return "http://" + s.admin.Addr().String() }

// Serve runs until ctx is done; then it ends the calls in flight, the settlement after the
// message in hand, what that has left behind, and the admin listener, in this order, and closes the
// Redis client.
func (s *Service) Serve(ctx context.Context) error {
	s.deps.Telemetry.Logger.InfoContext(ctx, "serving",
		string(shop.ListenerGRPC), s.Addr(), string(shop.ListenerAdmin), s.AdminURL())
	err := lifecycle.Serve(ctx, 10*time.Second, s.servers...)
	return errors.Join(err, s.deps.Redis.Close())
}

func newServer(deps Deps, accounts *accounts, work *inflight.Tracker) *grpc.Server {
	tel := deps.Telemetry
	server := grpc.NewServer(
		grpc.StatsHandler(work.Stats(rpcspan.Server(tel))),
		grpc.UnaryInterceptor(logCalls(tel)),
		grpc.MaxRecvMsgSize(64<<10),
		grpc.MaxHeaderListSize(16<<10),
		grpc.MaxConcurrentStreams(256),
		grpc.ConnectionTimeout(5*time.Second), // until the HTTP/2 preface is there
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 5 * time.Minute,
			// A peer that has gone without a word is noticed.
			Time: time.Minute, Timeout: 10 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: 20 * time.Second, PermitWithoutStream: true,
		}),
	)
	paymentv1.RegisterPaymentServiceServer(server, &api{
		accounts: accounts, tracer: tel.TracerProvider.Tracer(scope),
	})
	healthv1.RegisterHealthServer(server, health.NewServer())
	return server
}

func ping(client *redis.Client) func(context.Context) error {
	return func(ctx context.Context) error { return client.Ping(ctx).Err() }
}
