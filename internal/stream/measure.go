package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/shop"
)

// measureTimeout bounds what one collection of metrics asks of Redis.
const measureTimeout = 500 * time.Millisecond

// Measure publishes how the group fares, until ctx is done: [shop.StreamLag], [shop.StreamPending]
// and, if it buries messages, [shop.StreamDeadLetters]. Redis is asked at each collection; while it
// is away, or the group has yet to be made, there are no values. destination is the stream's name
// in telemetry.
func (c *Consumer) Measure(ctx context.Context, meter metric.Meter, destination string) error {
	lag, err1 := meter.Float64ObservableGauge(shop.StreamLag{}.Name(),
		metric.WithUnit(shop.StreamLag{}.Unit()),
		metric.WithDescription("Age of the oldest message that the group has yet to acknowledge."))
	pending, err2 := meter.Int64ObservableGauge(shop.StreamPending{}.Name(),
		metric.WithUnit(shop.StreamPending{}.Unit()),
		metric.WithDescription("Messages that were delivered and not acknowledged."))
	dead, err3 := meter.Int64ObservableGauge(shop.StreamDeadLetters{}.Name(),
		metric.WithUnit(shop.StreamDeadLetters{}.Unit()),
		metric.WithDescription("Messages that the group has given up on."))
	attrs := metric.WithAttributes(semconv.MessagingDestinationName(destination),
		semconv.MessagingConsumerGroupName(c.Group))
	registration, err4 := meter.RegisterCallback(func(
		ctx context.Context, o metric.Observer,
	) error {
		ctx, cancel := context.WithTimeout(ctx, measureTimeout)
		defer cancel()
		// An error would fail the flush of all metrics, for a Redis whose absence the readiness
		// tells already.
		if s, err := c.state(ctx); err == nil {
			o.ObserveFloat64(lag, s.lag.Seconds(), attrs)
			o.ObserveInt64(pending, s.pending, attrs)
			if c.MaxDeliveries > 0 {
				o.ObserveInt64(dead, s.dead, attrs)
			}
		}
		return nil
	}, lag, pending, dead)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return fmt.Errorf("metrics of stream %s: %w", destination, err)
	}
	<-ctx.Done()
	return registration.Unregister()
}

// state is a group at one moment.
type state struct {
	lag           time.Duration
	pending, dead int64
}

// state asks Redis. The ids of entries are times of its clock; that ours is behind makes no lag
// below 0.
func (c *Consumer) state(ctx context.Context) (state, error) {
	var s state
	g, err := c.group(ctx)
	if err != nil {
		return s, err
	}
	s.pending = g.Pending
	oldest, err := c.oldest(ctx, g)
	if err != nil {
		return s, err
	}
	if oldest != "" {
		millis, _ := split(oldest)
		s.lag = max(0, time.Since(time.UnixMilli(int64(millis))))
	}
	s.dead, err = c.Redis.XLen(ctx, c.DeadLetter).Result()
	return s, err
}

func (c *Consumer) group(ctx context.Context) (redis.XInfoGroup, error) {
	groups, err := c.Redis.XInfoGroups(ctx, c.Stream).Result()
	if err != nil {
		return redis.XInfoGroup{}, err
	}
	for _, g := range groups {
		if g.Name == c.Group {
			return g, nil
		}
	}
	return redis.XInfoGroup{}, fmt.Errorf("stream %s has no group %s", c.Stream, c.Group)
}

// oldest returns the id of the oldest entry that is not acknowledged, "" for none. What was
// delivered and is pending is older than what was not delivered yet.
func (c *Consumer) oldest(ctx context.Context, g redis.XInfoGroup) (string, error) {
	if g.Pending > 0 {
		p, err := c.Redis.XPending(ctx, c.Stream, c.Group).Result()
		if err != nil {
			return "", err
		}
		if p.Count > 0 {
			return p.Lower, nil
		}
	}
	next, err := c.Redis.XRangeN(ctx, c.Stream, "("+g.LastDeliveredID, "+", 1).Result()
	if err != nil || len(next) == 0 {
		return "", err
	}
	return next[0].ID, nil
}
