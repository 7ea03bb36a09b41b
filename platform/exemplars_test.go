package platform_test

import (
	"encoding/hex"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/shop"
)

// A slow bucket of the latency histogram names a quote that was slow: the exemplar's trace exists,
// and its span is the one that was measured.
func TestExemplarsNameSpansThatExist(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	r.quoted(t)
	r.quiesce(t)
	var seen int
	for _, e := range exemplarsOf(t, r, "pricing", shop.QuoteDuration) {
		traceID := hex.EncodeToString(e.TraceID)
		journey, err := r.store.Journey(t.Context(), []string{traceID})
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range journey.Spans {
			if span.SpanID == hex.EncodeToString(e.SpanID) && span.Name == "price order" {
				seen++
			}
		}
	}
	if seen != 1 {
		t.Errorf("got %d exemplars that name a span price order, want 1", seen)
	}
}

// A trace that was not sampled is nowhere, so no exemplar may name it.
func TestNoExemplarNamesATraceThatWasNotSampled(t *testing.T) {
	t.Parallel()
	r := start(t, redisAddr(t))
	a := r.callAt(t, "pricing", "POST", "/quotes",
		`{"order_id":"o1","items":[{"sku":"pen","qty":1}],"country":"DE","method":"standard"}`,
		"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	if a.status != 200 {
		t.Fatalf("got status %d, %v, want 200", a.status, a.body)
	}
	r.quiesce(t)
	if got := exemplarsOf(t, r, "pricing", shop.QuoteDuration); len(got) != 0 {
		t.Errorf("got exemplars %v, want none", got)
	}
}

// exemplarsOf returns the exemplars of a histogram, which must have exactly one measurement.
func exemplarsOf(
	t *testing.T, r *running, service, name string,
) []metricdata.Exemplar[float64] {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metricsOf[service].Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var exemplars []metricdata.Exemplar[float64]
	var count uint64
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if h, ok := m.Data.(metricdata.Histogram[float64]); ok && m.Name == name {
				for _, point := range h.DataPoints {
					count += point.Count
					exemplars = append(exemplars, point.Exemplars...)
				}
			}
		}
	}
	if count != 1 {
		t.Fatalf("%s has %d measurements, want 1", name, count)
	}
	return exemplars
}
