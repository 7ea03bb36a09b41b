package tracetree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/throughline/internal/telemetry"
)

// Await returns when, for each snapshot, at least as many spans and log records have arrived from
// that instance as its ledger calls exported. It wakes when something arrives, it does not poll.
// When ctx ends first, the error names every instance that is short and by how much.
func (s *Store) Await(ctx context.Context, ledgers []telemetry.Snapshot) error {
	for {
		changed := s.Changed()
		err := s.short(ledgers)
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("await spans: %w: %w", context.Cause(ctx), err)
		}
	}
}

func (s *Store) short(ledgers []telemetry.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, l := range ledgers {
		if got := from(s.received, l.Instance); got < l.Exported {
			errs = append(errs, fmt.Errorf("%s (instance %s): %d of %d exported spans arrived",
				l.Service, l.Instance, got, l.Exported))
		}
		if got := from(s.receivedLogs, l.Instance); got < l.Logs.Exported {
			errs = append(errs, fmt.Errorf("%s (instance %s): %d of %d exported log records arrived",
				l.Service, l.Instance, got, l.Logs.Exported))
		}
	}
	return errors.Join(errs...)
}

// from adds up what came from one instance. Its id is all that counts: a service that has lost its
// name is still the same instance.
func from(received map[Instance]int64, id string) (n int64) {
	for instance, count := range received {
		if instance.ID == id {
			n += count
		}
	}
	return n
}

// Journey returns the spans and log records of the given traces, of every trace that is linked
// from or to one of them at any distance, and of every trace that shares a shop.workflow.id with
// one of them. Spans are ordered by start, log records by time. A log record without a trace
// belongs when it names one of the workflows. Unknown ids are no error: the trace may not have
// been sampled.
//
// Batches and sweeps do the work of many workflows in one trace, which a journey must reach
// without coming out among strangers. Hence one exception: a trace with a link of the type
// batch_item is shared. A journey takes it in, whichever way it got there, and goes no further
// from it: neither its links, nor links to it, nor the workflow ids of its spans lead on.
func (s *Store) Journey(ctx context.Context, traceIDs []string) (Journey, error) {
	if err := ctx.Err(); err != nil {
		return Journey{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var j Journey
	workflows := make(tags)
	for id := range s.reach(traceIDs) {
		t := s.traces[id]
		j.Spans = append(j.Spans, t.spans...)
		j.Logs = append(j.Logs, t.logs...)
		if t.shared {
			continue
		}
		for w := range t.workflows {
			workflows[w] = true
		}
	}
	for _, l := range s.loose {
		if v, ok := l.Attributes[workflowIDKey]; ok && workflows[ValueText(v)] {
			j.Logs = append(j.Logs, l)
		}
	}
	j.sort()
	return j, nil
}

// All returns everything that the store holds, in the order of Journey.
func (s *Store) All() Journey {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := Journey{Logs: slices.Clone(s.loose)}
	for _, t := range s.traces {
		j.Spans = append(j.Spans, t.spans...)
		j.Logs = append(j.Logs, t.logs...)
	}
	j.sort()
	return j
}

// reach walks links in both directions and common workflow ids, breadth first, up to and including
// shared traces.
func (s *Store) reach(seeds []string) tags {
	found := make(tags)
	queue := slices.Clone(seeds)
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		t, ok := s.traces[id]
		if !ok || found[id] {
			continue
		}
		found[id] = true
		if t.shared {
			continue
		}
		queue = append(queue, sorted(t.links)...)
		queue = append(queue, sorted(s.linked[id])...)
		for w := range t.workflows {
			queue = append(queue, sorted(s.workflow[w])...)
		}
	}
	return found
}

// sort makes a journey's order independent of the order of arrival.
func (j *Journey) sort() {
	slices.SortStableFunc(j.Spans, bySpanStart)
	slices.SortStableFunc(j.Logs, func(a, b Log) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.TraceID, b.TraceID),
			strings.Compare(a.SpanID, b.SpanID), strings.Compare(a.Body, b.Body))
	})
}

func bySpanStart(a, b Span) int {
	return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.TraceID, b.TraceID),
		strings.Compare(a.SpanID, b.SpanID))
}
