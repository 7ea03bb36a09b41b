// Package sweep traces a timer's job that touches many processes at once.
//
// # Problem
//
// Every minute a job looks for abandoned checkouts and expires them. One span
// around the loop is open for weeks and arrives when the program ends, if then.
// What is found belongs to as many traces as there are checkouts, and none of them
// is the job's parent.
//
// # Use
//
// [Sweeper.Run] waits, finds and touches until ctx is done. Each run is one
// INTERNAL span, the root of its own trace, with a link to every workflow that it
// found; between two runs no span is open. A run that finds nothing has a span
// too, so that a timer that has stopped can be told from one with nothing to do;
// at one per Every it costs little. [Sweeper.RunOnce] is one such run, for a cron
// job or a test.
//
// # Don't use
//
// For work that belongs to one process: continue or link that one's trace with a
// span of its own. For hundreds of items a run: a span keeps 128 links by default
// (OTEL_SPAN_LINK_COUNT_LIMIT), so let find return fewer, and the rest waits for
// the next run. Two instances that sweep find the same items: touch must bear it.
//
// # Spec
//
// OpenTelemetry Trace API, "Link"; links are given at the start of the span,
// because samplers see no others, so what is found must be known before it.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Every link says what it is and to which workflow. No semantic convention names
// such attributes, so the keys are the shop's own: rename them to your namespace.
const (
	LinkTypeKey   = attribute.Key("shop.link.type")
	LinkBatchItem = "batch_item"
	WorkflowIDKey = attribute.Key("shop.workflow.id")
)

// An Item is one workflow to be touched.
type Item struct {
	// ID is the workflow's.
	ID string
	// Context is a span of the workflow, such as its last turn's; if it is not
	// valid, the workflow is touched without a link.
	Context trace.SpanContext
}

// A Sweeper runs a job again and again. Tracer is required.
type Sweeper struct {
	Tracer trace.Tracer
	// Every is the time from the beginning of one run to that of the next, for Run.
	// It must be positive. A run that takes longer delays the next one.
	Every time.Duration
	// Failed is called with the error of each failed run, if it is not nil; log it
	// there.
	Failed func(ctx context.Context, err error)
}

// Run does what RunOnce does, Every after Every, until ctx is done, and returns
// nil; or an error at once if Every is not positive. The first run is one
// Every from now.
func (s Sweeper) Run(
	ctx context.Context, name string,
	find func(ctx context.Context) ([]Item, error),
	touch func(ctx context.Context, item Item) error,
) error {
	if s.Every <= 0 {
		return fmt.Errorf("%s: Every is %v, want a positive duration", name, s.Every)
	}
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if ctx.Err() != nil { // select chooses at random
			return nil
		}
		if err := s.RunOnce(ctx, name, find, touch); err != nil && s.Failed != nil {
			s.Failed(ctx, err)
		}
	}
}

// RunOnce calls find, starts the span called name ("expire checkouts": no id in
// it), and calls touch for every item, in order, with the span in ctx. It is a new
// root, whatever ctx holds. find runs before the span, with no span in ctx, and
// so leaves none behind; the span's start time is from before it.
//
// An item that fails does not stop the next ones; once ctx is done no more are
// begun. The errors are returned joined, each behind its item's ID; status Error
// and the first one's type as error.type are on the span, without the text, which
// may hold business data.
func (s Sweeper) RunOnce(
	ctx context.Context, name string,
	find func(ctx context.Context) ([]Item, error),
	touch func(ctx context.Context, item Item) error,
) error {
	start := time.Now()
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	items, err := find(ctx)

	ctx, span := s.Tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithTimestamp(start),
		trace.WithSpanKind(trace.SpanKindInternal), trace.WithLinks(links(items)...))
	defer span.End()
	if err != nil {
		fail(span, err)
		return fmt.Errorf("%s: find: %w", name, err)
	}
	var all []error
	for _, item := range items {
		err := ctx.Err()
		if err == nil {
			err = touch(ctx, item)
		}
		if err == nil {
			continue
		}
		if all = append(all, fmt.Errorf("%s: %.80q: %w", name, item.ID, err)); len(all) == 1 {
			fail(span, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(all...)
}

func links(items []Item) []trace.Link {
	links := make([]trace.Link, 0, len(items))
	for _, item := range items {
		if item.Context.IsValid() {
			links = append(links, trace.Link{
				SpanContext: item.Context,
				Attributes: []attribute.KeyValue{
					LinkTypeKey.String(LinkBatchItem), WorkflowIDKey.String(item.ID),
				},
			})
		}
	}
	return links
}

func fail(span trace.Span, err error) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(semconv.ErrorType(err))
}
