package payment

import (
	"context"
	"log/slog"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/spanerror"
)

// settler moves the money of captured payments, whoever asks: the consumer of confirmed orders
// (settlement.go) or the job (job.go).
type settler struct {
	accounts *accounts
	network  *network
	tracer   trace.Tracer
	logger   *slog.Logger
}

func newSettler(deps Deps, accounts *accounts, network *network) settler {
	return settler{
		accounts: accounts,
		network:  network,
		tracer:   deps.Telemetry.TracerProvider.Tracer(scope),
		logger:   deps.Telemetry.Logger,
	}
}

// settle settles one payment, in a span of its own. Idempotent: a payment that is settled stays
// so. An error is returned for the decision whether to try again; it is logged here, once.
func (s settler) settle(
	ctx context.Context, orderID string, opts ...trace.SpanStartOption,
) (err error) {
	ctx, span := s.tracer.Start(ctx, "settle payment", opts...)
	defer spanerror.End(span, &err, nil)
	if err := s.move(ctx, orderID); err != nil {
		s.logger.WarnContext(ctx, "payment not settled",
			"error", err, string(semconv.ErrorTypeKey), spanerror.Type(err))
		return err
	}
	return nil
}

func (s settler) move(ctx context.Context, orderID string) error {
	acc, err := s.accounts.attempt(ctx, orderID)
	if err != nil || acc.State == stateSettled {
		return err
	}
	if err := acquire(acc.CardToken, acc.Attempts); err != nil {
		return err
	}
	if err := s.accounts.settled(ctx, orderID); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "payment settled", string(shop.OrderID), orderID)
	s.network.submit(ctx, acc)
	return nil
}
