package tracetree

import (
	"slices"
	"strconv"
	"strings"
)

// renderer writes spans in the text form.
type renderer struct {
	m       *matcher
	al      *alignment        // nil when there is nothing to align with
	names   map[string]string // value → variable that holds it
	ids     bool              // print attributes that are ids of this one run
	visible map[*actual]bool
	labels  map[*actual]string // labels made up because a link needs one
	note    func(*actual) string
	common  map[string]string // attributes that are told elsewhere
	hops    hops
	out     []outLine
}

// outLine is a line of output and the comments that stay above it.
type outLine struct {
	lead []string
	text string
}

// minVariable is the length from which a value is taken for a variable's rather than equal to it
// by accident.
const minVariable = 6

func newRenderer(m *matcher, al *alignment) *renderer {
	r := &renderer{
		m: m, al: al, names: make(map[string]string),
		visible: make(map[*actual]bool), labels: make(map[*actual]string),
	}
	for name, value := range m.vars {
		if old, ok := r.names[value]; len(value) >= minVariable && (!ok || name < old) {
			r.names[value] = name
		}
	}
	return r
}

// lineOf returns the line that a span is paired with.
func (r *renderer) lineOf(a *actual) *node {
	if r.al == nil {
		return nil
	}
	return r.al.lineOf[a]
}

// extras says whether the children of a that no line stands for are shown, or covered by dots.
func (r *renderer) extras(a *actual) bool {
	n := r.lineOf(a)
	return n == nil || !n.open
}

// see finds out which spans get a line of their own.
func (r *renderer) see(a *actual) {
	r.visible[a] = true
	for _, c := range a.children {
		if r.lineOf(c) != nil || r.extras(a) {
			r.see(c)
		}
	}
}

// name labels the far ends of all links that will be written out.
func (r *renderer) name(a *actual) {
	if a.span != nil && r.writesLinks(a) {
		for _, l := range a.span.Links {
			to := r.m.forest.target(l)
			if to == nil || !r.visible[to] || r.labels[to] != "" {
				continue
			}
			if n := r.lineOf(to); n == nil || n.line.label() == "" {
				r.labels[to] = r.freshLabel()
			}
		}
	}
	for _, c := range a.children {
		if r.visible[c] {
			r.name(c)
		}
	}
}

func (r *renderer) freshLabel() string {
	for i := len(r.labels) + 1; ; i++ {
		label := "s" + strconv.Itoa(i)
		if r.m.x == nil || !r.m.x.HasLabel(label) {
			return label
		}
	}
}

// writesLinks says whether a span's links are written from the span rather than from its line.
func (r *renderer) writesLinks(a *actual) bool {
	n := r.lineOf(a)
	return n == nil || !r.m.linksFit(n, a, r.al.pair)
}

// children writes everything below a, where n is the line or section that a is paired with.
func (r *renderer) children(n *node, a *actual, depth int) {
	rest := slices.Clone(a.children)
	if n == nil {
		r.writeExtras(rest, depth, nil)
		return
	}
	for i, c := range n.children {
		if n.open && n.openAt == i {
			r.dots(n)
		}
		paired := r.al.pair[c.id]
		if paired == nil {
			r.emit("", c.line.lead)
			continue
		}
		if !n.open {
			rest = r.writeExtras(rest, depth, paired)
		}
		rest = slices.DeleteFunc(rest, func(b *actual) bool { return b == paired })
		r.emit(r.line(c, paired), c.line.lead)
		r.children(c, paired, depth+1)
	}
	if !n.open {
		r.writeExtras(rest, depth, nil)
	} else if n.openAt == len(n.children) {
		r.dots(n)
	}
}

func (r *renderer) dots(n *node) { r.emit(n.openLine.raw, n.openLine.lead) }

// writeExtras writes the spans without a line that come before the given one, or all of them, and
// returns the others.
func (r *renderer) writeExtras(rest []*actual, depth int, before *actual) []*actual {
	var later []*actual
	for i, a := range rest {
		if a == before {
			return append(later, rest[i:]...)
		}
		if r.lineOf(a) != nil {
			later = append(later, a)
			continue
		}
		r.emit(r.canonical(a, depth), nil)
		for _, l := range r.hops.lines(a) {
			r.emit(strings.Repeat("  ", depth+1)+l, nil)
		}
		r.children(nil, a, depth+1)
	}
	return later
}

// emit adds a line; without text only the comments stay.
func (r *renderer) emit(text string, lead []string) {
	r.out = append(r.out, outLine{lead: lead, text: text})
}

// body joins the lines written so far, comments included, and starts afresh.
func (r *renderer) body(trail []string) string {
	var b strings.Builder
	for _, l := range r.out {
		for _, c := range l.lead {
			b.WriteString(c + "\n")
		}
		if l.text != "" {
			b.WriteString(l.text + "\n")
		}
	}
	for _, c := range trail {
		b.WriteString(c + "\n")
	}
	r.out = nil
	return b.String()
}
