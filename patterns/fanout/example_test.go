package fanout

import (
	"context"
	"fmt"
)

func Example() {
	tracer, memory := recording()
	ctx, quote := tracer.Start(context.Background(), "quote order")

	// Each task writes to a variable of its own: no lock is needed.
	var tax, shipping int
	err := All(ctx, tracer,
		Task{"compute tax", func(context.Context) error { tax = 190; return nil }},
		Task{"rate shipping", func(context.Context) error { shipping = 490; return nil }},
	)
	quote.End()

	fmt.Println("sum:", tax+shipping, "error:", err)
	for _, span := range memory.GetSpans() {
		fmt.Printf("%s: in the quote's span %t\n",
			span.Name, span.Parent.SpanID() == quote.SpanContext().SpanID())
	}

	// Unordered output:
	// sum: 680 error: <nil>
	// compute tax: in the quote's span true
	// rate shipping: in the quote's span true
	// quote order: in the quote's span false
}
