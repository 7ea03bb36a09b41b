// Package stream runs the consumers of Redis Streams: the loop around a consumer group that reads
// what is pending, then what is new, survives a Redis that is away, and can tell when it is idle.
//
// How a message carries its trace is for the handler: see the patterns for messages. The loop
// itself polls outside any trace and makes no spans.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// block is how long one read waits for messages: the longest that a shutdown waits for it.
	block = 100 * time.Millisecond
	// pause is how long to wait before messages that could not be handled are tried again.
	pause = 200 * time.Millisecond
	// handleTimeout bounds the work on one message.
	handleTimeout = 5 * time.Second
)

// Consumer is one member of a consumer group. All fields are required.
type Consumer struct {
	Client *redis.Client
	Key    string // of the stream
	Group  string
	Name   string // in the group; stable across restarts, unique per replica
	Logger *slog.Logger
}

// Run reads until ctx is done and calls handle for each message, one at a time. First come the
// messages that this consumer was given before and never acknowledged, because it crashed or was
// failed by Redis; then the new ones. handle acknowledges what it is done with. Its error leaves
// the message pending, and it comes again after a pause, before any later one.
//
// The end of ctx does not cut a message short: its own deadline of 5 s does.
func (c Consumer) Run(ctx context.Context, handle func(context.Context, redis.XMessage) error) error {
	healthy := true
	for ctx.Err() == nil {
		err := c.drain(ctx, handle)
		if err == nil {
			healthy = true
			continue
		}
		if healthy && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "consumer waits", "group", c.Group, "error", err)
			healthy = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// Ack acknowledges a message, alone. Use [Consumer.AckWith] where it belongs to a transaction.
func (c Consumer) Ack(ctx context.Context, msg redis.XMessage) error {
	return c.AckWith(ctx, c.Client, msg)
}

// AckWith queues the acknowledgement on a pipeline or transaction.
func (c Consumer) AckWith(ctx context.Context, on redis.Cmdable, msg redis.XMessage) error {
	return on.XAck(ctx, c.Key, c.Group, msg.ID).Err()
}

// Batch returns up to n new messages at once, without waiting for any.
func (c Consumer) Batch(ctx context.Context, n int64) ([]redis.XMessage, error) {
	if err := c.create(ctx); err != nil {
		return nil, err
	}
	return c.read(ctx, ">", n, -1)
}

func (c Consumer) drain(
	ctx context.Context, handle func(context.Context, redis.XMessage) error,
) error {
	if err := c.create(ctx); err != nil {
		return err
	}
	from := "0"
	for ctx.Err() == nil {
		messages, err := c.read(ctx, from, 16, block)
		if err != nil {
			return err
		}
		for _, msg := range messages {
			if err := c.one(ctx, msg, handle); err != nil {
				return err
			}
		}
		if len(messages) == 0 {
			from = ">"
		}
	}
	return nil
}

func (c Consumer) one(
	ctx context.Context, msg redis.XMessage, handle func(context.Context, redis.XMessage) error,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	if err := handle(ctx, msg); err != nil {
		return fmt.Errorf("message %s: %w", msg.ID, err)
	}
	return nil
}

func (c Consumer) create(ctx context.Context) error {
	err := c.Client.XGroupCreateMkStream(ctx, c.Key, c.Group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("create group %s: %w", c.Group, err)
	}
	return nil
}

// read returns one batch: from "0" this consumer's pending messages, from ">" new ones.
func (c Consumer) read(
	ctx context.Context, from string, n int64, wait time.Duration,
) ([]redis.XMessage, error) {
	streams, err := c.Client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: c.Group, Consumer: c.Name, Streams: []string{c.Key, from}, Count: n, Block: wait,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read group %s: %w", c.Group, err)
	}
	var all []redis.XMessage
	for _, s := range streams {
		all = append(all, s.Messages...)
	}
	return all, nil
}
