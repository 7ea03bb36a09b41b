package tracetree

import (
	"errors"
	"fmt"
	"slices"
)

// checkAsserts refuses lines that contradict themselves.
func (l *line) checkAsserts() error {
	seen := make(map[string]bool)
	for _, a := range l.asserts {
		var what string
		switch a.op {
		case opLabel:
			what = "label"
		case opEqual, opPresent, opAbsent:
			what = fmt.Sprintf("assertion on %q", a.key)
			if a.field {
				what = "assertion on the span's " + a.key
			}
		case opNoLink, opRoot, opRemote, opLocal, opOrphan, opWithin, opAfter, opEarly:
			what = a.src
		default:
			continue
		}
		if seen[what] {
			return fmt.Errorf("a second %s on one line", what)
		}
		seen[what] = true
	}
	return l.checkWords()
}

func (l *line) checkWords() error {
	switch {
	case l.has(opNoLink) && l.has(opLink):
		return errors.New("nolink beside a link")
	case l.has(opRoot) && l.has(opRemote, opLocal, opOrphan):
		return errors.New("a root has no parent, so it is not remote, local or an orphan")
	case l.has(opRemote) && l.has(opLocal):
		return errors.New("a parent is remote or local, not both")
	case l.has(opWithin, opAfter) && l.has(opEarly):
		return errors.New("a span begins early or after its parent, not both")
	case l.depth == 0 && l.has(opWithin, opAfter, opEarly):
		return errors.New("within, after and early compare with a parent: this line has none above")
	case l.depth > 0 && l.has(opRoot, opOrphan):
		return errors.New("root and orphan are for unindented lines: this one has a parent above")
	}
	return nil
}

// Expectation is all expected traces of one file.
type Expectation struct {
	sections []*Section
	root     *node // its children are the sections that stand for one trace each
	nodes    []*node
	labels   map[string]*node
	users    map[*node][]*node // labelled node → nodes whose assertions name it
}

// NewExpectation puts the sections of one file together. It returns an error, joined of *[Error]s,
// when a label is defined twice or not at all, or when sections exclude each other.
func NewExpectation(sections ...*Section) (*Expectation, error) {
	x := &Expectation{
		sections: sections,
		root:     &node{},
		labels:   make(map[string]*node),
		users:    make(map[*node][]*node),
	}
	var errs []error
	for _, s := range sections {
		switch {
		case s.none && len(sections) > 1:
			errs = append(errs, s.errorf(s.line, "none allows no other trace section"))
		case s.any && x.root.open:
			errs = append(errs, s.errorf(s.line, "a second section of only ..."))
		}
		x.root.open = x.root.open || s.any
		if !s.any && !s.none {
			x.root.children = append(x.root.children, s.root)
		}
	}
	x.number(x.root)
	errs = append(errs, x.define()...)
	errs = append(errs, x.resolve()...)
	return x, errors.Join(errs...)
}

func (s *Section) errorf(num int, format string, args ...any) error {
	return &Error{File: s.file, Line: num, Msg: fmt.Sprintf(format, args...)}
}

func (x *Expectation) number(n *node) {
	n.id = len(x.nodes)
	x.nodes = append(x.nodes, n)
	for _, c := range n.children {
		x.number(c)
	}
}

func (x *Expectation) define() []error {
	var errs []error
	for _, n := range x.nodes {
		if n.line == nil || n.line.label() == "" {
			continue
		}
		label := n.line.label()
		if first, ok := x.labels[label]; ok {
			errs = append(errs, n.section.errorf(n.line.num,
				"label @%s is already on line %d", label, first.line.num))
			continue
		}
		x.labels[label] = n
	}
	return errs
}

func (x *Expectation) resolve() []error {
	var errs []error
	for _, n := range x.nodes {
		if n.line == nil {
			continue
		}
		for _, a := range n.line.asserts {
			if a.target.label == "" {
				continue
			}
			to, ok := x.labels[a.target.label]
			if !ok {
				errs = append(errs, n.section.errorf(n.line.num,
					"label @%s is on no span of this file", a.target.label))
				continue
			}
			if !slices.Contains(x.users[to], n) {
				x.users[to] = append(x.users[to], n)
			}
		}
	}
	return errs
}

// HasLabel says whether a span is labelled so.
func (x *Expectation) HasLabel(label string) bool { return x.labels[label] != nil }

// Ref is the use of a variable in a tree or a log line.
type Ref struct {
	Name string
	Line int
}

// Refs returns every variable that the trees use, in order of lines.
func (x *Expectation) Refs() []Ref {
	var out []Ref
	for _, n := range x.nodes {
		if n.line != nil {
			out = append(out, n.line.refs()...)
		}
	}
	return out
}

func (l *line) refs() []Ref {
	var out []Ref
	for _, a := range l.asserts {
		for _, t := range []text{a.value, a.target.id} {
			for _, p := range t {
				if p.ref != "" {
					out = append(out, Ref{Name: p.ref, Line: l.num})
				}
			}
		}
	}
	return out
}
