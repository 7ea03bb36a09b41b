package tracetree

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/throughline/internal/telemetry"
)

// MetricLines are the time series that a file expects. Each line is
//
//	service metric  key=value exemplar=@label
//
// and says that such a series has arrived. Keys are asserted as in a tree. exemplar=@label says that
// it has an exemplar of that span, exemplar=* of any span of the journey, and !exemplar that no
// series which fits the rest of the line has one of the journey: what others have measured is
// nobody's business here.
type MetricLines struct {
	file  string
	lines []*metricLine
}

type metricLine struct {
	line
	exemplar target
	none     bool // !exemplar
}

// ParseMetrics parses a section of metric lines; its arguments and errors are as of [ParseLogs].
func ParseMetrics(file string, marker int, body string) (*MetricLines, error) {
	ms := &MetricLines{file: file}
	var errs []error
	for i, raw := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		num, content := marker+1+i, strings.TrimRight(raw, " \r")
		if content == "" || content[0] == '#' {
			continue
		}
		l := &metricLine{line: line{num: num, raw: content}}
		if err := l.parse(content); err != nil {
			errs = append(errs, &Error{File: file, Line: num, Msg: err.Error()})
		}
		ms.lines = append(ms.lines, l)
	}
	if len(ms.lines) == 0 {
		errs = append(errs, &Error{File: file, Line: marker, Msg: "empty metrics: want a line"})
	}
	return ms, errors.Join(errs...)
}

func (l *metricLine) parse(content string) error {
	if content[0] == ' ' || content[0] == '\t' {
		return errors.New("indented: metric lines have no children")
	}
	service, rest, err := cutWord(content)
	if err != nil {
		return err
	}
	name, rest, _ := strings.Cut(rest, " ")
	if name == "" || !plainWord(name) || strings.ContainsAny(name, "=@") {
		return fmt.Errorf("want a service and the name of a metric, got %s", shorten(content))
	}
	l.service, l.name = service, name
	var words []string
	for rest = strings.TrimLeft(rest, " "); rest != "" && rest[0] != '#'; {
		word, after, err := cutAssertion(rest)
		if err != nil {
			return err
		}
		if took, err := l.parseExemplar(word); err != nil {
			return err
		} else if !took {
			words = append(words, word)
		}
		rest = strings.TrimLeft(after, " ")
	}
	if err := l.parseAsserts(strings.Join(words, " ")); err != nil {
		return err
	}
	return l.checkMetricAsserts()
}

// parseExemplar takes the word if it is about exemplars.
func (l *metricLine) parseExemplar(word string) (took bool, err error) {
	value, ok := strings.CutPrefix(word, "exemplar=")
	if !ok && word != "!exemplar" {
		return false, nil
	}
	if l.none || l.exemplar.any || l.exemplar.label != "" {
		return true, errors.New("a second exemplar on one line")
	}
	if l.none = !ok; l.none {
		return true, nil
	}
	l.exemplar, err = parseTarget(value)
	if err == nil && !l.exemplar.any && l.exemplar.label == "" {
		err = fmt.Errorf("%s: want exemplar=@label, exemplar=* or !exemplar", shorten(word))
	}
	return true, err
}

func (l *metricLine) checkMetricAsserts() error {
	for _, a := range l.asserts {
		if a.field || a.op != opEqual && a.op != opPresent && a.op != opAbsent {
			return fmt.Errorf("assertion %s does not apply to a metric", shorten(a.src))
		}
	}
	return nil
}

// Refs returns every variable that the lines use.
func (ms *MetricLines) Refs() []Ref {
	var out []Ref
	for _, l := range ms.lines {
		out = append(out, l.refs()...)
	}
	return out
}

