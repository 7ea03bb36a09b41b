package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/internal/tracetree"
	"example.com/throughline/lab/internal/storeexporter"
)

// Jaeger reads from the HTTP API of a Jaeger v2 at base, such as http://127.0.0.1:16686. It asks
// for raw traces: what the storage holds, without what the page's own view sorts, joins and moves.
func Jaeger(c *Client, base string) Reader {
	return func(ctx context.Context, traceID string) ([]tracetree.Span, error) {
		body, err := c.get(ctx, base+"/api/v3/traces/"+traceID+"?raw_traces=true")
		if err != nil || body == nil {
			return nil, err
		}
		return decodeJaeger(body)
	}
}

// jaegerChunk is one message of a stream. It is OTLP in JSON, mostly in an envelope.
type jaegerChunk struct {
	Result        json.RawMessage `json:"result"`
	ResourceSpans json.RawMessage `json:"resourceSpans"`
	Error         *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// decodeJaeger reads one or more messages, one after the other, as the API streams long traces.
func decodeJaeger(body []byte) ([]tracetree.Span, error) {
	var spans []tracetree.Span
	decoder := json.NewDecoder(bytes.NewReader(body))
	for {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			return spans, nil
		}
		var chunk jaegerChunk
		if err == nil {
			err = json.Unmarshal(text, &chunk)
		}
		switch {
		case err != nil:
			return nil, refuse("not an answer of Jaeger's: %w: %s", err, shorten(body))
		case chunk.Error != nil:
			return nil, refuse("Jaeger answers with an error: %s", shorten([]byte(chunk.Error.Message)))
		case chunk.Result != nil:
			text = chunk.Result
		case chunk.ResourceSpans == nil:
			return nil, refuse("not an answer of Jaeger's: no spans in it: %s", shorten(text))
		}
		more, err := decodeOTLP(text)
		if err != nil {
			return nil, err
		}
		spans = append(spans, more...)
	}
}

// decodeOTLP reads TracesData in the JSON encoding of OTLP.
func decodeOTLP(text []byte) ([]tracetree.Span, error) {
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
	if err != nil {
		return nil, refuse("not OTLP in JSON: %w", err)
	}
	return storeexporter.Spans(traces), nil
}
