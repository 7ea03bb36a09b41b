package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/streammessage"
)

const (
	// destination is the stream of confirmed orders, as order declares it too.
	destination = "orders.placed"
	group       = "payment.settlement"
	// block is how long one read waits for messages: the longest that a shutdown waits for it.
	block = 100 * time.Millisecond
	// pause is how long to wait before messages that could not be handled are tried again.
	pause = 200 * time.Millisecond
)

// settlement consumes orders.placed: it settles the payment of each confirmed order, in the
// trace of the request that confirmed it.
type settlement struct {
	redis    *redis.Client
	stream   string // key of the stream
	name     string // of this consumer in the group
	consumer streammessage.Consumer
	accounts *accounts
	tracer   trace.Tracer
	logger   *slog.Logger
}

func newSettlement(cfg Config, deps Deps, accounts *accounts) *settlement {
	tracer := deps.Telemetry.TracerProvider.Tracer(scope)
	return &settlement{
		redis:  deps.Redis,
		stream: cfg.KeyPrefix + destination,
		name:   cfg.Consumer,
		consumer: streammessage.Consumer{
			Tracer: tracer, Propagator: deps.MessagePropagator, Group: group,
		},
		accounts: accounts,
		tracer:   tracer,
		logger:   deps.Telemetry.Logger,
	}
}

// run reads until ctx is done. First come the messages that this consumer was given before and
// never acknowledged, because it crashed or Redis failed it; then the new ones.
func (s *settlement) run(ctx context.Context) error {
	healthy := true
	for ctx.Err() == nil {
		err := s.drain(ctx)
		if err == nil {
			healthy = true
			continue
		}
		if healthy && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "settlement waits", "error", err)
			healthy = false
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (s *settlement) drain(ctx context.Context) error {
	err := s.redis.XGroupCreateMkStream(ctx, s.stream, group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("create group %s: %w", group, err)
	}
	for pending := 1; pending > 0 && ctx.Err() == nil; {
		if pending, err = s.read(ctx, "0"); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if _, err := s.read(ctx, ">"); err != nil {
			return err
		}
	}
	return nil
}

// read handles one batch: from "0" this consumer's pending messages, from ">" new ones. The read
// polls outside any trace, so it makes no spans.
func (s *settlement) read(ctx context.Context, from string) (int, error) {
	streams, err := s.redis.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: s.name, Streams: []string{s.stream, from},
		Count: 16, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", destination, err)
	}
	handled := 0
	for _, stream := range streams {
		for _, msg := range stream.Messages {
			if err := s.handle(context.WithoutCancel(ctx), msg); err != nil {
				return handled, err
			}
			handled++
		}
	}
	return handled, nil
}

// handle settles one message and acknowledges it. A shutdown does not cut it short: its own
// deadline does.
func (s *settlement) handle(ctx context.Context, msg redis.XMessage) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.consumer.Process(ctx, destination, msg, func(ctx context.Context) error {
		return s.settle(ctx, msg)
	})
	if err != nil {
		return fmt.Errorf("settle message %s: %w", msg.ID, err)
	}
	return s.redis.XAck(ctx, s.stream, group, msg.ID).Err()
}

// settle moves the money. A message that can never be settled is logged and done with: to try
// it again would hold up all that come after it.
func (s *settlement) settle(ctx context.Context, msg redis.XMessage) (err error) {
	orderID, _ := msg.Values["order_id"].(string)
	if !id.Valid(orderID) {
		s.logger.ErrorContext(ctx, "message dropped", "messaging.message.id", msg.ID,
			"error", fmt.Sprintf("order_id %.64q: want 1 to 64 characters a-z, 0-9", orderID))
		return nil
	}
	trace.SpanFromContext(ctx).SetAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))

	ctx, span := s.tracer.Start(ctx, "settle payment")
	defer span.End()
	_, err = s.accounts.settle(ctx, orderID)
	switch {
	case err == nil:
		s.logger.InfoContext(ctx, "payment settled", string(shop.OrderID), orderID)
		return nil
	case errors.Is(err, document.ErrNotFound), errors.Is(err, errState):
		fail(span, "not_captured", err)
		s.logger.ErrorContext(ctx, "message dropped", "messaging.message.id", msg.ID, "error", err)
		return nil
	default:
		fail(span, "state_store_unavailable", err)
		return err
	}
}

func fail(span trace.Span, errorType string, err error) {
	span.SetStatus(codes.Error, err.Error())
	span.SetAttributes(semconv.ErrorTypeKey.String(errorType))
}

// idle returns when every message that was on the stream when it was called is acknowledged.
func (s *settlement) idle(ctx context.Context) error {
	last, err := s.redis.XRevRangeN(ctx, s.stream, "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return err
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := s.acknowledged(ctx, last[0].ID)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("messages up to %s on %s: %w", last[0].ID, destination, ctx.Err())
		case <-tick.C:
		}
	}
}

// acknowledged reports whether the group has read up to the entry and holds nothing pending
// up to it.
func (s *settlement) acknowledged(ctx context.Context, entry string) (bool, error) {
	groups, err := s.redis.XInfoGroups(ctx, s.stream).Result()
	if err != nil {
		return false, err
	}
	for _, g := range groups {
		if g.Name != group || before(g.LastDeliveredID, entry) {
			continue
		}
		pending, err := s.redis.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: s.stream, Group: group, Start: "-", End: entry, Count: 1,
		}).Result()
		return err == nil && len(pending) == 0, err
	}
	return false, nil
}

// before reports whether stream entry id a, "milliseconds-sequence", comes before b.
func before(a, b string) bool {
	var am, as, bm, bs uint64
	_, _ = fmt.Sscanf(a, "%d-%d", &am, &as)
	_, _ = fmt.Sscanf(b, "%d-%d", &bm, &bs)
	return am < bm || am == bm && as < bs
}
