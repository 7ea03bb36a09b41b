package persistedcontext

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.opentelemetry.io/otel/trace"
)

// Four turns of one checkout, with at most two turns to a trace: turn 3 is a
// new root and turn 4 its child.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client := exampleClient(server.Addr())
	defer func() { _ = client.Close() }()
	store := Store{Client: client, Prefix: "trace:", TTL: time.Hour, MaxTurns: 2}
	ctx := context.Background() // in a server: r.Context(), before the span starts

	for turn := byte(1); turn <= 4; turn++ {
		process, err := store.Load(ctx, "checkout-7")
		if err != nil && !errors.Is(err, ErrNotFound) {
			fmt.Println(err) // the process is zero, so this is a new root
		}
		// The edge starts the SERVER span here, with process.Parent() as the
		// remote parent and process.Links() as its links.
		span := exampleSpan(process.Parent(), turn)
		fmt.Printf("turn %d: span %s of trace %s, child of %s\n",
			process.Turn+1, short(span.SpanID()), short(span.TraceID()),
			short(process.Parent().SpanID()))
		for _, link := range process.Links() {
			fmt.Printf("        link %s to %s\n",
				link.Attributes[0].Value.AsString(), short(link.SpanContext.SpanID()))
		}
		if err := store.Save(ctx, "checkout-7", span, process); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(server.HGet("trace:checkout-7", "origin-traceparent"))

	// Output:
	// turn 1: span 0001 of trace 0001, child of 0000
	// turn 2: span 0002 of trace 0001, child of 0001
	//         link previous_turn to 0001
	// turn 3: span 0003 of trace 0003, child of 0000
	//         link previous_turn to 0002
	//         link origin to 0001
	// turn 4: span 0004 of trace 0003, child of 0003
	//         link previous_turn to 0003
	// 00-00000000000000000000000000000001-0000000000000001-01
}

// exampleSpan stands for starting a SERVER span with a remote parent.
func exampleSpan(parent trace.SpanContext, n byte) trace.SpanContext {
	if !parent.IsValid() {
		parent = parent.WithTraceID(trace.TraceID{15: n}).WithTraceFlags(trace.FlagsSampled)
	}
	return parent.WithSpanID(trace.SpanID{7: n}).WithRemote(false)
}

// exampleClient keeps the connection free of commands that are not its user's.
func exampleClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:            addr,
		MaxRetries:      -1,
		DialerRetries:   1,
		DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
}

// short is the last four digits of an id.
func short(id fmt.Stringer) string {
	s := id.String()
	return s[len(s)-4:]
}
