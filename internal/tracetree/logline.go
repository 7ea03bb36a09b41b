package tracetree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LogLines are the log records that a file expects. Each line is
//
//	service LEVEL "message"  @label key=value
//
// and says that such a record exists; with a label, that it carries the ids of that span. Keys are
// asserted as in a tree. In the records "received" and "sent" a propagation header goes by its own
// name: traceparent, not http.request.header.traceparent. The word correlated, alone on a line, says
// that every record of the journey carries the ids of a span of the journey.
type LogLines struct {
	file       string
	lines      []*logLine
	correlated int // its line, 0 when it is not there
}

type logLine struct {
	line
	message text
}

// ParseLogs parses a section of log lines. marker is the line of its marker, errors are as of
// [ParseSection].
func ParseLogs(file string, marker int, body string) (*LogLines, error) {
	ls := &LogLines{file: file}
	var errs []error
	for i, raw := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		num, content := marker+1+i, strings.TrimRight(raw, " \r")
		if content == "" || content[0] == '#' {
			continue
		}
		if content == "correlated" {
			ls.correlated = num
			continue
		}
		l := &logLine{line: line{num: num, raw: content}}
		if err := l.parse(content); err != nil {
			errs = append(errs, &Error{File: file, Line: num, Msg: err.Error()})
		}
		ls.lines = append(ls.lines, l)
	}
	if len(ls.lines) == 0 && ls.correlated == 0 {
		errs = append(errs, &Error{File: file, Line: marker,
			Msg: "empty logs: want a log line, or correlated"})
	}
	return ls, errors.Join(errs...)
}

func levels() []string { return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} }

func (l *logLine) parse(content string) error {
	if content[0] == ' ' || content[0] == '\t' {
		return errors.New("indented: log lines have no children")
	}
	service, rest, err := cutWord(content)
	if err != nil {
		return err
	}
	level, rest, _ := strings.Cut(rest, " ")
	l.service, l.kind = service, level
	if !slices.Contains(levels(), level) {
		return fmt.Errorf("level %s: want %s", shorten(level), strings.Join(levels(), ", "))
	}
	if !strings.HasPrefix(rest, `"`) {
		return fmt.Errorf("want a quoted message after the level, got %s", shorten(rest))
	}
	quoted, rest, err := quotedPrefix(rest)
	if err != nil {
		return err
	}
	if l.message, err = unquote(quoted); err != nil {
		return err
	}
	if rest != "" && rest[0] != ' ' {
		return fmt.Errorf("want a space after the message %s", shorten(quoted))
	}
	if err := l.parseAsserts(rest); err != nil {
		return err
	}
	return l.checkLogAsserts()
}

func (l *logLine) checkLogAsserts() error {
	for _, a := range l.asserts {
		switch a.op {
		case opLabel, opEqual, opPresent, opAbsent:
			if !a.field {
				continue
			}
		}
		return fmt.Errorf("assertion %s does not apply to a log record", shorten(a.src))
	}
	return nil
}

// Refs returns every variable that the lines use.
func (ls *LogLines) Refs() []Ref {
	var out []Ref
	for _, l := range ls.lines {
		for _, p := range l.message {
			if p.ref != "" {
				out = append(out, Ref{Name: p.ref, Line: l.num})
			}
		}
		out = append(out, l.refs()...)
	}
	return out
}

// Check returns an error for each label that is on no span.
func (ls *LogLines) Check(x *Expectation) error {
	var errs []error
	for _, l := range ls.lines {
		if label := l.label(); label != "" && !x.HasLabel(label) {
			errs = append(errs, &Error{File: ls.file, Line: l.num,
				Msg: fmt.Sprintf("label @%s is on no span of this file", label)})
		}
	}
	return errors.Join(errs...)
}

// Match returns an empty string when every line holds, and otherwise the lines that do not with
// the records that come nearest, each behind file:line:.
func (ls *LogLines) Match(j Journey, vars map[string]string, labels map[string]Span) string {
	var b strings.Builder
	for _, l := range ls.lines {
		found := slices.ContainsFunc(j.Logs, func(r Log) bool { return l.fits(r, vars, labels) })
		if found {
			continue
		}
		fmt.Fprintf(&b, "%s:%d: - %s\n", ls.file, l.num, l.raw)
		for _, r := range l.nearest(j.Logs, vars) {
			fmt.Fprintf(&b, "%s:%d: + %s\n", ls.file, l.num, logText(r, l, labels))
		}
	}
	if ls.correlated > 0 {
		ls.matchCorrelated(&b, j, labels)
	}
	return b.String()
}

func (ls *LogLines) matchCorrelated(b *strings.Builder, j Journey, labels map[string]Span) {
	spans := make(map[spanKey]bool)
	for i := range j.Spans {
		spans[spanKey{j.Spans[i].TraceID, j.Spans[i].SpanID}] = true
	}
	for _, r := range j.Logs {
		if !spans[spanKey{r.TraceID, r.SpanID}] {
			fmt.Fprintf(b, "%s:%d: correlated: no span of the journey for %s\n",
				ls.file, ls.correlated, logText(r, nil, labels))
		}
	}
}

func (l *logLine) fits(r Log, vars map[string]string, labels map[string]Span) bool {
	if l.service != r.Service || l.kind != r.Severity || l.message.fill(vars) != r.Body {
		return false
	}
	for _, a := range l.asserts {
		v, ok := r.value(a.key)
		switch a.op {
		case opLabel:
			s, known := labels[a.key]
			ok = known && s.TraceID == r.TraceID && s.SpanID == r.SpanID
		case opEqual:
			ok = ok && ValueText(v) == a.value.fill(vars)
		case opAbsent:
			ok = !ok
		}
		if !ok {
			return false
		}
	}
	return true
}

// value returns an attribute, or a header by its own name.
func (l *Log) value(key string) (any, bool) {
	if v, ok := l.Attributes[key]; ok {
		return v, true
	}
	if v, ok := l.header(key); ok {
		return v, true
	}
	return nil, false
}

// nearest returns records with the line's message, or else of its service and level; at most 3.
func (l *logLine) nearest(logs []Log, vars map[string]string) []Log {
	message := l.message.fill(vars)
	for _, alike := range []func(Log) bool{
		func(r Log) bool { return r.Body == message && r.Service == l.service },
		func(r Log) bool { return r.Body == message },
		func(r Log) bool { return r.Service == l.service && r.Severity == l.kind },
	} {
		var out []Log
		for _, r := range logs {
			if alike(r) && len(out) < 3 {
				out = append(out, r)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// logText writes a record as a line, with those attributes that l asks about.
func logText(r Log, l *logLine, labels map[string]Span) string {
	service := r.Service
	if !plainWord(service) {
		service = quote(service)
	}
	s := service + " " + r.Severity + " " + quote(r.Body) + " "
	where := "# trace " + r.TraceID + " span " + r.SpanID
	if r.TraceID == "" {
		where = "# no trace"
	}
	for label, span := range labels {
		if span.TraceID == r.TraceID && span.SpanID == r.SpanID {
			where = "@" + label
		}
	}
	if l == nil {
		return s + " " + where
	}
	for _, a := range l.asserts {
		if v, ok := r.value(a.key); ok && a.op != opLabel {
			s += " " + keyText(a.key) + "=" + quoteValue(ValueText(v))
		}
	}
	return s + " " + where
}
