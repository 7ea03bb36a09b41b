package httpclient_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

// flaky answers 503 once, then 200, and keeps the idempotency keys that it was sent.
type flaky struct {
	mu   sync.Mutex
	keys []string
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	if len(f.keys) == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("{}"))
}

func TestAPostIsNotRepeatedUnlessItMayBe(t *testing.T) {
	t.Parallel()
	peer := &flaky{}
	url, client, tel := serve(t, httpclient.Options{}, peer.ServeHTTP)
	err := httpclient.JSON(t.Context(), client, http.MethodPost, url, struct{}{}, nil)
	if err == nil || !slices.Equal(peer.keys, []string{""}) {
		t.Errorf("error %v, keys %q, want an error after one request without a key", err, peer.keys)
	}
	if got := len(tel.Spans()); got != 1 {
		t.Errorf("got %d spans, want 1", got)
	}
}

func TestARepeatedPostIsTwoSpansWithOneKey(t *testing.T) {
	t.Parallel()
	peer := &flaky{}
	url, client, tel := serve(t, httpclient.Options{Repeatable: true}, peer.ServeHTTP)
	err := httpclient.JSON(t.Context(), client, http.MethodPost, url, struct{}{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(peer.keys) != 2 || peer.keys[0] == "" || peer.keys[0] != peer.keys[1] {
		t.Errorf("keys %q, want the same one twice", peer.keys)
	}
	spans := tel.Spans()
	if len(spans) != 2 {
		t.Fatalf("got %d spans, want 2", len(spans))
	}
	first, second := spans[0], spans[1]
	if first.Status.Code != codes.Error || second.Status.Code != codes.Unset {
		t.Errorf("status %v, then %v, want Error, then Unset", first.Status, second.Status)
	}
	if n := telemetrytest.Attributes(second)["http.request.resend_count"]; n != "1" {
		t.Errorf("http.request.resend_count = %q, want 1", n)
	}
}
