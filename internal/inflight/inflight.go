// Package inflight knows which work is still under way, so that a test or an operator can wait
// for exactly the work that a request set off: its handlers, and whatever these left running in
// the background.
//
// A response reaches the client before the handler has returned and before its span has ended.
// Whoever flushes telemetry at that moment misses the span; whoever waits with a sleep waits too
// long or too short. [Tracker.Wait] waits for neither more nor less than what was begun before.
package inflight

import (
	"context"
	"net/http"
	"sync"
)

// Tracker counts work by generation. Each Wait starts a new generation; work that is begun by
// other work belongs to the generation of that other work, however late it begins, so a Wait
// covers the descendants of what it waits for and is not delayed by anything else.
//
// The zero value is ready. A nil Tracker tracks nothing. It is safe for concurrent use.
type Tracker struct {
	mu      sync.Mutex
	current uint64
	running map[uint64]int // work under way, by generation; no zero entries
	waiters map[*waiter]struct{}
}

// waiter waits until no work of a generation up to limit is running.
type waiter struct {
	limit uint64
	done  chan struct{}
}

// item is one piece of work, carried by its context. Its fields are guarded by the tracker.
type item struct {
	generation uint64
	ended      bool
}

// itemKey keeps apart the trackers of services that share a process and hand contexts around.
type itemKey struct{ tracker *Tracker }

// Begin counts one piece of work until done is called; calling done again does nothing. What is
// begun with the returned context is part of this work.
func (t *Tracker) Begin(ctx context.Context) (_ context.Context, done func()) {
	if t == nil {
		return ctx, func() {}
	}
	work := &item{}
	t.begin(ctx, work)
	return context.WithValue(ctx, itemKey{t}, work), sync.OnceFunc(func() { t.end(work) })
}

// Go runs fn(run) in a goroutine and counts it as part of the work in submit. submit and run
// differ where background work must not end with the request that submitted it: run may be
// context.Background(), and is passed on with nothing added but the membership of that work.
func (t *Tracker) Go(submit, run context.Context, fn func(context.Context)) {
	if t == nil {
		go fn(run)
		return
	}
	work := &item{}
	t.begin(submit, work)
	go func() {
		defer t.end(work)
		fn(context.WithValue(run, itemKey{t}, work))
	}()
}

// Leave counts the work in ctx as done from now on, although it goes on: a stream stays open for as
// long as somebody listens, and is nothing to wait for. A ctx without work is left as it is.
func (t *Tracker) Leave(ctx context.Context) {
	if t == nil {
		return
	}
	if work, ok := ctx.Value(itemKey{t}).(*item); ok {
		t.end(work)
	}
}

// Wait returns nil when all work begun before the call, and whatever that work has begun or
// begins meanwhile, is done. It returns ctx.Err when ctx ends first.
func (t *Tracker) Wait(ctx context.Context) error {
	if t == nil {
		return ctx.Err()
	}
	t.mu.Lock()
	w := &waiter{limit: t.current, done: make(chan struct{})}
	t.current++
	if t.idle(w.limit) {
		t.mu.Unlock()
		return nil
	}
	if t.waiters == nil {
		t.waiters = make(map[*waiter]struct{})
	}
	t.waiters[w] = struct{}{}
	t.mu.Unlock()

	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		t.mu.Lock()
		delete(t.waiters, w)
		t.mu.Unlock()
		return ctx.Err()
	}
}

// Handler counts each request as work. It belongs outside of everything else, so that the work
// is not done before every span of the request has ended.
func (t *Tracker) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, done := t.Begin(r.Context())
		defer done()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// begin puts work into the generation of the work in parent, or into the current one.
func (t *Tracker) begin(parent context.Context, work *item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	work.generation = t.current
	if up, ok := parent.Value(itemKey{t}).(*item); ok && up != work {
		work.generation = up.generation
	}
	if t.running == nil {
		t.running = make(map[uint64]int)
	}
	t.running[work.generation]++
}

func (t *Tracker) end(work *item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if work.ended {
		return
	}
	work.ended = true
	t.running[work.generation]--
	if t.running[work.generation] > 0 {
		return
	}
	delete(t.running, work.generation)
	for w := range t.waiters {
		if t.idle(w.limit) {
			delete(t.waiters, w)
			close(w.done)
		}
	}
}

// idle reports whether nothing of a generation up to limit is running.
func (t *Tracker) idle(limit uint64) bool {
	for generation := range t.running {
		if generation <= limit {
			return false
		}
	}
	return true
}
