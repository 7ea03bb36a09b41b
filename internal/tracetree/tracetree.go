// Package tracetree holds what arrived at a backend in one neutral form, and compares it with a
// tree that a person wrote.
//
// [Span] and [Log] are the form. Everything that can be asked for spans becomes them: the SDK's own
// spans ([FromSDK]), the lab's Collector, Jaeger and Tempo. [Store] keeps them, bounded, and puts
// together a [Journey]: all traces of one logical process, found by links in both directions and
// by shop.workflow.id ([Store.Journey] has the exact rule). No backend follows a link backwards;
// the store does.
//
// The text form of a tree is read by [ParseSection] and written by [Print], and the two share one
// grammar, so that a failed comparison ([Expectation.Match]) is a diff of lines and the expected
// text can be rewritten from what arrived. Start reading at grammar.go; the matcher is in match.go.
package tracetree

import "time"

// Span is one span that ended. Times are absolute, ids are lower-case hex.
type Span struct {
	TraceID string `json:"trace_id"` // 32 hex digits
	SpanID  string `json:"span_id"`  // 16 hex digits
	// ParentID is empty for a root.
	ParentID string `json:"parent_id,omitempty"`
	// ParentRemote says that the parent was extracted from a carrier. Sources that do not know
	// leave it false.
	ParentRemote bool   `json:"parent_remote,omitempty"`
	Service      string `json:"service"`            // service.name
	Instance     string `json:"instance,omitempty"` // service.instance.id
	Scope        string `json:"scope,omitempty"`    // name of the instrumentation scope
	ScopeVersion string `json:"scope_version,omitempty"`
	// ScopeAttributes and Resource are all attributes of the scope and of the resource, Service and
	// Instance among them. Spans that were sent together share them: they are not to be changed.
	ScopeAttributes map[string]any `json:"scope_attributes,omitempty"`
	Resource        map[string]any `json:"resource,omitempty"`
	// Kind is internal, server, client, producer or consumer.
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	TraceState string `json:"trace_state,omitempty"` // the W3C header's form
	// Flags are the W3C trace flags: 1 is sampled, 2 is random.
	Flags uint32    `json:"flags,omitempty"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Status is unset, ok or error.
	Status        string `json:"status"`
	StatusMessage string `json:"status_message,omitempty"`
	// Attributes hold string, bool, int64, float64, []byte, []any and map[string]any; other types
	// are printed as JSON.
	Attributes map[string]any `json:"attributes,omitempty"`
	Events     []Event        `json:"events,omitempty"`
	Links      []Link         `json:"links,omitempty"`
}

// Link points from a span to another, mostly in another trace. Its meaning is the attribute
// shop.link.type.
type Link struct {
	TraceID    string         `json:"trace_id"`
	SpanID     string         `json:"span_id"`
	TraceState string         `json:"trace_state,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Type returns the link's shop.link.type, empty when it has none.
func (l Link) Type() string {
	v, ok := l.Attributes[linkTypeKey]
	if !ok {
		return ""
	}
	return ValueText(v)
}

// Event is a moment inside a span.
type Event struct {
	Name       string         `json:"name"`
	Time       time.Time      `json:"time"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Log is one log record. Without a span its ids are empty.
type Log struct {
	Time     time.Time `json:"time"`
	Service  string    `json:"service"`
	Instance string    `json:"instance,omitempty"`
	// Severity is the severity text in upper case: DEBUG, INFO, WARN or ERROR.
	Severity   string         `json:"severity"`
	Body       string         `json:"body"`
	TraceID    string         `json:"trace_id,omitempty"`
	SpanID     string         `json:"span_id,omitempty"`
	Flags      uint32         `json:"flags,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Journey is every span and log record of one logical process.
type Journey struct {
	Spans []Span `json:"spans"`
	Logs  []Log  `json:"logs"`
}

// Traces counts the different trace ids of the journey's spans.
func (j Journey) Traces() int {
	seen := make(map[string]bool)
	for i := range j.Spans {
		seen[j.Spans[i].TraceID] = true
	}
	return len(seen)
}

// Roots counts the spans without a parent. One trace has one root, unless a boundary was broken.
func (j Journey) Roots() int {
	n := 0
	for i := range j.Spans {
		if j.Spans[i].ParentID == "" {
			n++
		}
	}
	return n
}

// The attributes that the package itself understands. They repeat internal/shop as plain strings,
// because spans read from a backend have no typed keys.
const (
	linkTypeKey   = "shop.link.type"
	workflowIDKey = "shop.workflow.id"
	strategyKey   = "shop.continuation.strategy"
	batchItem     = "batch_item" // a value of shop.link.type
)
