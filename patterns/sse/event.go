package sse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
)

// check refuses what would become another field, or another event.
func check(event Event) error {
	if event.Name == "" || strings.ContainsAny(event.Name, "\r\n\x00") {
		return fmt.Errorf("name is %.80q, want one line: %w", event.Name, ErrMalformed)
	}
	if strings.ContainsAny(event.ID, "\r\n\x00") {
		return fmt.Errorf("id is %.80q, want one line: %w", event.ID, ErrMalformed)
	}
	return nil
}

// encode writes the event with the traceparent of the span in ctx, and nothing
// more of it: tracestate and baggage are not the browser's business.
func encode(ctx context.Context, event Event) ([]byte, error) {
	data := make(map[string]any, len(event.Data)+1)
	maps.Copy(data, event.Data)
	delete(data, "traceparent") // a stale one, where there is no span
	w3c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, w3c)
	if parent := w3c["traceparent"]; parent != "" {
		data["traceparent"] = parent
	}
	object, err := json.Marshal(data) // escapes line breaks, so it is one line
	if err != nil {
		return nil, fmt.Errorf("data: %w: %w", err, ErrMalformed)
	}
	var text bytes.Buffer
	if event.ID != "" {
		fmt.Fprintf(&text, "id: %s\n", event.ID)
	}
	fmt.Fprintf(&text, "event: %s\ndata: %s\n\n", event.Name, object)
	return text.Bytes(), nil
}

// A writer gives every write a deadline of its own and flushes it.
type writer struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
}

// open sends the headers. The connection's read deadline is lifted: the server
// would take it for the end of the client.
func (o *writer) open() error {
	if err := o.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	header := o.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would collect events
	return o.write(nil)
}

func (o *writer) write(text []byte) error {
	_, err := o.Write(text)
	return err
}

func (o *writer) Write(text []byte) (int, error) {
	err := o.rc.SetWriteDeadline(time.Now().Add(o.timeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n := 0
	if len(text) > 0 {
		if n, err = o.w.Write(text); err != nil {
			return n, err
		}
	}
	return n, o.rc.Flush()
}
