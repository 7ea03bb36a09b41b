package httpclient_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/throughline/internal/httpclient"
	"example.com/throughline/internal/problem"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

func TestOpenGivesUpOnAPeerThatSendsNoHeader(t *testing.T) {
	t.Parallel()
	url, client, tel := serve(t, httpclient.Options{Timeout: 20 * time.Millisecond},
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := httpclient.Open(t.Context(), client, url+"/?token=canary", nil)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 503 {
		t.Errorf("Open = %v, want a 503 problem", err)
	}
	if got := telemetrytest.Attributes(tel.Span("GET"))["error.type"]; got == "" {
		t.Error("the CLIENT span has no error.type")
	}
}

func TestOpenPassesAProblemOn(t *testing.T) {
	t.Parallel()
	url, client, _ := serve(t, httpclient.Options{}, answer(404, problem.ContentType,
		`{"type":"https://throughline.example/problems/unknown-order","status":404}`))
	_, err := httpclient.Open(t.Context(), client, url, nil)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Status != 404 || p.Slug() != "unknown-order" {
		t.Errorf("Open = %v, want the peer's problem", err)
	}
}

// The client's timeout is for the header; the span ends with it, and the body goes on.
func TestOpenEndsTheSpanWithTheHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := telemetrytest.New(t)
		peer := &endless{}
		client := httpclient.New(tel.Telemetry, httpclient.Options{Timeout: time.Second, Base: peer})
		response, err := httpclient.Open(t.Context(), client, "http://peer/",
			http.Header{"Last-Event-Id": {"7-0"}})
		if err != nil {
			t.Fatal(err)
		}
		span := telemetrytest.Attributes(tel.Span("GET"))
		if got := span["http.response.status_code"]; got != "200" {
			t.Errorf("the span that ended has status code %q, want 200", got)
		}
		if got := peer.request.Header.Get("Last-Event-ID"); got != "7-0" {
			t.Errorf("Last-Event-ID = %q, want 7-0", got)
		}
		time.Sleep(time.Hour) // of the bubble's time
		if err := peer.request.Context().Err(); err != nil {
			t.Errorf("after an hour the request is over: %v", err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if peer.request.Context().Err() == nil {
			t.Error("the request goes on after its body was closed")
		}
		if got := len(tel.Spans()); got != 1 {
			t.Errorf("%d spans, want one", got)
		}
	})
}

// endless is a peer that answers with a header at once, and then with nothing.
type endless struct{ request *http.Request }

func (p *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	p.request = r
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r,
	}, nil
}
