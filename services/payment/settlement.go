package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/document"
	"example.com/throughline/internal/id"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/stream"
	"example.com/throughline/patterns/streammessage"
)

const (
	// destination is the stream of confirmed orders, as order declares it too.
	destination = "orders.placed"
	group       = "payment.settlement"
	// settled is the stream of settled payments, as its consumers declare it too.
	settled = "payments.settled"
)

// settlement consumes orders.placed: it settles the payment of each confirmed order, in the
// trace of the request that confirmed it.
type settlement struct {
	messages stream.Consumer
	consumer streammessage.Consumer
	accounts *accounts
	tracer   trace.Tracer
	logger   *slog.Logger
}

func newSettlement(cfg Config, deps Deps, accounts *accounts) *settlement {
	tracer := deps.Telemetry.TracerProvider.Tracer(scope)
	return &settlement{
		messages: stream.Consumer{
			Client: deps.Redis, Key: cfg.KeyPrefix + destination, Group: group,
			Name: cfg.Consumer, Logger: deps.Telemetry.Logger,
		},
		consumer: streammessage.Consumer{
			Tracer: tracer, Propagator: deps.MessagePropagator, Group: group,
		},
		accounts: accounts,
		tracer:   tracer,
		logger:   deps.Telemetry.Logger,
	}
}

func (s *settlement) run(ctx context.Context) error { return s.messages.Run(ctx, s.handle) }

// handle settles one message and acknowledges it.
func (s *settlement) handle(ctx context.Context, msg redis.XMessage) error {
	err := s.consumer.Process(ctx, destination, msg, func(ctx context.Context) error {
		return s.settle(ctx, msg)
	})
	if err != nil {
		return err
	}
	return s.messages.Ack(ctx, msg)
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
	err = s.accounts.settle(ctx, orderID)
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
