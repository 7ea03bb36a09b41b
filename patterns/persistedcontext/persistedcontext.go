// Package persistedcontext makes the requests of a short multi-step process one
// trace, by keeping the trace context of its first request in Redis.
//
// # Problem
//
// A checkout is five requests of one customer, minutes apart, each perhaps on
// another instance. The client carries no trace context from one to the next,
// so each is a trace of its own and nobody sees the checkout.
//
// # Use
//
// At the edge, BEFORE the SERVER span of a request starts, [Store.Load] the
// process by its business id and make [Process.Parent] the remote parent. The
// span can have its parent only from the start, and a lookup before it leaves
// no span of its own behind. Then add [Process.Links] to the span, and
// [Store.Save] its context. All turns become children of turn 1, a star and
// not a chain: no turn has to wait for the one before it. After MaxTurns or
// MaxAge the trace ends, and the next turn is a new root with links to where it
// came from.
//
// When Load fails, with whatever error, start a new root and serve the request:
// ErrNotFound is turn 1, after ErrMalformed Save with the zero Process mends the
// record, and whether a request may go on while the store is down is for the
// caller to decide.
//
// # Don't use
//
// For processes of hours or days use a new trace per turn: backends cut traces
// that stay idle or grow large. If the store would be there only for this, let
// the client carry the context, signed. Turns that run at the same time may
// load the same record and so carry the same number; the last one to Save is
// then the only previous turn. Each of them counts, so a trace has at most MaxTurns
// turns and those that were under way when it was full.
//
// # Spec
//
// W3C Trace Context, sections 3.2 and 3.3: each context is stored as the two
// strings traceparent and tracestate, so that any language can read it.
// OpenTelemetry Trace API: "Link", and "SpanContext" for IsRemote.
package persistedcontext

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// What Load may find; match with [errors.Is]. Other errors are the client's.
var (
	ErrNotFound  = errors.New("no persisted context")
	ErrMalformed = errors.New("malformed persisted context")
)

// A Store keeps one hash per process, under Prefix and the process's id, with
// the fields turn, root-turn, root-time (milliseconds since the Unix epoch) and,
// for each of root, origin and previous, NAME-traceparent and NAME-tracestate.
// It is safe for concurrent use as long as its fields do not change.
type Store struct {
	Client redis.Cmdable
	// Prefix comes before every id, for example "gateway:trace:".
	Prefix string
	// TTL is how long a record outlives its last turn. It must be positive.
	TTL time.Duration
	// MaxTurns is how many turns one trace may have; 0 means any number.
	MaxTurns int
	// MaxAge is how old a trace may be when a turn joins it; 0 means any age.
	MaxAge time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Load returns what is known of the process called id. Call it with a context
// that holds no span. The error wraps ErrNotFound or ErrMalformed, or is the
// client's; the Process is then zero.
func (s *Store) Load(ctx context.Context, id string) (Process, error) {
	hash, err := s.Client.HGetAll(ctx, s.Prefix+id).Result()
	if err != nil {
		return Process{}, fmt.Errorf("load trace context of %.80q: %w", id, err)
	}
	if len(hash) == 0 {
		return Process{}, fmt.Errorf("load trace context of %.80q: %w", id, ErrNotFound)
	}
	p, err := parse(hash)
	if err != nil {
		return Process{}, fmt.Errorf("load trace context of %.80q: %w", id, err)
	}
	p.over = s.MaxTurns > 0 && p.Turn-p.rootTurn+1 >= s.MaxTurns ||
		s.MaxAge > 0 && s.now().Sub(p.rootTime) >= s.MaxAge
	return p, nil
}

// Save records the turn whose SERVER span has the context sc and has just
// started. p is what Load returned for this turn, or the zero Process for the
// first one. Fields and expiry are written in one transaction, so that no record
// stays for ever.
//
// It fails if sc is not valid, id is empty, TTL is not positive, or the client
// fails. The trace itself is whole all the same: only the next turn is cut off.
func (s *Store) Save(ctx context.Context, id string, sc trace.SpanContext, p Process) error {
	if !sc.IsValid() || id == "" || s.TTL <= 0 {
		return fmt.Errorf("save trace context of %.80q: want an id, a valid span context (have %t) "+
			"and a positive TTL (have %v)", id, sc.IsValid(), s.TTL)
	}
	next := p.next(sc, s.now())
	_, err := s.Client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		fields := next.fields()
		if p.Turn > 0 {
			// Counted there, not here: turns that run at the same time would count as one.
			delete(fields, "turn")
			tx.HIncrBy(ctx, s.Prefix+id, "turn", 1)
		}
		tx.HSet(ctx, s.Prefix+id, fields)
		tx.PExpire(ctx, s.Prefix+id, s.TTL)
		return nil
	})
	if err != nil {
		return fmt.Errorf("save trace context of %.80q: %w", id, err)
	}
	return nil
}

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
