package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"example.com/throughline/internal/shop"
)

// dropInterval is how far apart records of drops are, at least.
const dropInterval = 10 * time.Second

// drops tells in log records what the ledger counts as dropped: the first drop at once, and then
// what came together in each interval, one record for each reason. A flood of drops makes no flood
// of records, and no drop is left out.
//
// The records go to stdout and to OTLP: at most a few in an interval, they are no burden for an
// exporter that has trouble. What Shutdown drops is told on stdout only, for the logs stop as well.
type drops struct {
	log, local *slog.Logger

	mu     sync.Mutex
	untold map[string]int64 // by reason
	due    *time.Timer      // nil: nothing is to be told
	last   time.Time
	closed bool
}

// add never waits for an output: it is called where a span ends.
func (d *drops) add(reason string, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if d.untold == nil {
		d.untold = make(map[string]int64)
	}
	d.untold[reason] += n
	if d.due == nil {
		d.due = time.AfterFunc(max(0, dropInterval-time.Since(d.last)), func() { d.tell(d.log) })
	}
}

func (d *drops) tell(log *slog.Logger) {
	d.mu.Lock()
	untold := d.untold
	d.untold, d.due, d.last = nil, nil, time.Now()
	d.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(untold)) {
		// A record of the process, of no request: whose span was dropped is not known any more.
		log.WarnContext(context.Background(), "spans dropped",
			string(semconv.ErrorTypeKey), reason, string(shop.DroppedSpans), untold[reason])
	}
}

// close tells what is left to tell. Later drops are in the ledger only.
func (d *drops) close() {
	d.mu.Lock()
	d.closed = true
	if d.due != nil {
		d.due.Stop()
	}
	d.mu.Unlock()
	d.tell(d.local)
}
