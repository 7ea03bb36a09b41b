package clientreturned

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Two turns of one negotiation, and what happens when the client moves its
// context to another one.
func Example() {
	signer := &Signer{
		Vendor:   "throughline",
		Keys:     [][]byte{[]byte("an example: use 32 random bytes!")},
		MaxAge:   15 * time.Minute,
		MaxTurns: 10,
		Now:      func() time.Time { return time.Unix(1767225600, 0) },
	}

	// Turn 1: the response carries the context of the span that served it.
	signed, err := signer.Sign(exampleSpanContext(), "negotiation-7", Claims{})
	if err != nil {
		fmt.Println(err)
		return
	}
	response := http.Header{}
	Return(response, signed)
	fmt.Println("traceparent:", response.Get("traceparent"))
	fmt.Println("tracestate: ", response.Get("tracestate"))

	// Turn 2: the client has copied both headers into its request.
	request := http.Header{}
	request.Set("traceparent", response.Get("traceparent"))
	request.Set("tracestate", response.Get("tracestate"))
	for _, workflow := range []string{"negotiation-7", "negotiation-8"} {
		claims, parent, err := continueTrace(signer, request, workflow)
		if err != nil {
			fmt.Printf("%s: new root, rejected as %s\n", workflow, Reason(err))
			continue
		}
		// Start the SERVER span of the turn with this as the remote parent.
		ctx := trace.ContextWithRemoteSpanContext(context.Background(), parent)
		fmt.Printf("%s: turn %d continues %s, tracestate %q\n", workflow, claims.Turn+1,
			trace.SpanContextFromContext(ctx).TraceID(), parent.TraceState())
	}

	// Output:
	// traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
	// tracestate:  throughline=2.1.1.1767226500.S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3.LRCMxBAbOS02yks56Y19dWSaC_MUAj8XNe8pX1a6dVY,congo=t61rcWkgMzE
	// negotiation-7: turn 2 continues 4bf92f3577b34da6a3ce929d0e0e4736, tracestate "congo=t61rcWkgMzE"
	// negotiation-8: new root, rejected as forged
}

func continueTrace(
	s *Signer, request http.Header, workflow string,
) (Claims, trace.SpanContext, error) {
	sc, err := Extract(request)
	if err != nil {
		return Claims{}, trace.SpanContext{}, err
	}
	return s.Verify(context.Background(), sc, workflow)
}

// exampleSpanContext stands for the context of the SERVER span of turn 1, which
// another system has left a tracestate member in.
func exampleSpanContext() trace.SpanContext {
	traceID, _ := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	spanID, _ := trace.SpanIDFromHex("00f067aa0ba902b7")
	state, _ := trace.ParseTraceState("congo=t61rcWkgMzE")
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, TraceState: state,
	})
}
