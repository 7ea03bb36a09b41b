package tracetree

// line writes the line of a span that it is paired with: as it stands when it is true, and
// otherwise with every assertion turned into what is true of the span.
func (r *renderer) line(n *node, a *actual) string {
	m, l := r.m, n.line
	added := r.labels[a]
	if added == "" && m.lineFits(n, a, r.al.pair) {
		return l.raw
	}
	var words []string
	linksDone := m.linksFit(n, a, r.al.pair)
	for _, as := range l.asserts {
		switch {
		case as.op != opLink && as.op != opNoLink:
			if w := r.corrected(as, a); w != "" {
				words = append(words, w)
			}
		case m.linksFit(n, a, r.al.pair):
			words = append(words, as.src)
		case !linksDone:
			linksDone = true
			words = append(words, r.allLinks(a)...)
		}
	}
	if !m.topFits(l, a) {
		words = append(words, r.topWords(a)...)
	}
	if added != "" {
		words = append(words, "@"+added)
	}
	return head(a, l.depth) + r.tail(a, words, l.comment)
}

// lineFits is everything that a line says of its own span.
func (m *matcher) lineFits(n *node, a *actual, bound []*actual) bool {
	return m.local(n, a) && m.bindingFits(n, bound)
}

func (r *renderer) allLinks(a *actual) []string {
	if len(a.span.Links) == 0 {
		return []string{"nolink"}
	}
	return r.linkWords(a)
}

// corrected returns an assertion that is true of the span in place of one that may not be; it is
// empty when there is nothing to say instead.
func (r *renderer) corrected(as assertion, a *actual) string {
	if as.op == opSame || as.op == opOther {
		return r.correctedTrace(as, a)
	}
	if r.m.holds(as, a) {
		return as.src
	}
	switch as.op {
	case opEqual, opPresent, opAbsent:
		return r.correctedValue(as, a)
	case opRoot, opRemote, opLocal, opOrphan:
		return r.correctedParent(as, a)
	case opWithin, opAfter:
		if r.m.holds(assertion{op: opEarly}, a) {
			return "early"
		}
	case opEarly:
		if r.m.holds(assertion{op: opAfter}, a) {
			return "after"
		}
	}
	return ""
}

func (r *renderer) correctedTrace(as assertion, a *actual) string {
	if r.m.traceFits(as, a, r.al.pair) {
		return as.src
	}
	if as.op == opSame {
		return "trace!=@" + as.target.label
	}
	return "trace=@" + as.target.label
}

func (r *renderer) correctedValue(as assertion, a *actual) string {
	value, ok := valueOf(as, a)
	key := as.key
	if !as.field {
		key = keyText(key)
	}
	switch {
	case ok && as.field:
		return key + "=" + r.valueText("", value)
	case ok:
		return key + "=" + r.valueText(as.key, value)
	case as.field && !optional(key):
		return "" // there is no word for the lack of it
	}
	return "!" + key
}

// correctedParent avoids saying twice what a second word of the line says as well.
func (r *renderer) correctedParent(as assertion, a *actual) string {
	switch {
	case as.op == opRoot, as.op == opOrphan, a.span.ParentID == "":
		return "" // a root needs no word, and for an orphan line adds its own
	case a.span.ParentRemote:
		return "remote"
	}
	return "local"
}
