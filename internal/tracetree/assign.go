package tracetree

// assign finds a matching that gives each of n things one of m others, by augmenting paths. The
// lower things choose first and prefer the lower others. It is false when some must go without.
func assign(n, m int, fits func(i, k int) bool) ([]int, bool) {
	mt := newMatching(n, m, fits)
	for i := range n {
		if !mt.augment(i, make([]bool, m)) {
			return nil, false
		}
	}
	return mt.left, true
}

// assignMost is assign for when not all can be served: those who go without have -1.
func assignMost(n, m int, fits func(i, k int) bool) []int {
	mt := newMatching(n, m, fits)
	for i := range n {
		mt.augment(i, make([]bool, m))
	}
	return mt.left
}

// matching is a bipartite matching under construction. Things below fixed are not moved.
type matching struct {
	left, right []int // -1 is free
	fixed       int
	fits        func(i, k int) bool
}

func newMatching(n, m int, fits func(i, k int) bool) *matching {
	mt := &matching{left: make([]int, n), right: make([]int, m), fits: fits}
	for i := range mt.left {
		mt.left[i] = -1
	}
	mt.invert()
	return mt
}

func (mt *matching) invert() {
	for k := range mt.right {
		mt.right[k] = -1
	}
	for i, k := range mt.left {
		if k >= 0 {
			mt.right[k] = i
		}
	}
}

func (mt *matching) augment(i int, seen []bool) bool {
	for k := range mt.right {
		if seen[k] || !mt.fits(i, k) {
			continue
		}
		seen[k] = true
		owner := mt.right[k]
		if owner >= 0 && owner < mt.fixed {
			continue
		}
		if owner < 0 || mt.augment(owner, seen) {
			mt.left[i], mt.right[k] = k, i
			return true
		}
	}
	return false
}
