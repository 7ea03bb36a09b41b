package tracetree

// matcher compares one expectation with one journey.
//
// It first decides which lines could stand for which spans when labels are left aside: a line
// stands for a span when the two agree and the line's children can be assigned to the span's
// children, a bipartite matching. Then it walks the lines from top to bottom and gives each the
// earliest span that leaves a matching for the rest, so that siblings with the same text are taken
// in the order of their start. Only when a link or trace= contradicts that choice does it go back
// and try the next one.
type matcher struct {
	x      *Expectation
	vars   map[string]string
	forest *forest
	memo   []int8 // feasible, by node id * len(forest.nodes) + actual id; 0 is not known
	bound  []*actual
	free   bool // leave labels aside
	steps  int
}

// maxSteps bounds the search among equal siblings, which is exponential at its worst.
const maxSteps = 50_000

func newMatcher(x *Expectation, j Journey, vars map[string]string) *matcher {
	f := grow(j)
	return &matcher{
		x: x, vars: vars, forest: f,
		memo: make([]int8, len(x.nodes)*len(f.nodes)),
	}
}

// solve finds the span of every line; it is false when there is no way.
func (m *matcher) solve() bool {
	m.bound = make([]*actual, len(m.x.nodes))
	m.steps = 0
	if !m.feasible(m.x.root, m.forest.root) {
		return false
	}
	m.bound[m.x.root.id] = m.forest.root
	return m.place(m.siblings(m.x.root, m.forest.root, nil))
}

// gaveUp says whether solve stopped for want of steps rather than of ways.
func (m *matcher) gaveUp() bool { return m.steps > maxSteps }

func (m *matcher) feasible(n *node, a *actual) bool {
	known := &m.memo[n.id*len(m.forest.nodes)+a.id]
	if *known == 0 {
		*known = -1
		if m.local(n, a) && m.childrenFit(n, a) {
			*known = 1
		}
	}
	return *known > 0
}

func (m *matcher) childrenFit(n *node, a *actual) bool {
	if len(n.children) > len(a.children) || (!n.open && len(n.children) < len(a.children)) {
		return false
	}
	_, ok := m.assignChildren(n, a)
	return ok
}

func (m *matcher) assignChildren(n *node, a *actual) ([]int, bool) {
	return assign(len(n.children), len(a.children), func(i, k int) bool {
		return m.feasible(n.children[i], a.children[k])
	})
}

// task is what remains to be done: the i-th of these siblings, those after it, then next.
type task struct {
	n     *node
	a     *actual
	match []int // which of a's children each of n's children may have
	i     int
	next  *task
}

func (m *matcher) siblings(n *node, a *actual, next *task) *task {
	match, _ := m.assignChildren(n, a)
	return &task{n: n, a: a, match: match, next: next}
}

func (m *matcher) place(t *task) bool {
	for t != nil && t.i == len(t.n.children) {
		t = t.next
	}
	if t == nil {
		return true
	}
	n := t.n.children[t.i]
	for k, a := range t.a.children {
		if !m.feasible(n, a) {
			continue
		}
		match, ok := m.force(t, k)
		if !ok {
			continue
		}
		if m.steps++; m.gaveUp() {
			return false
		}
		m.bound[n.id] = a
		rest := &task{n: t.n, a: t.a, match: match, i: t.i + 1, next: t.next}
		if m.consistent(n) && m.place(m.siblings(n, a, rest)) {
			return true
		}
		m.bound[n.id] = nil
	}
	return false
}

// force returns a matching in which the task's sibling has child k and all before it keep theirs.
func (m *matcher) force(t *task, k int) ([]int, bool) {
	if t.match[t.i] == k {
		return t.match, true
	}
	match := append([]int(nil), t.match...)
	owner := -1
	for i, c := range match {
		if c == k {
			owner = i
		}
	}
	if owner >= 0 && owner < t.i {
		return nil, false
	}
	match[t.i] = k
	if owner < 0 {
		return match, true
	}
	match[owner] = -1
	mt := matching{
		left: match, right: make([]int, len(t.a.children)), fixed: t.i + 1,
		fits: func(i, k int) bool { return m.feasible(t.n.children[i], t.a.children[k]) },
	}
	mt.invert()
	return match, mt.augment(owner, make([]bool, len(t.a.children)))
}

// consistent checks n and those whose assertions name n, as far as they have spans yet.
func (m *matcher) consistent(n *node) bool {
	if m.free || n.line == nil {
		return true
	}
	if !m.bindingFits(n, m.bound) {
		return false
	}
	for _, user := range m.x.users[n] {
		if m.bound[user.id] != nil && !m.bindingFits(user, m.bound) {
			return false
		}
	}
	return true
}
