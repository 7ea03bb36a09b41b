package score

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxLine bounds one line of a file: an export request of a Collector is some MiB.
const maxLine = 64 << 20

// The files that Read looks for. `lab run --dump` writes them, and so does the
// Collector's file exporter when it is told these names.
const (
	tracesFile  = "traces.jsonl"
	logsFile    = "logs.jsonl"
	metricsFile = "metrics.jsonl"
)

// Read takes the OTLP JSON lines in the files traces.jsonl, logs.jsonl and
// metrics.jsonl of a directory: one TracesData, LogsData or MetricsData a line, of
// at most 64 MiB. Any two of them may be absent. An error names the file and line.
func (s *Scorer) Read(dir fs.FS) error {
	found := 0
	for _, file := range []struct {
		name string
		take func([]byte) error
	}{
		{tracesFile, func(line []byte) error {
			data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
			if err == nil {
				s.Traces(data)
			}
			return err
		}},
		{logsFile, func(line []byte) error {
			data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
			if err == nil {
				s.Logs(data)
			}
			return err
		}},
		{metricsFile, func(line []byte) error {
			data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
			if err == nil {
				s.Metrics(data)
			}
			return err
		}},
	} {
		err := eachLine(dir, file.name, file.take)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("none of %s, %s and %s is there", tracesFile, logsFile, metricsFile)
	}
	return nil
}

func eachLine(dir fs.FS, name string, take func([]byte) error) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	n := 1
	for ; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := take(lines.Bytes()); err != nil {
			return fmt.Errorf("%s:%d: want OTLP JSON: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return nil
}
