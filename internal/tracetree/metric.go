package tracetree

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/telemetry"
)

// Point is one time series of a histogram or counter as it last arrived: what one instance has
// measured under one set of attributes since it started.
type Point struct {
	Service    string         `json:"service"`
	Instance   string         `json:"instance"`
	Metric     string         `json:"metric"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Count      int64          `json:"count"` // measurements; of a counter its value
	Exemplars  []Exemplar     `json:"exemplars,omitempty"`
}

// Exemplar is one measurement, and the span in whose context it was made.
type Exemplar struct {
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
}

// maxMetered bounds the instances whose points are kept; each has some hundred.
const maxMetered = 100

// exportedMetric is the ledger as a metric: how many spans had been exported when the points that
// come with it were collected.
const exportedMetric = "otel.sdk.exporter.span.exported"

// metered is what one instance has measured.
type metered struct {
	points   map[string]Point
	exported int64
	arrived  int64 // of all that arrive the how manieth, at last
}

// AddPoints stores points in place of older ones of the same time series.
func (s *Store) AddPoints(points ...Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range points {
		m := s.metered[p.Instance]
		if m == nil {
			m = &metered{points: make(map[string]Point)}
			s.metered[p.Instance] = m
		}
		s.measured++
		m.arrived = s.measured
		key := p.Metric + jsonText(p.Attributes)
		if old, ok := m.points[key]; ok && old.Count > p.Count {
			continue // overtaken on its way
		}
		m.points[key] = p
		if _, failed := p.Attributes["error.type"]; p.Metric == exportedMetric && !failed {
			m.exported = p.Count
		}
	}
	s.forgetMetered()
	s.notify()
}

// forgetMetered forgets the instance that has been silent for longest, if there are too many.
func (s *Store) forgetMetered() {
	for len(s.metered) > maxMetered {
		silent := ""
		for id, m := range s.metered {
			if silent == "" || m.arrived < s.metered[silent].arrived {
				silent = id
			}
		}
		delete(s.metered, silent)
	}
}

// Points returns the points of the instances that the ledgers name. It waits until those have
// arrived that were collected when each instance had exported what its ledger says: the ledger is
// one of the metrics, so that they tell how far they are. Flush once more after the ledgers were
// read. When ctx ends first, the error names every instance that is behind.
func (s *Store) Points(ctx context.Context, ledgers []telemetry.Snapshot) ([]Point, error) {
	for {
		changed := s.Changed()
		points, err := s.points(ledgers)
		if err == nil {
			return points, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("await metrics: %w: %w", context.Cause(ctx), err)
		}
	}
}

func (s *Store) points(ledgers []telemetry.Snapshot) ([]Point, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Point
	var errs []error
	for _, l := range ledgers {
		m := s.metered[l.Instance]
		if m == nil {
			m = &metered{exported: -1}
		}
		if m.exported < l.Exported {
			errs = append(errs, fmt.Errorf("%s (instance %s): metrics of %d exported spans "+
				"arrived, want of %d", l.Service, l.Instance, m.exported, l.Exported))
		}
		for _, p := range m.points {
			out = append(out, p)
		}
	}
	return out, errors.Join(errs...)
}

// FromSDKMetrics converts histograms and counters of whole numbers as the SDK hands them to an
// exporter.
func FromSDKMetrics(all *metricdata.ResourceMetrics) []Point {
	service, instance := identity(all.Resource)
	var out []Point
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			for _, p := range fromSDK(m.Data) {
				p.Service, p.Instance, p.Metric = service, instance, m.Name
				out = append(out, p)
			}
		}
	}
	return out
}

func fromSDK(data metricdata.Aggregation) []Point {
	switch data := data.(type) {
	case metricdata.Histogram[float64]:
		return histogram(data)
	case metricdata.Histogram[int64]:
		return histogram(data)
	case metricdata.Sum[int64]:
		var out []Point
		for _, p := range data.DataPoints {
			out = append(out, Point{Attributes: attributes(p.Attributes.ToSlice()), Count: p.Value})
		}
		return out
	}
	return nil
}

func histogram[N int64 | float64](data metricdata.Histogram[N]) []Point {
	var out []Point
	for _, p := range data.DataPoints {
		point := Point{Attributes: attributes(p.Attributes.ToSlice()), Count: int64(p.Count)}
		for _, e := range p.Exemplars {
			point.Exemplars = append(point.Exemplars, Exemplar{
				TraceID: hex.EncodeToString(e.TraceID), SpanID: hex.EncodeToString(e.SpanID)})
		}
		out = append(out, point)
	}
	return out
}
