// Package jobroot gives a program that does its work and exits one root span,
// which is exported however the program ends.
//
// # Problem
//
// A job has no request to hang its spans on, so each call it makes is a trace of
// its own. With a root, the root is the last span to end, and so the first to be
// lost: os.Exit and log.Fatal skip its End, SIGTERM kills the process before it,
// and a flush under the context that SIGTERM has just canceled does nothing. What
// was exported by then are orphans.
//
// # Use
//
// [Run] the work, then [Flush], then exit; main decides the exit code last:
//
//	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
//	defer stop()
//	err := jobroot.Run(ctx, tracer, "settle payments", settle)
//	err = errors.Join(err, jobroot.Flush(ctx, 5*time.Second, tp.Shutdown))
//
// If ctx holds a remote parent, say from the environment, the span continues it.
//
// # Don't use
//
// For a program that runs for hours or forever: its root would be in no backend
// until it ends, and be lost in a crash; start a root per iteration. Work must
// return when its ctx is done, and wait for what it started: a span that ends
// after the flush is lost. Nothing helps against SIGKILL.
//
// # Spec
//
// OpenTelemetry Trace API, "End"; Trace SDK, "Shutdown" (ends the exporting of
// spans, not the spans). Semantic conventions v1.43.0, error.type.
package jobroot

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Values of error.type that are not the type of an error.
const (
	Canceled = "canceled"          // the work gave up because ctx was canceled
	Timeout  = "deadline_exceeded" // the work gave up because ctx ran out of time
	Panic    = "panic"             // the work panicked, or ended its goroutine
)

// Run calls work once, with an INTERNAL span of the given name in ctx, and
// returns its error. The span has ended when Run returns or panics. An error is
// recorded as status Error and error.type, without its text, which may hold
// business data. Work that finishes in spite of a canceled ctx has succeeded.
func Run(
	ctx context.Context, tracer trace.Tracer, name string, work func(context.Context) error,
	opts ...trace.SpanStartOption,
) (err error) {
	ctx, span := tracer.Start(ctx, name, opts...)
	defer span.End() // records a panic as an event
	returned := false
	defer func() {
		switch {
		case !returned:
			fail(span, Panic)
		case err != nil:
			fail(span, errorType(ctx, err))
		}
	}()
	err = work(ctx)
	returned = true
	return err
}

// Flush calls every function, such as the Shutdown of a provider, one after the
// other, and joins their errors. They have the values of ctx but not its
// cancellation, which is why the program ends, and all together the time grace.
func Flush(
	ctx context.Context, grace time.Duration, functions ...func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	errs := make([]error, len(functions))
	for i, f := range functions {
		errs[i] = f(ctx)
	}
	return errors.Join(errs...)
}

func errorType(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return Canceled
	case ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded):
		return Timeout
	default:
		return semconv.ErrorType(err).Value.AsString()
	}
}

func fail(span trace.Span, errorType string) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(semconv.ErrorTypeKey.String(errorType))
}
