// Package goroutines gives work that runs in another goroutine the right place in
// the trace.
//
// # Problem
//
// A goroutine that is started with context.Background() begins a trace nobody
// finds. One that keeps the request's ctx dies with the request. And in a pool the
// ctx at hand is the worker's own: whatever it does, for whoever asked, hangs
// under the span of its loop, or of the first job it ever had.
//
// # Use
//
// Work that is awaited needs nothing of this: give the goroutine the ctx, and its
// spans are children that overlap. For work that is not awaited choose:
//
//   - [Detach] keeps it in the trace, without the request's cancellation and
//     deadline: for what belongs to the request and ends soon after it;
//   - [NewRoot] gives it a trace of its own, with a link to the caller: for what
//     is long, or serves more than this request.
//
// A [Pool] runs each job with the span context of its submitter, detached.
//
// # Don't use
//
// To wait for work: use errgroup with the ctx it derives. For work that must
// survive a crash: put a message into an outbox or a stream. Detached work has no
// deadline: give it one.
//
// # Spec
//
// OpenTelemetry Trace API, "Link" and "Determining the Parent Span from a
// Context": the parent is what the Context holds, and it may have ended.
package goroutines

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// The link says what it is. No semantic convention names such an attribute, so the
// key is the shop's own: rename it to your own namespace.
const (
	LinkTypeKey = attribute.Key("shop.link.type")
	LinkCaller  = "caller"
)

// ErrClosed is what Submit returns once Close has been called.
var ErrClosed = errors.New("pool is closed")

// Detach returns ctx without its cancellation and deadline. Span, baggage and all
// other values stay, so what is started from it is a child in the same trace.
func Detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// NewRoot starts an INTERNAL span that is the root of a new trace and has a link
// to the span in ctx, of the type linkType, for example LinkCaller. Without a span
// in ctx there is no link. The context it returns holds the new span and is
// detached from ctx as in Detach. The caller ends the span, in the goroutine.
func NewRoot(
	ctx context.Context, tracer trace.Tracer, name, linkType string,
) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{trace.WithNewRoot()}
	if caller := trace.SpanContextFromContext(ctx); caller.IsValid() {
		// At the start, not with AddLink: samplers see only links given here.
		options = append(options, trace.WithLinks(trace.Link{
			SpanContext: caller,
			Attributes:  []attribute.KeyValue{LinkTypeKey.String(linkType)},
		}))
	}
	return tracer.Start(Detach(ctx), name, options...)
}

// A Pool runs jobs in a fixed number of goroutines. It is safe for concurrent use.
type Pool struct {
	jobs    chan job
	closing chan struct{} // closed when Close is called, to wake blocked submitters
	workers sync.WaitGroup

	mu         sync.Mutex // guards closed, and Add of submitters against Wait
	closed     bool
	submitters sync.WaitGroup
}

// A job carries its submitter's ctx through the queue: that is the whole pattern.
type job struct {
	ctx context.Context
	run func(context.Context)
}

// NewPool starts a pool of n workers with room for queue jobs that wait. Less than
// one worker is one, and less than no room is none.
func NewPool(n, queue int) *Pool {
	p := &Pool{jobs: make(chan job, max(queue, 0)), closing: make(chan struct{})}
	for range max(n, 1) {
		p.workers.Go(func() {
			for j := range p.jobs {
				j.run(j.ctx)
			}
		})
	}
	return p
}

// Submit queues run. It blocks while the queue is full, until there is room, ctx
// is done (its error is returned) or the pool is closed (ErrClosed). If it returns
// nil, run is called once, with ctx detached as in Detach: its spans are children
// of the submitter's span. A job that wants a trace of its own calls NewRoot. A
// panic in run ends the program, as in any goroutine.
func (p *Pool) Submit(ctx context.Context, run func(ctx context.Context)) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.submitters.Add(1)
	p.mu.Unlock()
	defer p.submitters.Done()

	if err := ctx.Err(); err != nil { // select chooses at random
		return err
	}
	select {
	case p.jobs <- job{ctx: Detach(ctx), run: run}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return ErrClosed
	}
}

// Close refuses new jobs and returns when all that were accepted have run. It may
// be called more than once, but not from a job.
func (p *Pool) Close() {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.closing)
		p.submitters.Wait()
		close(p.jobs)
	}
	p.workers.Wait()
}
