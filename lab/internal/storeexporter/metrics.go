package storeexporter

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"example.com/throughline/internal/tracetree"
)

// Points returns the time series of all histograms and of all counters of whole
// numbers in data. The other kinds have no exemplars that anybody asks for.
func Points(data pmetric.Metrics) []tracetree.Point {
	var points []tracetree.Point
	for _, resource := range data.ResourceMetrics().All() {
		service, instance := sender(resource.Resource())
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				for _, p := range series(metric) {
					p.Service, p.Instance, p.Metric = service, instance, metric.Name()
					points = append(points, p)
				}
			}
		}
	}
	return points
}

func series(metric pmetric.Metric) []tracetree.Point {
	var points []tracetree.Point
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			points = append(points, tracetree.Point{Attributes: attributes(p.Attributes()),
				Count: int64(p.Count()), Exemplars: exemplars(p.Exemplars())})
		}
	case pmetric.MetricTypeSum:
		for _, p := range metric.Sum().DataPoints().All() {
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				points = append(points, tracetree.Point{
					Attributes: attributes(p.Attributes()), Count: p.IntValue()})
			}
		}
	}
	return points
}

func exemplars(from pmetric.ExemplarSlice) []tracetree.Exemplar {
	var all []tracetree.Exemplar
	for _, e := range from.All() {
		if e.TraceID() != (pcommon.TraceID{}) {
			all = append(all, tracetree.Exemplar{
				TraceID: e.TraceID().String(), SpanID: e.SpanID().String()})
		}
	}
	return all
}
