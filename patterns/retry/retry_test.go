package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func TestWhatMustNotBeRepeated(t *testing.T) {
	t.Parallel()
	reader := func() io.Reader { return io.MultiReader(strings.NewReader("x")) } // no GetBody
	for name, test := range map[string]struct {
		method string
		body   io.Reader
		key    string
		answer answer
	}{
		"POST":                  {"POST", http.NoBody, "", answer{status: 503}},
		"POST with GetBody":     {"POST", strings.NewReader("x"), "", answer{status: 503}},
		"PATCH":                 {"PATCH", http.NoBody, "", answer{err: errRefused()}},
		"PUT of a stream":       {"PUT", reader(), "", answer{status: 503}},
		"key but a stream":      {"POST", reader(), "k", answer{status: 503}},
		"client's own mistake":  {"GET", http.NoBody, "", answer{status: 400}},
		"too many requests":     {"GET", http.NoBody, "", answer{status: 429}},
		"server's own mistake":  {"GET", http.NoBody, "", answer{status: 500}},
		"cancelled":             {"GET", http.NoBody, "", answer{err: context.Canceled}},
		"asked to wait longer":  {"GET", http.NoBody, "", answer{status: 503, after: "3"}},
		"asked to wait for age": {"GET", http.NoBody, "", answer{status: 503, after: "99999999999"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := &peer{answers: []answer{test.answer}}
			request := newRequest(t, t.Context(), test.method, test.body)
			request.Header.Set("Idempotency-Key", test.key)
			response, err := Transport{Base: peer, Sleep: noSleep(t)}.RoundTrip(request)
			if peer.requests != 1 {
				t.Errorf("%d requests, want 1", peer.requests)
			}
			if !errors.Is(err, test.answer.err) {
				t.Errorf("error = %v, want %v", err, test.answer.err)
			}
			if err == nil && (response.StatusCode != test.answer.status || peer.closed != 0) {
				t.Errorf("status %d, %d bodies closed, want an open %d",
					response.StatusCode, peer.closed, test.answer.status)
			}
		})
	}
}

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method string
		body   io.Reader
		key    string
		answer answer
	}{
		"GET, 502":     {"GET", http.NoBody, "", answer{status: 502}},
		"DELETE, 503":  {"DELETE", nil, "", answer{status: 503}},
		"PUT, 504":     {"PUT", strings.NewReader("body"), "", answer{status: 504}},
		"POST and key": {"POST", strings.NewReader("body"), "k", answer{status: 503}},
		"connection":   {"GET", http.NoBody, "", answer{err: errRefused()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				peer := &peer{answers: []answer{test.answer, test.answer, {status: 200}}}
				request := newRequest(t, t.Context(), test.method, test.body)
				request.Header.Set("Idempotency-Key", test.key)
				start := time.Now()
				response, err := Transport{Base: peer, Jitter: none}.RoundTrip(request)
				if err != nil || response.StatusCode != 200 || peer.requests != 3 {
					t.Fatalf("%v, %v after %d requests", response, err, peer.requests)
				}
				if got, want := time.Since(start), 300*time.Millisecond; got != want {
					t.Errorf("waited %v, want %v", got, want)
				}
				if test.body != nil && test.body != http.NoBody {
					if diff := cmp.Diff([]string{"body", "body", "body"}, peer.bodies); diff != "" {
						t.Errorf("bodies (-want +got):\n%s", diff)
					}
				}
				if test.answer.err == nil && (peer.closed != 2 || peer.drained != 2) {
					t.Errorf("%d bodies closed, %d drained, want 2", peer.closed, peer.drained)
				}
			})
		})
	}
}

func TestTheLastAnswerIsTheResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		peer := &peer{answers: []answer{{err: errRefused()}, {status: 503}}}
		response, err := Transport{Base: peer, Attempts: 2}.RoundTrip(
			newRequest(t, t.Context(), "GET", nil))
		if err != nil || response.StatusCode != 503 || peer.closed != 0 || peer.requests != 2 {
			t.Errorf("%v, %v after %d requests, %d bodies closed", response, err,
				peer.requests, peer.closed)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, date := range []bool{false, true} {
			after := "2"
			if date { // the bubble's clock stands on a full second
				after = time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)
			}
			peer, start := &peer{answers: []answer{{status: 503, after: after}, {status: 200}}}, time.Now()
			_, err := Transport{Base: peer, Jitter: none}.RoundTrip(
				newRequest(t, t.Context(), "GET", nil))
			if want := 2 * time.Second; err != nil || time.Since(start) != want {
				t.Errorf("Retry-After %s: waited %v (error %v), want %v", after, time.Since(start), err, want)
			}
		}
	})
}

func TestNoWaitGoesBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		peer, start := &peer{answers: []answer{{status: 503}}}, time.Now()
		response, err := Transport{Base: peer, Jitter: none, Attempts: 9}.RoundTrip(
			newRequest(t, ctx, "GET", nil))
		if err != nil || response.StatusCode != 503 || peer.requests != 2 {
			t.Errorf("%v, %v after %d requests, want the second 503", response, err, peer.requests)
		}
		if got, want := time.Since(start), 100*time.Millisecond; got != want {
			t.Errorf("took %v, want %v: the next wait would be too long", got, want)
		}
	})
}

func TestCancellationEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		peer := &peer{answers: []answer{{status: 503}}}
		response, err := Transport{Base: peer}.RoundTrip(
			newRequest(t, ctx, "PUT", strings.NewReader("body")))
		if response != nil || !errors.Is(err, context.Canceled) || peer.requests != 1 || peer.closed != 1 {
			t.Errorf("%v, %v after %d requests, %d bodies closed", response, err,
				peer.requests, peer.closed)
		}
	})
}

func TestDelayIsBoundedAndSpread(t *testing.T) {
	t.Parallel()
	for sent := 1; sent < 80; sent++ {
		delay, ok := Transport{}.delay(t.Context(), sent, nil)
		least, most := 50*time.Millisecond, 2*time.Second
		if !ok || delay < least || delay > most {
			t.Errorf("after %d: %v, %t, want between %v and %v", sent, delay, ok, least, most)
		}
	}
}

func TestAttemptsAreSiblingsAndOnlyTheFailedAreErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		peer := &peer{answers: []answer{{status: 503}, {err: errRefused()}, {status: 200}}}
		ctx, parent := tp.Tracer("test").Start(t.Context(), "price order")
		client := Transport{Jitter: none,
			Base: otelhttp.NewTransport(Count(peer), otelhttp.WithTracerProvider(tp))}
		response, err := client.RoundTrip(newRequest(t, ctx, "GET", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		parent.End()

		var got []string
		for _, span := range spans.Ended()[:3] {
			if span.Parent().SpanID() != parent.SpanContext().SpanID() ||
				span.SpanKind() != trace.SpanKindClient {
				t.Errorf("%s span with parent %v, want CLIENT under the caller", span.SpanKind(), span.Parent())
			}
			got = append(got, fmt.Sprintf("%s resend=%s", span.Status().Code, value(span)))
		}
		want := []string{"Error resend=", "Error resend=1", "Unset resend=2"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		caller := spans.Ended()[3]
		got = nil
		for _, event := range caller.Events() {
			text := event.Name
			for _, kv := range event.Attributes {
				text += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.String())
			}
			got = append(got, text)
		}
		want = []string{
			"retry http.request.resend_count=1 error.type=503 shop.retry.delay=0.1",
			"retry http.request.resend_count=2 error.type=*net.OpError shop.retry.delay=0.2",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("caller's events (-want +got):\n%s", diff)
		}
		if got := caller.Status().Code; got != codes.Unset {
			t.Errorf("caller's status = %v, want unset", got)
		}
	})
}

// peer is a server without a network. The last answer is given for ever.
type peer struct {
	answers                   []answer
	requests, closed, drained int
	bodies                    []string
}

type answer struct {
	status int
	after  string
	err    error
}

func (p *peer) RoundTrip(r *http.Request) (*http.Response, error) {
	a := p.answers[min(p.requests, len(p.answers)-1)]
	p.requests++
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		p.bodies = append(p.bodies, string(body))
		_ = r.Body.Close()
	}
	if a.err != nil {
		return nil, a.err
	}
	response := &http.Response{StatusCode: a.status, Request: r, Header: http.Header{},
		Body: &body{p, strings.NewReader("busy")}}
	if a.after != "" {
		response.Header.Set("Retry-After", a.after)
	}
	return response, nil
}

type body struct {
	peer *peer
	io.Reader
}

func (b *body) Close() error {
	b.peer.closed++
	if _, err := b.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		b.peer.drained++
	}
	return nil
}

func errRefused() error { return &net.OpError{Op: "dial", Err: io.ErrUnexpectedEOF} }

func none(d time.Duration) time.Duration { return d }

func noSleep(t *testing.T) func(context.Context, time.Duration) error {
	return func(_ context.Context, d time.Duration) error {
		t.Errorf("waited %v", d)
		return nil
	}
}

func newRequest(t *testing.T, ctx context.Context, method string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://peer.example/", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func value(span sdktrace.ReadOnlySpan) string {
	for _, kv := range span.Attributes() {
		if kv.Key == "http.request.resend_count" {
			return kv.Value.String()
		}
	}
	return ""
}
