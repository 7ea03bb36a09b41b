// Package replay ties work that answers for earlier work to that work: a
// compensation to what it undoes, a repeated request to its original.
//
// # Problem
//
// A client that got no answer sends its request again. Done twice it is a second
// payment; answered from a store it is a trace with nothing in it, and nobody sees
// where the answer came from. A saga that releases stock has the same gap: the
// trace says what was undone, not what had done it.
//
// # Use
//
// [Compensate] starts the span of a compensation with a link to the original's.
//
// For a request with an Idempotency-Key call [Store.Begin] with the key and a
// [Fingerprint] of what was asked. It returns a [Claim]: do the work, then
// [Store.Finish] with the answer and the SERVER span's context, or [Store.Abandon]
// if there is none worth keeping. Or it returns the [Original]: send its answer,
// and call [Original.AddLink] with the SERVER span. The key of one customer must
// not find another's answer: put the customer's id into it.
//
// # Don't use
//
// As the only guard of what must not happen twice: a process that dies between the
// work and Finish leaves the key in progress until InProgress is over, and then it
// is done again. Keep the result with the state it belongs to, in one transaction,
// if that must not be. And not for a retry: the client's attempts are one trace
// already.
//
// # Spec
//
// OpenTelemetry Trace API, "Link" and "Add Link": a SERVER span has started when
// the key has been looked up, so its link cannot be there for the sampler. IETF
// draft-ietf-httpapi-idempotency-key-header: fingerprint, 409 while in progress,
// 422 for a mismatch. W3C Trace Context for the context that is stored.
package replay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Every link says what it is. No semantic convention names such an attribute, so
// the key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey     = attribute.Key("shop.link.type")
	LinkCompensates = "compensates"
	LinkReplayOf    = "replay_of"
)

// What Begin and Finish may find; match with [errors.Is].
var (
	// ErrInProgress: the original is still being worked on (HTTP: 409).
	ErrInProgress = errors.New("request is in progress")
	// ErrMismatch: the key was used for another request (HTTP: 422).
	ErrMismatch = errors.New("idempotency key was used for another request")
	// ErrLost: the claim's time was over, and another request may have begun.
	ErrLost = errors.New("claim is lost")
	// ErrMalformed: what is stored cannot be read.
	ErrMalformed = errors.New("malformed record")
)

// Compensate starts the INTERNAL span of work that undoes what original did, named
// for what it does ("release stock"). It is a child of the span in ctx, and has a
// link to original, unless that is not valid. The caller ends it.
func Compensate(
	ctx context.Context, tracer trace.Tracer, name string, original trace.SpanContext,
) (context.Context, trace.Span) {
	var options []trace.SpanStartOption
	if original.IsValid() {
		options = append(options, trace.WithLinks(link(original, LinkCompensates)))
	}
	return tracer.Start(ctx, name, options...)
}

func link(sc trace.SpanContext, kind string) trace.Link {
	return trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{LinkTypeKey.String(kind)}}
}

// Fingerprint returns a hash of what was asked: method, route, body. Two lists of
// parts have the same one only if they are the same.
func Fingerprint(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

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
	propagation.TraceContext{}.Inject(
		trace.ContextWithSpanContext(context.Background(), sc), w3c)
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
