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
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"go.opentelemetry.io/otel/attribute"
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
