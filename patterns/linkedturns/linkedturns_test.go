package linkedturns

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func TestMalformedChainIsAnErrorAndNoChain(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for field, values := range map[string][]string{
		OriginTraceparent:   {"", "x", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
		PreviousTraceparent: {"", parent[:54], "ff" + parent[2:]},
		TurnNumber:          {"", "x", "0", "-1", "1.5", "99999999999999999999"},
	} {
		for _, value := range values {
			t.Run(field+" "+value, func(t *testing.T) {
				t.Parallel()
				carrier := propagation.MapCarrier{}
				turns(2).Inject(carrier)
				carrier[field] = value
				chain, err := Extract(carrier)
				if !errors.Is(err, ErrMalformed) || !cmp.Equal(chain, Chain{}) {
					t.Errorf("Extract = %+v, %v, want no chain, %v", chain, err, ErrMalformed)
				}
				if chain.Links() != nil {
					t.Errorf("links = %v, want none", chain.Links())
				}
			})
		}
	}
}

func TestUnreadableTracestateIsDropped(t *testing.T) {
	t.Parallel()
	carrier := propagation.MapCarrier{}
	turns(1).Inject(carrier)
	carrier[OriginTracestate] = "=,="
	chain, err := Extract(carrier)
	if err != nil || chain.Origin.TraceState().Len() != 0 {
		t.Errorf("Extract = %+v, %v, want a chain without tracestate", chain, err)
	}
}

func TestNoChain(t *testing.T) {
	t.Parallel()
	chain, err := Extract(propagation.MapCarrier{"other": "field", OriginTracestate: "congo=1"})
	if err != nil || !cmp.Equal(chain, Chain{}) {
		t.Errorf("Extract = %+v, %v, want no chain and no error", chain, err)
	}
	carrier := propagation.MapCarrier{}
	chain.Inject(carrier)
	if len(carrier) != 0 {
		t.Errorf("Inject of no chain wrote %v", carrier)
	}
}

func TestInvalidSpanContextLeavesTheChainAsItIs(t *testing.T) {
	t.Parallel()
	for _, chain := range []Chain{{}, turns(2)} {
		if got := chain.Next(trace.SpanContext{}); !cmp.Equal(got, chain) {
			t.Errorf("Next = %+v, want %+v", got, chain)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for n, want := range [][]string{
		nil,
		{"previous_turn 1", "origin 1"},
		{"previous_turn 2", "origin 1"},
		{"previous_turn 3", "origin 1"},
	} {
		var got []string
		for _, link := range turns(n).Links() {
			if link.Attributes[0].Key != "shop.link.type" {
				t.Errorf("turn %d: attribute %s", n+1, link.Attributes[0].Key)
			}
			got = append(got, fmt.Sprintf("%s %d",
				link.Attributes[0].Value.AsString(), link.SpanContext.SpanID()[7]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("turn %d: links (-want +got):\n%s", n+1, diff)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	state, err := trace.ParseTraceState("congo=t61rcWkgMzE,rojo=1")
	if err != nil {
		t.Fatal(err)
	}
	want := turns(1).Next(spanContext(2).WithTraceState(state)).Next(spanContext(3))
	want.Origin = want.Origin.WithTraceState(state)
	carrier := propagation.MapCarrier{}
	want.Inject(carrier)
	got, err := Extract(carrier)
	if err != nil {
		t.Fatal(err)
	}
	want.Origin, want.Previous = want.Origin.WithRemote(true), want.Previous.WithRemote(true)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
}

func TestInjectLeavesNothingOfAnOlderChain(t *testing.T) {
	t.Parallel()
	clean, used := propagation.MapCarrier{}, propagation.MapCarrier{
		OriginTracestate: "stale=1", PreviousTracestate: "stale=1",
	}
	turns(2).Inject(clean)
	turns(2).Inject(used)
	if diff := cmp.Diff(clean, used); diff != "" {
		t.Errorf("carrier (-clean +used):\n%s", diff)
	}
}

// turns is the chain after n turns, with the root spans 1 to n.
func turns(n int) Chain {
	var c Chain
	for i := range n {
		c = c.Next(spanContext(byte(i + 1)))
	}
	return c
}

func spanContext(n byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: n}, SpanID: trace.SpanID{7: n}, TraceFlags: trace.FlagsSampled,
	})
}
