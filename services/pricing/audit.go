package pricing

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/underroot"
)

// auditFrom is the discount from which a quote is audited, in minor units.
const auditFrom = 100_00

// audits writes down who was given a large discount. Nobody waits for it, and it is about the
// order as a whole, so that its span is attached to the root of the trace and not to the quote,
// which would have ended before.
type audits struct {
	redis  *redis.Client
	prefix string
	work   *inflight.Tracker
	tracer trace.Tracer
	logger *slog.Logger
}

// entry is one line of the audit trail of an order.
type entry struct {
	Time     time.Time `json:"time"`
	Code     string    `json:"code"`
	Discount int64     `json:"discount"`
	Total    int64     `json:"total"`
}

// submit audits a quote in the background, if its discount is large. The span starts here, where
// the caller is known.
func (a audits) submit(ctx context.Context, req QuoteRequest, quote Quote) {
	if quote.Discount < auditFrom {
		return
	}
	e := entry{
		Time: time.Now().UTC(), Code: req.DiscountCode,
		Discount: quote.Discount, Total: quote.Total,
	}
	ctx, span := underroot.Start(ctx, a.tracer, "audit price", trace.WithAttributes(
		shop.WorkflowID.String(req.OrderID), shop.OrderID.String(req.OrderID)))
	a.work.Go(ctx, context.WithoutCancel(ctx), func(ctx context.Context) {
		defer span.End()
		if err := a.write(ctx, req.OrderID, e); err != nil {
			span.SetStatus(codes.Error, "audit not written")
			span.SetAttributes(semconv.ErrorTypeKey.String("state_store_unavailable"))
			a.logger.ErrorContext(ctx, "audit not written", "error", err)
			return
		}
		a.logger.InfoContext(ctx, "price audited",
			string(shop.OrderID), req.OrderID, string(shop.Discount), e.Discount)
	})
}

func (a audits) write(ctx context.Context, orderID string, e entry) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = a.redis.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.RPush(ctx, a.prefix+orderID, line)
		tx.Expire(ctx, a.prefix+orderID, 30*24*time.Hour)
		return nil
	})
	return err
}
