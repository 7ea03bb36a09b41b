package tracetree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// actual is what arrived, as a tree: the journey, below it a trace each, below that its spans.
type actual struct {
	span     *Span // nil for the journey and for a trace
	traceID  string
	parent   *actual
	children []*actual // by start
	orphan   bool      // its parent is not in the journey
	id       int       // index in forest.nodes
}

// forest is a journey as trees.
type forest struct {
	root  *actual
	nodes []*actual
	spans map[spanKey]*actual
}

type spanKey struct{ traceID, spanID string }

// grow builds the trees. Whatever the input, every span is in exactly one place: of two spans with
// one id the first has the children, and a circle of parents is cut at one span, which counts as
// an orphan.
func grow(j Journey) *forest {
	f := &forest{root: &actual{}, spans: make(map[spanKey]*actual)}
	spans := slices.Clone(j.Spans)
	slices.SortStableFunc(spans, bySpanStart)
	all := make([]*actual, 0, len(spans))
	for i := range spans {
		a := &actual{span: &spans[i], traceID: spans[i].TraceID}
		all = append(all, a)
		if key := (spanKey{a.span.TraceID, a.span.SpanID}); f.spans[key] == nil {
			f.spans[key] = a
		}
	}
	traces := make(map[string]*actual)
	for _, a := range all {
		t := traces[a.traceID]
		if t == nil {
			t = &actual{traceID: a.traceID, parent: f.root}
			traces[a.traceID] = t
			f.root.children = append(f.root.children, t)
		}
		f.attach(a, t)
	}
	f.number(f.root)
	return f
}

// attach hangs a below its parent, or below its trace. Spans come in order of start, so children
// are too, except below a cut circle, where order says nothing.
func (f *forest) attach(a, trace *actual) {
	a.parent = trace
	if p := f.spans[spanKey{a.traceID, a.span.ParentID}]; p != nil && a.span.ParentID != "" {
		if !below(p, a) {
			a.parent = p
		}
	}
	a.orphan = a.parent == trace && a.span.ParentID != ""
	a.parent.children = append(a.parent.children, a)
}

// below says whether n is a or has a among its ancestors so far.
func below(n, a *actual) bool {
	for ; n != nil; n = n.parent {
		if n == a {
			return true
		}
	}
	return false
}

func (f *forest) number(a *actual) {
	a.id = len(f.nodes)
	f.nodes = append(f.nodes, a)
	for _, c := range a.children {
		f.number(c)
	}
}

// target returns the span that a link points to, nil when the journey does not hold it.
func (f *forest) target(l Link) *actual { return f.spans[spanKey{l.TraceID, l.SpanID}] }

// extent returns the first start and the last end at or below a, and the number of spans.
func (a *actual) extent() (start, end time.Time, spans int) {
	if a.span != nil {
		start, end, spans = a.span.Start, a.span.End, 1
	}
	for _, c := range a.children {
		s, e, n := c.extent()
		if spans == 0 || s.Before(start) {
			start = s
		}
		if spans == 0 || e.After(end) {
			end = e
		}
		spans += n
	}
	return start, end, spans
}

// field returns a field of the span by its word in the grammar.
func (a *actual) field(name string) (string, bool) {
	var v string
	switch name {
	case "status":
		v = cmp.Or(a.span.Status, "unset")
	case "message":
		v = a.span.StatusMessage
	case "flags":
		v = fmt.Sprintf("%02x", a.span.Flags&0xff)
	case "trace":
		v = a.span.TraceID
	case "parent":
		v = a.span.ParentID
	case "tracestate":
		v = a.span.TraceState
	case "scope":
		v = a.span.Scope
	}
	return v, v != ""
}

// kind treats a kind that a source left out as OTLP does.
func (a *actual) kind() string { return cmp.Or(a.span.Kind, "unspecified") }

// idsOf splits a traceparent; anything else is taken as a trace id.
func idsOf(s string) (traceID, spanID string) {
	if p := strings.Split(s, "-"); len(p) >= 4 && len(p[1]) == 32 && len(p[2]) == 16 {
		return p[1], p[2]
	}
	return s, ""
}
