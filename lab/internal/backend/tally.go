package backend

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Tally adds up what backends hold of many scenarios.
type Tally struct {
	sums map[string]*sum
}

type sum struct {
	scenarios, failed    int
	traces, spans, equal int
	changed              map[string]int
}

// Add counts the reports of one scenario.
func (t *Tally) Add(reports map[string]Report) {
	if t.sums == nil {
		t.sums = make(map[string]*sum)
	}
	for name, r := range reports {
		s := t.sums[name]
		if s == nil {
			s = &sum{changed: make(map[string]int)}
			t.sums[name] = s
		}
		s.scenarios++
		if !r.Pass {
			s.failed++
		}
		s.traces += r.Traces
		s.spans += r.Spans
		s.equal += r.Equal
		for field, n := range r.Changed {
			s.changed[field] += n
		}
	}
}

// Table renders one line for each backend, and one for each rule that has undone a change. It is
// empty when nothing has been added.
func (t *Tally) Table() string {
	if len(t.sums) == 0 {
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "backend\tscenarios\tfailed\ttraces\tspans\tequal\t\n")
	for _, name := range t.names() {
		s := t.sums[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n",
			name, s.scenarios, s.failed, s.traces, s.spans, s.equal)
	}
	w.Flush()
	for _, r := range Rules() {
		if sum := t.sums[r.Backend]; sum != nil && sum.changed[r.Field] > 0 {
			fmt.Fprintf(&b, "  %s: %s of %s became %s: %s\n", r.Backend, r.Field,
				spans(sum.changed[r.Field]), r.Becomes, r.Reason)
		}
	}
	return b.String()
}

func spans(n int) string {
	if n == 1 {
		return "1 span"
	}
	return fmt.Sprintf("%d spans", n)
}

func (t *Tally) names() []string {
	return slices.DeleteFunc(Names(), func(name string) bool { return t.sums[name] == nil })
}
