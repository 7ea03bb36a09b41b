package platform_test

import (
	"os"
	"testing"
	"time"

	"example.com/throughline/internal/scenario"
)

// Every scenario, in process and without a Collector. Most share one platform and run side by
// side; one with faults, or that must be alone, gets services of its own.
func TestScenarios(t *testing.T) {
	t.Parallel()
	all, err := scenario.Load(os.DirFS("../scenarios"), "*.txtar", "broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 16 {
		t.Fatalf("got %d scenarios, want at least 16", len(all))
	}
	redis := redisAddr(t)
	shared := start(t, redis)
	for _, sc := range all {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			r := shared
			if len(sc.Faults) > 0 || sc.Alone {
				r = start(t, redis)
			}
			runner := scenario.Runner{
				Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second,
			}
			if result := runner.Run(t.Context(), sc); !result.Pass {
				t.Errorf("\n%s", result.Diff)
			}
		})
	}
}

// A good scenario fails when the fault that its twin shows is on: the check can fail.
func TestFaultsBreakWhatMendsThem(t *testing.T) {
	t.Parallel()
	dir := os.DirFS("../scenarios")
	broken, err := scenario.Load(dir, "broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	redis := redisAddr(t)
	for _, twin := range broken {
		t.Run(twin.Name, func(t *testing.T) {
			t.Parallel()
			good, err := scenario.Load(dir, twin.MendedBy+".txtar")
			if err != nil || len(good) != 1 {
				t.Fatalf("mended-by %s: %d scenarios, %v", twin.MendedBy, len(good), err)
			}
			r := start(t, redis)
			runner := scenario.Runner{
				Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second,
			}
			good[0].Faults = twin.Faults
			if result := runner.Run(t.Context(), good[0]); result.Pass || result.Err != nil {
				t.Errorf("%s with %v on: pass %v, error %v, want a failure",
					twin.MendedBy, twin.Faults, result.Pass, result.Err)
			}
		})
	}
}