// Check returns an error for each label that is on no span.
func (ms *MetricLines) Check(x *Expectation) error {
	var errs []error
	for _, l := range ms.lines {
		if label := l.exemplar.label; label != "" && !x.HasLabel(label) {
			errs = append(errs, &Error{File: ms.file, Line: l.num,
				Msg: fmt.Sprintf("label @%s is on no span of this file", label)})
		}
	}
	return errors.Join(errs...)
}

// Of returns the ledgers of the services that the lines are about.
func (ms *MetricLines) Of(ledgers []telemetry.Snapshot) []telemetry.Snapshot {
	var out []telemetry.Snapshot
	for _, ledger := range ledgers {
		if slices.ContainsFunc(ms.lines,
			func(l *metricLine) bool { return l.service == ledger.Service }) {
			out = append(out, ledger)
		}
	}
	return out
}

// Match returns an empty string when every line holds, and otherwise the lines that do not with
// the series of that metric, each behind file:line:.
func (ms *MetricLines) Match(
	points []Point, j Journey, vars map[string]string, labels map[string]Span,
) string {
	spans := make(map[spanKey]string) // → how to call it
	for i := range j.Spans {
		s := &j.Spans[i]
		spans[spanKey{s.TraceID, s.SpanID}] = "exemplar=* # " + s.Kind + " " + s.Name
	}
	for label, s := range labels {
		spans[spanKey{s.TraceID, s.SpanID}] = "exemplar=@" + label
	}
	var b strings.Builder
	for _, l := range ms.lines {
		if l.holds(points, spans, vars) {
			continue
		}
		fmt.Fprintf(&b, "%s:%d: - %s\n", ms.file, l.num, l.raw)
		for _, text := range l.found(points, spans) {
			fmt.Fprintf(&b, "%s:%d: + %s\n", ms.file, l.num, text)
		}
	}
	return b.String()
}

func (l *metricLine) holds(
	points []Point, spans map[spanKey]string, vars map[string]string,
) bool {
	fits, named := false, false
	for _, p := range points {
		if !l.fits(p, vars) {
			continue
		}
		fits = true
		for _, e := range p.Exemplars {
			name, ok := spans[spanKey{e.TraceID, e.SpanID}]
			named = named || ok && (l.exemplar.label == "" || name == "exemplar=@"+l.exemplar.label)
		}
	}
	if l.exemplar.any || l.exemplar.label != "" {
		return named
	}
	return fits && !(l.none && named)
}

func (l *metricLine) fits(p Point, vars map[string]string) bool {
	if p.Service != l.service || p.Metric != l.name {
		return false
	}
	for _, a := range l.asserts {
		v, ok := p.Attributes[a.key]
		if ok == (a.op == opAbsent) || a.op == opEqual && ValueText(v) != a.value.fill(vars) {
			return false
		}
	}
	return true
}

// found writes the points of the line's metric.
func (l *metricLine) found(points []Point, spans map[spanKey]string) []string {
	var out []string
	for _, p := range points {
		if p.Service == l.service && p.Metric == l.name {
			out = append(out, l.text(p, spans))
		}
	}
	if len(out) == 0 {
		return []string{"# " + l.service + " has no such histogram or counter"}
	}
	slices.Sort(out)
	return out
}

// text writes a point as a line, with the exemplars that are of the journey.
func (l *metricLine) text(p Point, spans map[spanKey]string) string {
	var s strings.Builder
	s.WriteString(p.Service + " " + p.Metric + " ")
	for _, a := range l.asserts {
		if v, ok := p.Attributes[a.key]; ok {
			s.WriteString(" " + keyText(a.key) + "=" + (&renderer{}).valueText(a.key, ValueText(v)))
		}
	}
	others := 0
	for _, e := range p.Exemplars {
		if name, ok := spans[spanKey{e.TraceID, e.SpanID}]; ok {
			s.WriteString(" " + name)
		} else {
			others++
		}
	}
	return fmt.Sprintf("%s # count %d, %s of other journeys", s.String(), p.Count,
		count(others, "exemplar"))
}
