package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// Whatever an event holds, what is sent is one event of three fields at most.
func FuzzSend(f *testing.F) {
	f.Add("1", "order.shipped", "order", "o-7")
	f.Add("", "", "", "")
	f.Add("1\ndata: x", "a", "traceparent", "stale")
	f.Add("1", "a\r\n\r\nevent: b", "k", "a\n\ndata: b")
	f.Fuzz(func(t *testing.T, id, name, key, value string) {
		tracer, spans := exampleTracer()
		var out bytes.Buffer
		event := Event{ID: id, Name: name, Data: map[string]any{key: value}}
		err := Stream{Tracer: tracer}.send(t.Context(), &out, event)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || out.Len() != 0 {
				t.Errorf("send = %v, after %q", err, out.String())
			}
			return
		}
		lines := strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' || r == '\r' })
		if id != "" && lines[0] == "id: "+id {
			lines = lines[1:]
		}
		if len(lines) != 2 || lines[0] != "event: "+name || !strings.HasSuffix(out.String(), "\n\n") {
			t.Fatalf("sent %q", out.String())
		}
		var data map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[1], "data: ")), &data); err != nil {
			t.Fatal(err)
		}
		parent, _ := data["traceparent"].(string)
		if !strings.Contains(parent, spans.Ended()[0].SpanContext().SpanID().String()) {
			t.Errorf("traceparent = %q, want the span's", parent)
		}
	})
}
