// Package fanout does several things at once, as sibling spans that overlap.
//
// # Problem
//
// A quote needs tax, discount and shipping. One after the other they take the
// sum of their times; at once they take the longest. A trace shows which it was,
// if the spans are siblings. The classic mistake makes them a ladder:
//
//	for _, task := range tasks {
//		ctx, span = tracer.Start(ctx, task.Name) // each in the one before
//		...
//	}
//
// ctx is the parent of what comes next, so reusing the variable makes every span
// the child of the last, also after that has ended, and of none can one say how
// long the whole took. Only := with a ctx of its own, or a function, is right.
//
// # Use
//
// [All] starts an INTERNAL span for each task, all in the span of ctx, and waits
// for all of them. The first error cancels the ctx of the others and is returned;
// only the span of the task that failed is in error. A task that is just one HTTP
// call has a CLIENT span already and needs no other: leave its Name empty.
//
// # Don't use
//
// For work nobody waits for, nor for thousands of tasks: a trace of a thousand
// siblings cannot be read, so batch them, or set a limit and count. If partial
// results are good enough, let the task swallow its error.
//
// # Spec
//
// OpenTelemetry, "Context" (immutable: a write gives a new one) and Trace API,
// "Context Interaction". Semantic conventions v1.43.0, error.type.
package fanout

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
)

// Task is one of several things to do at once.
type Task struct {
	// Name is that of the span: verb and object, never an id. Without one the task
	// gets no span, and runs in the caller's.
	Name string
	// Do does it. It must return when its ctx is done.
	Do func(context.Context) error
}

// All does all tasks at once and returns when all have returned: nil, or the
// first error, after which the ctx of the others is canceled. An error is
// recorded on its task's span as status Error and error.type, without its text.
// A task that gave up because another had failed, or because ctx was canceled,
// has not failed: its span's status stays Unset.
func All(ctx context.Context, tracer trace.Tracer, tasks ...Task) error {
	group, derived := errgroup.WithContext(ctx)
	for _, task := range tasks {
		group.Go(func() error {
			return do(derived, tracer, task)
		})
	}
	return group.Wait()
}

func do(ctx context.Context, tracer trace.Tracer, task Task) error {
	if task.Name == "" {
		return task.Do(ctx)
	}
	ctx, span := tracer.Start(ctx, task.Name)
	defer span.End()
	err := task.Do(ctx)
	if err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorType(err))
	}
	return err
}
