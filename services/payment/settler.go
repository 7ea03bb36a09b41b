package payment

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
)

// settler moves the money of captured payments, whoever asks: the consumer of confirmed orders
// (settlement.go) or the job (job.go).
type settler struct {
	accounts *accounts
	tracer   trace.Tracer
	logger   *slog.Logger
}

func newSettler(deps Deps, accounts *accounts) settler {
	return settler{
		accounts: accounts,
		tracer:   deps.Telemetry.TracerProvider.Tracer(scope),
		logger:   deps.Telemetry.Logger,
	}
}

// settle settles one payment, in a span of its own. Idempotent: a payment that is settled stays
// so.
func (s settler) settle(
	ctx context.Context, orderID string, opts ...trace.SpanStartOption,
) (err error) {
	ctx, span := s.tracer.Start(ctx, "settle payment", opts...)
	defer func() {
		if err != nil {
			span.SetStatus(codes.Error, "")
			span.SetAttributes(semconv.ErrorType(err))
		}
		span.End()
	}()
	acc, err := s.accounts.attempt(ctx, orderID)
	if err != nil || acc.State == stateSettled {
		return err
	}
	if err := acquire(acc.CardToken, acc.Attempts); err != nil {
		s.logger.WarnContext(ctx, "payment not settled", "error", err)
		return err
	}
	if err := s.accounts.settled(ctx, orderID); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "payment settled", string(shop.OrderID), orderID)
	return nil
}
