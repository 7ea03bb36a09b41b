package telemetry_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"

	"example.com/throughline/internal/telemetry"
)

// What each name means: what is sent on of a carrier that holds something for each.
func TestPropagatorsByName(t *testing.T) {
	t.Parallel()
	const (
		ids     = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
		another = "0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7"
	)
	in := propagation.MapCarrier{
		"traceparent": "00-" + ids + "-01", "tracestate": "a=1,k@=2", "baggage": "a=1",
		"b3": another, // deferred
	}
	level2 := propagation.MapCarrier{"traceparent": "00-" + ids + "-01", "tracestate": "a=1,k@=2"}
	withBaggage := propagation.MapCarrier{
		"traceparent": level2["traceparent"], "tracestate": level2["tracestate"], "baggage": "a=1"}
	for env, want := range map[string]propagation.MapCarrier{
		"":                            withBaggage,
		"tracecontext":                level2,
		" tracecontext, tracecontext": level2,
		"baggage,tracecontext":        withBaggage,
		"b3":                          {"b3": another + "-1"},
		"b3multi": {"x-b3-traceid": another[:32], "x-b3-spanid": another[33:],
			"x-b3-sampled": "1"},
		"tracecontext,b3":   {"traceparent": "00-" + another + "-01", "b3": another + "-1"},
		"jaeger":            {},
		"none":              {},
		"tracecontext,none": {},
	} {
		tel := start(t, telemetry.Config{Getenv: func(name string) string {
			return map[string]string{"OTEL_PROPAGATORS": env}[name]
		}})
		out := propagation.MapCarrier{}
		tel.Propagator.Inject(tel.Propagator.Extract(t.Context(), in), out)
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("OTEL_PROPAGATORS=%s (-want +got):\n%s", env, diff)
		}
		fields := tel.Propagator.Fields()
		if unique := slices.Compact(slices.Sorted(slices.Values(fields))); len(unique) != len(fields) {
			t.Errorf("OTEL_PROPAGATORS=%s: fields %v, want each once", env, fields)
		}
		// Above all no "b3: 0", which would tell a peer not to record.
		nothing := propagation.MapCarrier{}
		if tel.Propagator.Inject(t.Context(), nothing); len(nothing) != 0 {
			t.Errorf("OTEL_PROPAGATORS=%s: without a span %v is sent, want nothing", env, nothing)
		}
	}
}

func TestUnknownPropagatorsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := telemetry.New(context.Background(), telemetry.Config{
		Propagators: []string{"tracecontext", "b4", "c3"}})
	if err == nil || !strings.Contains(err.Error(), "b4,c3") {
		t.Errorf("error %v, want one that names b4 and c3", err)
	}
}
