package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/clientreturned"
)

// Verifier checks a context that a client returned, as [clientreturned.Signer] does.
type Verifier interface {
	Verify(ctx context.Context, sc trace.SpanContext, workflow string) (
		claims clientreturned.Claims, parent trace.SpanContext, err error)
}

// client lets the caller carry the context, signed: one trace, a chain, and no state here.
type client struct {
	signer   *clientreturned.Signer
	verifier Verifier
	logger   *slog.Logger
}

func (s client) first(workflow string) turn { return s.turn(workflow, clientreturned.Claims{}) }

// next continues what is verified to be ours. Anything else starts a new root, and the request
// is served all the same: a bad trace context is no reason to refuse business.
func (s client) next(ctx context.Context, workflow string, h http.Header) turn {
	sc, err := clientreturned.Extract(h)
	var claims clientreturned.Claims
	var parent trace.SpanContext
	if err == nil {
		claims, parent, err = s.verifier.Verify(ctx, sc, workflow)
	}
	if errors.Is(err, clientreturned.ErrRotate) {
		t := s.turn(workflow, claims.Rotated())
		t.links, t.ours = claims.Links(sc), true
		return t
	}
	if err != nil {
		t := s.first(workflow)
		t.number, t.rejected = 0, clientreturned.Reason(err)
		if t.rejected == "" && !errors.Is(err, clientreturned.ErrMissing) {
			s.logger.WarnContext(ctx, "new root", "error", err, string(shop.WorkflowID), workflow)
		}
		return t
	}
	t := s.turn(workflow, claims)
	t.parent = parent
	return t
}

// turn is the one after previous.
func (s client) turn(workflow string, previous clientreturned.Claims) turn {
	return turn{
		strategy: "client", number: previous.Turn + 1,
		keep: func(_ context.Context, h http.Header, sc trace.SpanContext) error {
			signed, err := s.signer.Sign(sc, workflow, previous)
			if err != nil {
				return err
			}
			clientreturned.Return(h, signed)
			return nil
		},
	}
}

// used remembers, for all instances, which tokens were used. It is asked before the SERVER span
// starts, with a context that holds no span.
type used struct {
	redis  *redis.Client
	prefix string
}

// clockSkew is how far the clocks of instances may be apart: one whose clock is late believes in a
// token for longer than the one that remembered it.
const clockSkew = time.Minute

func (u used) before(ctx context.Context, id string, expires time.Time) (bool, error) {
	err := u.redis.SetArgs(ctx, u.prefix+id, "", redis.SetArgs{
		Mode: "NX", TTL: max(time.Until(expires), 0) + clockSkew,
	}).Err()
	if errors.Is(err, redis.Nil) {
		return true, nil
	}
	return false, err
}
