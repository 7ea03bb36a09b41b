package telemetry

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// A span that is recorded but not sampled reaches processors, and is none of the ledger's.
func TestTheGateIgnoresSpansThatAreRecordedOnly(t *testing.T) {
	t.Parallel()
	g := newGate(newLedger(resource.Empty(), 1), tracetest.NewInMemoryExporter(), &health{})
	g.OnEnd(tracetest.SpanStub{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})}.Snapshot())
	if s := g.ledger.Snapshot(); s.Ended != 0 || s.Pending != 0 {
		t.Errorf("ledger = %+v, want nothing", s)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A flush under way may have passed the spans that ended since it began, so whoever calls now
// gets the next one; nobody gets one each.
func TestAFlushDuringAFlushIsTheNextOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs, first, later atomic.Int32
		release := make(chan struct{})
		f := flights{run: func() error {
			runs.Add(1)
			<-release
			return nil
		}}
		join := func(returned *atomic.Int32) {
			_ = f.join(context.Background())
			returned.Add(1)
		}
		go join(&first)
		synctest.Wait()
		for range 3 {
			go join(&later)
		}
		synctest.Wait()
		release <- struct{}{}
		synctest.Wait()
		if first.Load() != 1 || later.Load() != 0 {
			t.Errorf("after one flush %d first and %d later callers have returned, want 1 and 0",
				first.Load(), later.Load())
		}
		release <- struct{}{}
		synctest.Wait()
		if later.Load() != 3 || runs.Load() != 2 {
			t.Errorf("after %d flushes %d later callers have returned, want 3 after 2",
				runs.Load(), later.Load())
		}
	})
}
