package platform_test

import (
	"os"
	"testing"
	"time"

	"example.com/throughline/internal/scenario"
)

// What no scenario can say: that there is no other record, and no other kind of span.
func TestEveryFailureIsLoggedOnceByEachService(t *testing.T) {
	t.Parallel()
	all, err := scenario.Load(os.DirFS("../scenarios"), "errors.txtar")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d scenarios, %v", len(all), err)
	}
	r := start(t, redisAddr(t))
	runner := scenario.Runner{Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second}
	result := runner.Run(t.Context(), all[0])
	if !result.Pass {
		t.Fatalf("\n%s", result.Diff)
	}
	for _, s := range result.Journey.Spans {
		_, typed := s.Attributes["error.type"]
		if (s.Status == "error") != typed || s.Status == "ok" {
			t.Errorf("%s %s %s: status %s, error.type %v", s.Service, s.Kind, s.Name, s.Status, typed)
		}
		if s.Kind == "internal" && s.StatusMessage != "" {
			t.Errorf("%s: status text %q, want none", s.Name, s.StatusMessage)
		}
	}
	got := make(map[string]int)
	for _, l := range result.Journey.Logs {
		if l.Severity == "WARN" || l.Severity == "ERROR" {
			got[l.Service+" "+l.Body]++
		}
	}
	want := map[string]int{
		"gateway request failed": 1, "order request failed": 1, "payment call failed": 1,
		"payment payment not settled": 1,
	}
	for record, n := range want {
		if got[record] != n {
			t.Errorf("%s: %d records, want %d", record, got[record], n)
		}
		delete(got, record)
	}
	if len(got) > 0 {
		t.Errorf("other records: %v", got)
	}
}
