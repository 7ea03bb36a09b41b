package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// gate stands in front of the SDK's batch span processor and admits only as many spans as the
// processor surely has room for, so that it never drops one behind the ledger's back.
//
// The processor's queue is one larger than the ledger's capacity: a ForceFlush puts a marker
// into the same queue, and the gate sees to it that there is never more than one.
type gate struct {
	next     sdktrace.SpanProcessor
	ledger   *Ledger
	capacity int64
	giveUp   context.CancelFunc // ends an export that outlives Shutdown
	flush    flights

	mu     sync.RWMutex // held for reading from admission until the span is in next's queue
	closed bool

	shutdown    sync.Once
	shutdownErr error
}

func newGate(l *Ledger, exporter sdktrace.SpanExporter, h *health) *gate {
	size := int(l.capacity)
	return newGateOf(size, l, exporter, h, func(o *sdktrace.BatchSpanProcessorOptions) {
		// A batch larger than the capacity would never fill.
		o.MaxExportBatchSize = min(o.MaxExportBatchSize, size)
	})
}

func newGateOf(
	size int, l *Ledger, exporter sdktrace.SpanExporter, h *health,
	option sdktrace.BatchSpanProcessorOption,
) *gate {
	running, giveUp := context.WithCancel(context.Background())
	counting := &spanExporter{next: exporter, ledger: l, health: h, running: running}
	next := sdktrace.NewBatchSpanProcessor(counting, sdktrace.WithMaxQueueSize(size+1), option)
	g := &gate{next: next, ledger: l, capacity: int64(size), giveUp: giveUp}
	// A caller's deadline must not end the flush itself: the marker of a flush that was given
	// up would stay in the queue.
	g.flush.run = func() error { return next.ForceFlush(context.Background()) }
	return g
}

func (g *gate) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd never blocks on an exporter.
func (g *gate) OnEnd(span sdktrace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.ledger.admit(!g.closed, g.capacity) {
		g.next.OnEnd(span)
	}
}

func (g *gate) ForceFlush(ctx context.Context) error { return g.flush.join(ctx) }

func (g *gate) Shutdown(ctx context.Context) error {
	g.shutdown.Do(func() {
		err := g.drain(ctx)
		if left := g.ledger.close(); left > 0 {
			err = errors.Join(err, fmt.Errorf("%d spans not exported before shutdown", left))
		}
		g.giveUp()
		g.shutdownErr = err
	})
	return g.shutdownErr
}

// drain exports what was admitted and admits nothing more.
func (g *gate) drain(ctx context.Context) error {
	// With the lock taken, every admitted span is in the queue, and later ones are refused: the
	// processor's drain misses none.
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	return g.next.Shutdown(ctx)
}

// flights runs one flush at a time. A caller that comes during a flush needs the one after it,
// which starts later than the call; all such callers share it.
type flights struct {
	run func() error

	mu            sync.Mutex
	current, next *flight
}

type flight struct {
	done chan struct{}
	err  error
}

// join waits for a flush that starts after the call, or for ctx.
func (f *flights) join(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mine := f.book()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *flights) book() *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		f.current = &flight{done: make(chan struct{})}
		go f.fly(f.current)
		return f.current
	}
	if f.next == nil {
		f.next = &flight{done: make(chan struct{})}
	}
	return f.next
}

func (f *flights) fly(this *flight) {
	for this != nil {
		this.err = f.run()
		f.mu.Lock()
		f.current, f.next = f.next, nil
		following := f.current
		f.mu.Unlock()
		close(this.done)
		this = following
	}
}
