package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/stream"
	"example.com/throughline/patterns/redelivery"
	"example.com/throughline/patterns/streammessage"
)

const (
	// destination is the stream of confirmed orders, as order declares it too.
	destination = "orders.placed"
	group       = "payment.settlement"
	// settled is the stream of settled payments, as its consumers declare it too.
	settled = "payments.settled"
	// maxDeliveries is how often a settlement is tried before it becomes a dead letter.
	maxDeliveries = 3
)

// settlement consumes orders.placed: it settles the payment of each confirmed order, in the
// trace of the request that confirmed it. What fails comes again, in a CONSUMER span of its own
// with the same parent and link; what fails for the third time becomes a dead letter, which keeps
// the context and can be replayed (deadletter.go).
type settlement struct {
	messages *stream.Consumer
	consumer streammessage.Consumer
	settler  settler
	meter    metric.Meter
	logger   *slog.Logger
}

func newSettlement(
	cfg Config, deps Deps, accounts *accounts, network *network,
) *settlement {
	return &settlement{
		messages: stream.New(deps.Redis, deps.Telemetry.Logger, redelivery.Reader{
			Stream: cfg.KeyPrefix + destination, Group: group, Consumer: cfg.Consumer,
			MaxDeliveries: maxDeliveries, MinIdle: cfg.RetryAfter,
		}),
		consumer: streammessage.Consumer{
			Tracer:     deps.Telemetry.TracerProvider.Tracer(scope),
			Propagator: deps.MessagePropagator, Group: group,
		},
		settler: newSettler(deps, accounts, network),
		meter:   deps.Telemetry.MeterProvider.Meter(scope),
		logger:  deps.Telemetry.Logger,
	}
}

func (s *settlement) run(ctx context.Context) error { return s.messages.Run(ctx, s.handle) }

// measure publishes lag and dead letters until ctx is done.
func (s *settlement) measure(ctx context.Context) error {
	return s.messages.Measure(ctx, s.meter, destination)
}

// handle works on one delivery, in one CONSUMER span.
func (s *settlement) handle(ctx context.Context, d redelivery.Delivery) error {
	err := s.consumer.Process(ctx, destination, d.Message, func(ctx context.Context) error {
		trace.SpanFromContext(ctx).SetAttributes(redelivery.Attributes(d)...)
		err := s.deliver(ctx, d)
		if err != nil && d.Count >= maxDeliveries {
			s.logger.ErrorContext(ctx, "message dead-lettered",
				string(semconv.MessagingMessageIDKey), d.Message.ID,
				string(redelivery.DeliveryCountKey), d.Count, "error", err)
			return errors.Join(err, s.messages.Bury(ctx, d, err.Error()))
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.messages.Ack(ctx, d)
}

// deliver settles the order that the message names. A message that can never be settled, however
// often it comes, is logged and done with.
func (s *settlement) deliver(ctx context.Context, d redelivery.Delivery) error {
	orderID, _ := d.Message.Values["order_id"].(string)
	if !id.Valid(orderID) {
		s.logger.ErrorContext(ctx, "message dropped", string(semconv.MessagingMessageIDKey), d.Message.ID,
			"error", fmt.Errorf("order_id %.64q: want 1 to 64 characters a-z, 0-9", orderID))
		return nil
	}
	trace.SpanFromContext(ctx).SetAttributes(
		shop.WorkflowID.String(orderID), shop.OrderID.String(orderID))
	err := s.settler.settle(ctx, orderID)
	if errors.Is(err, document.ErrNotFound) || errors.Is(err, errState) {
		s.logger.ErrorContext(ctx, "message dropped",
			string(semconv.MessagingMessageIDKey), d.Message.ID, "error", err)
		return nil
	}
	return err
}
