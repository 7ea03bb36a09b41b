// Package suite runs many scenarios: which of them at the same time, against
// which services, and in which order their results are told. accounts.go
// checks afterwards that no span was lost on the way.
package suite

import (
	"context"
	"maps"
	"slices"
	"sync"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/lab/internal/backend"
)

// Result is what came out of a scenario, and what the backends hold of it. Its JSON is a line of
// lab run --json.
type Result struct {
	scenario.Result
	// Backends has a report by name for each backend that was asked; none was when the run itself
	// failed.
	Backends map[string]backend.Report `json:"backends,omitempty"`
}

// Target is a platform, and where its spans can be found.
type Target struct {
	Fleet  scenario.Fleet
	Source scenario.Source
}

// Config says what to run against.
type Config struct {
	// Shared is the platform of all scenarios that can share one.
	Shared Target
	// Private starts a platform for one scenario that cannot share one, and
	// returns how to stop it. Nil: there is only the shared one, where such
	// scenarios run one by one after the others.
	Private func(context.Context, *scenario.Scenario) (Target, func() error, error)
	// Parallel is how many scenarios run at the same time, at least 1.
	Parallel int
	// Verify reads what a scenario caused back from backends, if it passed. Nil: nothing is read.
	Verify *backend.Verifier
	// Report is told each result, in the order of the scenarios and one at a
	// time.
	Report func(*scenario.Scenario, Result)
}

// Run runs all scenarios and returns their results in the given order. An error
// in a result's Err is one of input; everything else is in Pass and Diff.
func Run(ctx context.Context, cfg Config, scenarios []*scenario.Scenario) []Result {
	out := newOutput(cfg.Report, scenarios)
	slots := make(chan struct{}, max(cfg.Parallel, 1))
	var (
		all   sync.WaitGroup
		alone []int
	)
	for i, sc := range scenarios {
		if sc.Private() && cfg.Private == nil {
			alone = append(alone, i)
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			out.set(i, cfg.one(ctx, sc))
		})
	}
	all.Wait()
	for _, i := range alone {
		out.set(i, cfg.run(ctx, cfg.Shared, scenarios[i]))
	}
	return out.results
}

// one runs a scenario where it belongs.
func (c Config) one(ctx context.Context, sc *scenario.Scenario) Result {
	if !sc.Private() {
		return c.run(ctx, c.Shared, sc)
	}
	target, stop, err := c.Private(ctx, sc)
	if err != nil {
		return failed(sc, err)
	}
	result := c.run(ctx, target, sc)
	if err := stop(); err != nil && result.Pass {
		return failed(sc, err)
	}
	return result
}

func (c Config) run(
	ctx context.Context, target Target, sc *scenario.Scenario,
) Result {
	runner := scenario.Runner{Fleet: target.Fleet, Source: target.Source}
	result := Result{Result: runner.Run(ctx, sc)}
	if c.Verify == nil || !result.Pass {
		return result
	}
	result.Backends = c.Verify.Verify(ctx, sc, target.Source, result.Result)
	for _, name := range slices.Sorted(maps.Keys(result.Backends)) {
		report := result.Backends[name]
		result.Pass = result.Pass && report.Pass
		result.Diff += report.Diff
	}
	return result
}

func failed(sc *scenario.Scenario, err error) Result {
	return Result{Result: scenario.Result{Scenario: sc.Name, Diff: sc.File + ": " + err.Error()}}
}

// output tells results in order although they come in any order.
type output struct {
	report    func(*scenario.Scenario, Result)
	scenarios []*scenario.Scenario

	mu      sync.Mutex
	results []Result
	done    []bool
	told    int
}

func newOutput(
	report func(*scenario.Scenario, Result), scenarios []*scenario.Scenario,
) *output {
	return &output{report: report, scenarios: scenarios,
		results: make([]Result, len(scenarios)), done: make([]bool, len(scenarios))}
}

func (o *output) set(i int, r Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.results[i], o.done[i] = r, true
	for ; o.told < len(o.done) && o.done[o.told]; o.told++ {
		if o.report != nil {
			o.report(o.scenarios[o.told], o.results[o.told])
		}
		// Spans and logs of a whole run need not be kept.
		o.results[o.told].Journey = scenario.Journey{}
	}
}
