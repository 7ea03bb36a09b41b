// Package decode reads the headers that carry a trace context and says, field
// by field, what is valid, what is not, and which rule says so.
//
// [Explain] is a pure function of one header; [All] reads several that came
// together and adds what only shows between them. The rules are those of W3C
// Trace Context (Level 2), W3C Baggage and openzipkin/b3-propagation; where
// the Go SDK does something else than the specification, a note says that.
package decode

import (
	"fmt"
	"strings"
)

// Verdict says what becomes of a header or field when a service reads it.
type Verdict int

const (
	// Valid is as the specification wants it.
	Valid Verdict = iota
	// Notable is accepted, but not what one might think, or not by everybody.
	Notable
	// Invalid is refused, and most often everything around it as well.
	Invalid
)

// String returns the mark that is printed in front of a line.
func (v Verdict) String() string {
	return [...]string{"ok", "note", "INVALID"}[v]
}

// Line is one finding.
type Line struct {
	Depth   int    // 0: a header as a whole, 1: a field of it, 2: a part of a field
	Name    string // of the header or field
	Value   string // as it came, shortened to 72 bytes
	Verdict Verdict
	Why     string // the meaning, or the rule that is broken; never empty when Invalid
}

// Header is one line of a request: a name in any case, and its value.
type Header struct{ Name, Value string }

// maxShown bounds how much of a value a line repeats.
const maxShown = 72

// Explain reads one header. The first line is about the whole of it, the
// others about its fields. An unknown name is one Invalid line.
func Explain(name, value string) []Line {
	read, ok := reader(name)
	if !ok {
		return []Line{{Name: name, Value: shorten(value), Verdict: Invalid,
			Why: "not a header that carries trace context; known are " + known}}
	}
	return read(strings.ToLower(name), value)
}

// known lists the names that Explain can read.
const known = "traceparent, tracestate, baggage, b3, X-B3-TraceId, X-B3-SpanId, " +
	"X-B3-ParentSpanId, X-B3-Sampled, X-B3-Flags and Server-Timing"

// Known tells whether Explain can read a header of this name.
func Known(name string) bool {
	_, ok := reader(name)
	return ok
}

func reader(name string) (func(name, value string) []Line, bool) {
	switch strings.ToLower(name) {
	case "traceparent":
		return traceparent, true
	case "tracestate":
		return tracestate, true
	case "baggage":
		return readBaggage, true
	case "b3":
		return b3Single, true
	case "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags":
		return b3Multi, true
	case "server-timing":
		return serverTiming, true
	}
	return nil, false
}

// Worst returns the gravest verdict among lines.
func Worst(lines []Line) Verdict {
	worst := Valid
	for _, l := range lines {
		worst = max(worst, l.Verdict)
	}
	return worst
}

// findings collects the lines about the fields of one header.
type findings []Line

func (f *findings) add(v Verdict, name, value, why string, args ...any) {
	if len(args) > 0 {
		why = fmt.Sprintf(why, args...)
	}
	*f = append(*f, Line{Depth: 1, Name: name, Value: shorten(value), Verdict: v, Why: why})
}

// under puts a line about the whole header in front of its fields.
func (f findings) under(name, value string, v Verdict, why string) []Line {
	head := Line{Name: name, Value: shorten(value), Verdict: v, Why: why}
	return append([]Line{head}, f...)
}

func shorten(value string) string {
	// A header may hold anything; a terminal should not see it all.
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, value)
	if len(value) <= maxShown {
		return value
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(value[:maxShown-20], "?"), len(value))
}
