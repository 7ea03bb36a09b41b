package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Idle returns when the group has acknowledged every message that was on the stream when it was
// called, and the handlers of this process that did so have returned. Later messages do not delay
// it.
func (c *Consumer) Idle(ctx context.Context) error {
	last, err := c.Redis.XRevRangeN(ctx, c.Stream, "+", "-", 1).Result()
	if err != nil {
		return err
	}
	if len(last) == 0 { // a message may have been removed by the handler that is still at work
		return c.busy.Wait(ctx)
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := c.acknowledged(ctx, last[0].ID)
		if err != nil {
			return err
		}
		if done {
			return c.busy.Wait(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("messages up to %s for %s: %w", last[0].ID, c.Group, ctx.Err())
		case <-tick.C:
		}
	}
}

// acknowledged reports whether the group has read up to the entry and holds nothing pending up
// to it.
func (c *Consumer) acknowledged(ctx context.Context, entry string) (bool, error) {
	groups, err := c.Redis.XInfoGroups(ctx, c.Stream).Result()
	if err != nil {
		return false, err
	}
	for _, g := range groups {
		if g.Name != c.Group || before(g.LastDeliveredID, entry) {
			continue
		}
		pending, err := c.Redis.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: c.Stream, Group: c.Group, Start: "-", End: entry, Count: 1,
		}).Result()
		if errors.Is(err, redis.Nil) {
			return true, nil
		}
		return err == nil && len(pending) == 0, err
	}
	return false, nil
}

// before reports whether the entry id a, "milliseconds-sequence", comes before b.
func before(a, b string) bool {
	am, as := split(a)
	bm, bs := split(b)
	return am < bm || am == bm && as < bs
}

func split(entry string) (millis, seq uint64) {
	head, tail, _ := strings.Cut(entry, "-")
	millis, _ = strconv.ParseUint(head, 10, 64)
	seq, _ = strconv.ParseUint(tail, 10, 64)
	return millis, seq
}
