package audit

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// record adds the items of one span, log record or metric.
type record struct {
	Item // without field and text
	add  func(Item)
}

func (r record) text(field, text string) {
	if text != "" {
		r.Field, r.Text = field, text
		r.add(r.Item)
	}
}

func (r record) attributes(what string, m pcommon.Map) {
	for key, value := range m.All() {
		r.text(what+" key", key)
		r.value(what+" "+key, value)
	}
}

func (r record) value(field string, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		r.attributes(field, v.Map())
	case pcommon.ValueTypeSlice:
		for _, each := range v.Slice().All() {
			r.value(field, each)
		}
	case pcommon.ValueTypeBytes:
		r.text(field, string(v.Bytes().AsRaw()))
	default:
		r.text(field, v.AsString())
	}
}

func (r record) origin(res pcommon.Resource, schema string, scope pcommon.InstrumentationScope) {
	r.attributes("resource attribute", res.Attributes())
	r.text("schema URL", schema)
	r.text("scope name", scope.Name())
	r.text("scope version", scope.Version())
	r.attributes("scope attribute", scope.Attributes())
}

func serviceOf(res pcommon.Resource) string {
	if v, ok := res.Attributes().Get("service.name"); ok {
		return v.AsString()
	}
	return ""
}

// spans adds everything that spans have, and returns how many there are.
func spans(data ptrace.Traces, add func(Item)) int {
	for _, res := range data.ResourceSpans().All() {
		for _, scope := range res.ScopeSpans().All() {
			r := record{Item{Surface: "span", Service: serviceOf(res.Resource())}, add}
			r.origin(res.Resource(), res.SchemaUrl(), scope.Scope())
			for _, s := range scope.Spans().All() {
				r.Where = s.Name()
				r.span(s)
			}
		}
	}
	return data.SpanCount()
}

func (r record) span(s ptrace.Span) {
	r.text("name", s.Name())
	r.text("tracestate", s.TraceState().AsRaw())
	r.text("status", s.Status().Message())
	r.attributes("attribute", s.Attributes())
	for _, e := range s.Events().All() {
		r.text("event name", e.Name())
		r.attributes("event attribute", e.Attributes())
	}
	for _, l := range s.Links().All() {
		r.text("link tracestate", l.TraceState().AsRaw())
		r.attributes("link attribute", l.Attributes())
	}
}

// logs adds everything that log records have, and returns how many there are.
func logs(data plog.Logs, add func(Item)) int {
	for _, res := range data.ResourceLogs().All() {
		for _, scope := range res.ScopeLogs().All() {
			r := record{Item{Surface: "log", Service: serviceOf(res.Resource())}, add}
			r.origin(res.Resource(), res.SchemaUrl(), scope.Scope())
			for _, l := range scope.LogRecords().All() {
				if l.Body().Type() == pcommon.ValueTypeStr {
					r.Where = l.Body().Str()
				}
				r.value("body", l.Body())
				r.text("severity", l.SeverityText())
				r.text("event name", l.EventName())
				r.attributes("attribute", l.Attributes())
			}
		}
	}
	return data.LogRecordCount()
}

// metrics adds everything that metrics have but for their values, and returns how many points
// there are.
func metrics(data pmetric.Metrics, add func(Item)) int {
	for _, res := range data.ResourceMetrics().All() {
		for _, scope := range res.ScopeMetrics().All() {
			r := record{Item{Surface: "metric", Service: serviceOf(res.Resource())}, add}
			r.origin(res.Resource(), res.SchemaUrl(), scope.Scope())
			for _, m := range scope.Metrics().All() {
				r.Where = m.Name()
				r.text("name", m.Name())
				r.text("description", m.Description())
				r.text("unit", m.Unit())
				r.attributes("metadata", m.Metadata())
				r.points(m)
			}
		}
	}
	return data.DataPointCount()
}

func (r record) points(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			r.point(p.Attributes(), p.Exemplars())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			r.point(p.Attributes(), p.Exemplars())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			r.point(p.Attributes(), p.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			r.point(p.Attributes(), p.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			r.attributes("label", p.Attributes())
		}
	}
}

func (r record) point(labels pcommon.Map, exemplars pmetric.ExemplarSlice) {
	r.attributes("label", labels)
	for _, e := range exemplars.All() {
		r.attributes("exemplar attribute", e.FilteredAttributes())
	}
}
