package order

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/catalogue"
	"example.com/throughline/internal/problem"
	"example.com/throughline/patterns/replay"
	"example.com/throughline/patterns/spancontextpayload"
)

// reserveScript takes the stock of all items or of none, once per order: a second call for the
// same order changes nothing. KEYS: the reservation, then one stock key an item. ARGV: the
// reservation's lifetime in seconds, then quantity and opening stock of each item. It returns
// the index of the first item that is short, or 0.
const reserveScript = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do
  local have = tonumber(redis.call('GET', KEYS[i]) or ARGV[2 * i - 1])
  if have < tonumber(ARGV[2 * i - 2]) then return i - 1 end
end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'NX')
  redis.call('DECRBY', KEYS[i], ARGV[2 * i - 2])
  redis.call('HSET', KEYS[1], KEYS[i], ARGV[2 * i - 2])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 0`

// releaseScript gives a reservation back, once. KEYS: the reservation.
const releaseScript = `
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  redis.call('INCRBY', held[i], held[i + 1])
end
return redis.call('DEL', KEYS[1])`

// stock is what the warehouse has, in Redis.
type stock struct {
	redis  *redis.Client
	prefix string
}

// check refuses items that are not sold or not there in that number. It reserves nothing: that
// is for the payment turn.
func (s stock) check(ctx context.Context, items []Item) error {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = s.key(item.SKU)
	}
	have, err := s.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return unavailable("stock", err)
	}
	for i, item := range items {
		product, ok := catalogue.Find(item.SKU)
		if !ok {
			return problem.New(422, "unknown-sku", "items[%d].sku %.64q: not in the catalogue",
				i, item.SKU)
		}
		left := product.Stock
		if text, ok := have[i].(string); ok {
			_, _ = fmt.Sscan(text, &left)
		}
		if left < item.Qty {
			return outOfStock(item)
		}
	}
	return nil
}

// reserve takes the stock of an order, all of it or none. Idempotent.
func (s stock) reserve(ctx context.Context, o Order) error {
	keys := []string{s.reservation(o.ID)}
	args := []any{int64((30 * 24 * time.Hour).Seconds())}
	for _, item := range o.Items {
		product, _ := catalogue.Find(item.SKU)
		keys = append(keys, s.key(item.SKU))
		args = append(args, item.Qty, product.Stock)
	}
	short, err := eval(ctx, s.redis, reserveScript, keys, args...)
	if err != nil {
		return unavailable("stock", err)
	}
	if short > 0 {
		return outOfStock(o.Items[short-1])
	}
	return nil
}

// release gives the stock of an order back. Idempotent.
func (s stock) release(ctx context.Context, orderID string) error {
	if _, err := eval(ctx, s.redis, releaseScript, []string{s.reservation(orderID)}); err != nil {
		return unavailable("stock", err)
	}
	return nil
}

func (s stock) key(sku string) string        { return s.prefix + "stock:" + sku }
func (s stock) reservation(id string) string { return s.prefix + "reservation:" + id }

// eval runs a script by its text: one round trip, and no state in Redis that a restart loses.
func eval(
	ctx context.Context, client *redis.Client, script string, keys []string, args ...any,
) (int, error) {
	return client.Eval(ctx, strings.TrimSpace(script), keys, args...).Int()
}

func outOfStock(item Item) error {
	return problem.New(409, "out-of-stock", "%s: fewer than %d left", item.SKU, item.Qty)
}

// unavailable is the 503 of a state store that cannot be reached.
func unavailable(what string, err error) error {
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return err
	}
	return problem.New(503, "unavailable", "%s cannot be reached, try again", what).Because(err)
}

// take is reserve in a span of its own, which a later trace can link to when it gives back what
// was taken. That there is too little is an answer, and no error of the span's.
func (s stock) take(
	ctx context.Context, tracer trace.Tracer, o Order,
) (*spancontextpayload.SpanContext, error) {
	ctx, span := tracer.Start(ctx, "reserve stock")
	defer span.End()
	if err := s.reserve(ctx, o); err != nil {
		failed(span, err)
		return nil, err
	}
	reserved := spancontextpayload.Encode(ctx)
	return &reserved, nil
}

// giveBack is release in a span that compensates the one that reserved.
func (s stock) giveBack(ctx context.Context, tracer trace.Tracer, o Order) error {
	var reserved trace.SpanContext
	if o.Reserved != nil {
		reserved, _ = o.Reserved.Decode() // without one there is no link
	}
	ctx, span := replay.Compensate(ctx, tracer, "release stock", reserved)
	defer span.End()
	err := s.release(ctx, o.ID)
	failed(span, err)
	return err
}

// failed marks a span whose work could not be done. A refusal is none.
func failed(span trace.Span, err error) {
	if err != nil && problem.From(err).Status >= 500 {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String("state_store_unavailable"))
	}
}

// lock lets one payment of an order run at a time: a decline of one card must not give back the
// stock that another card is about to pay for. The lock ends by itself if its holder dies.
func (s stock) lock(ctx context.Context, orderID string) (unlock func(), err error) {
	key := s.prefix + "paying:" + orderID
	err = s.redis.SetArgs(ctx, key, 1, redis.SetArgs{Mode: "NX", TTL: 10 * time.Second}).Err()
	if errors.Is(err, redis.Nil) {
		return nil, problem.New(409, "conflict", "order %s: a payment is under way", orderID)
	}
	if err != nil {
		return nil, unavailable("order state", err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		// An error leaves the lock to its TTL.
		_ = s.redis.Del(ctx, key).Err()
	}, nil
}
