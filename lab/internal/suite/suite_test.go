package suite

import (
	"strings"
	"testing"

	"example.com/throughline/internal/scenario"
)

// Results come in any order and are told in that of the scenarios.
func TestResultsAreToldInOrder(t *testing.T) {
	t.Parallel()
	var told []string
	scenarios := []*scenario.Scenario{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	out := newOutput(func(sc *scenario.Scenario, r scenario.Result) {
		told = append(told, sc.Name+r.Scenario)
	}, scenarios)
	for step, want := range []string{"", "", "aa bb cc"} {
		i := 2 - step
		out.set(i, scenario.Result{Scenario: scenarios[i].Name})
		if got := strings.Join(told, " "); got != want {
			t.Errorf("after %d results: told %q, want %q", step+1, got, want)
		}
	}
}
