package spancontextpayload

import (
	"encoding/json"
	"testing"
)

func FuzzDecode(f *testing.F) {
	f.Add([]byte(fields(traceID, spanID, "01")))
	f.Add([]byte(`{"trace_id":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p SpanContext
		if !json.Valid(data) {
			return
		}
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatalf("payload refused: %v", err)
		}
		ctx, err := Context(t.Context(), p)
		again := Encode(ctx)
		if (again != SpanContext{}) != (err == nil && p != SpanContext{}) {
			t.Fatalf("%s: read as %+v, error %v", data, again, err)
		}
		if err == nil && (again.TraceID != p.TraceID || again.SpanID != p.SpanID) {
			t.Errorf("%s: read as %+v", data, again)
		}
	})
}
