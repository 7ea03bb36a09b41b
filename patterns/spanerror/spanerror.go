// Package spanerror ends spans with what came of them, so that every failure is
// on its spans, and in the log once.
//
// # Problem
//
// An error passes five functions. If each logs and returns it, there are five
// records of one failure; if none sets the span's status, the trace is green. If
// all set the error's text as a status description, the text is in every span,
// with the customer's data in it, and nothing can be grouped by it. And not
// finding what nobody has is a result, not a failure.
//
// # Use
//
// An error is logged or returned, never both. A function that returns it defers
// [End]; the place where it stops, a handler or a loop, defers [EndAndLog]:
//
//	func charge(ctx context.Context) (err error) {
//		ctx, span := tracer.Start(ctx, "charge payment")
//		defer spanerror.End(span, &err, classify)
//		...
//	}
//
// The span gets status Error and error.type; success leaves the status Unset.
//
// # Don't use
//
// Where instrumentation ends the span (SERVER and CLIENT spans of otelhttp,
// otelgrpc), or on a span that another function started. With a classification
// that returns the error's text: error.type must have few values.
//
// # Spec
//
// OpenTelemetry Trace API, "Set Status" (Ok is for the application's final word);
// semantic conventions v1.43.0, "Recording errors": error.type, exactly when the
// status is Error. Exceptions as span events are being replaced by log records,
// so RecordError is not called.
package spanerror

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Classify returns the error.type of an error: one of a few values, such as
// "card_declined" or "timeout". "" means that it is no failure of this operation.
// A nil Classify is [Type].
type Classify func(error) string

// Type is the classification of the semantic conventions: what the error says of
// itself with a method ErrorType() string, or the name of its Go type.
func Type(err error) string { return semconv.ErrorType(err).Value.AsString() }

// End ends span with the outcome *err, which the function is about to return. It
// logs nothing: whoever gets the error does. Defer it right after the start, with
// a pointer to the named result.
func End(span trace.Span, err *error, classify Classify) {
	defer span.End()
	set(span, *err, classify)
}

// EndAndLog ends span with the outcome *err, where the error stops: it writes one
// record and sets *err to nil, so that nobody logs it again. The record has the
// message msg, the error's text, and error.type if it is a failure; it is of level
// Error then, else Info. It is written with ctx, which must be that of the span,
// so a handler that adds trace ids can do so. Without an error it only ends span.
func EndAndLog(
	ctx context.Context, span trace.Span, logger *slog.Logger, msg string, err *error,
	classify Classify,
) {
	defer span.End()
	if *err == nil {
		return
	}
	attrs := []slog.Attr{slog.Any("error", *err)}
	level := slog.LevelInfo
	if errorType := set(span, *err, classify); errorType != "" {
		attrs = append(attrs, slog.String(string(semconv.ErrorTypeKey), errorType))
		level = slog.LevelError
	}
	logger.LogAttrs(ctx, level, msg, attrs...)
	*err = nil
}

// set returns the error.type that it has set, or "" if err is no failure.
func set(span trace.Span, err error, classify Classify) string {
	if err == nil {
		return ""
	}
	if classify == nil {
		classify = Type
	}
	errorType := classify(err)
	if errorType != "" {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType))
	}
	return errorType
}
