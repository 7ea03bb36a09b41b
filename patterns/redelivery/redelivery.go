// Package redelivery reads a Redis Stream in a consumer group so that nothing is
// lost when a consumer dies, and nothing is tried for ever, and keeps the trace
// context of every message on the way.
//
// # Problem
//
// A consumer that dies between read and acknowledgement takes the message with
// it, until another claims it. A message that kills its consumer kills the next
// one too. And a dead letter that holds only the payload has lost the trace that
// would tell what went wrong.
//
// # Use
//
// [Reader.Join] once, then [Reader.Read] in a loop: it claims what others left
// behind and reads what is new. If [Reader.Exhausted], call [Reader.Bury] with
// the delivery instead of trying it again; else process it in a CONSUMER span of
// its own, with [Attributes], and [Reader.Ack] it if that went well. If it did not,
// do nothing: it comes again after MinIdle, to whoever reads next. A dead letter
// keeps every field, the creation context among them, and [Reader.Replay] puts it
// back, so its next CONSUMER span has the same parent and link as the first.
//
// # Don't use
//
// As exactly-once: a consumer that is slower than MinIdle is overtaken by the one
// that claims its message. Make the work idempotent by a key of the business, and
// MinIdle longer than any of it. Call Read with a context that holds no span:
// polls are best not traced at all.
//
// # Spec
//
// Redis: XAUTOCLAIM, XPENDING, XREADGROUP, MULTI (Redis 6.2 or later). OpenTelemetry
// semantic conventions for messaging (v1.43.0) have no attribute for the delivery
// count of any system, so the key is the shop's own.
package redelivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
)

// DeliveryCountKey is how often a message has been handed out, 1 the first time.
// Rename it to your own namespace.
const DeliveryCountKey = attribute.Key("shop.messaging.delivery_count")

// Bury adds the first four fields to a dead letter. Replay takes them off again,
// and adds the last one, the id that the entry had in the stream.
const (
	DeadReason = "dead-letter.reason"
	DeadCount  = "dead-letter.count"
	DeadStream = "dead-letter.stream"
	DeadID     = "dead-letter.id"
	ReplayOf   = "replay-of"

	deadPrefix = "dead-letter."
)

// ErrNotFound is wrapped by the error of Replay for an id that is no dead letter.
var ErrNotFound = errors.New("no such dead letter")

// A Reader is one consumer of a group. Client, Stream, Group and Consumer are
// required. It is safe for concurrent use as long as its fields do not change.
type Reader struct {
	Client   redis.UniversalClient
	Stream   string
	Group    string
	Consumer string // unique in the group: two that share a name share their messages
	// DeadLetter is the stream for what cannot be processed; Bury and Replay need it.
	DeadLetter string
	// MaxDeliveries is how often a message may be tried; 0 means any number.
	MaxDeliveries int64
	// MinIdle is how long a message must be left alone before it is claimed.
	MinIdle time.Duration
	// Block is how long Read waits for a new message; 0 or less means not at all.
	Block time.Duration
	// Count is how many messages Read returns at most; 0 means 10.
	Count int64
}

// A Delivery is one message, handed to this consumer.
type Delivery struct {
	Message redis.XMessage
	// Count is how often it has been handed out, this time included.
	Count int64
}

// Attributes returns what the CONSUMER span of d says about the delivery.
func Attributes(d Delivery) []attribute.KeyValue {
	return []attribute.KeyValue{DeliveryCountKey.Int64(d.Count)}
}

// Join makes the group if it is not there yet, and the stream with it, to read
// from the stream's beginning.
func (r *Reader) Join(ctx context.Context) error {
	err := r.Client.XGroupCreateMkStream(ctx, r.Stream, r.Group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("join group %q of stream %q: %w", r.Group, r.Stream, err)
	}
	return nil
}

// Read returns what other consumers, or this one, left unacknowledged for longer
// than MinIdle, and then what is new; none after Block has passed without any. It
// waits only if there was nothing to claim. After an error, messages that were
// claimed already are not lost: they are idle, and are claimed again.
func (r *Reader) Read(ctx context.Context) ([]Delivery, error) {
	count := r.Count
	if count <= 0 {
		count = 10
	}
	claimed, err := r.claim(ctx, count)
	if err != nil {
		return nil, fmt.Errorf("claim from stream %q: %w", r.Stream, err)
	}
	if count -= int64(len(claimed)); count == 0 {
		return claimed, nil
	}
	block := r.Block
	if block <= 0 || len(claimed) > 0 {
		block = -1 // go-redis: 0 would be for ever
	}
	streams, err := r.Client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: r.Group, Consumer: r.Consumer, Streams: []string{r.Stream, ">"},
		Count: count, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return claimed, nil
	}
	if err != nil {
		if len(claimed) > 0 {
			return claimed, nil // they are ours now; the next Read will say what is wrong
		}
		return nil, fmt.Errorf("read from stream %q: %w", r.Stream, err)
	}
	for _, stream := range streams {
		for _, message := range stream.Messages {
			claimed = append(claimed, Delivery{Message: message, Count: 1})
		}
	}
	return claimed, nil
}

// claim takes over at most count idle messages. One XAUTOCLAIM looks at a part of
// the pending list only, and says where to go on.
func (r *Reader) claim(ctx context.Context, count int64) ([]Delivery, error) {
	var claimed []Delivery
	for start := "0-0"; ; {
		messages, next, err := r.Client.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: r.Stream, Group: r.Group, Consumer: r.Consumer,
			MinIdle: r.MinIdle, Start: start, Count: count - int64(len(claimed)),
		}).Result()
		if err != nil {
			return nil, err
		}
		counted, err := r.counted(ctx, messages)
		if err != nil {
			return nil, err
		}
		claimed = append(claimed, counted...)
		if next == "0-0" || next == start || int64(len(claimed)) >= count {
			return claimed, nil
		}
		start = next
	}
}

// counted asks how often each message was delivered: XAUTOCLAIM does not say. A
// message that was acknowledged or claimed by another in between is left out.
func (r *Reader) counted(ctx context.Context, messages []redis.XMessage) ([]Delivery, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	pending := make([]*redis.XPendingExtCmd, len(messages))
	_, err := r.Client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, message := range messages {
			pending[i] = pipe.XPendingExt(ctx, &redis.XPendingExtArgs{
				Stream: r.Stream, Group: r.Group, Consumer: r.Consumer,
				Start: message.ID, End: message.ID, Count: 1,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	deliveries := make([]Delivery, 0, len(messages))
	for i, message := range messages {
		if entries := pending[i].Val(); len(entries) == 1 {
			deliveries = append(deliveries, Delivery{Message: message, Count: entries[0].RetryCount})
		}
	}
	return deliveries, nil
}

// Exhausted reports whether d has had all its tries before this delivery. That is
// asked before the work and not after it, because a message that kills its
// consumer never gets to an after.
func (r *Reader) Exhausted(d Delivery) bool {
	return r.MaxDeliveries > 0 && d.Count > r.MaxDeliveries
}

// Ack says that d is done. That it was acknowledged before is no error.
func (r *Reader) Ack(ctx context.Context, d Delivery) error {
	if err := r.Client.XAck(ctx, r.Stream, r.Group, d.Message.ID).Err(); err != nil {
		return fmt.Errorf("acknowledge %s of stream %q: %w", d.Message.ID, r.Stream, err)
	}
	return nil
}
