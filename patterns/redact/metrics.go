package redact

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
)

// View is a view of every instrument: a label whose value holds a secret is left out,
// and so it is from exemplars, which keep what labels lose. It works for any reader. A
// callers' text is no label anyway: each text is a series.
func (r *Redactor) View(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	return sdkmetric.Stream{
		Name: i.Name, Description: i.Description, Unit: i.Unit,
		AttributeFilter: r.label,
		ExemplarReservoirProviderSelector: func(agg sdkmetric.Aggregation) exemplar.ReservoirProvider {
			provide := sdkmetric.DefaultExemplarReservoirProviderSelector(agg)
			return func(labels attribute.Set) exemplar.Reservoir { return bare{provide(labels)} }
		},
	}, true
}

func (r *Redactor) label(kv attribute.KeyValue) bool { return r.Attribute(kv) == kv }

// bare is a reservoir whose exemplars have trace ids and values only.
type bare struct{ exemplar.Reservoir }

func (b bare) Offer(ctx context.Context, t time.Time, v exemplar.Value, _ []attribute.KeyValue) {
	b.Reservoir.Offer(ctx, t, v, nil)
}
