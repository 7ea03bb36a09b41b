// Package sse sends many small messages over one long connection without one long
// span.
//
// # Problem
//
// A browser listens to the events of an order for hours. The SERVER span of its
// request is open as long, and is in no backend until it ends, if the process
// lives so long; a latency chart shows a request of three hours. And the events
// that it carries were caused by other requests, in other traces.
//
// # Use
//
// Call [Stream.Serve] in a handler that otelhttp instruments. It sends the headers
// and ends the SERVER span at once, with its status code: what it measures is how
// long it took until the stream stood. Then each event is a PRODUCER span "send
// EVENT" of its own, a new root with a link to what caused it, and its data holds
// the traceparent of that span, so that a browser can link to it. Heartbeats are
// comments, without a span, that keep proxies from closing the connection.
//
// otelhttp ends the span again when the handler returns, which has no effect. Its
// metric http.server.request.duration still sees the hours: drop that route in a
// view, or leave the route out with otelhttp.WithFilter, and then there is no
// SERVER span at all.
//
// # Don't use
//
// For a download or a long poll: they are requests that end. Where the client
// must answer, use WebSocket, with the same spans. Do not start children of the
// SERVER span in the stream: their parent has long ended.
//
// # Spec
//
// HTML Living Standard, 9.2 Server-sent events. OpenTelemetry Trace API, "End" (a
// second call is ignored) and "Link". Semantic conventions for messaging spans
// (v1.43.0); messaging.system has no value for this, and custom ones are allowed.
package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The link says what it is. No semantic convention names such an attribute, so the
// key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey = attribute.Key("shop.link.type")
	LinkOrigin  = "origin"
)

// ErrMalformed is wrapped by the error of Serve for an event that cannot be sent.
var ErrMalformed = errors.New("malformed event")

// An Event is one message. Name, such as "order.shipped", must not be empty, and
// neither Name nor ID may hold a line break or NUL.
type Event struct {
	// ID is what the browser sends as Last-Event-ID when it comes back; it may be
	// empty.
	ID   string
	Name string
	// Data is sent as one JSON object, to which "traceparent" is added.
	Data map[string]any
	// Cause is the span that the event is due to; if it is not valid, there is no
	// link.
	Cause trace.SpanContext
}

// A Stream serves events. Tracer is required.
type Stream struct {
	Tracer trace.Tracer
	// Heartbeat is the time between comments; 0 means 15 s.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to receive one event or comment; 0
	// means 10 s. It takes the place of the server's own WriteTimeout, which counts
	// from the beginning of the request.
	WriteTimeout time.Duration
}

// Serve sends what arrives on events until that is closed or the client has gone,
// and then returns nil. It returns the error of an event that is malformed, after
// which no more is sent, or of a connection that fails or is too slow; that is too
// late for a status code: log it, and do not write to w. Before the headers it
// fails only if w cannot be flushed, and has then sent nothing.
//
// The SERVER span in r's context is ended as soon as the headers are sent: set
// attributes on it before.
func (s Stream) Serve(w http.ResponseWriter, r *http.Request, events <-chan Event) error {
	out := &writer{w: w, rc: http.NewResponseController(w), timeout: s.WriteTimeout}
	if out.timeout <= 0 {
		out.timeout = 10 * time.Second
	}
	heartbeat := s.Heartbeat
	if heartbeat <= 0 {
		heartbeat = 15 * time.Second
	}
	if err := out.open(); err != nil {
		return fmt.Errorf("open event stream: %w", err)
	}
	server := trace.SpanFromContext(r.Context())
	server.SetAttributes(semconv.HTTPResponseStatusCode(http.StatusOK)) // otelhttp would come too late
	server.End()

	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-ticker.C:
			if err := out.write([]byte(":\n\n")); err != nil {
				return fmt.Errorf("send heartbeat: %w", err)
			}
		case event, ok := <-events:
			if !ok {
				return nil
			}
			if err := s.send(r.Context(), out, event); err != nil {
				return fmt.Errorf("send event %.80q: %w", event.Name, err)
			}
		}
	}
}

// send traces the sending of one event. Its span does not continue the request
// that opened the stream, hours ago.
func (s Stream) send(ctx context.Context, out io.Writer, event Event) error {
	if err := check(event); err != nil {
		return err
	}
	attributes := []attribute.KeyValue{
		semconv.MessagingSystemKey.String("sse"),
		semconv.MessagingOperationName("send"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(event.Name),
	}
	if event.ID != "" {
		attributes = append(attributes, semconv.MessagingMessageID(event.ID))
	}
	options := []trace.SpanStartOption{
		trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attributes...),
	}
	if event.Cause.IsValid() {
		// At the start, not with AddLink: samplers see only links given here.
		options = append(options, trace.WithLinks(trace.Link{
			SpanContext: event.Cause,
			Attributes:  []attribute.KeyValue{LinkTypeKey.String(LinkOrigin)},
		}))
	}
	ctx, span := s.Tracer.Start(ctx, "send "+event.Name, options...)
	defer span.End()

	text, err := encode(ctx, event)
	if err == nil {
		_, err = out.Write(text)
	}
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorType(err))
	}
	return err
}
