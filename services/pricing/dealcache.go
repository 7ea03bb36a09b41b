package pricing

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/patterns/events"
)

// maxDeals bounds the deals that are kept in memory.
const maxDeals = 1024

// dealCache keeps negotiations that are closed: those never change again, so it needs no expiry.
// The zero value is empty. It is safe for concurrent use.
type dealCache struct {
	mu    sync.Mutex
	deals map[string]Negotiation
}

// get looks a deal up. Whether it was there is a moment in the caller's span: as a span of its
// own it would have no duration, and a hit is worth knowing just where one asks why a quote was
// slow.
func (c *dealCache) get(ctx context.Context, dealID string) (Negotiation, bool) {
	c.mu.Lock()
	deal, ok := c.deals[dealID]
	c.mu.Unlock()
	name := shop.EventCacheMiss
	if ok {
		name = shop.EventCacheHit
	}
	events.Moment{
		Name:       name,
		Attributes: []attribute.KeyValue{shop.CacheName.String("deals")},
	}.AddTo(trace.SpanFromContext(ctx))
	return deal, ok
}

func (c *dealCache) put(deal Negotiation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deals == nil || len(c.deals) >= maxDeals {
		c.deals = make(map[string]Negotiation)
	}
	c.deals[deal.ID] = deal
}
