package spancontextpayload

import (
	"context"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/otel/trace"
)

func Example() {
	// The sender's span, in real life a PRODUCER.
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 1}, TraceFlags: trace.FlagsSampled,
	})
	sending := trace.ContextWithSpanContext(context.Background(), sc)
	body, err := json.Marshal(order{ID: "o-7", Trace: Encode(sending)})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(string(body))

	var received order
	if err := json.Unmarshal(body, &received); err != nil {
		fmt.Println(err)
	}
	ctx, err := Context(context.Background(), received.Trace)
	parent := trace.SpanContextFromContext(ctx)
	fmt.Println("parent:", parent.SpanID(), "remote:", parent.IsRemote(), "error:", err)

	received.Trace.SpanID = "oops"
	_, err = Context(context.Background(), received.Trace)
	fmt.Println("error:", err)

	// Output:
	// {"id":"o-7","trace":{"trace_id":"00000000000000000000000000000001","span_id":"0000000000000001","trace_flags":"01"}}
	// parent: 0000000000000001 remote: true error: <nil>
	// error: malformed span context in payload: span_id is "oops", want 16 lower-case hexadecimal digits, for an id not all 0
}
