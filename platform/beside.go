package platform

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"example.com/throughline/internal/scenario"
)

// Customer is how services that run elsewhere know the third party that they may call.
type Customer struct {
	URL    string // base URL at which order reaches it; its host is one that order allows
	Secret []byte // what order signs webhooks with
}

// Beside starts what scenarios need next to services that run elsewhere: a customer, and a shell
// that runs jobs with the Redis and the keys of those services. cfg.Telemetry is called once, for
// the jobs. The fleet of what it returns is services and these two; its ledgers are those of the
// jobs. Close must be called, unless Beside fails.
func Beside(
	ctx context.Context, cfg Config, services scenario.Fleet, who Customer,
) (*Platform, error) {
	p := &Platform{cfg: cfg, fleet: scenario.Fleet{
		Targets: maps.Clone(services.Targets), Admin: maps.Clone(services.Admin),
	}}
	if err := p.startBeside(ctx, who); err != nil {
		return nil, errors.Join(fmt.Errorf("start beside services: %w", err), p.Close(ctx))
	}
	return p, nil
}

func (p *Platform) startBeside(ctx context.Context, who Customer) error {
	if err := p.startJobs(ctx); err != nil {
		return err
	}
	c, err := newCustomer(p.addr("customer"))
	if err != nil {
		return err
	}
	c.base, c.secret = who.URL, who.Secret
	gateway := p.fleet.Targets["gateway"]
	c.gateway.Store(&gateway)
	p.serveCustomer(ctx, c)
	return nil
}
