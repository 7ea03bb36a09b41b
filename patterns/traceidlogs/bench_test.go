package traceidlogs

import (
	"io"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func BenchmarkHandle(b *testing.B) {
	ctx := trace.ContextWithSpanContext(b.Context(), exampleSpanContext())
	plain := slog.New(NewHandler(slog.NewJSONHandler(io.Discard, nil)))
	for name, logger := range map[string]*slog.Logger{
		"slog alone": slog.New(slog.NewJSONHandler(io.Discard, nil)),
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
