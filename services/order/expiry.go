package order

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/sweep"
)

// expiry ends the checkouts that nobody came back to. One run is one trace: an INTERNAL root with
// a link to every checkout that it touched, since a timer has many causes and no parent. Between
// two runs there is no span.
type expiry struct {
	redis  *redis.Client
	open   string // key of the sorted set of open checkouts, by the time of their last turn
	orders document.Collection[Order]
	sweep  sweep.Sweeper
	tracer trace.Tracer
	stock  stock
	after  time.Duration
	logger *slog.Logger
}

// touched remembers when an open checkout had its last turn, and forgets one that is not open any
// more. It belongs to the transaction of the turn.
func (e expiry) touched(ctx context.Context, on redis.Cmdable, o Order) {
	if o.abandonable() {
		on.ZAdd(ctx, e.open, redis.Z{Score: float64(time.Now().UnixMilli()), Member: o.ID})
		return
	}
	on.ZRem(ctx, e.open, o.ID)
}

// run is a job. The parameter idle says for how long a checkout must have been left alone, as a
// Go duration; without it the configuration does.
func (e expiry) run(ctx context.Context, parameters url.Values) (any, error) {
	after := e.after
	if text := parameters.Get("idle"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return nil, problem.New(422, "invalid-parameter",
				"idle %.32q: want a duration such as 30m", text)
		}
		after = d
	}
	expired := 0
	find := func(ctx context.Context) ([]sweep.Item, error) { return e.find(ctx, after) }
	err := e.sweep.RunOnce(ctx, "expire checkouts", find,
		func(ctx context.Context, item sweep.Item) error {
			done, err := e.expire(ctx, item.ID)
			if done {
				expired++
			}
			return err
		})
	return map[string]int{"expired": expired}, err
}

// find returns 100 abandoned checkouts at most, the oldest first, with the span of their last
// turn.
func (e expiry) find(ctx context.Context, after time.Duration) ([]sweep.Item, error) {
	until := time.Now().Add(-after).UnixMilli()
	ids, err := e.redis.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: e.open, Start: "-inf", Stop: strconv.FormatInt(until, 10), ByScore: true, Count: 100,
	}).Result()
	if err != nil {
		return nil, fmt.Errorf("find abandoned checkouts: %w", err)
	}
	var items []sweep.Item
	for _, id := range ids {
		o, err := e.orders.Get(ctx, id)
		if errors.Is(err, document.ErrNotFound) {
			e.redis.ZRem(ctx, e.open, id) // gone by its TTL
			continue
		}
		if err != nil {
			return nil, err
		}
		lastTurn, _ := o.LastTurn.Decode() // without one there is no link
		items = append(items, sweep.Item{ID: id, Context: lastTurn})
	}
	return items, nil
}

// expire ends one checkout, unless somebody came back to it meanwhile.
func (e expiry) expire(ctx context.Context, orderID string) (done bool, err error) {
	o, err := e.orders.Update(ctx, orderID, func(o *Order, also redis.Pipeliner) error {
		done = o.abandonable()
		if done {
			o.State = Expired
		}
		e.touched(ctx, also, *o)
		return nil
	})
	if err != nil || !done {
		return false, err
	}
	e.logger.InfoContext(ctx, "checkout expired", string(shop.OrderID), orderID)
	if o.Reserved == nil {
		return true, nil
	}
	return true, e.stock.giveBack(ctx, e.tracer, o)
}
