package telemetry

import (
	"fmt"
	"maps"
	"sync"

	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Reasons for a span to be dropped, the keys of Snapshot.Dropped.
const (
	// DroppedQueueFull: QueueSize spans were waiting for export when the span ended.
	DroppedQueueFull = "queue_full"
	// DroppedExportFailed: the export of the span's batch returned an error. That is the
	// exporter's last word, retries included, but not proof of loss: a receiver may have
	// stored a batch whose answer was lost on the way. A batch counts as a whole.
	DroppedExportFailed = "export_failed"
	// DroppedShutdown: the span ended after Shutdown began, or Shutdown's deadline left no
	// time to export it (an export under way at that moment may still arrive).
	DroppedShutdown = "shutdown"
)

// Ledger counts the log records of one service, and accounts for every sampled span that ended:
//
//	ended = exported + Σ dropped + pending
//
// holds at every moment, for all its numbers change under one lock. The SDK's batch processor
// drops silently when its queue is full, so nothing outside the SDK could count this; hence the
// gate in front of it. It is safe for concurrent use.
type Ledger struct {
	service, instance string
	capacity          int64
	drops             drops // tells them in log records

	mu       sync.Mutex
	ended    int64
	exported int64
	pending  int64
	dropped  map[string]int64
	logs     LogCounts
	closed   bool
}

// Snapshot is a ledger at one moment.
type Snapshot struct {
	Service  string           `json:"service"`  // service.name
	Instance string           `json:"instance"` // service.instance.id
	Ended    int64            `json:"ended"`    // sampled spans that ended
	Exported int64            `json:"exported"` // spans in batches that an exporter accepted
	Pending  int64            `json:"pending"`  // waiting or being exported
	Dropped  map[string]int64 `json:"dropped"`  // by reason; reasons that occurred only
	Logs     LogCounts        `json:"logs"`
}

// LogCounts are log records. What is emitted and neither exported nor dropped is waiting for its
// export, or has been displaced in the SDK's full queue: there is no gate in front of that one.
type LogCounts struct {
	Emitted  int64 `json:"emitted"`
	Exported int64 `json:"exported"` // in batches that an exporter accepted
	Dropped  int64 `json:"dropped"`  // in batches whose export failed
}

func newLedger(res *resource.Resource, capacity int) *Ledger {
	value := func(key string) string {
		for _, kv := range res.Attributes() {
			if string(kv.Key) == key {
				return kv.Value.String()
			}
		}
		return ""
	}
	return &Ledger{
		service:  value(string(semconv.ServiceNameKey)),
		instance: value(string(semconv.ServiceInstanceIDKey)),
		capacity: int64(capacity),
		dropped:  make(map[string]int64),
	}
}

// Snapshot returns all numbers as of one moment.
func (l *Ledger) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Snapshot{
		Service: l.service, Instance: l.instance,
		Ended: l.ended, Exported: l.exported, Pending: l.pending,
		Dropped: maps.Clone(l.dropped), Logs: l.logs,
	}
}

// Balanced returns an error that shows the numbers unless ended = exported + Σ dropped + pending.
func (s Snapshot) Balanced() error {
	sum := s.Exported + s.Pending
	for _, n := range s.Dropped {
		sum += n
	}
	if s.Ended == sum && s.Pending >= 0 {
		return nil
	}
	return fmt.Errorf("ledger of %s (%s) does not balance: ended %d, exported %d, "+
		"dropped %v, pending %d", s.Service, s.Instance, s.Ended, s.Exported, s.Dropped, s.Pending)
}

// admit counts a span that ended and reports whether there is room for it in a queue of that
// capacity.
func (l *Ledger) admit(open bool, capacity int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	switch {
	case !open:
		l.drop(DroppedShutdown, 1)
	case l.pending >= capacity:
		l.drop(DroppedQueueFull, 1)
	default:
		l.pending++
		return true
	}
	return false
}

// drop counts n spans that will not be exported. The caller holds l.mu.
func (l *Ledger) drop(reason string, n int64) {
	l.dropped[reason] += n
	l.drops.add(reason, n)
}

// settle counts the outcome of exporting n admitted spans. Once the ledger is closed they are
// counted already.
func (l *Ledger) settle(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.pending -= int64(n)
	if err != nil {
		l.drop(DroppedExportFailed, int64(n))
		return
	}
	l.exported += int64(n)
}

// emit counts a log record.
func (l *Ledger) emit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs.Emitted++
}

// settleLogs counts the outcome of exporting n log records.
func (l *Ledger) settleLogs(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.logs.Dropped += int64(n)
		return
	}
	l.logs.Exported += int64(n)
}

// close gives up on what is still pending and returns how many spans that were.
func (l *Ledger) close() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.pending
	l.closed, l.pending = true, 0
	if left > 0 {
		l.drop(DroppedShutdown, left)
	}
	return left
}

func (l *Ledger) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}
