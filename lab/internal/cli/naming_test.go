package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"example.com/throughline/lab/internal/naming"
)

// vocabulary is the semantic conventions that the services import, internal/shop, and what patterns
// declare, for they can import neither shop nor each other.
func vocabulary(t *testing.T) *naming.Vocabulary {
	t.Helper()
	dir := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "go", args...).Output()
		if err != nil {
			t.Fatalf("go %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	v, err := naming.Read(
		dir("list", "-f", "{{.Dir}}", "go.opentelemetry.io/otel/semconv/v1.43.0"),
		dir("list", "-f", "{{.Dir}}", "example.com/throughline/internal/shop"),
		filepath.Join(dir("list", "-m", "-f", "{{.Dir}}", "example.com/throughline"), "patterns"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Everything that the good scenarios cause is named as it should be, and scores well. The broken ones
// may break that too.
func TestNamesOfAFullRun(t *testing.T) {
	// Not parallel: it keeps the machine busy by itself.
	names, err := openLibrary().good()
	if err != nil {
		t.Fatal(err)
	}
	dump := t.TempDir()
	args := append([]string{"run", "--dump", dump}, names...)
	if r := invoke(t.Context(), "", args...); r.code != 0 {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	c := &naming.Checker{Vocabulary: vocabulary(t), Allowed: naming.Allowed()}
	eachLine(t, filepath.Join(dump, "traces.jsonl"), func(line []byte) error {
		data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err == nil {
			c.Traces(data)
		}
		return err
	})
	eachLine(t, filepath.Join(dump, "metrics.jsonl"), func(line []byte) error {
		data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err == nil {
			c.Metrics(data)
		}
		return err
	})
	eachLine(t, filepath.Join(dump, "logs.jsonl"), func(line []byte) error {
		data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err == nil {
			c.Logs(data)
		}
		return err
	})
	if wrong := c.Violations(); len(wrong) > 0 {
		t.Errorf("%d violations:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	goodScores(t, dump)
}

func eachLine(t *testing.T, file string, do func([]byte) error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil || len(data) == 0 {
		t.Fatalf("%s: %d bytes, %v", file, len(data), err)
	}
	for line := range bytes.Lines(data) {
		if err := do(line); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}
