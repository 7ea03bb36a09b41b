package replay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A Store keeps one string per key, JSON, under Prefix and the key. It is safe for
// concurrent use as long as its fields do not change. All fields but Prefix are
// required.
type Store struct {
	Client redis.Cmdable
	// Prefix comes before every key, for example "order:idempotency:".
	Prefix string
	// TTL is how long an answer is kept.
	TTL time.Duration
	// InProgress is how long a request may take: longer than any timeout of it, and
	// as long as a client must wait after a crash.
	InProgress time.Duration
}

// A Claim is the right to do the work of a key.
type Claim struct {
	key, value, fingerprint string
}

// An Original is what the first request of a key came to.
type Original struct {
	// Response is what Finish was given.
	Response []byte
	// Context is the SERVER span's that made it; not valid if there was none.
	Context trace.SpanContext
}

// AddLink adds the link replay_of to span, the SERVER span of the repeated
// request, unless the original's context is not valid.
func (o Original) AddLink(span trace.Span) {
	if o.Context.IsValid() {
		span.AddLink(link(o.Context, LinkReplayOf))
	}
}

type record struct {
	Fingerprint string `json:"fingerprint"`
	Owner       string `json:"owner,omitempty"` // only while in progress
	Response    []byte `json:"response,omitempty"`
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// Begin claims key for a request with this fingerprint. Exactly one of claim and
// original is not nil, unless there is an error: that wraps ErrInProgress,
// ErrMismatch (whether the original is done or not) or ErrMalformed, or is the
// client's; then do not do the work.
func (s *Store) Begin(
	ctx context.Context, key, fingerprint string,
) (claim *Claim, original *Original, err error) {
	failed := func(err error) (*Claim, *Original, error) {
		return nil, nil, fmt.Errorf("begin with idempotency key %.80q: %w", key, err)
	}
	if key == "" || s.TTL <= 0 || s.InProgress <= 0 {
		return failed(fmt.Errorf("want a key and positive TTL (have %v) and InProgress (have %v)",
			s.TTL, s.InProgress))
	}
	value, err := json.Marshal(record{Fingerprint: fingerprint, Owner: rand.Text()})
	if err != nil {
		return failed(err)
	}
	for range 3 { // the record may expire between the two commands
		err := s.Client.SetArgs(ctx, s.Prefix+key, value,
			redis.SetArgs{Mode: "NX", TTL: s.InProgress}).Err()
		if err == nil {
			return &Claim{key: key, value: string(value), fingerprint: fingerprint}, nil, nil
		}
		if !errors.Is(err, redis.Nil) {
			return failed(err)
		}
		stored, err := s.Client.Get(ctx, s.Prefix+key).Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err == nil {
			original, err = parse(stored, fingerprint)
		}
		if err != nil {
			return failed(err)
		}
		return nil, original, nil
	}
	return failed(ErrInProgress)
}

// parse reads the record of another request.
func parse(stored []byte, fingerprint string) (*Original, error) {
	var r record
	if err := json.Unmarshal(stored, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	if r.Fingerprint != fingerprint {
		return nil, ErrMismatch
	}
	if r.Owner != "" {
		return nil, ErrInProgress
	}
	// A bare context: the span that is running now is not the original. A context
	// that cannot be read costs the link, not the answer.
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": r.Traceparent, "tracestate": r.Tracestate,
	})
	return &Original{Response: r.Response, Context: trace.SpanContextFromContext(ctx)}, nil
}

// Finish stores the answer to claim's request, for TTL, with the context of the
// SERVER span that made it; sc may be invalid. The error wraps ErrLost if the
// claim's time was over: then the answer is not stored, although the work is done.
func (s *Store) Finish(
	ctx context.Context, claim *Claim, sc trace.SpanContext, response []byte,
) error {
	w3c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, sc), w3c)
	value, err := json.Marshal(record{
		Fingerprint: claim.fingerprint, Response: response,
		Traceparent: w3c["traceparent"], Tracestate: w3c["tracestate"],
	})
	if err != nil {
		return fmt.Errorf("finish with idempotency key %.80q: %w", claim.key, err)
	}
	return s.swap(ctx, "finish", claim, finish, value, s.TTL.Milliseconds())
}

// Abandon gives claim back, so that the next request does the work: for an answer
// that is not worth keeping, such as 503. The error wraps ErrLost if the claim's
// time was over, which is then no harm.
func (s *Store) Abandon(ctx context.Context, claim *Claim) error {
	return s.swap(ctx, "abandon", claim, abandon)
}

// Both compare and set in one step: between two, the claim could become another's.
const (
	finish = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`
	abandon = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`
)

func (s *Store) swap(ctx context.Context, verb string, claim *Claim, script string, args ...any) error {
	args = append([]any{claim.value}, args...)
	done, err := s.Client.Eval(ctx, script, []string{s.Prefix + claim.key}, args...).Int()
	if err == nil && done == 0 {
		err = ErrLost
	}
	if err != nil {
		return fmt.Errorf("%s with idempotency key %.80q: %w", verb, claim.key, err)
	}
	return nil
}
