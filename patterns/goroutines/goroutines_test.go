package goroutines

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// synctest also proves that no goroutine is left: a bubble that still has a
// blocked one at its end fails the test.

func TestAFullPoolRefusesWhoeverGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool, release := NewPool(1, 1), make(chan struct{})
		ran := 0
		block := func(context.Context) { <-release; ran++ }
		for range 2 { // one in work, one in the queue
			if err := pool.Submit(t.Context(), block); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := pool.Submit(ctx, block); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
		}
		close(release)
		pool.Close()
		if ran != 2 {
			t.Errorf("%d jobs ran, want the 2 that were accepted", ran)
		}
	})
}

func TestCloseWakesSubmittersAndWaitsForJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool, release := NewPool(0, -1), make(chan struct{}) // one worker, no room
		var done atomic.Bool
		err := pool.Submit(t.Context(), func(context.Context) { <-release; done.Store(true) })
		if err != nil {
			t.Fatal(err)
		}
		blocked, closed := make(chan error, 1), make(chan struct{}, 2)
		go func() { blocked <- pool.Submit(t.Context(), func(context.Context) {}) }()
		synctest.Wait()
		for range 2 {
			go func() { pool.Close(); closed <- struct{}{} }()
		}
		synctest.Wait()
		if err := <-blocked; !errors.Is(err, ErrClosed) {
			t.Errorf("blocked Submit = %v, want %v", err, ErrClosed)
		}
		if len(closed) != 0 {
			t.Error("Close returned while a job was running")
		}
		close(release)
		<-closed
		<-closed
		if !done.Load() {
			t.Error("the job had not ended")
		}
		err = pool.Submit(t.Context(), func(context.Context) { t.Error("ran after Close") })
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Submit = %v, want %v", err, ErrClosed)
		}
	})
}

func TestACancelledSubmitterIsRefused(t *testing.T) {
	t.Parallel()
	pool := NewPool(1, 10)
	defer pool.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		err := pool.Submit(ctx, func(context.Context) { t.Error("ran") })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want %v", err, context.Canceled)
		}
	}
}

// One worker serves three strangers in turn: each job's parent is its own
// submitter, never the pool's maker or the job before it.
func TestAJobsParentIsItsSubmitter(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	_, loop := tracer.Start(t.Context(), "loop")
	pool := NewPool(1, 3)
	submitters := make(map[string]trace.SpanContext)
	for _, name := range []string{"a", "b", "c"} {
		ctx, cancel := context.WithCancel(t.Context())
		ctx, span := tracer.Start(ctx, "submit "+name)
		submitters[name] = span.SpanContext()
		err := pool.Submit(ctx, func(ctx context.Context) {
			ctx, span := tracer.Start(ctx, name)
			span.End()
			if ctx.Err() != nil {
				t.Errorf("job %s: %v, want no cancellation", name, ctx.Err())
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		span.End()
		cancel()
	}
	pool.Close()
	loop.End()
	for name, submitter := range submitters {
		if got := find(spans, name).Parent(); !got.Equal(submitter) {
			t.Errorf("parent of %s = %v, want its submitter %v", name, got, submitter)
		}
	}
}

func TestDetachKeepsTheTraceAndNothingThatEnds(t *testing.T) {
	t.Parallel()
	tracer, _ := exampleTracer()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	ctx, span := tracer.Start(ctx, "request")
	detached := Detach(ctx)
	cancel()
	if _, ok := detached.Deadline(); ok || detached.Err() != nil {
		t.Errorf("deadline %t, error %v, want neither", ok, detached.Err())
	}
	if got := trace.SpanContextFromContext(detached); !got.Equal(span.SpanContext()) {
		t.Errorf("span context = %v, want the request's", got)
	}
}

func TestNewRoot(t *testing.T) {
	t.Parallel()
	tracer, spans := exampleTracer()
	ctx, cancel := context.WithCancel(t.Context())
	ctx, caller := tracer.Start(ctx, "request")
	cancel()
	ctx, span := NewRoot(ctx, tracer, "refresh cache", LinkCaller)
	if ctx.Err() != nil || !trace.SpanContextFromContext(ctx).Equal(span.SpanContext()) {
		t.Errorf("context: error %v, want none, and the new span", ctx.Err())
	}
	span.End()
	_, alone := NewRoot(t.Context(), tracer, "alone", LinkCaller)
	alone.End()

	root := find(spans, "refresh cache")
	if root.Parent().IsValid() ||
		root.SpanContext().TraceID() == caller.SpanContext().TraceID() {
		t.Errorf("parent = %v, want a new root", root.Parent())
	}
	links := []sdktrace.Link{{
		SpanContext: caller.SpanContext(),
		Attributes:  []attribute.KeyValue{attribute.String("shop.link.type", "caller")},
	}}
	if diff := cmp.Diff(links, root.Links(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if got := find(spans, "alone").Links(); len(got) != 0 {
		t.Errorf("links = %v, want none without a caller", got)
	}
}

func TestLinkIsThereForTheSampler(t *testing.T) {
	t.Parallel()
	links := 0
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(samplerFunc(
		func(p sdktrace.SamplingParameters) { links = len(p.Links) })))
	ctx, _ := tp.Tracer("test").Start(t.Context(), "request")
	NewRoot(ctx, tp.Tracer("test"), "refresh cache", LinkCaller)
	if links != 1 {
		t.Errorf("sampler saw %d links, want 1", links)
	}
}

type samplerFunc func(sdktrace.SamplingParameters)

func (f samplerFunc) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	f(p)
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (samplerFunc) Description() string { return "test" }
