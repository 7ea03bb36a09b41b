package b3bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// One trace over three dialects: an old mobile client sends B3 with a 64-bit
// trace id, the service inside speaks W3C, and the one behind it B3 only.
func Example() {
	ctx := Propagator{}.Extract(context.Background(), propagation.MapCarrier{
		"b3": "a3ce929d0e0e4736-00f067aa0ba902b7-1",
	})

	// In a service these are two spans of the trace, one for each call.
	for _, peer := range []Propagator{{}, {Write: B3Single}, {Write: B3Multi}} {
		headers := propagation.MapCarrier{}
		peer.Inject(ctx, headers)
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			fmt.Printf("%s: %s\n", name, headers[name])
		}
	}

	// The old service reads B3 and nothing else.
	old := Propagator{Read: B3, Write: B3Multi}
	ctx = old.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": "00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	fmt.Println("W3C alone:", trace.SpanContextFromContext(ctx).IsValid())

	// Output:
	// traceparent: 00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-01
	// b3: 0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-1
	// x-b3-sampled: 1
	// x-b3-spanid: 00f067aa0ba902b7
	// x-b3-traceid: 0000000000000000a3ce929d0e0e4736
	// W3C alone: false
}
