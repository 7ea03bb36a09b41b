// Package suite runs many scenarios: which of them at the same time, against
// which services, and in which order their results are told. accounts.go
// checks afterwards that no span was lost on the way.
package suite

import (
	"context"
	"sync"

	"example.com/throughline/internal/scenario"
)

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
	// Report is told each result, in the order of the scenarios and one at a
	// time.
	Report func(*scenario.Scenario, scenario.Result)
}

// Run runs all scenarios and returns their results in the given order. An error
// in a result's Err is one of input; everything else is in Pass and Diff.
func Run(ctx context.Context, cfg Config, scenarios []*scenario.Scenario) []scenario.Result {
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
func (c Config) one(ctx context.Context, sc *scenario.Scenario) scenario.Result {
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
) scenario.Result {
	runner := scenario.Runner{Fleet: target.Fleet, Source: target.Source}
	return runner.Run(ctx, sc)
}

func failed(sc *scenario.Scenario, err error) scenario.Result {
	return scenario.Result{Scenario: sc.Name, Diff: sc.File + ": " + err.Error()}
}

// output tells results in order although they come in any order.
type output struct {
	report    func(*scenario.Scenario, scenario.Result)
	scenarios []*scenario.Scenario

	mu      sync.Mutex
	results []scenario.Result
	done    []bool
	told    int
}

func newOutput(
	report func(*scenario.Scenario, scenario.Result), scenarios []*scenario.Scenario,
) *output {
	return &output{report: report, scenarios: scenarios,
		results: make([]scenario.Result, len(scenarios)), done: make([]bool, len(scenarios))}
}

func (o *output) set(i int, r scenario.Result) {
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
