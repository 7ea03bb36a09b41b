package storeexporter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"example.com/throughline/internal/tracetree"
)

func TestPoints(t *testing.T) {
	t.Parallel()
	data := pmetric.NewMetrics()
	resource := data.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "pricing")
	resource.Resource().Attributes().PutStr("service.instance.id", "p-1")
	metrics := resource.ScopeMetrics().AppendEmpty().Metrics()

	latency := metrics.AppendEmpty()
	latency.SetName("shop.quote.duration")
	point := latency.SetEmptyHistogram().DataPoints().AppendEmpty()
	point.SetCount(3)
	point.Attributes().PutStr("kind", "express")
	exemplar := point.Exemplars().AppendEmpty()
	exemplar.SetTraceID(pcommon.TraceID{1})
	exemplar.SetSpanID(pcommon.SpanID{2})
	point.Exemplars().AppendEmpty() // of a measurement outside of any span

	exported := metrics.AppendEmpty()
	exported.SetName("otel.sdk.exporter.span.exported")
	exported.SetEmptySum().DataPoints().AppendEmpty().SetIntValue(7)
	other := metrics.AppendEmpty()
	other.SetName("other")
	other.SetEmptySum().DataPoints().AppendEmpty().SetDoubleValue(7)
	metrics.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(1)

	want := []tracetree.Point{
		{Service: "pricing", Instance: "p-1", Metric: "shop.quote.duration", Count: 3,
			Attributes: map[string]any{"kind": "express"},
			Exemplars: []tracetree.Exemplar{{TraceID: "01000000000000000000000000000000",
				SpanID: "0200000000000000"}}},
		{Service: "pricing", Instance: "p-1", Metric: "otel.sdk.exporter.span.exported", Count: 7},
	}
	if diff := cmp.Diff(want, Points(data)); diff != "" {
		t.Error(diff)
	}
}
