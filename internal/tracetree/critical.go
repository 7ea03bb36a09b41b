package tracetree

import (
	"slices"
	"time"
)

// criticalPath returns the spans that decided how long a trace's first root took: the root, the
// child that finished last, before that child began the one that finished last by then, and so
// on. To make one of these faster is to make the request faster.
//
// A child that outlives its parent was not waited for, so it is not on the path. The exception is
// a server below a client: the call was waited for, and it is only their clocks that disagree.
func criticalPath(trace *actual) map[*actual]bool {
	path := make(map[*actual]bool)
	if len(trace.children) > 0 {
		first := trace.children[0]
		walkBack(first, first.span.End, path)
	}
	return path
}

func walkBack(a *actual, until time.Time, path map[*actual]bool) {
	path[a] = true
	children := slices.Clone(a.children)
	slices.SortStableFunc(children, func(x, y *actual) int {
		return y.span.End.Compare(x.span.End)
	})
	for _, c := range children {
		end := c.span.End
		if a.kind() == "client" && c.kind() == "server" && end.After(until) {
			end = until
		}
		if end.After(until) || !c.span.Start.Before(until) {
			continue
		}
		walkBack(c, end, path)
		until = c.span.Start
	}
}
