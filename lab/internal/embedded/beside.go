package embedded

import (
	"context"
	"errors"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/platform"
)

// Beside says where services run that this lab does not start. They send a copy of their
// telemetry to the lab's Collector, over a Collector of their own. The lab adds what scenarios
// need besides: a customer, and a shell that runs jobs.
type Beside struct {
	// Services are their addresses as this process reaches them.
	Services scenario.Fleet
	// Customer is how the services reach the customer.
	Customer platform.Customer
	// Collector is host:port of the services' own Collector, over OTLP/gRPC. The jobs send there
	// what they record, as the services do.
	Collector string
	// KeyPrefix is that of the services' keys in Redis.
	KeyPrefix string
}

func (l *Lab) beside(ctx context.Context, b Beside) (*Platform, error) {
	if l.cfg.Redis == "" {
		return nil, errors.New("beside services: the address of their Redis is missing")
	}
	exporters := l.exporters(ctx, b.Collector)
	p, err := platform.Beside(ctx, platform.Config{
		RedisAddr: l.redis.addr,
		KeyPrefix: b.KeyPrefix,
		Telemetry: exporters.telemetry,
		Listen:    l.cfg.Listen,
	}, b.Services, b.Customer)
	return l.started(ctx, p, errors.Join(err, exporters.err))
}
