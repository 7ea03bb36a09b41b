package order

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"example.com/throughline/internal/document"
	"example.com/throughline/patterns/streammessage"
)

// destination is the stream of confirmed orders, as its consumers declare it too.
const destination = "orders.placed"

// placed sends confirmed orders to whom they concern.
type placed struct {
	producer streammessage.Producer
	stream   string // key of the stream
}

// send confirms the order and appends the message in one transaction: there is no order without
// its message, and no message without its order.
func (p placed) send(
	ctx context.Context, orders document.Collection[Order], o Order,
) (confirmed Order, err error) {
	fields := map[string]any{
		"order_id": o.ID,
		"amount":   strconv.FormatInt(o.Quote.Total, 10),
		"currency": o.Quote.Currency,
	}
	add := func(ctx context.Context, fields map[string]any) (string, error) {
		var added *redis.StringCmd
		step := func(now *Order, also redis.Pipeliner) error {
			added = also.XAdd(ctx, &redis.XAddArgs{
				Stream: p.stream, MaxLen: 100_000, Approx: true, Values: fields,
			})
			return now.confirm()
		}
		if confirmed, err = orders.Update(ctx, o.ID, step); err != nil {
			return "", err
		}
		return added.Val(), nil
	}
	err = p.producer.Send(ctx, destination, fields, add)
	return confirmed, err
}
