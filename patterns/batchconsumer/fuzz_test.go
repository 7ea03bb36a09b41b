package batchconsumer

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Whatever stands in the fields, each message is processed, and the batch links
// to exactly what the work has as parent.
func FuzzProcess(f *testing.F) {
	f.Add(parentOne, "congo=1", "tenant=blue")
	f.Add("", "", "")
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", ",,=", "%zz;=")
	f.Fuzz(func(t *testing.T, parent, state, bag string) {
		tracer, spans := exampleTracer()
		consumer := consumer(tracer)
		errs := consumer.Process(t.Context(), destination, []redis.XMessage{{
			ID: "1-0", Values: map[string]any{
				"traceparent": parent, "tracestate": state, "baggage": bag,
			},
		}}, func(ctx context.Context, _ redis.XMessage) error {
			_, span := consumer.Start(ctx, "work")
			span.End()
			return nil
		})
		if len(errs) != 1 || errs[0] != nil || len(spans.Ended()) != 2 {
			t.Fatalf("Process = %v with %d spans", errs, len(spans.Ended()))
		}
		work, links := spans.Ended()[0], spans.Ended()[1].Links()
		if len(links) == 0 != !work.Parent().IsValid() {
			t.Errorf("parent %v with links %v", work.Parent(), links)
		}
		if len(links) == 1 && !links[0].SpanContext.Equal(work.Parent()) {
			t.Errorf("link %v, want the parent %v", links[0].SpanContext, work.Parent())
		}
	})
}
