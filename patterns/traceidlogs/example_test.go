package traceidlogs

import (
	"context"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"
)

// The logger has an open group; the ids stay at the top level, where log
// pipelines look for them. The call without a context has none.
func ExampleNewHandler() {
	logger := slog.New(NewHandler(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: withoutTime, // only to give the example a fixed output
	}))).With("service", "order").WithGroup("http").With("method", "POST")

	ctx := trace.ContextWithSpanContext(context.Background(), exampleSpanContext())
	logger.InfoContext(ctx, "order placed", "status", 201)
	logger.Info("order placed", "status", 201)

	// Output:
	// {"level":"INFO","msg":"order placed","service":"order","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","http":{"method":"POST","status":201}}
	// {"level":"INFO","msg":"order placed","service":"order","http":{"method":"POST","status":201}}
}

// exampleSpanContext stands for the context of a span that is being recorded.
func exampleSpanContext() trace.SpanContext {
	traceID, _ := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	spanID, _ := trace.SpanIDFromHex("00f067aa0ba902b7")
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled,
	})
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
