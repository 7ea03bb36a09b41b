package rpcspan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"

	"example.com/throughline/internal/rpcspan"
	"example.com/throughline/internal/telemetry/telemetrytest"
)

const (
	parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	other  = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
)

// otelgrpc would take the first value of each name.
func TestServerReadsMetadataAsTheStandardMeansIt(t *testing.T) {
	t.Parallel()
	tel := telemetrytest.New(t)
	server := rpcspan.Server(tel.Telemetry)
	for name, test := range map[string]struct {
		in         []string
		parent     string // trace id; empty: a new root
		tracestate string
		members    int // of baggage
	}{
		"one":             {[]string{"traceparent", parent}, parent[3:35], "", 0},
		"none":            {nil, "", "", 0},
		"two that differ": {[]string{"traceparent", parent, "traceparent", other}, "", "", 0},
		"two that are equal": {
			[]string{"traceparent", parent, "traceparent", parent, "tracestate", "a=1"}, "", "", 0},
		"tracestate in pieces": {[]string{"traceparent", parent, "tracestate", "z=1", "tracestate", "",
			"tracestate", "a=2"}, parent[3:35], "z=1,a=2", 0},
		"baggage": {[]string{"traceparent", parent, "baggage", "a=1"}, parent[3:35], "", 1},
		"too much baggage": {[]string{"traceparent", parent, "baggage",
			"a=" + strings.Repeat("x", 8192)}, parent[3:35], "", 0},
	} {
		in := metadata.Pairs(test.in...)
		ctx := server.TagRPC(metadata.NewIncomingContext(t.Context(), in),
			&stats.RPCTagInfo{FullMethodName: "/a.B/C"})
		sc := trace.SpanContextFromContext(ctx)
		if goesOn := sc.TraceID().String() == parent[3:35]; goesOn != (test.parent != "") {
			t.Errorf("%s: trace id %s, want %s", name, sc.TraceID(), test.parent)
		}
		if got := sc.TraceState().String(); got != test.tracestate {
			t.Errorf("%s: tracestate %q, want %q", name, got, test.tracestate)
		}
		if got := baggage.FromContext(ctx).Len(); got != test.members {
			t.Errorf("%s: %d baggage members, want %d", name, got, test.members)
		}
		after, _ := metadata.FromIncomingContext(ctx)
		if diff := cmp.Diff(in, after); diff != "" {
			t.Errorf("%s: the handler sees other metadata than came (-came +seen):\n%s", name, diff)
		}
		server.HandleRPC(ctx, &stats.End{})
	}
}
