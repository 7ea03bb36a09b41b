package tracetree

import (
	"fmt"
	"strings"
)

// Outcome is the result of comparing a journey with the traces that a file expects.
type Outcome struct {
	OK bool
	// Diff is empty when OK; otherwise a line diff, each line behind file:line:.
	Diff string
	// Labels holds the span that each label means; complete only when OK.
	Labels map[string]Span
}

// Match compares a journey with the expected traces; vars are the values of variables.
func (x *Expectation) Match(j Journey, vars map[string]string) Outcome {
	m := newMatcher(x, j, vars)
	if m.solve() {
		return Outcome{OK: true, Labels: m.labelled(m.bound)}
	}
	gaveUp := m.gaveUp()
	r := newRenderer(m, m.align())
	out := Outcome{Labels: m.labelled(r.al.pair), Diff: r.diff()}
	if gaveUp {
		out.Diff += fmt.Sprintf("%s:%d: gave up after %d ways to tell equal siblings apart: "+
			"say more about them\n", x.sections[0].file, x.sections[0].line, maxSteps)
	}
	if out.Diff == "" {
		// Unreachable as far as known; a failure must never look like success.
		out.Diff = fmt.Sprintf("%s:%d: the spans do not fit these traces\n",
			x.sections[0].file, x.sections[0].line)
	}
	return out
}

func (m *matcher) labelled(bound []*actual) map[string]Span {
	out := make(map[string]Span, len(m.x.labels))
	for label, n := range m.x.labels {
		if a := bound[n.id]; a != nil {
			out[label] = *a.span
		}
	}
	return out
}

// SectionText is a trace section as it should read.
type SectionText struct {
	// Section is the section that this replaces, nil for a trace that no section expected.
	Section *Section
	// Body is the text below the marker; empty when no trace is left for the section.
	Body string
}

// Rewrite returns the sections, in order, as they must read for the journey to match. Lines that
// are true keep their wording and their comments, and so do the dots.
func (x *Expectation) Rewrite(j Journey, vars map[string]string) []SectionText {
	m := newMatcher(x, j, vars)
	r := newRenderer(m, m.align())
	return r.sections()
}

func (r *renderer) prepare() {
	r.see(r.m.forest.root)
	r.name(r.m.forest.root)
}

func (r *renderer) sections() []SectionText {
	r.prepare()
	var out []SectionText
	for _, s := range r.m.x.sections {
		text := SectionText{Section: s}
		a := r.al.pair[s.root.id]
		switch {
		case s.any:
			r.emit("...", s.root.openLine.lead)
			text.Body = r.body(s.trail)
		case s.none && len(r.m.forest.root.children) == 0:
			text.Body = r.body(append([]string{"none"}, s.trail...))
		case !s.none && a != nil:
			r.children(s.root, a, 0)
			text.Body = r.body(s.trail)
		}
		out = append(out, text)
	}
	for _, a := range r.extraTraces() {
		r.children(nil, a, 0)
		out = append(out, SectionText{Body: r.body(nil)})
	}
	return out
}

func (r *renderer) extraTraces() []*actual {
	var out []*actual
	for _, a := range r.m.forest.root.children {
		if r.lineOf(a) == nil && r.extras(r.m.forest.root) {
			out = append(out, a)
		}
	}
	return out
}

// diff compares the sections as they are with the sections as they should be.
func (r *renderer) diff() string {
	var want []numbered
	for _, s := range r.m.x.sections {
		want = append(want, s.lines()...)
	}
	var got []string
	for _, s := range r.sections() {
		if s.Body == "" {
			continue
		}
		got = append(got, traceMarker)
		for text := range strings.Lines(s.Body) {
			text = strings.TrimSuffix(text, "\n")
			if t := strings.TrimLeft(text, " "); t != "" && t[0] != '#' {
				got = append(got, text)
			}
		}
	}
	return lineDiff(r.m.x.sections[0].file, want, got)
}

const traceMarker = "-- trace --"

// lines returns a section's lines without comments.
func (s *Section) lines() []numbered {
	out := []numbered{{s.line, traceMarker}}
	if s.none {
		return append(out, numbered{s.line + 1, "none"})
	}
	return s.root.lines(out)
}

func (n *node) lines(out []numbered) []numbered {
	for i, c := range n.children {
		if n.open && n.openAt == i {
			out = append(out, numbered{n.openLine.num, n.openLine.raw})
		}
		out = c.lines(append(out, numbered{c.line.num, c.line.raw}))
	}
	if n.open && n.openAt == len(n.children) {
		out = append(out, numbered{n.openLine.num, n.openLine.raw})
	}
	return out
}
