package sampling

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A caller says sampled=0, in the hope that nobody will see what it does.
func Example() {
	caller := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 1}})
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), caller)

	for name, remote := range map[string]FromRemote{"trust": Trust, "decide": Decide} {
		tp := sdktrace.NewTracerProvider(
			sdktrace.WithSampler(New(sdktrace.AlwaysSample(), remote)))
		_, span := tp.Tracer("example").Start(ctx, "POST /orders")
		fmt.Printf("%s: sampled %t, trace %s\n",
			name, span.SpanContext().IsSampled(), span.SpanContext().TraceID())
		span.End()
	}

	// Unordered output:
	// trust: sampled false, trace 00000000000000000000000000000001
	// decide: sampled true, trace 00000000000000000000000000000001
}
