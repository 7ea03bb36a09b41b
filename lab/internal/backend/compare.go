package backend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/throughline/internal/tracetree"
)

// maxLines bounds a diff: when everything differs, the first lines say it all.
const maxLines = 60

// comparison is how what one backend holds differs from what was sent.
type comparison struct {
	backend string
	equal   int              // spans that are the same in every field
	changed map[string]int   // spans by field, changed as a rule declares
	lines   []string         // of what no rule declares
	held    []tracetree.Span // with declared changes undone
}

// compare pairs spans by their ids. A span that is held twice is one too many.
func compare(backend string, sent, held []tracetree.Span) comparison {
	c := comparison{backend: backend, changed: make(map[string]int)}
	left := make(map[[2]string][]tracetree.Span)
	for _, s := range held {
		left[key(s)] = append(left[key(s)], s)
	}
	for _, s := range sent {
		same := left[key(s)]
		if len(same) == 0 {
			c.lines = append(c.lines, "- span "+name(s))
			continue
		}
		left[key(s)] = same[1:]
		c.span(s, same[0])
	}
	var more []tracetree.Span
	for _, spans := range left {
		more = append(more, spans...)
	}
	slices.SortFunc(more, func(a, b tracetree.Span) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.SpanID, b.SpanID))
	})
	for _, s := range more {
		c.lines = append(c.lines, "+ span "+name(s))
		c.held = append(c.held, s)
	}
	return c
}

// span compares all fields of a span that both have, after undoing what is declared.
func (c *comparison) span(sent, held tracetree.Span) {
	var lines []string
	equal := true
	for _, rule := range Rules() {
		if rule.Backend == c.backend && rule.undo(&held, sent) {
			c.changed[rule.Field]++
			equal = false
		}
	}
	for _, d := range differences(&sent, &held) {
		lines = append(lines, d.lines()...)
		equal = false
	}
	if equal {
		c.equal++
	}
	if len(lines) > 0 {
		c.lines = append(c.lines, "span "+name(sent))
		c.lines = append(c.lines, lines...)
	}
	c.held = append(c.held, held)
}

// diff renders the lines, each behind the backend's name.
func (c *comparison) diff() string {
	var b strings.Builder
	for i, line := range c.lines {
		if i == maxLines {
			fmt.Fprintf(&b, "%s: and %d more lines\n", c.backend, len(c.lines)-i)
			break
		}
		fmt.Fprintf(&b, "%s: %s\n", c.backend, line)
	}
	return b.String()
}

// difference is one field of which two spans say different things, as texts; a field that one of
// them does not have is empty there.
type difference struct {
	name, key  string
	sent, held string
}

func (d difference) lines() []string {
	var lines []string
	for _, side := range []struct{ sign, text string }{{"-", d.sent}, {"+", d.held}} {
		if side.text != "" {
			lines = append(lines, strings.Join(strings.Fields(
				side.sign+"   "+d.name+" "+d.key), " ")+" = "+side.text)
		}
	}
	return lines
}

// differences are sorted by what is sent, so that a diff reads the same each time.
func differences(sent, held *tracetree.Span) []difference {
	var all []difference
	other := make(map[[2]string]any)
	for _, f := range fields(held) {
		other[[2]string{f.name, f.key}] = f.value
	}
	for _, f := range fields(sent) {
		at := [2]string{f.name, f.key}
		value, ok := other[at]
		delete(other, at)
		if !ok {
			all = append(all, difference{f.name, f.key, text(f.value), ""})
		} else if !same(f.value, value) {
			all = append(all, difference{f.name, f.key, text(f.value), text(value)})
		}
	}
	for at, value := range other {
		all = append(all, difference{at[0], at[1], "", text(value)})
	}
	slices.SortFunc(all, func(a, b difference) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.key, b.key))
	})
	return all
}

func key(s tracetree.Span) [2]string { return [2]string{s.TraceID, s.SpanID} }

// name says which span it is, to people and to who looks it up.
func name(s tracetree.Span) string {
	return fmt.Sprintf("%s %s %q (trace %s, span %s)", s.Service, s.Kind, s.Name, s.TraceID, s.SpanID)
}
