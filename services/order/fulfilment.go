package order

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/stream"
	"example.com/throughline/patterns/batchconsumer"
)

// settled is the stream of settled payments, as payment declares it too.
const settled = "payments.settled"

// fulfilment packs what is paid for, a batch at a time: one span for the batch, with a link to
// every message in it, while the work on each order continues the order's own trace.
type fulfilment struct {
	messages *stream.Consumer
	batches  batchconsumer.Consumer
	orders   document.Collection[Order]
	logger   *slog.Logger
}

// run works on one batch. It is a job: a timer runs it, or an operator.
func (f fulfilment) run(ctx context.Context, _ url.Values) (any, error) {
	deliveries, err := f.messages.Batch(ctx)
	if err != nil {
		return nil, err
	}
	messages := make([]redis.XMessage, len(deliveries))
	for i, d := range deliveries {
		messages[i] = d.Message
	}
	done := map[string]int{"fulfilled": 0, "failed": 0}
	for i, err := range f.batches.Process(ctx, settled, messages, f.fulfil) {
		if err == nil {
			err = f.messages.Ack(ctx, deliveries[i])
		}
		if err != nil {
			f.logger.ErrorContext(ctx, "order not fulfilled",
				string(semconv.MessagingMessageIDKey), messages[i].ID, "error", err)
			done["failed"]++
			continue
		}
		done["fulfilled"]++
	}
	return done, nil
}

// fulfil packs one order. Idempotent, for a message may come again.
func (f fulfilment) fulfil(ctx context.Context, msg redis.XMessage) error {
	orderID, _ := msg.Values["order_id"].(string)
	if !id.Valid(orderID) {
		return fmt.Errorf("order_id %.64q: want 1 to 64 characters a-z, 0-9", orderID)
	}
	ctx, span := f.batches.Start(ctx, "fulfil order",
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))
	defer span.End()
	_, err := f.orders.Update(ctx, orderID, func(o *Order, _ redis.Pipeliner) error {
		return o.fulfil()
	})
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorType(err))
		return err
	}
	f.logger.InfoContext(ctx, "order fulfilled", string(shop.OrderID), orderID)
	return nil
}
