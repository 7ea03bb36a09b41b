package tracetree

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// PrintOptions choose what PrintWith adds to the bare trees.
type PrintOptions struct {
	Durations bool // each span's duration, as a comment
	Critical  bool // which spans are on their trace's critical path, as a comment
	Wire      bool // the headers that each hop carried, as comments below its spans
}

// Print writes all traces of a journey with durations and critical paths.
func Print(j Journey) string {
	return PrintWith(j, PrintOptions{Durations: true, Critical: true})
}

// PrintWith writes all traces of a journey in the order of their start, as sections that
// [ParseSection] reads and that match the journey. A link to a span of the journey names it by a
// label made up for it; other links are unresolved. Everything else that is worth telling is a
// comment: times, critical path, how many spans and roots, which spans are orphans and which links
// lead nowhere. Ids that are the same throughout stand at the top only.
func PrintWith(j Journey, o PrintOptions) string {
	f := grow(j)
	r := newRenderer(&matcher{forest: f}, nil)
	r.ids, r.common = true, common(j)
	if o.Wire {
		r.hops = newHops(j.Logs)
	}
	r.prepare()
	var b strings.Builder
	start, end, _ := f.root.extent()
	fmt.Fprintf(&b, "# %s, %s, %s, %s%s\n%s", count(len(f.root.children), "trace"),
		count(len(j.Spans), "span"), count(j.Roots(), "root"), millis(end.Sub(start)),
		f.trouble(f.root).text(), commonText(r.common))
	for _, t := range f.root.children {
		start, end, spans := t.extent()
		trouble := f.trouble(t)
		fmt.Fprintf(&b, "\n%s\n# %s: %s, %s%s\n%s", traceMarker, quoteValue(t.traceID),
			count(spans, "span"), millis(end.Sub(start)), trouble.text(),
			strings.Join(trouble.lines, ""))
		r.note = o.notes(t)
		r.children(nil, t, 0)
		b.WriteString(alignComments(r.body(nil)))
	}
	return b.String()
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

// notes returns what to say behind each span of a trace.
func (o PrintOptions) notes(t *actual) func(*actual) string {
	critical := make(map[*actual]bool)
	if o.Critical {
		critical = criticalPath(t)
	}
	return func(a *actual) string {
		var words []string
		if o.Durations {
			words = append(words, millis(a.span.End.Sub(a.span.Start)))
		}
		if critical[a] {
			words = append(words, "critical")
		}
		if len(words) == 0 {
			return ""
		}
		return commentMark + strings.Join(words, " ")
	}
}

// commentMark begins a printed comment. The zero byte marks where to align and never leaves here.
const commentMark = "\x00# "

// widest is the column up to which comments are aligned; longer lines stand out anyway.
const widest = 96

// alignComments puts the comments of a section into one column.
func alignComments(body string) string {
	width := 0
	for text := range strings.Lines(body) {
		before, _, found := strings.Cut(text, commentMark)
		if w := utf8.RuneCountInString(before); found && w <= widest {
			width = max(width, w)
		}
	}
	var b strings.Builder
	for text := range strings.Lines(body) {
		before, after, found := strings.Cut(text, commentMark)
		b.WriteString(before)
		if found {
			b.WriteString(strings.Repeat(" ", max(0, width-utf8.RuneCountInString(before))))
			b.WriteString("# " + after)
		}
	}
	return b.String()
}
