package order

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/inflight"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/shop"
)

// Receipt is what a customer may print.
type Receipt struct {
	OrderID string `json:"order_id"`
	Text    string `json:"text"`
}

// receipts writes the receipt of each order in the background, after its request is answered.
type receipts struct {
	redis   *redis.Client
	prefix  string
	tracer  trace.Tracer
	logger  *slog.Logger
	work    *inflight.Tracker
	handoff func(context.Context) context.Context
}

// submit hands the work to a goroutine. The hand-off decides what the goroutine's context keeps
// of the request's: its trace, but not its cancellation.
func (r receipts) submit(ctx context.Context, o Order) {
	r.work.Go(ctx, r.handoff(ctx), func(ctx context.Context) { r.write(ctx, o) })
}

func (r receipts) write(ctx context.Context, o Order) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ctx, span := r.tracer.Start(ctx, "write receipt", trace.WithAttributes(
		shop.WorkflowID.String(o.ID), shop.OrderID.String(o.ID)))
	defer span.End()
	err := r.redis.Set(ctx, r.prefix+o.ID, render(o), 30*24*time.Hour).Err()
	if err != nil {
		span.SetStatus(codes.Error, "receipt not written")
		span.SetAttributes(semconv.ErrorTypeKey.String("state_store_unavailable"))
		r.logger.ErrorContext(ctx, "receipt not written", "error", err)
		return
	}
	r.logger.InfoContext(ctx, "receipt written", string(shop.OrderID), o.ID)
}

func (r receipts) read(ctx context.Context, orderID string) (string, error) {
	text, err := r.redis.Get(ctx, r.prefix+orderID).Result()
	if errors.Is(err, redis.Nil) {
		return "", problem.New(404, "no-receipt", "order %s: no receipt yet", orderID)
	}
	if err != nil {
		return "", unavailable("receipts", err)
	}
	return text, nil
}

func render(o Order) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Receipt for order %s\n\n", o.ID)
	for _, item := range o.Items {
		fmt.Fprintf(&b, "%5d x %s\n", item.Qty, item.SKU)
	}
	q := o.Quote
	for _, line := range []struct {
		name   string
		amount int64
	}{
		{"net", q.Net}, {"discount", -q.Discount}, {"shipping", q.Shipping},
		{"tax", q.Tax}, {"total", q.Total},
	} {
		fmt.Fprintf(&b, "%-10s %12s %s\n", line.name, money(line.amount), q.Currency)
	}
	return b.String()
}

// money prints an amount in minor units of a currency with two decimals.
func money(amount int64) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	return fmt.Sprintf("%s%d.%02d", sign, amount/100, amount%100)
}
