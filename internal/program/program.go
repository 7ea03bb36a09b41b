// Package program is what the programs of the four services share: their telemetry from the
// environment, and their exit code.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/throughline/internal/env"
	"example.com/throughline/internal/shop"
	"example.com/throughline/internal/telemetry"
)

// Telemetry sets up the telemetry of one service from the environment. LOG_LEVEL (DEBUG, INFO,
// WARN, ERROR) and DEPLOYMENT_ENVIRONMENT are ours, everything else is OTEL_*.
func Telemetry(
	ctx context.Context, service string, getenv func(string) string, stdout io.Writer,
) (*telemetry.Telemetry, error) {
	r := env.New(getenv)
	cfg := telemetry.Config{
		Service:     service,
		Version:     version(),
		Environment: r.String("DEPLOYMENT_ENVIRONMENT", "development"),
		Stdout:      stdout,
		Level:       r.Level("LOG_LEVEL", 0),
		Getenv:      getenv,

		SpanProcessors: []sdktrace.SpanProcessor{shop.Baggage().Processor()},
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return telemetry.New(ctx, cfg)
}

// Close flushes and closes telemetry under a deadline. It comes last, after everything that may
// still end a span.
func Close(tel *telemetry.Telemetry) error {
	if tel == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return tel.Shutdown(ctx)
}

// UsageError says that a program was called with wrong arguments.
type UsageError struct {
	Message string
	Usage   string // how to call it
}

func (e *UsageError) Error() string { return e.Message + "\n\n" + e.Usage }

// ExitCode reports err, if any, and returns 0 for none, 2 for a configuration or arguments that
// are wrong, and 1 for anything else.
func ExitCode(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, err)
	if wrong := (*env.Error)(nil); errors.As(err, &wrong) {
		return 2
	}
	if wrong := (*UsageError)(nil); errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// version is that of the module's build, "(devel)" for one from a working tree.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
