package wire_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/wire"
)

func TestBaggageShowsNamesOnly(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"user=canary,plan=canary;p=canary":  "plan, user",
		" a = canary , b=canary ":           "a, b",
		"canary":                            "",
		"canary;x=canary,,=canary,b=canary": "b",
		"":                                  "",
	} {
		got := values(wire.Headers(http.Header{"Baggage": {header}}))
		if got["baggage"] != want {
			t.Errorf("baggage %q is shown as %q, want %q", header, got["baggage"], want)
		}
	}
}

func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10000)
	got := values(wire.Headers(http.Header{
		"Tracestate": {long}, "Baggage": {long + "=v"}, "B3": {"\xff\xfe"}}))
	for name, v := range got {
		if len(v) > 512 {
			t.Errorf("%s has %d bytes, want at most 512", name, len(v))
		}
	}
	if got["b3"] != "?" {
		t.Errorf("invalid UTF-8 is shown as %q", got["b3"])
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := make(http.Header)
	want := map[string]string{}
	for _, name := range []string{"traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid",
		"x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"} {
		h.Set(name, "value of "+name)
		want[name] = "value of " + name
	}
	h.Add("traceparent", "a second")
	want["traceparent"] += ", a second"
	h.Set("Authorization", "canary")
	if diff := cmp.Diff(want, values(wire.Headers(h))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	md := map[string][]string{"traceparent": {"tp"}, "baggage": {"a=1", "b=2"}}
	if diff := cmp.Diff(map[string]string{"traceparent": "tp", "baggage": "a, b"},
		values(wire.Metadata(md))); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	wire.Log(t.Context(), logger, wire.Sent, "host:1", wire.Headers(http.Header{"B3": {"0"}}))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	if diff := cmp.Diff(map[string]any{"level": "DEBUG", "msg": "sent", "direction": "sent",
		"peer": "host:1", "b3": "0"}, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if wire.Enabled(t.Context(), slog.New(slog.DiscardHandler)) {
		t.Error("a handler that discards is enabled")
	}
}

func values(attrs []slog.Attr) map[string]string {
	m := make(map[string]string)
	for _, a := range attrs {
		m[a.Key] = a.Value.String()
	}
	return m
}
