package wire_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/wire"
)

func TestBaggageShowsNamesOnly(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]string{
		"user=canary,plan=canary;p=canary":  {"plan", "user"},
		" a = canary , b=canary ":           {"a", "b"},
		"canary":                            {},
		"canary;x=canary,,=canary,b=canary": {"b"},
		"":                                  {},
	} {
		got := values(wire.Headers(http.Header{"Baggage": {header}}))
		if diff := cmp.Diff(map[string][]string{"shop.baggage.members": want}, got); diff != "" {
			t.Errorf("baggage %q (-want +got):\n%s", header, diff)
		}
	}
}

func TestValuesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10000)
	got := values(wire.Headers(http.Header{"Traceparent": {"a", long, "b"},
		"Tracestate": {long}, "Baggage": {long + "=v"}, "B3": {"\xff\xfe"}}))
	for name, v := range got {
		if n := len(strings.Join(v, "")); n == 0 || n > 512 {
			t.Errorf("%s has %d bytes, want at most 512", name, n)
		}
	}
	if diff := cmp.Diff([]string{"?"}, got["http.request.header.b3"]); diff != "" {
		t.Errorf("invalid UTF-8 (-want +got):\n%s", diff)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h := make(http.Header)
	want := map[string][]string{}
	for _, name := range []string{"traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid",
		"x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"} {
		h.Set(name, "value of "+name)
		want["http.request.header."+name] = []string{"value of " + name}
	}
	h.Add("traceparent", "a second")
	want["http.request.header.traceparent"] = []string{"value of traceparent", "a second"}
	h.Set("Authorization", "canary")
	if diff := cmp.Diff(want, values(wire.Headers(h))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	md := map[string][]string{"traceparent": {"tp"}, "baggage": {"a=1", "b=2"}}
	if diff := cmp.Diff(map[string][]string{"rpc.request.metadata.traceparent": {"tp"},
		"shop.baggage.members": {"a", "b"}}, values(wire.Metadata(md))); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	url := func(text string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	record := func(more map[string]any) map[string]any {
		all := map[string]any{"level": "DEBUG", "msg": "sent", "shop.wire.direction": "sent"}
		maps.Copy(all, more)
		return all
	}
	for name, tc := range map[string]struct {
		attrs []slog.Attr
		want  map[string]any
	}{
		"a header": {wire.Headers(http.Header{"B3": {"0"}}),
			map[string]any{"http.request.header.b3": []any{"0"}}},
		"a server": {wire.Server(url("http://host:1/path")), map[string]any{
			"http.request.method": "GET", "server.address": "host", "server.port": 1.0}},
		"no port": {wire.Server(url("http://host/path")), map[string]any{
			"http.request.method": "GET", "server.address": "host"}},
		"a route": {wire.Route("POST /orders/{id}"), map[string]any{
			"http.request.method": "POST", "http.route": "/orders/{id}"}},
		"any method": {wire.Route("/"), map[string]any{"http.route": "/"}},
		"no route":   {wire.Route(""), nil},
		"gRPC":       {[]slog.Attr{wire.Method("/a.B/C")}, map[string]any{"rpc.method": "a.B/C"}},
	} {
		var out bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		wire.Log(t.Context(), logger, wire.Sent, tc.attrs)
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "time")
		if diff := cmp.Diff(record(tc.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if wire.Enabled(t.Context(), slog.New(slog.DiscardHandler)) {
		t.Error("a handler that discards is enabled")
	}
}

func values(attrs []slog.Attr) map[string][]string {
	m := make(map[string][]string)
	for _, a := range attrs {
		m[a.Key], _ = a.Value.Any().([]string)
	}
	return m
}
