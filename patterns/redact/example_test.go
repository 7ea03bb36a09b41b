package redact

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func Example() {
	r := New(Rules{Query: []string{"page"}})

	memory := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.Spans(memory)))
	_, span := tp.Tracer("example").Start(context.Background(), "charge card")
	span.SetAttributes(attribute.String("url.full", "https://bank.example/pay?page=2&token=s3cr3t"))
	span.SetStatus(codes.Error, "card 4111 1111 1111 1111 of ada@example.com declined")
	span.End()
	for _, s := range memory.GetSpans() {
		fmt.Println(s.Attributes[0].Value.AsString())
		fmt.Println(s.Status.Description)
	}

	lines := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime})
	slog.New(r.Handler(lines)).Info("login", "user", "ada@example.com", "password", "hunter2")

	// Output:
	// https://bank.example/pay?page=2&token=REDACTED
	// card [card] of [email] declined
	// level=INFO msg=login user=[email] password=REDACTED
}

// noTime leaves the time out, so that the output is fixed.
func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
