package dashboards

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Set is a set of names.
type Set map[string]bool

// Names is what a run has produced.
type Names struct {
	// Series are metrics as Prometheus stores them, each with its labels.
	Series map[string]Set
	// Attributes are the attributes of traces, by scope: span, resource, link, event.
	Attributes map[string]Set
	// Logs are the labels and the structured metadata of log records in Loki.
	Logs Set

	promoted []string // attributes of the resource that are labels of every series
	strategy otlptranslator.TranslationStrategyOption
}

// NewNames returns names as a Prometheus with this translation strategy and these promoted
// attributes of the resource makes them (prometheus.yml, otlp).
func NewNames(strategy string, promoted []string) *Names {
	return &Names{
		Series: map[string]Set{}, Logs: Set{"trace_id": true, "span_id": true},
		Attributes: map[string]Set{"span": {}, "resource": {}, "link": {}, "event": {}},
		promoted:   promoted, strategy: otlptranslator.TranslationStrategyOption(strategy),
	}
}

// Traces adds spans.
func (n *Names) Traces(data ptrace.Traces) {
	for _, resource := range data.ResourceSpans().All() {
		add(n.Attributes["resource"], resource.Resource().Attributes())
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				add(n.Attributes["span"], span.Attributes())
				for _, link := range span.Links().All() {
					add(n.Attributes["link"], link.Attributes())
				}
				for _, event := range span.Events().All() {
					add(n.Attributes["event"], event.Attributes())
				}
			}
		}
	}
}

// LogRecords adds log records. Loki turns dots into underscores.
func (n *Names) LogRecords(data plog.Logs) {
	found := Set{}
	for _, resource := range data.ResourceLogs().All() {
		add(found, resource.Resource().Attributes())
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				add(found, record.Attributes())
			}
		}
	}
	for name := range found {
		n.Logs[strings.ReplaceAll(name, ".", "_")] = true
	}
}

// Metrics adds metrics, under the names that Prometheus's OTLP receiver gives them.
func (n *Names) Metrics(data pmetric.Metrics) error {
	for _, resource := range data.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, m := range scope.Metrics().All() {
				if err := n.metric(m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (n *Names) metric(m pmetric.Metric) error {
	kind, attributes := points(m)
	namer := otlptranslator.NewMetricNamer("", n.strategy)
	name, err := namer.Build(otlptranslator.Metric{Name: m.Name(), Unit: m.Unit(), Type: kind})
	if err != nil {
		return fmt.Errorf("metric %s: %w", m.Name(), err)
	}
	labels := Set{"job": true, "instance": true}
	for _, key := range n.promoted {
		attributes[key] = true
	}
	namerOf := otlptranslator.LabelNamer{UTF8Allowed: !n.strategy.ShouldEscape()}
	for key := range attributes {
		label, err := namerOf.Build(key)
		if err != nil {
			return fmt.Errorf("metric %s: attribute %s: %w", m.Name(), key, err)
		}
		labels[label] = true
	}
	if kind != otlptranslator.MetricTypeHistogram {
		n.series(name, labels)
		return nil
	}
	n.series(name+"_count", labels)
	n.series(name+"_sum", labels)
	labels = maps.Clone(labels)
	labels["le"] = true
	n.series(name+"_bucket", labels)
	return nil
}

func (n *Names) series(name string, labels Set) {
	if n.Series[name] == nil {
		n.Series[name] = Set{}
	}
	maps.Copy(n.Series[name], labels)
}

// Scraped adds the series of a text that was scraped (Prometheus text format 0.0.4), of one target.
func (n *Names) Scraped(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, found := strings.Cut(line, "{")
		labels := Set{"job": true, "instance": true}
		if !found {
			name, _, _ = strings.Cut(line, " ")
		}
		for pair := range strings.SplitSeq(rest, ",") {
			if label, _, ok := strings.Cut(pair, `="`); ok {
				labels[label] = true
			}
		}
		n.series(name, labels)
	}
	return lines.Err()
}

// points returns the type of a metric, and the attributes of all of its points.
func points(m pmetric.Metric) (kind otlptranslator.MetricType, all Set) {
	all = Set{}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			add(all, p.Attributes())
		}
		return otlptranslator.MetricTypeGauge, all
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			add(all, p.Attributes())
		}
		if m.Sum().IsMonotonic() {
			return otlptranslator.MetricTypeMonotonicCounter, all
		}
		return otlptranslator.MetricTypeNonMonotonicCounter, all
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			add(all, p.Attributes())
		}
		return otlptranslator.MetricTypeHistogram, all
	}
	return otlptranslator.MetricTypeUnknown, all
}

func add(to Set, attributes pcommon.Map) {
	for key := range attributes.All() {
		to[key] = true
	}
}
