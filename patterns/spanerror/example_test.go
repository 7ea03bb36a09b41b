package spanerror

import (
	"context"
	"fmt"
	"log/slog"
	"os"
)

// The payment is declined two functions down: two spans, one record.
func Example() {
	tracer, spans := recording()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime}))

	confirm := func() (err error) {
		ctx, span := tracer.Start(context.Background(), "confirm order")
		defer EndAndLog(ctx, span, logger, "order not confirmed", &err, classify)
		return charge(ctx, tracer, &declined{})
	}
	fmt.Println("returned:", confirm())
	for _, span := range spans.Ended() {
		fmt.Println(span.Name(), span.Status().Code, span.Attributes()[0].Value.AsString())
	}

	// Output:
	// level=ERROR msg="order not confirmed" error="charge payment: card 4242 declined" error.type=card_declined
	// returned: <nil>
	// charge payment Error card_declined
	// confirm order Error card_declined
}

// noTime leaves the time out, so that the output is fixed.
func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
