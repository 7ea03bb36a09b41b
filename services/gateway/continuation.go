package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/linkedturns"
	"example.com/throughline/patterns/persistedcontext"
)

// turn is one request of a process, and what its SERVER span continues.
type turn struct {
	strategy string            // persisted, client or linked; "" when not known
	number   int               // 1 for the first; 0 when not known
	parent   trace.SpanContext // remote parent; invalid: a new root
	links    []trace.Link
	rejected string // why a client's context was not continued
	ours     bool   // what the client sent is ours, and among the links
	err      error  // the state could not be reached

	// keep remembers this turn, whose span has the context sc, for the next one. It may write
	// response headers. Nil: there is nothing to remember.
	keep func(ctx context.Context, h http.Header, sc trace.SpanContext) error
}

type turnKey struct{}

// turnOf returns what the edge decided.
func turnOf(ctx context.Context) turn {
	t, _ := ctx.Value(turnKey{}).(turn)
	return t
}

func (t turn) attributes(r *http.Request, workflow string) []attribute.KeyValue {
	attrs := []attribute.KeyValue{shop.WorkflowID.String(workflow)}
	if strings.HasPrefix(r.URL.Path, "/negotiations") {
		attrs = append(attrs, shop.NegotiationID.String(workflow))
	} else {
		attrs = append(attrs, shop.CheckoutID.String(workflow))
	}
	if t.strategy != "" {
		attrs = append(attrs, shop.ContinuationStrategy.String(t.strategy))
	}
	if t.number > 0 {
		attrs = append(attrs, shop.WorkflowTurn.Int(t.number))
	}
	if t.rejected != "" {
		attrs = append(attrs, shop.ContinuationRejected.String(t.rejected))
	}
	return attrs
}

// strategy continues a process from turn to turn.
type strategy interface {
	// first is the turn that opens a process.
	first(workflow string) turn
	// next is a later turn. It runs before the SERVER span, with a context that holds no span.
	next(ctx context.Context, workflow string, h http.Header) turn
}

// ContextStore keeps contexts from turn to turn, as [persistedcontext.Store] does.
type ContextStore interface {
	Load(ctx context.Context, id string) (persistedcontext.Process, error)
	Save(
		ctx context.Context, id string, sc trace.SpanContext, p persistedcontext.Process,
	) error
}

// persisted keeps the context of turn 1 in Redis: one trace, a star around turn 1.
type persisted struct {
	store  ContextStore
	logger *slog.Logger
}

func (s persisted) first(workflow string) turn {
	return s.turn(workflow, persistedcontext.Process{})
}

func (s persisted) next(ctx context.Context, workflow string, _ http.Header) turn {
	p, err := s.store.Load(ctx, workflow)
	switch {
	case errors.Is(err, persistedcontext.ErrNotFound),
		errors.Is(err, persistedcontext.ErrMalformed):
		s.logger.WarnContext(ctx, "new root", "error", err, string(shop.WorkflowID), workflow)
	case err != nil:
		return turn{strategy: "persisted", err: err}
	}
	return s.turn(workflow, p)
}

func (s persisted) turn(workflow string, p persistedcontext.Process) turn {
	return turn{
		strategy: "persisted", number: p.Turn + 1, parent: p.Parent(), links: p.Links(),
		keep: func(ctx context.Context, _ http.Header, sc trace.SpanContext) error {
			return s.store.Save(ctx, workflow, sc, p)
		},
	}
}

// linked starts a new trace every turn and links it to the one before and to the first.
type linked struct {
	redis  *redis.Client
	prefix string
	ttl    time.Duration
	logger *slog.Logger
}

func (s linked) first(workflow string) turn { return s.turn(workflow, linkedturns.Chain{}) }

func (s linked) next(ctx context.Context, workflow string, _ http.Header) turn {
	hash, err := s.redis.HGetAll(ctx, s.prefix+workflow).Result()
	if err != nil {
		return turn{strategy: "linked", err: err}
	}
	chain, err := linkedturns.Extract(propagation.MapCarrier(hash))
	if err != nil {
		s.logger.WarnContext(ctx, "new origin", "error", err, string(shop.WorkflowID), workflow)
	}
	return s.turn(workflow, chain)
}

func (s linked) turn(workflow string, chain linkedturns.Chain) turn {
	return turn{
		strategy: "linked", number: chain.Turn + 1, links: chain.Links(),
		keep: func(ctx context.Context, _ http.Header, sc trace.SpanContext) error {
			hash := propagation.MapCarrier{}
			chain.Next(sc).Inject(hash)
			_, err := s.redis.TxPipelined(ctx, func(tx redis.Pipeliner) error {
				tx.HSet(ctx, s.prefix+workflow, map[string]string(hash))
				tx.Expire(ctx, s.prefix+workflow, s.ttl)
				return nil
			})
			return err
		},
	}
}

// chosen remembers which strategy a checkout was opened with.
type chosen struct {
	redis  *redis.Client
	prefix string
	ttl    time.Duration
}

// get returns "" for a checkout that is not known. It keeps the choice alive with the checkout.
func (c chosen) get(ctx context.Context, workflow string) (string, error) {
	name, err := c.redis.GetEx(ctx, c.prefix+workflow, c.ttl).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return name, err
}

func (c chosen) set(ctx context.Context, workflow, name string) error {
	return c.redis.Set(ctx, c.prefix+workflow, name, c.ttl).Err()
}
