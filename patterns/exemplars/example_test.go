package exemplars

import (
	"context"
	"fmt"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func Example() {
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(reader), sdkmetric.WithExemplarFilter(exemplar.TraceBasedFilter))
	timer, err := New(mp.Meter("example"), "shop.quote.duration", "Duration of quotes.")
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, span := sdktrace.NewTracerProvider().Tracer("example").Start(
		context.Background(), "quote order")
	timer.Record(ctx, 1200*time.Millisecond)
	span.End()

	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		fmt.Println(err)
	}
	metric := data.ScopeMetrics[0].Metrics[0]
	if histogram, ok := metric.Data.(metricdata.Histogram[float64]); ok {
		for _, e := range histogram.DataPoints[0].Exemplars {
			fmt.Printf("%s %v%s, the span's trace: %t\n", metric.Name, e.Value, metric.Unit,
				trace.TraceID(e.TraceID) == span.SpanContext().TraceID())
		}
	}

	// Output:
	// shop.quote.duration 1.2s, the span's trace: true
}
