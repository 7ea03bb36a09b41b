package backend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"example.com/throughline/internal/tracetree"
)

// Tempo reads from the HTTP API of a Tempo at base, such as http://127.0.0.1:3200.
func Tempo(c *Client, base string) Reader {
	return func(ctx context.Context, traceID string) ([]tracetree.Span, error) {
		body, err := c.get(ctx, base+"/api/v2/traces/"+traceID)
		if err != nil || body == nil {
			return nil, err
		}
		return decodeTempo(body)
	}
}

// tempoAnswer is what surrounds a trace.
type tempoAnswer struct {
	Trace   map[string]any `json:"trace"`
	Status  string         `json:"status"`
	Message string         `json:"message"`
}

// decodeTempo refuses a trace that Tempo cut to its size limit: what is missing would look like a
// span that was lost.
func decodeTempo(body []byte) ([]tracetree.Span, error) {
	var answer tempoAnswer
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		return nil, refuse("not an answer of Tempo's: %w: %s", err, shorten(body))
	}
	if answer.Trace == nil {
		return nil, refuse("not an answer of Tempo's: no trace in it: %s", shorten(body))
	}
	if strings.EqualFold(answer.Status, "partial") {
		return nil, refuse("Tempo holds the trace in part: %s", shorten([]byte(answer.Message)))
	}
	hexIDs(answer.Trace)
	text, err := json.Marshal(answer.Trace)
	if err != nil {
		return nil, refuse("not an answer of Tempo's: %w", err)
	}
	return decodeOTLP(text)
}

// hexIDs turns ids into hexadecimal digits, which is how OTLP writes them in JSON. Tempo writes
// them in base64, as Protobuf's own JSON mapping writes bytes. The two cannot be confused: their
// lengths differ.
func hexIDs(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			hexIDs(e)
		}
	case map[string]any:
		for name, e := range v {
			switch text, ok := e.(string); {
			case !ok:
				hexIDs(e)
			case name == "traceId":
				v[name] = hexID(text, 16)
			case name == "spanId" || name == "parentSpanId":
				v[name] = hexID(text, 8)
			}
		}
	}
}

// hexID returns text as it is unless it is size bytes in base64.
func hexID(text string, size int) string {
	id, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(id) != size {
		return text
	}
	return hex.EncodeToString(id)
}
