package tracetree

import (
	"cmp"
	"slices"
	"strings"
)

// alignment pairs lines with the spans that they most likely meant, so that a failure shows what
// differs rather than two whole trees.
type alignment struct {
	m      *matcher
	scores map[[2]int]int
	pair   []*actual         // by node id
	lineOf map[*actual]*node // the inverse of pair
}

// align pairs as much as it can. When the tree fits and only links do not, that fit is taken.
func (m *matcher) align() *alignment {
	al := &alignment{
		m:      m,
		scores: make(map[[2]int]int),
		pair:   make([]*actual, len(m.x.nodes)),
		lineOf: make(map[*actual]*node),
	}
	m.free = true
	if m.solve() {
		for id, a := range m.bound {
			al.set(m.x.nodes[id], a)
		}
		return al
	}
	al.descend(m.x.root, m.forest.root)
	return al
}

func (al *alignment) set(n *node, a *actual) {
	al.pair[n.id] = a
	al.lineOf[a] = n
}

func (al *alignment) descend(n *node, a *actual) {
	al.set(n, a)
	for i, k := range al.children(n, a) {
		if k >= 0 {
			al.descend(n.children[i], a.children[k])
		}
	}
}

// children pairs what matches as a whole first, then greedily by likeness.
func (al *alignment) children(n *node, a *actual) []int {
	left := assignMost(len(n.children), len(a.children), func(i, k int) bool {
		return al.m.feasible(n.children[i], a.children[k])
	})
	taken := make(map[int]bool)
	for _, k := range left {
		taken[k] = true
	}
	for _, c := range al.candidates(n, a, left, taken) {
		if left[c.i] < 0 && !taken[c.k] {
			left[c.i] = c.k
			taken[c.k] = true
		}
	}
	return left
}

type candidate struct{ i, k, score int }

func (al *alignment) candidates(n *node, a *actual, left []int, taken map[int]bool) []candidate {
	var out []candidate
	for i, c := range n.children {
		for k, b := range a.children {
			if left[i] >= 0 || taken[k] {
				continue
			}
			if s := al.score(c, b); s > 0 {
				out = append(out, candidate{i, k, s})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		return cmp.Or(b.score-a.score, a.i-b.i, a.k-b.k)
	})
	return out
}

// score says how alike a line and a span are with everything below them; 0 is not at all.
func (al *alignment) score(n *node, a *actual) int {
	key := [2]int{n.id, a.id}
	if s, ok := al.scores[key]; ok {
		return s
	}
	s := 0
	if n.line != nil {
		s = al.likeness(n.line, a)
	}
	if n.line == nil || s > 0 {
		for i, k := range al.children(n, a) {
			if k >= 0 {
				s += al.score(n.children[i], a.children[k])
			}
		}
	}
	al.scores[key] = s
	return s
}

// likeness weighs a span by itself. Two spans that share only a kind are not alike.
func (al *alignment) likeness(l *line, a *actual) int {
	s := 0
	if l.service == a.span.Service {
		s += 40
	}
	if l.name == a.span.Name {
		s += 60
	} else {
		s += sharedWords(l.name, a.span.Name)
	}
	if l.kind == a.kind() {
		s += 30
	}
	if s < 60 {
		return 0
	}
	for _, as := range l.asserts {
		if al.m.holds(as, a) {
			s += 2
		}
	}
	return s
}

func sharedWords(a, b string) int {
	n := 0
	words := strings.Fields(b)
	for w := range strings.FieldsSeq(a) {
		if slices.Contains(words, w) {
			n += 10
		}
	}
	return min(n, 40)
}
