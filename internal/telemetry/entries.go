package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
)

// entries counts what shows from inside of a service how propagation to it goes: which of its
// SERVER and CONSUMER spans have the parent or the link that a caller should have given them, and
// which kinds of links its spans have. A count needs no backend that has kept every trace.
type entries struct {
	spans, links metric.Int64Counter
}

func newEntries(mp metric.MeterProvider) (*entries, error) {
	meter := mp.Meter(scope + "/internal/telemetry")
	spans, err1 := meter.Int64Counter(shop.EntrySpans{}.Name(),
		metric.WithUnit(shop.EntrySpans{}.Unit()),
		metric.WithDescription("SERVER and CONSUMER spans that ended, by what they go on from."))
	links, err2 := meter.Int64Counter(shop.SpanLinks{}.Name(),
		metric.WithUnit(shop.SpanLinks{}.Unit()),
		metric.WithDescription("Links of spans that ended, by what they mean."))
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("metrics of entry spans: %w", err)
	}
	e := &entries{spans: spans, links: links}
	// From 0 on, so that the first orphan is an increase.
	e.count(context.Background(), 0, "server", shop.OriginNone)
	e.count(context.Background(), 0, "consumer", shop.OriginNone)
	return e, nil
}

func (e *entries) count(ctx context.Context, n int64, kind, origin string) {
	e.spans.Add(ctx, n, metric.WithAttributes(
		shop.EntryKind.String(kind), shop.EntryOrigin.String(origin)))
}

func (*entries) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd counts at the end, when all links are there: the edge adds its own to a span of otelhttp,
// which takes none at the start. The context is for the exemplar, the way from an orphan that was
// counted to its trace.
func (e *entries) OnEnd(s sdktrace.ReadOnlySpan) {
	ctx := trace.ContextWithSpanContext(context.Background(), s.SpanContext())
	for _, link := range s.Links() {
		for _, kv := range link.Attributes {
			if kv.Key == shop.LinkType {
				e.links.Add(ctx, 1, metric.WithAttributes(kv))
			}
		}
	}
	switch s.SpanKind() {
	case trace.SpanKindServer:
		e.count(ctx, 1, "server", origin(s))
	case trace.SpanKindConsumer:
		e.count(ctx, 1, "consumer", origin(s))
	}
}

func origin(s sdktrace.ReadOnlySpan) string {
	switch {
	case s.Parent().IsRemote():
		return shop.OriginRemote
	case s.Parent().IsValid():
		return shop.OriginLocal
	case len(s.Links()) > 0:
		return shop.OriginLinked
	}
	return shop.OriginNone
}

func (*entries) ForceFlush(context.Context) error { return nil }
func (*entries) Shutdown(context.Context) error   { return nil }
