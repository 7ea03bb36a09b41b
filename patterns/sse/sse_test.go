package sse

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestAMalformedEventIsNotSent(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]Event{
		"no name":         {},
		"name of 2 lines": {Name: "a\ndata: b"},
		"id of 2 lines":   {Name: "a", ID: "1\revent: b"},
		"NUL in the id":   {Name: "a", ID: "\x00"},
		"no JSON":         {Name: "a", Data: map[string]any{"f": func() {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, _ := exampleTracer()
			events := make(chan Event, 1)
			events <- event
			recorder := httptest.NewRecorder()
			err := Stream{Tracer: tracer}.Serve(recorder, newRequest(t.Context()), events)
			if !errors.Is(err, ErrMalformed) || recorder.Body.Len() != 0 {
				t.Errorf("Serve = %v after %q, want %v", err, recorder.Body, ErrMalformed)
			}
		})
	}
}

func TestAWriterThatCannotFlushIsRefused(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	ctx, _ := tracer.Start(t.Context(), "server")
	w := struct{ http.ResponseWriter }{httptest.NewRecorder()} // hides Flush
	err := Stream{Tracer: tracer}.Serve(w, newRequest(ctx), nil)
	if !errors.Is(err, http.ErrNotSupported) || len(spans.Ended()) != 0 {
		t.Errorf("Serve = %v, %d spans ended, want %v and the SERVER span open", err,
			len(spans.Ended()), http.ErrNotSupported)
	}
}

func TestABrokenConnectionIsOnTheSpanAndReturned(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	events := make(chan Event, 1)
	events <- Event{Name: "order.shipped"}
	err := Stream{Tracer: tracer}.Serve(&broken{httptest.NewRecorder()}, newRequest(t.Context()), events)
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error = %v, want %v", err, io.ErrClosedPipe)
	}
	if got := spans.Ended()[0].Status(); got.Code != codes.Error || got.Description != "" {
		t.Errorf("status = %+v, want Error without the error's text", got)
	}
}

// The real otelhttp, a real connection, and a server whose WriteTimeout is over at
// once: the SERVER span arrives while the stream is open.
func TestTheServerSpanArrivesWhileTheStreamIsOpen(t *testing.T) {
	t.Parallel()
	exporter := make(exporter, 10)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	events, served := make(chan Event), make(chan error, 1)
	server := httptest.NewUnstartedServer(otelhttp.NewHandler(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			served <- Stream{Tracer: tp.Tracer("test")}.Serve(w, r, events)
		}), "GET /events", otelhttp.WithTracerProvider(tp)))
	server.Config.WriteTimeout = time.Nanosecond
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type = %q", got)
	}

	span := <-exporter // the stream is open: nothing has been sent yet
	if span.SpanKind() != trace.SpanKindServer || attributeOf(span, "http.response.status_code") != "200" {
		t.Errorf("span = %s with status %q, want SERVER, 200", span.SpanKind(),
			attributeOf(span, "http.response.status_code"))
	}
	lines := bufio.NewScanner(response.Body)
	for _, id := range []string{"1", "2"} {
		events <- Event{ID: id, Name: "order.shipped", Cause: span.SpanContext()}
		sent := <-exporter
		var got []string
		for range 4 {
			lines.Scan()
			got = append(got, lines.Text())
		}
		want := []string{"id: " + id, "event: order.shipped", `data: {"traceparent":"00-` +
			sent.SpanContext().TraceID().String() + "-" + sent.SpanContext().SpanID().String() + `-01"}`, ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		if sent.Parent().IsValid() || sent.SpanContext().TraceID() == span.SpanContext().TraceID() {
			t.Errorf("parent = %v, want a new root", sent.Parent())
		}
	}
	close(events)
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
	server.Close() // waits for the handler, in which otelhttp ends the span again
	if len(exporter) != 0 {
		t.Errorf("%d spans more", len(exporter))
	}
}

func TestAnEventIsARootLinkedToItsCause(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	data := map[string]any{"order": "o-7", "traceparent": "stale"}
	var out strings.Builder
	err := Stream{Tracer: tracer}.send(t.Context(), &out, Event{
		ID: "1", Name: "order.shipped", Data: data, Cause: spanContext(),
	})
	if err != nil {
		t.Fatal(err)
	}
	span := spans.Ended()[0]
	if span.SpanKind() != trace.SpanKindProducer || span.Name() != "send order.shipped" {
		t.Errorf("span = %s %q", span.SpanKind(), span.Name())
	}
	for key, want := range map[attribute.Key]string{
		"messaging.system": "sse", "messaging.operation.name": "send",
		"messaging.operation.type": "send", "messaging.destination.name": "order.shipped",
		"messaging.message.id": "1",
	} {
		if got := attributeOf(span, key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	links := []sdktrace.Link{{
		SpanContext: spanContext(),
		Attributes:  []attribute.KeyValue{attribute.String("shop.link.type", "origin")},
	}}
	if diff := cmp.Diff(links, span.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if data["traceparent"] != "stale" || strings.Contains(out.String(), "stale") {
		t.Errorf("sent %q, data now %v", out.String(), data)
	}
}

func TestHeartbeatsHaveNoSpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer, spans := exampleTracer()
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		recorder := httptest.NewRecorder()
		err := Stream{Tracer: tracer, Heartbeat: 10 * time.Second}.Serve(
			recorder, newRequest(ctx), make(chan Event))
		if err != nil || recorder.Body.String() != strings.Repeat(":\n\n", 3) {
			t.Errorf("Serve = %v after %q, want three comments", err, recorder.Body)
		}
		if got := len(spans.Started()); got != 0 {
			t.Errorf("%d spans, want none", got)
		}
	})
}

// exporter hands over every span as it is exported.
type exporter chan sdktrace.ReadOnlySpan

func (e exporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, span := range spans {
		e <- span
	}
	return nil
}

func (exporter) Shutdown(context.Context) error { return nil }

// broken is a connection that takes the headers only.
type broken struct{ *httptest.ResponseRecorder }

func (*broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func newRequest(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", http.NoBody)
}

func spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	})
}

func attributeOf(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, kv := range span.Attributes() {
		if kv.Key == key {
			return kv.Value.String()
		}
	}
	return ""
}
