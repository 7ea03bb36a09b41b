package inflight_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"google.golang.org/grpc/stats"

	"example.com/throughline/internal/inflight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waiting starts a Wait and returns a function that tells whether it has returned by the time
// that every goroutine of the bubble is idle.
func waiting(t *testing.T, tr *inflight.Tracker) (returned func() bool) {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- tr.Wait(context.Background()) }()
	synctest.Wait()
	got := false
	return func() bool {
		synctest.Wait()
		select {
		case err := <-result:
			if err != nil {
				t.Error(err)
			}
			got = true
		default:
		}
		return got
	}
}

func TestWaitReturnsTheContextsError(t *testing.T) {
	t.Parallel()
	var tr inflight.Tracker
	_, done := tr.Begin(t.Context())
	defer done()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tr.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want %v", err, context.Canceled)
	}
}

func TestWaitWaitsForWhatWasBegunBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		_, first := tr.Begin(t.Context())
		_, second := tr.Begin(t.Context())
		returned := waiting(t, &tr)
		first()
		first() // again: must not count
		if returned() {
			t.Error("Wait returned with work under way")
		}
		second()
		if !returned() {
			t.Error("Wait did not return when all was done")
		}
	})
}

func TestLaterWorkDoesNotDelayWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		_, first := tr.Begin(t.Context())
		returned := waiting(t, &tr)
		_, later := tr.Begin(t.Context())
		defer later()
		first()
		if !returned() {
			t.Error("Wait waits for work that was begun after it")
		}
		if next := waiting(t, &tr); next() {
			t.Error("a second Wait does not wait for that work")
		}
		later()
	})
}

func TestWaitCoversWhatTheWorkSpawnsAtAnyDepth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		ctx, done := tr.Begin(t.Context())
		returned := waiting(t, &tr)
		child, grandchild := make(chan struct{}), make(chan struct{})
		// run is not derived from submit, as in background work that outlives its request.
		tr.Go(ctx, context.Background(), func(run context.Context) {
			<-child
			nested, end := tr.Begin(run)
			defer end()
			tr.Go(nested, context.Background(), func(context.Context) { <-grandchild })
		})
		done()
		if returned() {
			t.Error("Wait returned before the child was done")
		}
		close(child)
		if returned() {
			t.Error("Wait returned before the grandchild was done")
		}
		close(grandchild)
		if !returned() {
			t.Error("Wait did not return when all were done")
		}
	})
}

func TestGoPassesRunOn(t *testing.T) {
	t.Parallel()
	type key struct{}
	var tr inflight.Tracker
	submit, done := tr.Begin(context.WithValue(t.Context(), key{}, "submit"))
	defer done()
	got := make(chan any, 1)
	tr.Go(submit, context.WithValue(t.Context(), key{}, "run"), func(ctx context.Context) {
		got <- ctx.Value(key{})
	})
	if v := <-got; v != "run" {
		t.Errorf("fn got the context %v, want run", v)
	}
}

func TestANilTrackerTracksNothing(t *testing.T) {
	t.Parallel()
	var tr *inflight.Tracker
	ctx, done := tr.Begin(t.Context())
	done()
	ran := make(chan struct{})
	tr.Go(ctx, ctx, func(context.Context) { close(ran) })
	<-ran
	if err := tr.Wait(ctx); err != nil {
		t.Error(err)
	}
}

func TestHandlerCountsUntilTheHandlerHasReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		release := make(chan struct{})
		h := tr.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNoContent) // the client has its answer now
			<-release
		}))
		go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		synctest.Wait()
		returned := waiting(t, &tr)
		if returned() {
			t.Error("Wait returned before the handler")
		}
		close(release)
		if !returned() {
			t.Error("Wait did not return after the handler")
		}
	})
}

func TestStatsCountsFromBeginToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		next := &recorder{}
		h := tr.Stats(next)

		unknown := h.TagRPC(t.Context(), &stats.RPCTagInfo{}) // for an unknown method: no Begin
		h.HandleRPC(unknown, &stats.InHeader{})
		if returned := waiting(t, &tr); !returned() {
			t.Fatal("Wait waits for an RPC that never began")
		}

		ctx := h.TagRPC(t.Context(), &stats.RPCTagInfo{})
		h.HandleRPC(ctx, &stats.Begin{})
		returned := waiting(t, &tr)
		next.onEnd = func() {
			if returned() {
				t.Error("Wait returned before next had seen stats.End")
			}
		}
		h.HandleRPC(ctx, &stats.End{})
		if !next.ended || !returned() {
			t.Errorf("next saw stats.End: %t; Wait did not return after it", next.ended)
		}
	})
}

func TestWaitCoversWhatAnRPCSpawns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		h := tr.Stats(&recorder{onEnd: func() {}})
		ctx := h.TagRPC(t.Context(), &stats.RPCTagInfo{})
		h.HandleRPC(ctx, &stats.Begin{})
		returned := waiting(t, &tr)
		release := make(chan struct{})
		tr.Go(ctx, context.Background(), func(context.Context) { <-release })
		h.HandleRPC(ctx, &stats.End{})
		if returned() {
			t.Error("Wait returned before background work")
		}
		close(release)
		if !returned() {
			t.Error("Wait did not return when all was done")
		}
	})
}

// TestConcurrentUse ends with nothing running, whatever the order.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var tr inflight.Tracker
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ctx, done := tr.Begin(context.Background())
				tr.Go(ctx, context.Background(), func(run context.Context) {
					_, end := tr.Begin(run)
					end()
				})
				done()
				if err := tr.Wait(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := tr.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

type recorder struct {
	ended bool
	onEnd func()
}

func (r *recorder) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (r *recorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}
func (r *recorder) HandleConn(context.Context, stats.ConnStats) {}
func (r *recorder) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.End); ok {
		r.ended = true
		r.onEnd()
	}
}

func TestLeftWorkIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tr inflight.Tracker
		ctx, done := tr.Begin(t.Context())
		_, other := tr.Begin(t.Context())
		returned := waiting(t, &tr)
		tr.Leave(ctx)
		tr.Leave(t.Context()) // no work: nothing happens
		if returned() {
			t.Error("Wait returned although other work is under way")
		}
		done() // counts once only
		if returned() {
			t.Error("the end of work that was left ended other work")
		}
		other()
		if !returned() {
			t.Error("Wait did not return although all work is done or left")
		}
		(*inflight.Tracker)(nil).Leave(ctx)
	})
}
