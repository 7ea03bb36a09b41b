package tracetree

import (
	"fmt"
	"slices"
	"strings"
)

// mostCalledOut bounds what is listed of one kind of trouble; the counts tell of the rest.
const mostCalledOut = 8

// common are attributes that say the same on most spans of a journey that have them: its ids, and
// how it is continued. They are told once, at the top, and on lines only where they differ.
func common(j Journey) map[string]string {
	seen := make(map[string]map[string]int)
	first := make(map[string][]string)
	for i := range j.Spans {
		for key, v := range j.Spans[i].Attributes {
			if !strings.HasPrefix(key, "shop.") ||
				!strings.HasSuffix(key, ".id") && key != strategyKey {
				continue
			}
			if seen[key] == nil {
				seen[key] = make(map[string]int)
			}
			value := ValueText(v)
			if seen[key][value]++; seen[key][value] == 1 {
				first[key] = append(first[key], value)
			}
		}
	}
	out := make(map[string]string)
	for key, values := range first {
		most := slices.MaxFunc(values, func(a, b string) int { return seen[key][a] - seen[key][b] })
		if seen[key][most] > 1 {
			out[key] = most
		}
	}
	return out
}

// commonText writes what common found: a line for each value, with all keys that have it.
func commonText(found map[string]string) string {
	keys := make(map[string][]string)
	for key, value := range found {
		keys[value] = append(keys[value], keyText(key))
	}
	var lines []string
	for value, names := range keys {
		slices.Sort(names)
		lines = append(lines, fmt.Sprintf("# %s: %s\n", strings.Join(names, ", "),
			quoteValue(value)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// trouble counts what does not join up at or below a span, and keeps what to call out.
type trouble struct {
	orphans, unresolved, strangers int
	lines                          []string
}

func (f *forest) trouble(a *actual) trouble {
	var t trouble
	t.add(f, a)
	return t
}

func (t *trouble) add(f *forest, a *actual) {
	if a.orphan {
		if t.orphans++; t.orphans <= mostCalledOut {
			t.lines = append(t.lines, fmt.Sprintf("# orphan: %s: its parent %s is not here\n",
				head(a, 0), quoteValue(a.span.ParentID)))
		}
	}
	if a.span != nil {
		for _, l := range a.span.Links {
			t.link(f, a, l)
		}
	}
	for _, c := range a.children {
		t.add(f, c)
	}
}

func (t *trouble) link(f *forest, a *actual, l Link) {
	switch {
	case f.target(l) != nil:
	case l.Type() == batchItem: // of another workflow's journey
		t.strangers++
	default:
		if t.unresolved++; t.unresolved <= mostCalledOut {
			t.lines = append(t.lines, fmt.Sprintf("# unresolved: %s: link(%s) to span %s of trace %s "+
				"leads nowhere\n", head(a, 0), oneLine(l.Type()), quoteValue(l.SpanID),
				quoteValue(l.TraceID)))
		}
	}
}

// text is the end of a line of counts.
func (t trouble) text() string {
	var b strings.Builder
	if t.orphans > 0 {
		b.WriteString(", " + count(t.orphans, "orphan"))
	}
	if t.unresolved > 0 {
		b.WriteString(", " + count(t.unresolved, "unresolved link"))
	}
	if t.strangers > 0 {
		b.WriteString(", " + count(t.strangers, "link") + " to other workflows")
	}
	return b.String()
}
