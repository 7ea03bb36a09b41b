package payment

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/goroutines"
	"example.com/throughline/patterns/spanerror"
)

const (
	networkWorkers = 2
	networkQueue   = 64
	networkTimeout = 5 * time.Second
)

// network tells card networks what has been settled, for those that want to know (card.go).
// Nobody waits for that: the settlement is done without it. A pool of workers does it, each job in
// the trace of the settlement that submitted it, whatever the worker did before.
type network struct {
	redis   redis.Cmdable
	prefix  string
	tracer  trace.Tracer
	logger  *slog.Logger
	work    *inflight.Tracker // may be nil
	pool    *goroutines.Pool
	handoff func(context.Context) context.Context
}

// newNetwork starts the workers. close ends them.
func newNetwork(cfg Config, deps Deps, work *inflight.Tracker) *network {
	return &network{
		redis:   deps.Redis,
		prefix:  cfg.KeyPrefix + "network:",
		tracer:  deps.Telemetry.TracerProvider.Tracer(scope),
		logger:  deps.Telemetry.Logger,
		work:    work,
		pool:    goroutines.NewPool(networkWorkers, networkQueue),
		handoff: deps.Handoff,
	}
}

// close returns when every notification has been made.
func (n *network) close() { n.pool.Close() }

// submit queues the notification of a settled payment. A queue that stays full costs the
// notification, which is logged, and nothing else.
func (n *network) submit(ctx context.Context, acc account) {
	if !wantsAdvice(acc.CardToken) {
		return
	}
	counted, done := n.work.Begin(n.handoff(ctx))
	err := n.pool.Submit(counted, func(ctx context.Context) {
		defer done()
		n.notify(ctx, acc.OrderID)
	})
	if err != nil {
		done()
		n.logger.WarnContext(ctx, "card network not notified", "error", err)
	}
}

// notify is where an error of the notification ends. The network is one for tests, like the card
// processor: it notes what it is told.
func (n *network) notify(ctx context.Context, orderID string) {
	ctx, cancel := context.WithTimeout(ctx, networkTimeout)
	defer cancel()
	ctx, span := n.tracer.Start(ctx, "notify card network", trace.WithAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID)))
	err := n.redis.Set(ctx, n.prefix+orderID, stateSettled, 24*time.Hour).Err()
	defer spanerror.EndAndLog(ctx, span, n.logger, "card network not notified", &err, nil)
	if err == nil {
		n.logger.InfoContext(ctx, "card network notified", string(shop.OrderID), orderID)
	}
}
