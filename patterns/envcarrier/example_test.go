package envcarrier

import (
	"context"
	"fmt"
	"os/exec"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func Example() {
	prop := propagation.TraceContext{}
	shell := environ{"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

	// In main: continue what the shell began.
	ctx := Context(context.Background(), prop, shell.lookup)
	parent := trace.SpanContextFromContext(ctx)
	fmt.Println("parent:", parent.SpanID(), "remote:", parent.IsRemote())

	// Later, in a span of our own: run another program.
	ctx = trace.ContextWithSpanContext(ctx, parent.WithSpanID(trace.SpanID{7: 1}))
	cmd := exec.CommandContext(ctx, "render", "report")
	cmd.Env = []string{"PATH=/bin", "TRACEPARENT=" + shell["TRACEPARENT"]}
	Command(ctx, prop, cmd)
	for _, entry := range cmd.Env {
		fmt.Println(entry)
	}

	// Output:
	// parent: 00f067aa0ba902b7 remote: true
	// PATH=/bin
	// TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01
}
