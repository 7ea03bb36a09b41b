package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/wire"
	"example.com/throughline/patterns/responsecontext"
)

// maxStack bounds the stack in the log record of a panic, in bytes.
const maxStack = 4 << 10

// adapt runs h inside the SERVER span.
func (rt *Router) adapt(route string, h HandlerFunc) http.Handler {
	logger := rt.options.Telemetry.Logger
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		span := trace.SpanFromContext(ctx)
		responsecontext.Set(w.Header(), span.SpanContext())
		if wire.Enabled(ctx, logger) {
			received, _ := ctx.Value(receivedKey{}).(http.Header)
			wire.Log(ctx, logger, wire.Received, append(wire.Route(route), wire.Headers(received)...))
		}
		r.Body = bounded{r.Body}
		rec := &recorder{ResponseWriter: w}
		err := call(h, rec, r)
		if errors.Is(ctx.Err(), context.Canceled) {
			err = problem.CallerGone(err)
		}
		aborted := errors.Is(err, http.ErrAbortHandler)
		broken := err != nil && (aborted || rec.status != 0)
		if err != nil && !broken {
			problem.Write(rec, r, problem.From(err).Map(rt.options.Telemetry.Redact))
		}
		rt.settle(ctx, span, route, rec.status, broken, err)
		if aborted {
			panic(http.ErrAbortHandler) // net/http's own way to cut the connection
		}
	})
}

// settle brings span and log into line with how the request went: Error if and only if
// error.type, and one record per failure. broken means that the response was cut off: the caller
// has seen no status, or one that is no longer true.
func (rt *Router) settle(
	ctx context.Context, span trace.Span, route string, status int, broken bool, err error,
) {
	errorType := ""
	switch {
	case broken:
		errorType = semconv.ErrorType(err).Value.AsString()
		span.SetStatus(codes.Error, "the response was cut off")
	case status >= 500:
		errorType = strconv.Itoa(status) // otelhttp sets the status, but not this
	}
	if errorType != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType))
	}
	if err == nil && errorType == "" {
		return
	}
	level, message := slog.LevelWarn, "request refused"
	attrs := append(wire.Route(route), slog.Int(string(semconv.HTTPResponseStatusCodeKey), status))
	if errorType != "" {
		level, message = slog.LevelError, "request failed"
		attrs = append(attrs, slog.String(string(semconv.ErrorTypeKey), errorType))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if p := (*panicked)(nil); errors.As(err, &p) {
		attrs = append(attrs, slog.String(string(semconv.ExceptionStacktraceKey), p.stack))
	}
	rt.options.Telemetry.Logger.LogAttrs(ctx, level, message, attrs...)
}

// call turns a panic of h into an error.
func call(h HandlerFunc, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = http.ErrAbortHandler
		default:
			stack := debug.Stack()
			err = &panicked{value: v, stack: string(stack[:min(len(stack), maxStack)])}
		}
	}()
	return h(w, r)
}

// panicked is a recovered panic.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("handler panicked: %.256v", p.value) }

// recorder knows whether the response has begun, and with which status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	// 1xx responses precede the real one.
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Flush lets handlers stream without knowing http.ResponseController.
func (w *recorder) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
