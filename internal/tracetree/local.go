package tracetree

import "slices"

// holds says whether one assertion is true of a span, as far as that can be known without knowing
// which span a label means. Assertions on links are not for this function: see linksFit.
func (m *matcher) holds(as assertion, a *actual) bool {
	switch as.op {
	case opEqual:
		got, ok := valueOf(as, a)
		return ok && m.equal(as, got)
	case opPresent:
		_, ok := valueOf(as, a)
		return ok
	case opAbsent:
		_, ok := valueOf(as, a)
		return !ok
	case opEvent:
		return slices.ContainsFunc(a.span.Events, func(e Event) bool { return e.Name == as.key })
	case opRoot:
		return a.span.ParentID == ""
	case opRemote:
		return a.span.ParentID != "" && a.span.ParentRemote
	case opLocal:
		return a.span.ParentID != "" && !a.span.ParentRemote
	case opOrphan:
		return a.orphan
	case opWithin:
		p := a.parent.span
		return p != nil && !a.span.Start.Before(p.Start) && !a.span.End.After(p.End)
	case opAfter:
		return a.parent.span != nil && !a.span.Start.Before(a.parent.span.Start)
	case opEarly:
		return a.parent.span != nil && a.span.Start.Before(a.parent.span.Start)
	}
	return true
}

func valueOf(as assertion, a *actual) (string, bool) {
	if as.field {
		return a.field(as.key)
	}
	v, ok := a.span.Attributes[as.key]
	if !ok {
		return "", false
	}
	return ValueText(v), true
}

// equal compares with a value from the tree; ids may be given as a traceparent.
func (m *matcher) equal(as assertion, got string) bool {
	want := as.value.fill(m.vars)
	if as.field && (as.key == "trace" || as.key == "parent") {
		traceID, spanID := idsOf(want)
		if as.key == "trace" || spanID == "" {
			return got == traceID
		}
		return got == spanID
	}
	return got == want
}

// looksLike compares what a line cannot do without.
func looksLike(l *line, a *actual) bool {
	return l.service == a.span.Service && l.kind == a.kind() && l.name == a.span.Name
}

// local compares a line with a span, labels being free to mean any span that looks right.
func (m *matcher) local(n *node, a *actual) bool {
	if n.line == nil || a.span == nil {
		return n.line == nil && a.span == nil
	}
	if !looksLike(n.line, a) || !m.topFits(n.line, a) {
		return false
	}
	for _, as := range n.line.asserts {
		if !m.holds(as, a) {
			return false
		}
	}
	return m.linksFit(n, a, nil)
}

// topFits keeps an orphan from passing for a root: an unindented line is a root unless it says so.
func (m *matcher) topFits(l *line, a *actual) bool {
	return l.depth > 0 || a.span.ParentID == "" || l.has(opOrphan, opRemote, opLocal)
}

// linksFit says whether the links that a line names are the span's links, one to one. bound holds
// the spans that labels mean, by node id; a label without one may mean any span that looks right.
func (m *matcher) linksFit(n *node, a *actual, bound []*actual) bool {
	if n.line.has(opNoLink) {
		return len(a.span.Links) == 0
	}
	var want []assertion
	for _, as := range n.line.asserts {
		if as.op == opLink {
			want = append(want, as)
		}
	}
	if len(want) == 0 {
		return true
	}
	if len(want) != len(a.span.Links) {
		return false
	}
	_, ok := assign(len(want), len(a.span.Links), func(i, k int) bool {
		return m.linkFits(want[i], a.span.Links[k], bound)
	})
	return ok
}

func (m *matcher) linkFits(as assertion, l Link, bound []*actual) bool {
	if as.key != l.Type() {
		return false
	}
	switch {
	case as.target.any:
		return true
	case as.target.unresolved:
		return m.forest.target(l) == nil
	case as.target.label == "":
		traceID, spanID := idsOf(as.target.id.fill(m.vars))
		return l.TraceID == traceID && (spanID == "" || l.SpanID == spanID)
	}
	to := m.x.labels[as.target.label]
	if bound != nil && bound[to.id] != nil {
		span := bound[to.id].span
		return l.TraceID == span.TraceID && l.SpanID == span.SpanID
	}
	found := m.forest.target(l)
	return found != nil && looksLike(to.line, found)
}

// bindingFits checks the assertions of n that name labelled spans.
func (m *matcher) bindingFits(n *node, bound []*actual) bool {
	a := bound[n.id]
	for _, as := range n.line.asserts {
		if (as.op == opSame || as.op == opOther) && !m.traceFits(as, a, bound) {
			return false
		}
	}
	return m.linksFit(n, a, bound)
}

func (m *matcher) traceFits(as assertion, a *actual, bound []*actual) bool {
	other := bound[m.x.labels[as.target.label].id]
	return other == nil || (other.traceID == a.traceID) == (as.op == opSame)
}
