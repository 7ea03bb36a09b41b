package storeexporter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The files of a dump. Each line is one OTLP/JSON export request
// (TracesData, LogsData, MetricsData), in the order of arrival.
const (
	TracesFile  = "traces.jsonl"
	LogsFile    = "logs.jsonl"
	MetricsFile = "metrics.jsonl"
)

// Dump writes everything that arrives as OTLP JSON lines, so that a checker
// that knows nothing of this project can judge it. A nil *Dump writes nothing.
type Dump struct {
	spans, records, points *lines
}

// NewDump creates dir if need be, and empties the three files in it.
func NewDump(dir string) (*Dump, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("dump: %w", err)
	}
	d := &Dump{}
	for _, file := range []struct {
		name string
		to   **lines
	}{{TracesFile, &d.spans}, {LogsFile, &d.records}, {MetricsFile, &d.points}} {
		f, err := os.Create(filepath.Join(dir, file.name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("dump: %w", err), d.Close())
		}
		*file.to = &lines{file: f}
	}
	return d, nil
}

// Close completes the files. Call it when the Collector has stopped.
func (d *Dump) Close() error {
	if d == nil {
		return nil
	}
	return errors.Join(d.spans.close(), d.records.close(), d.points.close())
}

func (d *Dump) traces(data ptrace.Traces) error {
	if d == nil {
		return nil
	}
	line, err := (&ptrace.JSONMarshaler{}).MarshalTraces(data)
	return errors.Join(err, d.spans.write(line))
}

func (d *Dump) logs(data plog.Logs) error {
	if d == nil {
		return nil
	}
	line, err := (&plog.JSONMarshaler{}).MarshalLogs(data)
	return errors.Join(err, d.records.write(line))
}

func (d *Dump) metrics(data pmetric.Metrics) error {
	if d == nil {
		return nil
	}
	line, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(data)
	return errors.Join(err, d.points.write(line))
}

// lines is a file that several pipelines append whole lines to. Each line is
// written at once: whoever has seen a span in the store may read the file.
type lines struct {
	mu   sync.Mutex
	file *os.File
}

func (l *lines) write(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.file.Write(append(line, '\n'))
	return err
}

func (l *lines) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
