// Package stream runs the consumers of Redis Streams: the loop around a consumer group that claims
// what was left behind, reads what is new, survives a Redis that is away, and can tell when it is
// idle.
//
// How messages are claimed and buried is the pattern redelivery; how they carry their trace is for
// the handler. The loop itself polls outside any trace and makes no spans.
package stream

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/patterns/redelivery"
)

const (
	// block is how long one read waits for messages: the longest that a shutdown waits for it,
	// and that a message waits to be claimed when it is due.
	block = 50 * time.Millisecond
	// pause is how long to wait for a Redis that is away.
	pause = 200 * time.Millisecond
	// handleTimeout bounds the work on one message. A message is claimed no earlier.
	handleTimeout = 5 * time.Second
)

// Consumer is one member of a consumer group.
type Consumer struct {
	redelivery.Reader
	Redis  *redis.Client
	Logger *slog.Logger

	// busy are the handlers at work: one may acknowledge inside a span that has yet to end.
	busy inflight.Tracker
}

// Handler works on one delivery and acknowledges it. After an error it comes again, in time.
type Handler func(context.Context, redelivery.Delivery) error

// Run reads until ctx is done and calls handle for each delivery, one at a time. An error leaves
// the message pending: it comes again after MinIdle, and does not hold up later ones. A message
// that was delivered too often, because it crashes its consumer, is buried unseen.
//
// The end of ctx does not cut a message short: its own deadline of 5 s does.
func (c *Consumer) Run(ctx context.Context, handle Handler) error {
	joined, healthy := false, true
	for ctx.Err() == nil {
		err := c.once(ctx, &joined, handle)
		if err == nil {
			healthy = true
			continue
		}
		if healthy && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "consumer waits",
				string(semconv.MessagingConsumerGroupNameKey), c.Group, "error", err)
			healthy = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (c *Consumer) once(ctx context.Context, joined *bool, handle Handler) error {
	if !*joined {
		if err := c.Join(ctx); err != nil {
			return err
		}
		*joined = true
	}
	deliveries, err := c.Read(ctx)
	if err != nil {
		*joined = false // a Redis that came back empty has no group
		return err
	}
	for _, d := range deliveries {
		if err := c.one(ctx, d, handle); err != nil {
			c.Logger.DebugContext(ctx, "message comes again",
				string(semconv.MessagingMessageIDKey), d.Message.ID, "error", err)
		}
	}
	return nil
}

func (c *Consumer) one(ctx context.Context, d redelivery.Delivery, handle Handler) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	ctx, done := c.busy.Begin(ctx)
	defer done()
	if c.Exhausted(d) {
		c.Logger.ErrorContext(ctx, "message dead-lettered unseen",
			string(semconv.MessagingMessageIDKey), d.Message.ID,
			string(redelivery.DeliveryCountKey), d.Count)
		return c.Bury(ctx, d, "delivered too often")
	}
	return handle(ctx, d)
}

// Batch returns the deliveries of one read, without waiting for any.
func (c *Consumer) Batch(ctx context.Context) ([]redelivery.Delivery, error) {
	if err := c.Join(ctx); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	return c.Read(ctx)
}

// New returns a consumer that waits for messages in Run. The dead-letter stream is the stream's
// name with .dead behind it.
func New(client *redis.Client, logger *slog.Logger, r redelivery.Reader) *Consumer {
	r.Client, r.Block = client, block
	r.DeadLetter = r.Stream + ".dead"
	return &Consumer{Reader: r, Redis: client, Logger: logger}
}
