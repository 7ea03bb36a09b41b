package order

import (
	"context"
	"maps"
	"strconv"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/stream"
	"example.com/throughline/patterns/outbox"
	"example.com/throughline/patterns/redelivery"
)

const (
	// destination is the stream of confirmed orders, as its consumers declare it too.
	destination = "orders.placed"
	// outboxKey is the stream in which order keeps what it has yet to send.
	outboxKey = "orders.outbox"
)

// placed sends confirmed orders to whom they concern, by way of an outbox: state and event are
// written in one transaction, so there is no order without its message and no message without
// its order, whatever dies in between. The event keeps the context of the request that caused it.
type placed struct {
	propagator propagation.TextMapPropagator
	relay      outbox.Relay
	pending    *stream.Consumer // of the outbox
	stream     string           // key of the stream
	// touched keeps the index of open checkouts in step.
	touched func(context.Context, redis.Cmdable, Order)
}

// confirm changes the order's state and appends the event.
func (p placed) confirm(
	ctx context.Context, orders document.Collection[Order], o Order,
) (Order, error) {
	event := map[string]any{
		"order_id": o.ID,
		"amount":   strconv.FormatInt(o.Quote.Total, 10),
		"currency": o.Quote.Currency,
	}
	for field, value := range outbox.Capture(ctx, p.propagator) {
		event[field] = value
	}
	return orders.Update(ctx, o.ID, func(now *Order, also redis.Pipeliner) error {
		if err := now.confirm(); err != nil {
			return err
		}
		also.XAdd(ctx, &redis.XAddArgs{Stream: p.pending.Stream, Values: event})
		p.touched(ctx, also, *now)
		return nil
	})
}

// run relays the outbox until ctx is done.
func (p placed) run(ctx context.Context) error { return p.pending.Run(ctx, p.dispatch) }

// dispatch sends one event. The message continues the trace of its request; the relay's own span
// is a root that links there. Sending and removing are one transaction: an event whose relay dies
// is sent by the next, once.
func (p placed) dispatch(ctx context.Context, d redelivery.Delivery) error {
	event := p.event(d.Message)
	return p.relay.Run(ctx, []outbox.Event{event}, func(
		ctx context.Context, event outbox.Event,
	) error {
		return p.relay.Dispatch(ctx, destination, event, func(
			ctx context.Context, fields map[string]any,
		) (string, error) {
			var added *redis.StringCmd
			_, err := p.pending.Redis.TxPipelined(ctx, func(tx redis.Pipeliner) error {
				added = tx.XAdd(ctx, &redis.XAddArgs{
					Stream: p.stream, MaxLen: 100_000, Approx: true, Values: fields,
				})
				tx.XAck(ctx, p.pending.Stream, p.pending.Group, event.ID)
				tx.XDel(ctx, p.pending.Stream, event.ID)
				return nil
			})
			if err != nil {
				return "", err
			}
			return added.Val(), nil
		})
	})
}

// event takes an entry of the outbox apart: the captured context, and the message itself.
func (p placed) event(msg redis.XMessage) outbox.Event {
	event := outbox.Event{
		ID: msg.ID, Context: map[string]string{}, Fields: maps.Clone(msg.Values),
	}
	for _, field := range p.propagator.Fields() {
		if value, ok := msg.Values[field].(string); ok {
			event.Context[field] = value
		}
		delete(event.Fields, field)
	}
	return event
}
