package spancontextpayload

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

type order struct {
	ID    string      `json:"id"`
	Trace SpanContext `json:"trace,omitzero"`
}

func TestMalformedContextMakesARootAndKeepsThePayload(t *testing.T) {
	t.Parallel()
	loop := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(
		trace.SpanContextConfig{TraceID: trace.TraceID{9}, SpanID: trace.SpanID{9}}))
	for name, context := range map[string]string{
		"no object":        `"` + traceID + `"`,
		"a list":           `[1]`,
		"number":           `{"trace_id":1}`,
		"empty strings":    `{"trace_id":"","span_id":"","trace_flags":"01"}`,
		"upper case":       fields(strings.ToUpper(traceID), spanID, "01"),
		"short trace id":   fields(traceID[1:], spanID, "01"),
		"long trace id":    fields(traceID+"0", spanID, "01"),
		"zero trace id":    fields(strings.Repeat("0", 32), spanID, "01"),
		"no span id":       fields(traceID, "", "01"),
		"zero span id":     fields(traceID, strings.Repeat("0", 16), "01"),
		"no flags":         fields(traceID, spanID, ""),
		"decimal flags":    fields(traceID, spanID, "1"),
		"upper case flags": fields(traceID, spanID, "0A"),
		"flags no hex":     fields(traceID, spanID, "0x"),
		"long value":       fields(strings.Repeat("secret", 1000), spanID, "01"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in order
			if err := json.Unmarshal([]byte(`{"trace":`+context+`,"id":"o-7"}`), &in); err != nil {
				t.Fatal("payload lost:", err)
			}
			ctx, err := Context(loop, in.Trace)
			if !errors.Is(err, ErrMalformed) || len(err.Error()) > 200 {
				t.Errorf("error = %v, want a short %v", err, ErrMalformed)
			}
			if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
				t.Errorf("parent is %v, want none", sc.SpanID())
			}
			if in.ID != "o-7" {
				t.Errorf("id = %q", in.ID)
			}
		})
	}
}

func TestNoneIsNoError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"id":"o-7"}`, `{"id":"o-7","trace":null}`, `{"id":"o-7","trace":{}}`} {
		var in order
		if err := json.Unmarshal([]byte(text), &in); err != nil {
			t.Fatal(err)
		}
		ctx, err := Context(t.Context(), in.Trace)
		if err != nil || trace.SpanContextFromContext(ctx).IsValid() {
			t.Errorf("%s: error = %v, want none", text, err)
		}
	}
	if out, _ := json.Marshal(order{ID: "o-7", Trace: Encode(t.Context())}); string(out) !=
		`{"id":"o-7"}` {
		t.Errorf("without a span: %s", out)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags, state string
		wantFlags    trace.TraceFlags
		wantState    string
	}{
		"not sampled":         {"00", "", 0, ""},
		"sampled, random":     {"03", "a=1,b=2", 3, "a=1,b=2"},
		"unknown flags":       {"ff", "", 3, ""},
		"tracestate is bad":   {"01", "A=1", 1, ""},
		"tracestate too long": {"01", "a=" + strings.Repeat(" ", 5000) + "1", 1, ""},
	} {
		p := SpanContext{TraceID: traceID, SpanID: spanID, TraceFlags: test.flags,
			TraceState: test.state}
		sc, err := p.Decode()
		if err != nil || !sc.IsRemote() || sc.TraceID().String() != traceID ||
			sc.SpanID().String() != spanID || sc.TraceFlags() != test.wantFlags ||
			sc.TraceState().String() != test.wantState {
			t.Errorf("%s: %+v, error %v", name, sc, err)
		}
	}
}

func fields(traceID, spanID, flags string) string {
	return `{"trace_id":"` + traceID + `","span_id":"` + spanID + `","trace_flags":"` + flags + `"}`
}
