package score

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// metric is all that has been seen under one name.
type metric struct {
	units   map[string]map[string]bool // services, by unit
	buckets map[string]map[string]bool // services, by the text of their bounds
	values  map[hour]map[string]bool   // of attributes
}

// hour is a window in which the values of an attribute are counted.
type hour struct {
	service, key string
	at           int64 // hours since 1970
}

// Metrics takes metrics and their resources.
func (s *Scorer) Metrics(data pmetric.Metrics) {
	for _, resource := range data.ResourceMetrics().All() {
		name := s.resource(resource.Resource())
		for _, scope := range resource.ScopeMetrics().All() {
			for _, m := range scope.Metrics().All() {
				s.services[name].metrics[m.Name()] = true
				s.metric(m.Name()).add(name, m)
			}
		}
	}
}

func (s *Scorer) metric(name string) *metric {
	if s.metrics == nil {
		s.metrics = make(map[string]*metric)
	}
	if s.metrics[name] == nil {
		s.metrics[name] = &metric{units: map[string]map[string]bool{},
			buckets: map[string]map[string]bool{}, values: map[hour]map[string]bool{}}
	}
	return s.metrics[name]
}

func (m *metric) add(service string, from pmetric.Metric) {
	put(m.units, from.Unit(), service)
	switch from.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range from.Gauge().DataPoints().All() {
			m.point(service, p.Timestamp(), p.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, p := range from.Sum().DataPoints().All() {
			m.point(service, p.Timestamp(), p.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range from.Histogram().DataPoints().All() {
			m.point(service, p.Timestamp(), p.Attributes())
			put(m.buckets, fmt.Sprint(p.ExplicitBounds().AsRaw()), service)
		}
	case pmetric.MetricTypeExponentialHistogram: // its buckets follow from the data
		for _, p := range from.ExponentialHistogram().DataPoints().All() {
			m.point(service, p.Timestamp(), p.Attributes())
		}
	}
}

func (m *metric) point(service string, at pcommon.Timestamp, attributes pcommon.Map) {
	for key, value := range attributes.All() {
		h := hour{service, key, at.AsTime().Unix() / int64(time.Hour/time.Second)}
		if m.values[h] == nil {
			m.values[h] = make(map[string]bool)
		}
		if len(m.values[h]) < maxValues {
			m.values[h][value.AsString()] = true
		}
	}
}

// byName goes through the metrics in the order of their names.
func (s *Scorer) byName() iter.Seq2[string, *metric] {
	return func(yield func(string, *metric) bool) {
		for _, name := range slices.Sorted(maps.Keys(s.metrics)) {
			if !yield(name, s.metrics[name]) {
				return
			}
		}
	}
}

func put(sets map[string]map[string]bool, key, member string) {
	if sets[key] == nil {
		sets[key] = make(map[string]bool)
	}
	sets[key][member] = true
}

func boundAttributes(s *Scorer, f findings) {
	for name, m := range s.byName() {
		for h, values := range m.values {
			if len(values) >= maxValues {
				f.add(h.service, "%s: attribute %s has %d values or more in one hour", name, h.key,
					maxValues)
			}
		}
	}
}

func usefulUnits(s *Scorer, f findings) {
	for name, m := range s.byName() {
		for unit, services := range m.units {
			err := checkUnit(unit)
			for service := range services {
				if err != nil {
					f.add(service, "%s: %v", name, err)
				}
			}
		}
	}
}

func sameUnit(s *Scorer, f findings) {
	for name, m := range s.byName() {
		differ(f, name, "units", m.units)
	}
}

func sameBuckets(s *Scorer, f findings) {
	for name, m := range s.byName() {
		differ(f, name, "bucket bounds", m.buckets)
	}
}

// differ blames all services that take part where there is more than one of a thing.
func differ(f findings, name, what string, sets map[string]map[string]bool) {
	if len(sets) < 2 {
		return
	}
	var all []string
	services := make(map[string]bool)
	for text, of := range sets {
		all = append(all, fmt.Sprintf("%q", text))
		for service := range of {
			services[service] = true
		}
	}
	slices.Sort(all)
	for service := range services {
		f.add(service, "%s has several %s: %s", name, what, strings.Join(all, ", "))
	}
}

func unitNotInName(s *Scorer, f findings) {
	for name, m := range s.byName() {
		words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' })
		for unit, services := range m.units {
			for _, word := range words {
				if !isNameOf(word, unit) {
					continue
				}
				for service := range services {
					f.add(service, "%s contains its unit %q", name, unit)
				}
			}
		}
	}
}

func nameIsNoAttribute(s *Scorer, f findings) {
	for name, m := range s.byName() {
		if levelOf(name) == "" {
			continue
		}
		for _, services := range m.units {
			for service := range services {
				f.add(service, "%s is an attribute of the semantic conventions", name)
			}
		}
	}
}
