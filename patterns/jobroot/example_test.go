package jobroot

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// SIGTERM arrives while the second payment is being settled.
func Example() {
	exported := &kept{}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exported))
	tracer := tp.Tracer("example")
	ctx, sigterm := context.WithCancel(context.Background()) // signal.NotifyContext

	err := Run(ctx, tracer, "settle payments", func(ctx context.Context) error {
		for payment := range 5 {
			if err := step(ctx, tracer, func() {
				if payment == 1 {
					sigterm()
				}
			}); err != nil {
				return err
			}
		}
		return nil
	})
	err = errors.Join(err, Flush(ctx, 5*time.Second, tp.Shutdown))

	fmt.Println("error:", err)
	for _, span := range exported.spans {
		fmt.Printf("%s: has a parent %t, error.type %q\n",
			span.Name, span.Parent.IsValid(), errorTypeOf(span))
	}

	// Output:
	// error: context canceled
	// settle payment: has a parent true, error.type ""
	// settle payment: has a parent true, error.type ""
	// settle payment: has a parent true, error.type ""
	// settle payments: has a parent false, error.type "canceled"
}
