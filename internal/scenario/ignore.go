package scenario

import (
	"strings"

	"example.com/throughline/internal/tracetree"
)

// ignored is one line of a section ignore.
type ignored struct {
	key, value string
}

func (p *parser) ignore(marker int, data string) {
	for _, l := range p.words(marker, data) {
		key, value, ok := strings.Cut(l.text, "=")
		if !ok || key == "" || value == "" || strings.ContainsAny(l.text, " {}\"") {
			p.fail(l.num, "ignore %q: want an attribute as key=value, without spaces or variables",
				shorten(l.text))
			continue
		}
		p.sc.ignore = append(p.sc.ignore, ignored{key: key, value: value})
	}
}

// Compare returns how the traces of a journey differ from those that the scenario expects, as a
// diff of lines; empty when they do not. The variables are those of the run, see [Result].
func (sc *Scenario) Compare(j Journey, vars map[string]string) string {
	return sc.traces.Match(sc.compared(j), vars).Diff
}

// compared returns the journey without the spans that the scenario leaves out. A span that has
// children stays: a tree must not lose a branch because of what its lower end looks like.
func (sc *Scenario) compared(j Journey) Journey {
	if len(sc.ignore) == 0 {
		return j
	}
	parents := make(map[[2]string]bool, len(j.Spans))
	for _, s := range j.Spans {
		parents[[2]string{s.TraceID, s.ParentID}] = true
	}
	kept := Journey{Logs: j.Logs, Spans: make([]tracetree.Span, 0, len(j.Spans))}
	for _, s := range j.Spans {
		if parents[[2]string{s.TraceID, s.SpanID}] || !sc.ignores(s) {
			kept.Spans = append(kept.Spans, s)
		}
	}
	return kept
}

func (sc *Scenario) ignores(s tracetree.Span) bool {
	for _, i := range sc.ignore {
		if value, ok := s.Attributes[i.key]; ok && tracetree.ValueText(value) == i.value {
			return true
		}
	}
	return false
}
