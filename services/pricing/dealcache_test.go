package pricing

import (
	"strconv"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestTheDealCacheIsBounded(t *testing.T) {
	t.Parallel()
	cache := &dealCache{}
	for i := range 3 * maxDeals {
		cache.put(Negotiation{ID: strconv.Itoa(i)})
		if len(cache.deals) > maxDeals {
			t.Fatalf("after %d deals: %d are kept, want at most %d", i+1, len(cache.deals), maxDeals)
		}
	}
	last := strconv.Itoa(3*maxDeals - 1)
	if deal, ok := cache.get(t.Context(), last); !ok || deal.ID != last {
		t.Errorf("get %s = %v, %v, want what was put last", last, deal, ok)
	}
}

func TestLookupsAreEventsOfTheCallersSpan(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	ctx, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "price order")
	cache := &dealCache{}
	_, before := cache.get(ctx, "d1")
	cache.put(Negotiation{ID: "d1"})
	_, after := cache.get(ctx, "d1")
	// Outside of any span a lookup is a lookup all the same.
	_, outside := cache.get(trace.ContextWithSpan(ctx, nil), "d1")
	span.End()
	if before || !after || !outside {
		t.Errorf("found: %v, then %v, outside %v, want false, true, true", before, after, outside)
	}
	var names []string
	for _, e := range tel.Span("price order").Events {
		names = append(names, e.Name)
	}
	if len(names) != 2 || names[0] != shop.EventCacheMiss || names[1] != shop.EventCacheHit {
		t.Errorf("events %q, want a miss, then a hit", names)
	}
}
