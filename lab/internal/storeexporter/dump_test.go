package storeexporter

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestDumpNeedsADirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := NewDump(file); err == nil {
		t.Errorf("NewDump on a file: %v, want an error", d)
	}
}

func TestNoDump(t *testing.T) {
	t.Parallel()
	var d *Dump
	if err := d.traces(ptrace.NewTraces()); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// Two pipelines write at once; each line must still be one whole request that
// another OTLP reader understands.
func TestDumpLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := NewDump(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	var writers sync.WaitGroup
	for range n {
		writers.Go(func() { dumpOne(t, d) })
	}
	writers.Wait()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func([]byte) (string, error){
		TracesFile: func(line []byte) (string, error) {
			data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
			return Spans(data)[0].Name, err
		},
		LogsFile: func(line []byte) (string, error) {
			data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
			return Logs(data)[0].Body, err
		},
		MetricsFile: func(line []byte) (string, error) {
			data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
			metric := data.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
			return metric.Name(), err
		},
	} {
		checkLines(t, filepath.Join(dir, "new", name), n, read)
	}
}

func dumpOne(t *testing.T, d *Dump) {
	spans, records, points := ptrace.NewTraces(), plog.NewLogs(), pmetric.NewMetrics()
	spans.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().
		SetName("a name\nof two lines")
	records.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().
		Body().SetStr("a name\nof two lines")
	points.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().
		SetName("a name\nof two lines")
	for _, err := range []error{d.traces(spans), d.logs(records), d.metrics(points)} {
		if err != nil {
			t.Error(err)
		}
	}
}

func checkLines(t *testing.T, path string, want int, read func([]byte) (string, error)) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); got++ {
		name, err := read(lines.Bytes())
		if err != nil || name != "a name\nof two lines" {
			t.Errorf("%s:%d: %q, %v", filepath.Base(path), got+1, name, err)
		}
	}
	if got != want {
		t.Errorf("%s has %d lines, want %d", filepath.Base(path), got, want)
	}
}
