package pricing

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"example.com/throughline/internal/fault"
	"example.com/throughline/internal/telemetry"
)

// measuring is what becomes of pricing's measurements.
func measuring(tel *telemetry.Telemetry, faults *fault.Set) metric.MeterProvider {
	return detached{MeterProvider: tel.MeterProvider, sw: faults.Declare("measured-without-context",
		"pricing measures durations with context.Background(): no exemplars.")}
}

// detached is a fault: while it is on, whoever measures has lost the context of the span.
type detached struct {
	metric.MeterProvider
	sw *fault.Switch
}

func (p detached) Meter(name string, options ...metric.MeterOption) metric.Meter {
	return detachedMeter{Meter: p.MeterProvider.Meter(name, options...), sw: p.sw}
}

type detachedMeter struct {
	metric.Meter
	sw *fault.Switch
}

func (m detachedMeter) Float64Histogram(
	name string, options ...metric.Float64HistogramOption,
) (metric.Float64Histogram, error) {
	h, err := m.Meter.Float64Histogram(name, options...)
	return detachedHistogram{Float64Histogram: h, sw: m.sw}, err
}

type detachedHistogram struct {
	metric.Float64Histogram
	sw *fault.Switch
}

func (h detachedHistogram) Record(
	ctx context.Context, value float64, options ...metric.RecordOption,
) {
	if h.sw.On() {
		h.Float64Histogram.Record( //nolint:contextcheck // this is the fault
			context.Background(), value, options...)
		return
	}
	h.Float64Histogram.Record(ctx, value, options...)
}
