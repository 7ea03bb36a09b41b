package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/throughline/lab/internal/score"
)

// scored runs `lab score --json`.
func scored(t *testing.T, args ...string) []score.Service {
	t.Helper()
	r := invoke(t.Context(), "", append([]string{"score", "--json"}, args...)...)
	if r.code != 0 {
		t.Fatalf("lab score %v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	var services []score.Service
	for line := range strings.Lines(r.out) {
		var s score.Service
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		services = append(services, s)
	}
	return services
}

// lost returns "service rule" of each rule that costs points.
func lost(services []score.Service) []string {
	var all []string
	for _, s := range services {
		for _, v := range s.Rules {
			if !v.Pass {
				all = append(all, s.Name+" "+v.ID)
			}
		}
	}
	return all
}

// goodScores checks the scores of what the good scenarios caused, which is in dump.
func goodScores(t *testing.T, dump string) {
	t.Helper()
	services := scored(t, "--from", dump)
	if len(services) != 4 {
		t.Errorf("%d services, want 4", len(services))
	}
	for _, s := range services {
		if s.Score < 95 || s.Spans == 0 || s.Logs == 0 || s.Metrics == 0 {
			t.Errorf("%s: %.1f with %d spans, %d log records, %d metrics, want 95 or more of each:\n%v",
				s.Name, s.Score, s.Spans, s.Logs, s.Metrics, lost(services))
		}
	}
}

// The page says which of the broken scenarios cost points, and that no other does.
func TestBrokenScenariosScoreAsThePageSays(t *testing.T) {
	// Not parallel, as above.
	page, err := os.ReadFile("../../../docs/score.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- score -->")
	table, _, _ = strings.Cut(table, "<!-- /score -->")
	want := make(map[string][]string)
	for _, row := range regexp.MustCompile(`(?m)^\| \[(\S+)\]\(\S+\) \| (.*) \|$`).
		FindAllStringSubmatch(table, -1) {
		want[row[1]] = strings.Split(row[2], ", ")
	}
	if len(want) < 5 {
		t.Fatalf("docs/score.md: %d rows between the markers", len(want))
	}
	broken, err := filepath.Glob("../../../scenarios/broken/*.txtar")
	if err != nil || len(broken) == 0 {
		t.Fatalf("%d broken scenarios, %v", len(broken), err)
	}
	for _, file := range broken {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if got := lost(scored(t, "broken/"+name)); !slices.Equal(got, want[name]) {
			t.Errorf("%s costs %v, docs/score.md says %v", name, got, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("docs/score.md: there is no scenario %s", name)
	}
}

func TestScoreOfADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if r := invoke(t.Context(), "", "score", "--from", dir); r.code != exitUsage ||
		!strings.Contains(r.err, "traces.jsonl") {
		t.Errorf("an empty directory: exit %d, %s", r.code, r.err)
	}
	// Somebody else's service: a root CLIENT span, and no service.instance.id.
	line := `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",` +
		`"value":{"stringValue":"theirs"}}]},"scopeSpans":[{"spans":[{"traceId":` +
		`"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","kind":3,"name":"GET"}]}]}]}`
	if err := os.WriteFile(filepath.Join(dir, "traces.jsonl"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := lost(scored(t, "--from", dir)), []string{"theirs RES-001", "theirs SPA-004"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r := invoke(t.Context(), "", "score", "--from", dir, "--min", "95")
	if r.code != exitFailed || !strings.Contains(r.out, `root CLIENT span "GET" (00f067aa0ba902b7)`) {
		t.Errorf("--min 95: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if err := os.WriteFile(filepath.Join(dir, "logs.jsonl"), []byte("\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := invoke(t.Context(), "", "score", "--from", dir); r.code != exitUsage ||
		!strings.Contains(r.err, "logs.jsonl:2: want OTLP JSON") {
		t.Errorf("nonsense: exit %d, %s", r.code, r.err)
	}
}
