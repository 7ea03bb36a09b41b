package telemetry_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/throughline/internal/telemetry"
)

// A flood of drops is told at once, and then once in ten seconds, and no drop is left out.
func TestDropsAreToldWithoutAFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fate, entered, release := blocked()
		defer release()
		stdout, logs := &buffer{}, &logExporter{}
		tel := start(t, telemetry.Config{
			SpanExporter: &spanExporter{fate: fate}, LogExporter: logs, QueueSize: 2, Stdout: stdout,
		})
		end(tel, 2)
		<-entered
		check := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, stdout.drops(t)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		end(tel, 1)
		synctest.Wait()
		check("after the first drop", "queue_full 1")
		for range 9 {
			time.Sleep(time.Second)
			end(tel, 100)
		}
		synctest.Wait()
		check("in the interval", "queue_full 1")
		time.Sleep(time.Second)
		synctest.Wait()
		check("after the interval", "queue_full 1", "queue_full 900")
		time.Sleep(time.Hour)
		end(tel, 1)
		end(tel, 1)
		synctest.Wait()
		check("an hour later", "queue_full 1", "queue_full 900", "queue_full 2")
		if err := tel.Flush(ended(t)); err == nil {
			t.Error("Flush has not waited for the exporter")
		}
		end(tel, 5)
		_ = tel.Shutdown(ended(t))
		check("after Shutdown", "queue_full 1", "queue_full 900", "queue_full 2",
			"queue_full 5", "shutdown 2")
		release()
		synctest.Wait()
		if n := logs.drops(); n < 2 {
			t.Errorf("%d records of drops through OTLP, want those of the first minute", n)
		}
	})
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// drops returns reason and number of each record of drops.
func (b *buffer) drops(t *testing.T) (told []string) {
	t.Helper()
	for _, line := range b.lines(t) {
		if line["level"] == "WARN" && line["msg"] == "spans dropped" {
			told = append(told, fmt.Sprintf("%s %v", line["error.type"], line["shop.telemetry.dropped_spans"]))
		}
	}
	return told
}

func (e *logExporter) drops() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.records {
		if r.Body().AsString() == "spans dropped" {
			n++
		}
	}
	return n
}
