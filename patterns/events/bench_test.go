package events

import (
	"testing"

	sdklog "go.opentelemetry.io/otel/sdk/log"
)

func BenchmarkAddTo(b *testing.B) {
	tracer, _ := recording()
	_, span := tracer.Start(b.Context(), "work")
	b.ReportAllocs()
	for b.Loop() {
		miss().AddTo(span)
	}
}

func BenchmarkEmit(b *testing.B) {
	logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(
		sdklog.NewSimpleProcessor(nil))).Logger("bench")
	b.ReportAllocs()
	for b.Loop() {
		miss().Emit(b.Context(), logger)
	}
}
