package cli

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"example.com/throughline/internal/scenario"
	"example.com/throughline/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// copyOf writes a scenario of the library to a file, with one text replaced.
func copyOf(t *testing.T, name, from, to string) string {
	t.Helper()
	text, err := fs.ReadFile(scenarios.FS, name+".txtar")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		t.Fatalf("%s does not hold %q", name, from)
	}
	file := filepath.Join(t.TempDir(), filepath.Base(name)+".txtar")
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOneChangedWordFails(t *testing.T) {
	t.Parallel()
	file := copyOf(t, "quote-fan-out", "pricing client POST", "pricing client PUT")
	r := invoke(t.Context(), "", "run", file)
	at := regexp.MustCompile(regexp.QuoteMeta(file) + `:\d+: -\s+pricing client PUT`)
	if r.code != 1 || !strings.Contains(r.out, "FAIL") || !at.MatchString(r.out) {
		t.Errorf("exit %d, want 1 and a diff like %v\n%s%s", r.code, at, r.out, r.err)
	}
}

func TestUnknownWordIsAnInputError(t *testing.T) {
	t.Parallel()
	file := copyOf(t, "quote-fan-out", "pricing client POST", "pricing clinet POST")
	r := invoke(t.Context(), "", "run", "--json", file)
	at := regexp.MustCompile(regexp.QuoteMeta(file) + `:\d+: .*clinet`)
	if r.code != 2 || !at.MatchString(r.err) || r.out != "" {
		t.Errorf("exit %d, want 2 and %v\n%s%s", r.code, at, r.out, r.err)
	}
}

func TestUnknownTargetIsAnInputError(t *testing.T) {
	t.Parallel()
	file := copyOf(t, "quote-fan-out", "POST pricing ", "POST nobody ")
	if r := invoke(t.Context(), "", "run", file); r.code != 2 ||
		!strings.Contains(r.err, file+":") || !strings.Contains(r.err, "nobody") {
		t.Errorf("exit %d, want 2 and the target\n%s%s", r.code, r.out, r.err)
	}
}

func TestRunAll(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	dump := filepath.Join(t.TempDir(), "dump")
	r := invoke(t.Context(), "", "run", "--json", "--stats", "--shuffle", "--dump", dump)
	if r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	known, err := openLibrary().list()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != len(known) {
		t.Errorf("%d lines for %d scenarios", len(lines), len(known))
	}
	for _, line := range lines {
		var res scenario.Result
		if err := json.Unmarshal([]byte(line), &res); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if !res.Pass {
			t.Errorf("%s\n%s", res.Scenario, res.Diff)
		}
	}
	for _, want := range []string{"ledger", "gateway", "ready "} {
		if !strings.Contains(r.err, want) {
			t.Errorf("standard error does not hold %q:\n%s", want, r.err)
		}
	}
	checkDump(t, dump, r.err)
}

// checkDump counts the spans in the dump against the ledger.
func checkDump(t *testing.T, dir, summary string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "traces.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	spans := 0
	for line := range bytes.Lines(data) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			t.Fatal(err)
		}
		spans += traces.SpanCount()
	}
	exported := 0
	for _, row := range regexp.MustCompile(`(?m)^\s*\w+\*?\s+\d+\s+\d+\s+(\d+)\s+\d+\s+\d+\s*$`).
		FindAllStringSubmatch(summary, -1) {
		exported += atoi(row[1])
	}
	if spans == 0 || spans != exported {
		t.Errorf("%d spans in the dump, %d exported:\n%s", spans, exported, summary)
	}
	for _, name := range []string{"logs.jsonl", "metrics.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, empty", name, err)
		}
	}
}

func atoi(digits string) (n int) {
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}
