package platform_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"example.com/throughline/internal/scenario"
)

// The fault is at two services. The scenario sees it at payment too, where it is about the pool.
func TestGoroutinesFailsAtPayment(t *testing.T) {
	t.Parallel()
	all, err := scenario.Load(os.DirFS("../scenarios"), "goroutines.txtar")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d scenarios, %v", len(all), err)
	}
	r := start(t, redisAddr(t))
	runner := scenario.Runner{Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second}
	all[0].Faults = []string{"worker-span-as-parent"}
	result := runner.Run(t.Context(), all[0])
	if result.Pass || result.Err != nil || !strings.Contains(result.Diff, "notify card network") {
		t.Errorf("pass %v, error %v, want a failure at notify card network:\n%s",
			result.Pass, result.Err, result.Diff)
	}
}
