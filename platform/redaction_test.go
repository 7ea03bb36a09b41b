package platform_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/internal/telemetry"
)

func redaction(t *testing.T) *scenario.Scenario {
	t.Helper()
	all, err := scenario.Load(os.DirFS("../scenarios"), "redaction.txtar")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d scenarios, %v", len(all), err)
	}
	return all[0]
}

// Without redaction the canaries are where instrumentation has put them: the scenario can fail.
func TestRedactionIsWhatHidesTheCanaries(t *testing.T) {
	t.Parallel()
	r := startWith(t, redisAddr(t), func(cfg *telemetry.Config) { cfg.Unredacted = true })
	runner := scenario.Runner{Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second}
	result := runner.Run(t.Context(), redaction(t))
	if result.Pass || result.Err != nil {
		t.Fatalf("pass %v, error %v, want a failure", result.Pass, result.Err)
	}
	for _, place := range []string{"user_agent.original", "url.path", "attribute http.request.header.tracestate"} {
		if !strings.Contains(result.Diff, place) {
			t.Errorf("no canary in %s:\n%s", place, result.Diff)
		}
	}
}

// The canaries are in no log line on stdout, in no metric and, but for the name that a customer
// has given, in no state either.
func TestCanariesAreInNoOtherPlace(t *testing.T) {
	t.Parallel()
	addr := redisAddr(t)
	r := start(t, addr)
	runner := scenario.Runner{Fleet: r.Fleet(), Source: r.store, Deadline: 20 * time.Second}
	if result := runner.Run(t.Context(), redaction(t)); !result.Pass {
		t.Fatalf("\n%s", result.Diff)
	}
	// Paid for, so that a token that was needed for a while is found if it is still there.
	path := r.quoted(t)
	r.must(t, "POST", path+"/payment", `{"card_token":"tok_visa"}`)
	r.must(t, "POST", path+"/confirm", "")
	r.quiesce(t)

	where := map[string]string{"stdout": strings.Join(r.stdout.all(), "\n")}
	for _, reader := range r.metrics {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		where["metrics"] += string(text)
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	where["redis"] = dump(t, client, r.prefix)
	for place, text := range where {
		if len(text) < 1000 {
			t.Errorf("%s: %q, want more to look at", place, text)
		}
		canaries := []string{"canary", "4111111111111111", "4111 1111", "4111-1111"}
		if place == "redis" {
			text = customer.ReplaceAllString(text, "")
			canaries = append(canaries, "tok_visa")
		}
		for _, canary := range canaries {
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("%s holds %s: %s", place, canary, text[max(0, i-100):min(len(text), i+60)])
			}
		}
	}
}
