package events

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
)

// The same moment in the old form and in the new one.
func Example() {
	tracer, spans := recording()
	logger, records := logging()

	ctx, span := tracer.Start(context.Background(), "price order")
	overridden := Moment{Name: "shop.price.overridden", Attributes: []attribute.KeyValue{
		attribute.Int("shop.price.listed", 1290), attribute.Int("shop.price.charged", 990)}}
	overridden.AddTo(span)
	overridden.Emit(ctx, logger)
	span.End()

	event := spans.Ended()[0].Events()[0]
	fmt.Println("span event:", event.Name, event.Attributes[1].Value.AsInt64())
	record := records.all[0]
	fmt.Println("log record:", record.EventName(), record.AttributesLen(), "attributes, same span:",
		record.SpanID() == span.SpanContext().SpanID())

	// Output:
	// span event: shop.price.overridden 990
	// log record: shop.price.overridden 2 attributes, same span: true
}
