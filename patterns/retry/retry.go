// Package retry repeats a failed HTTP request so that a trace shows every attempt.
//
// # Problem
//
// A retry below the instrumentation is invisible: one CLIENT span, strangely long,
// and a server that has seen two requests. A retry by hand above it shows spans
// that nobody can tell from two requests that were meant.
//
// # Use
//
// Put [Transport] above otelhttp's transport, and [Count] below it:
//
//	retry.Transport{Base: otelhttp.NewTransport(retry.Count(http.DefaultTransport))}
//
// Each attempt is then a CLIENT span of its own, siblings under the caller's span,
// with http.request.resend_count from the second on. The wait between them is no
// span: it is an event "retry" on the caller's span, which says why and how long.
//
// Repeated are connection errors and 502, 503 and 504, for a request that may be
// sent twice: its method is idempotent or it has an Idempotency-Key header, and it
// has no body or a GetBody, as [http.NewRequest] sets for the usual readers. The
// server's Retry-After is obeyed; if that is longer than MaxDelay, or any wait
// longer than the deadline leaves, the answer at hand is the result.
//
// # Don't use
//
// In two layers at once: three times three attempts are nine. Nor without a
// deadline or a circuit breaker where the peer is down for long. For gRPC use the
// retry policy of its service config.
//
// # Spec
//
// OpenTelemetry semantic conventions for HTTP client spans (v1.43.0: "HTTP request
// retries and redirects", http.request.resend_count). RFC 9110, 9.2.2 Idempotent
// Methods and 10.2.3 Retry-After.
package retry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// EventName names the event on the caller's span. It has the attributes
// http.request.resend_count, of the attempt to come, error.type, of the one that
// failed (a status code, or the type of an error), and DelayKey, the wait in
// seconds. The last one is the shop's own: rename it to your own namespace.
const (
	EventName = "retry"
	DelayKey  = attribute.Key("shop.retry.delay")
)

// maxDrain is how much of a failed response is read so that its connection can be
// used again, in bytes.
const maxDrain = 64 << 10

// A Transport repeats requests. Base is required. It is safe for concurrent use as
// long as its fields do not change and Base is.
type Transport struct {
	Base http.RoundTripper
	// Attempts is how often a request is sent at most; 0 means 3.
	Attempts int
	// MinDelay is the wait before the second attempt, and doubles each time; 0
	// means 100 ms.
	MinDelay time.Duration
	// MaxDelay is the longest wait; 0 means 2 s.
	MaxDelay time.Duration
	// Jitter spreads a wait that the server did not ask for; nil means between half
	// of it and all of it.
	Jitter func(time.Duration) time.Duration
	// Now is the clock for deadlines and for dates in Retry-After; nil: time.Now.
	Now func() time.Time
	// Sleep waits, or returns the error of ctx as soon as that is done; nil means
	// with a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// RoundTrip sends r, and again where the package's rules allow it. It returns what
// the last attempt returned: the response with its body still to be closed, or
// Base's own error. Responses that are not returned are drained and closed.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	for sent := 1; ; sent++ {
		response, err := t.Base.RoundTrip(r)
		reason, failed := failure(response, err)
		if !failed || sent >= t.attempts() || !repeatable(r) || ctx.Err() != nil {
			return response, err
		}
		delay, ok := t.delay(ctx, sent, response)
		if !ok {
			return response, err
		}
		next, bodyErr := again(r, sent)
		if bodyErr != nil {
			return response, err // it cannot be sent again, so this is the result
		}
		trace.SpanFromContext(ctx).AddEvent(EventName, trace.WithAttributes(
			semconv.HTTPRequestResendCount(sent), reason, DelayKey.Float64(delay.Seconds())))
		discard(response) // before the wait: it ends the attempt's CLIENT span
		if err := t.sleep(ctx, delay); err != nil {
			discardBody(next)
			return nil, err
		}
		r = next
	}
}

// failure says why an attempt is worth repeating, if it is.
func failure(response *http.Response, err error) (attribute.KeyValue, bool) {
	if err != nil {
		return semconv.ErrorType(err), !errors.Is(err, context.Canceled)
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return semconv.ErrorTypeKey.String(strconv.Itoa(response.StatusCode)), true
	}
	return attribute.KeyValue{}, false
}

func repeatable(r *http.Request) bool {
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return false
	}
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header.Get("Idempotency-Key") != ""
}

// again copies r for the attempt that comes after sent ones, with a fresh body.
func again(r *http.Request, sent int) (*http.Request, error) {
	next := r.Clone(context.WithValue(r.Context(), countKey{}, sent))
	if r.GetBody != nil && r.Body != nil && r.Body != http.NoBody {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		next.Body = body
	}
	return next, nil
}

func discard(response *http.Response) {
	if response != nil {
		// Errors are those of a response that nobody wants.
		_, _ = io.CopyN(io.Discard, response.Body, maxDrain)
		_ = response.Body.Close()
	}
}

func discardBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// Count returns a transport that goes below the instrumentation: it sets
// http.request.resend_count on the CLIENT span, which only exists down there.
func Count(base http.RoundTripper) http.RoundTripper { return counter{base} }

type counter struct{ base http.RoundTripper }

// countKey is the key of the number of attempts before this one.
type countKey struct{}

func (c counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if sent, _ := r.Context().Value(countKey{}).(int); sent > 0 {
		trace.SpanFromContext(r.Context()).SetAttributes(semconv.HTTPRequestResendCount(sent))
	}
	return c.base.RoundTrip(r)
}
