package naming

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Checker collects what is wrong with the telemetry that it is given.
type Checker struct {
	Vocabulary *Vocabulary
	// Allowed are names outside of the vocabulary, each with the reason.
	Allowed map[string]string

	found map[string]int
	used  map[string]bool
	spans int
}

// Violations returns what is wrong, each once with how often it was seen, sorted; and what is
// allowed although nothing has needed it.
func (c *Checker) Violations() []string {
	var all []string
	for text, n := range c.found {
		all = append(all, fmt.Sprintf("%s (%d times)", text, n))
	}
	if c.spans > 0 {
		for name, reason := range c.Allowed {
			if !c.used[name] {
				all = append(all, fmt.Sprintf("allowed, but not seen any more: %s (%s)", name, reason))
			}
		}
	}
	slices.Sort(all)
	return all
}

func (c *Checker) report(format string, args ...any) {
	if c.found == nil {
		c.found = make(map[string]int)
	}
	c.found[fmt.Sprintf(format, args...)]++
}

// allowed notes that an exception has been made.
func (c *Checker) allowed(name string) bool {
	if _, ok := c.Allowed[name]; !ok {
		return false
	}
	if c.used == nil {
		c.used = make(map[string]bool)
	}
	c.used[name] = true
	return true
}

// known checks one name.
func (c *Checker) known(names map[string]bool, what, name, at string) {
	current, ok := names[name]
	switch {
	case ok && current:
	case c.allowed(name):
	case ok:
		c.report("%s: deprecated %s %s", at, what, name)
	default:
		c.report("%s: unknown %s %s", at, what, name)
	}
}

func (c *Checker) attributes(m pcommon.Map, at string) {
	for key, value := range m.All() {
		want, ok := c.prefixed(key)
		if !ok {
			c.known(c.Vocabulary.Attributes, "attribute", key, at)
			want = cmp.Or(c.Vocabulary.Types[key], "string")
		}
		_, known := c.Vocabulary.Attributes[key]
		if got := kind(value); (ok || known) && got != want && !(got == "[]" && want[len(want)-1] == ']') {
			c.report("%s: %s is of type %s, want %s", at, key, got, want)
		}
	}
}

// prefixed returns the type of a key that begins as the conventions say and ends as anybody likes.
func (c *Checker) prefixed(key string) (string, bool) {
	for prefix, t := range c.Vocabulary.Prefixes {
		if strings.HasPrefix(key, prefix) && len(key) > len(prefix) {
			return t, true
		}
	}
	return "", false
}

// Traces checks spans, with their resources, events and links.
func (c *Checker) Traces(data ptrace.Traces) {
	for _, resource := range data.ResourceSpans().All() {
		c.attributes(resource.Resource().Attributes(), "resource")
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				c.span(span, scope.Scope().Name())
			}
		}
	}
}

func (c *Checker) span(s ptrace.Span, scope string) {
	c.spans++
	at := fmt.Sprintf("%s span %q of %s", s.Kind(), s.Name(), scope)
	c.attributes(s.Attributes(), at)
	for _, e := range s.Events().All() {
		c.known(c.Vocabulary.Events, "event", e.Name(), at)
		c.attributes(e.Attributes(), at+", event "+e.Name())
	}
	for _, l := range s.Links().All() {
		c.attributes(l.Attributes(), at+", link")
	}
	for _, text := range spanRules(s) {
		c.report("%s: %s", at, text)
	}
}

// Metrics checks instruments, units and attributes.
func (c *Checker) Metrics(data pmetric.Metrics) {
	for _, resource := range data.ResourceMetrics().All() {
		c.attributes(resource.Resource().Attributes(), "resource of metrics")
		for _, scope := range resource.ScopeMetrics().All() {
			for _, m := range scope.Metrics().All() {
				c.metric(m, scope.Scope().Name())
			}
		}
	}
}

func (c *Checker) metric(m pmetric.Metric, scope string) {
	at := "metric " + m.Name() + " of " + scope
	unit, ok := c.Vocabulary.Metrics[m.Name()]
	switch {
	case ok && unit == m.Unit(), c.allowed(m.Name()):
	case ok:
		c.report("%s: unit %q, want %q", at, m.Unit(), unit)
	default:
		c.report("%s: unknown metric", at)
	}
	for _, attributes := range pointAttributes(m) {
		c.attributes(attributes, at)
	}
}

func pointAttributes(m pmetric.Metric) (all []pcommon.Map) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			all = append(all, p.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			all = append(all, p.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			all = append(all, p.Attributes())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			all = append(all, p.Attributes())
		}
	}
	return all
}
