package traceidlogs

import (
	"io"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func BenchmarkHandle(b *testing.B) {
	ctx := trace.ContextWithSpanContext(b.Context(), exampleSpanContext())
	var out io.Writer = io.Discard // the JSON is written, and then thrown away
	plain := slog.New(NewHandler(slog.NewJSONHandler(out, nil)))
	for name, logger := range map[string]*slog.Logger{
		"slog alone": slog.New(slog.NewJSONHandler(out, nil)),
		"plain":      plain,
		"groups":     plain.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logger.InfoContext(ctx, "order placed", "status", 201)
			}
		})
	}
}
