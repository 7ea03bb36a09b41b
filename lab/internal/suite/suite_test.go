package suite

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/tracetree"
)

// Results come in any order and are told in that of the scenarios.
func TestResultsAreToldInOrder(t *testing.T) {
	t.Parallel()
	var told []string
	scenarios := []*scenario.Scenario{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	out := newOutput(func(sc *scenario.Scenario, r Result) {
		told = append(told, sc.Name+r.Scenario)
	}, scenarios)
	for step, want := range []string{"", "", "aa bb cc"} {
		i := 2 - step
		out.set(i, Result{Result: scenario.Result{Scenario: scenarios[i].Name}})
		if got := strings.Join(told, " "); got != want {
			t.Errorf("after %d results: told %q, want %q", step+1, got, want)
		}
	}
}

// three are a scenario that must be alone and two that need not.
func three(t *testing.T) []*scenario.Scenario {
	t.Helper()
	var all []*scenario.Scenario
	for name, more := range map[string]string{"a": "-- alone --\na batch\n", "b": "", "c": ""} {
		text := fmt.Sprintf("Claim.\n-- turns --\nGET gateway /%s\nstatus 200\n%s-- trace --\n...\n",
			name, more)
		sc, err := scenario.Parse(name+".txtar", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sc)
	}
	slices.SortFunc(all, func(x, y *scenario.Scenario) int { return strings.Compare(x.Name, y.Name) })
	return all
}

// gateway counts who was served, in order.
type gateway struct {
	mu     sync.Mutex
	served []string
}

func (g *gateway) target(t *testing.T) Target {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.served = append(g.served, r.URL.Path)
	}))
	t.Cleanup(server.Close)
	return Target{Fleet: scenario.Fleet{Targets: map[string]string{"gateway": server.URL}},
		Source: tracetree.New(1)}
}

func TestAloneRunsAfterTheOthersOnASharedPlatform(t *testing.T) {
	t.Parallel()
	var shared gateway
	Run(t.Context(), Config{Shared: shared.target(t), Parallel: 3}, three(t))
	if n := len(shared.served); n != 3 || shared.served[2] != "/a" {
		t.Errorf("served %q, want /a last of three", shared.served)
	}
}

func TestAloneGetsAPlatformOfItsOwn(t *testing.T) {
	t.Parallel()
	var shared, private gateway
	stopped := 0
	Run(t.Context(), Config{Shared: shared.target(t), Parallel: 1,
		Private: func(context.Context, *scenario.Scenario) (Target, func() error, error) {
			return private.target(t), func() error { stopped++; return nil }, nil
		}}, three(t))
	if len(shared.served) != 2 || !slices.Equal(private.served, []string{"/a"}) || stopped != 1 {
		t.Errorf("shared served %q, private %q, stopped %d", shared.served, private.served, stopped)
	}
}
