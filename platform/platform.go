// Package platform runs all four services in one process: each with telemetry of its own and
// real sockets between them, wired as their programs wire them. Beside them is a stand-in for the
// shell that runs jobs (jobs.go). The lab and the tests stand on it.
package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
	"example.com/throughline/services/gateway"
	"example.com/throughline/services/order"
	"example.com/throughline/services/payment"
	"example.com/throughline/services/pricing"
)

// Config is what all four services share.
type Config struct {
	RedisAddr string // host:port
	KeyPrefix string // in front of every Redis key; platforms that share a Redis need one each
	// Telemetry is called once for each service, and once more for the jobs of payment. It may leave Service empty.
	Telemetry func(service string) telemetry.Config
	// Listen gives the addresses of listeners by name: the targets of a [scenario.Fleet],
	// "payment", and "SERVICE-admin". Those left out get a free port on the loopback interface.
	Listen map[string]string
}

// Platform is four running services.
type Platform struct {
	cfg       Config
	fleet     scenario.Fleet
	telemetry []*telemetry.Telemetry
	stop      []func() error // in the order in which they are to stop
}

// Start starts the services, those that are called before those that call. It needs neither
// Redis nor a Collector. Close must be called, unless Start fails.
func Start(ctx context.Context, cfg Config) (*Platform, error) {
	p := &Platform{cfg: cfg, fleet: scenario.Fleet{
		Targets: map[string]string{}, Admin: map[string]string{},
	}}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start platform: %w", err), p.Close(ctx))
	}
	return p, nil
}

// Fleet says where the services listen.
func (p *Platform) Fleet() scenario.Fleet { return p.fleet }

// Ledgers returns the accounts of the services' spans, in the order gateway, order, pricing,
// payment, jobs.
func (p *Platform) Ledgers() []telemetry.Snapshot {
	var all []telemetry.Snapshot
	for _, tel := range slices.Backward(p.telemetry) {
		all = append(all, tel.Ledger.Snapshot())
	}
	return all
}

// Close stops the services, those that call before those that are called, and then flushes what
// they have recorded, under the deadline of ctx.
func (p *Platform) Close(ctx context.Context) error {
	var errs []error
	for _, stop := range slices.Backward(p.stop) {
		errs = append(errs, stop())
	}
	for _, tel := range p.telemetry {
		errs = append(errs, tel.Shutdown(ctx))
	}
	p.stop = nil
	return errors.Join(errs...)
}

func (p *Platform) start(ctx context.Context) error {
	if err := p.startJobs(ctx); err != nil {
		return err
	}
	payments, err := p.startPayment(ctx)
	if err != nil {
		return err
	}
	prices, err := p.startPricing(ctx)
	if err != nil {
		return err
	}
	someone, err := p.startCustomer(ctx)
	if err != nil {
		return err
	}
	orders, err := p.startOrder(ctx, prices.URL(), payments.Addr(), someone)
	if err != nil {
		return err
	}
	edge, err := p.startGateway(ctx, orders.URL(), prices.URL())
	if err != nil {
		return err
	}
	url := edge.URL()
	someone.gateway.Store(&url) // where it calls back
	return nil
}

// startCustomer starts the third party that order may call.
func (p *Platform) startCustomer(ctx context.Context) (*customer, error) {
	c, err := newCustomer(p.addr("customer"))
	if err != nil {
		return nil, err
	}
	p.serveCustomer(ctx, c)
	return c, nil
}

func (p *Platform) serveCustomer(ctx context.Context, c *customer) {
	p.run(ctx, c.serve)
	p.fleet.Targets["customer"] = "http://" + c.host()
}

func (p *Platform) paymentConfig() payment.Config {
	return payment.Config{
		Listen: p.addr("payment"), Admin: p.addr("payment-admin"),
		RedisAddr: p.cfg.RedisAddr, KeyPrefix: p.cfg.KeyPrefix, Consumer: "payment-1",
		RetryAfter: 50 * time.Millisecond,
	}
}

// startJobs starts the shell. A job is the service that it belongs to, as another instance.
func (p *Platform) startJobs(ctx context.Context) error {
	tel, err := p.newTelemetry(ctx, "payment")
	if err != nil {
		return err
	}
	j, err := newJobs(p.addr("jobs"), p.addr("jobs-admin"), p.paymentConfig(), tel)
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	p.run(ctx, j.Serve)
	p.fleet.Admin["jobs"] = j.AdminURL()
	p.fleet.Targets["jobs"] = j.URL()
	return nil
}

