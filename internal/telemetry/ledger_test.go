package telemetry_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/throughline/internal/telemetry"
)

func TestAFullQueueIsCountedExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fate, entered, release := blocked()
		defer release()
		tel := start(t, telemetry.Config{SpanExporter: &spanExporter{fate: fate}, QueueSize: 4})
		began := time.Now()
		end(tel, 4)
		<-entered
		if waited := time.Since(began); waited > 0 {
			t.Errorf("a full queue waited %v for its export, want none", waited)
		}
		end(tel, 7)
		want(t, tel, 11, 0, 4, map[string]int64{"queue_full": 7})
		release()
		if err := tel.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, tel, 11, 4, 0, map[string]int64{"queue_full": 7})
	})
}

func TestAFailedExportCountsItsWholeBatch(t *testing.T) {
	t.Parallel()
	failing := &spanExporter{fate: func(context.Context) error { return errRefused }}
	tel := start(t, telemetry.Config{SpanExporter: failing})
	end(tel, 5)
	if err := tel.Flush(t.Context()); !errors.Is(err, errRefused) {
		t.Errorf("Flush = %v, want the exporter's error", err)
	}
	want(t, tel, 5, 0, 0, map[string]int64{"export_failed": 5})
}

func TestFlushRespectsItsDeadline(t *testing.T) {
	t.Parallel()
	fate, entered, release := blocked()
	defer release()
	tel := start(t, telemetry.Config{SpanExporter: &spanExporter{fate: fate}, QueueSize: 8})
	end(tel, 3)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if err := tel.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush = %v, want the context's error", err)
	}
	want(t, tel, 3, 0, 3, nil)

	// Flushes that were given up must leave no room-taking markers behind: with the exporter
	// still blocked, there is room for exactly five more spans.
	for range 20 {
		ended, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_ = tel.Flush(ended)
		cancel()
	}
	end(tel, 6)
	want(t, tel, 9, 0, 8, map[string]int64{"queue_full": 1})
	release()
	if err := tel.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, tel, 9, 8, 0, map[string]int64{"queue_full": 1})
}

func TestTheLastSpanBeforeShutdownIsExported(t *testing.T) {
	t.Parallel()
	exporter := &spanExporter{}
	tel := start(t, telemetry.Config{SpanExporter: exporter})
	_, span := tel.TracerProvider.Tracer("test").Start(t.Context(), "last")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := exporter.accepted(); len(got) != 1 || got[0] != "last" {
		t.Errorf("exported %v, want the last span", got)
	}
	if !exporter.shut.Load() {
		t.Error("the exporter was not shut down")
	}
	want(t, tel, 1, 1, 0, nil)
}

func TestShutdownGivesUpAtItsDeadlineAndSaysSo(t *testing.T) {
	t.Parallel()
	fate, entered, release := blocked()
	defer release()
	tel := start(t, telemetry.Config{SpanExporter: &spanExporter{fate: fate}, QueueSize: 2})
	end(tel, 2)
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := tel.Shutdown(ctx)
	if err == nil || !strings.Contains(err.Error(), "2 spans not exported") {
		t.Errorf("Shutdown = %v, want it to tell of 2 spans", err)
	}
	want(t, tel, 2, 0, 0, map[string]int64{"shutdown": 2})
	if again := tel.Shutdown(t.Context()); again == nil || again.Error() != err.Error() {
		t.Errorf("second Shutdown = %v, want %v", again, err)
	}
	release() // what arrives now must not be counted twice
	want(t, tel, 2, 0, 0, map[string]int64{"shutdown": 2})
}

func TestShutdownEndsAnExportThatListensToItsContext(t *testing.T) {
	t.Parallel()
	entered, ended := make(chan struct{}), make(chan error, 1)
	tel := start(t, telemetry.Config{QueueSize: 1,
		SpanExporter: &spanExporter{fate: func(ctx context.Context) error {
			close(entered)
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}}})
	end(tel, 1)
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = tel.Shutdown(ctx)
	if err := <-ended; !errors.Is(err, context.Canceled) { // a deadline: the SDK's own, 30 s
		t.Errorf("the export ended by %v, want %v", err, context.Canceled)
	}
	want(t, tel, 1, 0, 0, map[string]int64{"shutdown": 1})
}

func TestOnlySampledSpansAreCounted(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	unsampled := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(
		trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	_, span := tel.TracerProvider.Tracer("test").Start(unsampled, "unsampled")
	span.End()
	want(t, tel, 0, 0, 0, nil)
}

// TestTheLedgerAlwaysBalances is the property: whatever the exporter does, while many goroutines
// end spans and flush, and through a shutdown in the middle.
func TestTheLedgerAlwaysBalances(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 7, 64, 2048} {
		for _, early := range []bool{false, true} {
			storm(t, size, early)
		}
	}
}

func storm(t *testing.T, size int, earlyShutdown bool) {
	t.Helper()
	exporter := &spanExporter{fate: func(context.Context) error {
		switch rand.IntN(4) {
		case 0:
			return errRefused
		case 1:
			for range rand.IntN(200) { // slow, in steps that others can come between
				runtime.Gosched()
			}
		}
		return nil
	}}
	tel := start(t, telemetry.Config{SpanExporter: exporter, QueueSize: size})
	const workers, each = 16, 200
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				end(tel, 1)
				if i%50 == 0 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
					_ = tel.Flush(ctx)
					cancel()
				}
				if err := tel.Ledger.Snapshot().Balanced(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if earlyShutdown {
		_ = tel.Shutdown(context.Background())
	}
	wg.Wait()
	_ = tel.Flush(context.Background()) // may tell of refused exports, but must settle all
	got := tel.Ledger.Snapshot()
	if err := got.Balanced(); err != nil {
		t.Error(err)
	}
	if got.Pending != 0 {
		t.Errorf("size %d: pending = %d after a flush, want 0", size, got.Pending)
	}
	if n := int64(len(exporter.accepted())); n != got.Exported {
		t.Errorf("size %d: the exporter accepted %d, the ledger says %d", size, n, got.Exported)
	}
	if !earlyShutdown && got.Ended != workers*each {
		t.Errorf("size %d: ended = %d, want %d", size, got.Ended, workers*each)
	}
}
