package tracetree

import (
	"maps"
	"slices"
	"sync"
)

// logsPerSpan bounds log records relative to spans: DEBUG wire records come two to a hop.
const logsPerSpan = 4

// Store keeps spans, log records and metrics in memory, safe for concurrent use. When it holds more spans
// than its bound it forgets the oldest traces, each as a whole: half a trace would look like a
// broken boundary.
type Store struct {
	maxSpans int

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever something arrives
	traces   map[string]*stored
	order    []string        // trace ids by first arrival
	linked   map[string]tags // trace id → traces that link to it
	workflow map[string]tags // shop.workflow.id → its traces
	loose    []Log           // log records without a trace
	spans    int
	logs     int

	// Spans and log records that have arrived, evicted ones included.
	received, receivedLogs map[Instance]int64

	metered  map[string]*metered // by service.instance.id
	measured int64               // points that have arrived
}

// Instance names one running service: service.name and service.instance.id.
type Instance struct{ Service, ID string }

type tags map[string]bool

// stored is what is known of one trace.
type stored struct {
	spans     []Span
	logs      []Log
	links     tags // traces that it links to
	workflows tags
	shared    bool // works for several workflows: has a batch_item link
}

// New returns a store of at most maxSpans spans and four times as many log records.
// A bound below 1 is taken as 1.
func New(maxSpans int) *Store {
	return &Store{
		maxSpans: max(maxSpans, 1),
		changed:  make(chan struct{}),
		traces:   make(map[string]*stored),
		linked:   make(map[string]tags),
		workflow: make(map[string]tags),
		received: make(map[Instance]int64), receivedLogs: make(map[Instance]int64),
		metered: make(map[string]*metered),
	}
}

// AddSpans stores spans and counts them for the instance that each names. It keeps the spans'
// maps and slices: the caller must not change them afterwards.
func (s *Store) AddSpans(spans ...Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range spans {
		s.received[Instance{span.Service, span.Instance}]++
		t := s.trace(span.TraceID)
		t.spans = append(t.spans, span)
		s.spans++
		s.indexWorkflow(span.TraceID, t, span.Attributes)
		for _, l := range span.Links {
			t.links[l.TraceID] = true
			t.shared = t.shared || l.Type() == batchItem
			tag(s.linked, l.TraceID, span.TraceID)
		}
	}
	s.evict()
	s.notify()
}

// AddLogs stores log records and counts them for the instance that each names. Those without a
// trace are kept apart, found by shop.workflow.id.
func (s *Store) AddLogs(logs ...Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range logs {
		s.receivedLogs[Instance{l.Service, l.Instance}]++
		if l.TraceID == "" {
			s.loose = append(s.loose, l)
			continue
		}
		t := s.trace(l.TraceID)
		t.logs = append(t.logs, l)
		s.logs++
	}
	s.evict()
	s.notify()
}

// Received returns how many spans of each instance have arrived since the store was made, whether
// or not it still holds them.
func (s *Store) Received() map[Instance]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.received)
}

// ReceivedLogs is [Store.Received] for log records.
func (s *Store) ReceivedLogs() map[Instance]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.receivedLogs)
}

// Trace returns the spans of one trace in order of arrival, nil when it holds none.
func (s *Store) Trace(id string) []Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.traces[id]
	if !ok {
		return nil
	}
	return slices.Clone(t.spans)
}

// Find returns the ids of the traces whose spans carry this shop.workflow.id, sorted.
func (s *Store) Find(workflowID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sorted(s.workflow[workflowID])
}

// Changed returns a channel that is closed when something next arrives.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Store) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) trace(id string) *stored {
	t, ok := s.traces[id]
	if !ok {
		t = &stored{links: make(tags), workflows: make(tags)}
		s.traces[id] = t
		s.order = append(s.order, id)
	}
	return t
}

func (s *Store) indexWorkflow(traceID string, t *stored, attributes map[string]any) {
	v, ok := attributes[workflowIDKey]
	if !ok {
		return
	}
	id := ValueText(v)
	t.workflows[id] = true
	tag(s.workflow, id, traceID)
}

// evict forgets the oldest traces until the store is within its bounds.
func (s *Store) evict() {
	for len(s.order) > 0 && (s.spans > s.maxSpans || s.logs > logsPerSpan*s.maxSpans) {
		s.forget(s.order[0])
		s.order = s.order[1:]
	}
	if over := len(s.loose) - logsPerSpan*s.maxSpans; over > 0 {
		s.loose = slices.Clone(s.loose[over:])
	}
}

func (s *Store) forget(id string) {
	t := s.traces[id]
	delete(s.traces, id)
	s.spans -= len(t.spans)
	s.logs -= len(t.logs)
	for target := range t.links {
		untag(s.linked, target, id)
	}
	for w := range t.workflows {
		untag(s.workflow, w, id)
	}
}

func tag(m map[string]tags, key, value string) {
	if m[key] == nil {
		m[key] = make(tags)
	}
	m[key][value] = true
}

func untag(m map[string]tags, key, value string) {
	delete(m[key], value)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}

func sorted(t tags) []string {
	out := make([]string, 0, len(t))
	for id := range t {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