func (p *Platform) startPayment(ctx context.Context) (*payment.Service, error) {
	tel, err := p.newTelemetry(ctx, "payment")
	if err != nil {
		return nil, err
	}
	cfg := p.paymentConfig()
	s, err := payment.New(cfg, payment.Wire(cfg, tel))
	if err != nil {
		return nil, err
	}
	p.run(ctx, s.Serve)
	p.fleet.Admin["payment"] = s.AdminURL()
	p.fleet.Targets["payment"] = "grpc://" + s.Addr()
	return s, nil
}

func (p *Platform) startPricing(ctx context.Context) (*pricing.Service, error) {
	tel, err := p.newTelemetry(ctx, "pricing")
	if err != nil {
		return nil, err
	}
	cfg := pricing.Config{
		Listen: p.addr("pricing"), Rating: p.addr("rating"), Admin: p.addr("pricing-admin"),
		RedisAddr: p.cfg.RedisAddr, KeyPrefix: p.cfg.KeyPrefix,
	}
	s, err := pricing.New(cfg, pricing.Wire(cfg, tel))
	if err != nil {
		return nil, err
	}
	p.run(ctx, s.Serve)
	p.fleet.Admin["pricing"] = s.AdminURL()
	p.fleet.Targets["pricing"] = s.URL()
	p.fleet.Targets["rating"] = s.RatingURL()
	return s, nil
}

func (p *Platform) startOrder(
	ctx context.Context, pricingURL, paymentAddr string, someone *customer,
) (*order.Service, error) {
	tel, err := p.newTelemetry(ctx, "order")
	if err != nil {
		return nil, err
	}
	cfg := order.Config{
		Listen: p.addr("order"), Admin: p.addr("order-admin"),
		RedisAddr: p.cfg.RedisAddr, KeyPrefix: p.cfg.KeyPrefix,
		PricingURL: pricingURL, PaymentAddr: paymentAddr,
		Consumer: "order-1", RetryAfter: 50 * time.Millisecond, ExpireAfter: time.Hour,
		WebhookPrivateHosts: []string{someone.host()}, WebhookSecret: someone.secret,
	}
	deps, err := order.Wire(cfg, tel)
	if err != nil {
		return nil, err
	}
	s, err := order.New(cfg, deps)
	if err != nil {
		return nil, errors.Join(err, deps.Close())
	}
	p.run(ctx, s.Serve)
	p.fleet.Admin["order"] = s.AdminURL()
	p.fleet.Targets["order"] = s.URL()
	return s, nil
}

func (p *Platform) startGateway(
	ctx context.Context, orderURL, pricingURL string,
) (*gateway.Service, error) {
	tel, err := p.newTelemetry(ctx, "gateway")
	if err != nil {
		return nil, err
	}
	cfg := gateway.Config{
		Listen: p.addr("gateway"), Trusted: p.addr("gateway-trusted"),
		Admin:     p.addr("gateway-admin"),
		RedisAddr: p.cfg.RedisAddr, KeyPrefix: p.cfg.KeyPrefix,
		OrderURL: orderURL, PricingURL: pricingURL,
		MaxTurns: 10, MaxAge: 15 * time.Minute,
	}
	s, err := gateway.New(cfg, gateway.Wire(cfg, tel))
	if err != nil {
		return nil, err
	}
	p.run(ctx, s.Serve)
	p.fleet.Admin["gateway"] = s.AdminURL()
	p.fleet.Targets["gateway"] = s.URL()
	p.fleet.Targets["gateway-trusted"] = s.TrustedURL()
	return s, nil
}

// run serves in the background until the platform closes. The end of ctx does not stop it: a
// caller that gives up waiting for Start must still be able to close in order.
func (p *Platform) run(ctx context.Context, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	p.stop = append(p.stop, func() error {
		cancel()
		return <-done
	})
}

func (p *Platform) newTelemetry(
	ctx context.Context, service string,
) (*telemetry.Telemetry, error) {
	cfg := p.cfg.Telemetry(service)
	cfg.Service = service
	cfg.SpanProcessors = append(cfg.SpanProcessors, shop.Baggage().Processor())
	tel, err := telemetry.New(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	p.telemetry = append(p.telemetry, tel)
	return tel, nil
}

func (p *Platform) addr(listener string) string {
	if addr, ok := p.cfg.Listen[listener]; ok {
		return addr
	}
	return "127.0.0.1:0"
}
